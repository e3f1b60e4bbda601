"""A driver of NVIDIA's and a machine with it, made up."""

import importlib.util

import pytest

from engine.program.running import hardware

CUDA = "proc/driver/nvidia/gpus/0000:01:00.0"


class Driver:
    """NVIDIA's driver, as far as it is asked."""

    def __init__(self, knows=12_040, count=1, free=None):
        self.knows, self.count, self.free, self.held = knows, count, free, 0
        self.exclusive, self.silent = [], False

    def cuDriverGetVersion(self, number):
        number._obj.value = self.knows
        return 0

    def cuInit(self, _):
        return 0

    def cuDeviceGetCount(self, number):
        number._obj.value = self.count
        return 0

    def cuDeviceGet(self, card, ordinal):
        card._obj.value = ordinal
        return 0

    def cuDeviceGetAttribute(self, value, attribute, card):
        assert attribute == 20  # CU_DEVICE_ATTRIBUTE_COMPUTE_MODE
        value._obj.value = 3 if card.value in self.exclusive else 0
        return 999 if self.silent else 0

    def cuDevicePrimaryCtxRetain(self, *_):
        self.held += 1
        return 0

    def cuDevicePrimaryCtxRelease_v2(self, _):
        self.held -= 1
        return 0

    def cuCtxPushCurrent_v2(self, _):
        return 0

    cuCtxPopCurrent_v2 = cuCtxPushCurrent_v2

    def cuMemGetInfo_v2(self, free, total):
        if self.free is None:
            return 999
        free._obj.value = self.free
        return 0


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes a machine up."""

    def make(plugins, folder, driver):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(hardware, "_ROOT", tmp_path)
        monkeypatch.setattr(hardware, "_driver", lambda: driver)
        real = importlib.util.find_spec
        there = lambda name: name in plugins if name.startswith("jax_") else real(name)  # noqa: E731
        monkeypatch.setattr(hardware.importlib.util, "find_spec", there)
        monkeypatch.delenv("JAX_PLATFORMS", raising=False)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return make
