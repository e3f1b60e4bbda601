"""A driver of NVIDIA's and a machine with it, made up."""

import importlib.util

import pytest

from engine.program import hardware

CUDA = "proc/driver/nvidia/gpus/0000:01:00.0"


class Driver:
    """NVIDIA's driver, as far as it is asked."""

    def __init__(self, knows=12_040, count=1):
        self.knows, self.count = knows, count

    def cuDriverGetVersion(self, number):
        number._obj.value = self.knows
        return 0

    def cuInit(self, _):
        return 0

    def cuDeviceGetCount(self, number):
        number._obj.value = self.count
        return 0


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes a machine up."""

    def make(plugins, folder, driver, launcher="cuda.core"):
        plugins = [*plugins, launcher]
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(hardware, "_ROOT", tmp_path)
        monkeypatch.setattr(hardware, "_driver", lambda: driver)
        real = importlib.util.find_spec
        there = lambda name: name in plugins if name.startswith(("jax_", "cuda.")) else real(name)  # noqa: E731
        monkeypatch.setattr(hardware.importlib.util, "find_spec", there)
        monkeypatch.delenv("JAX_PLATFORMS", raising=False)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return make
