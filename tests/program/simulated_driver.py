"""A driver of NVIDIA's and a machine with it, made up."""

import importlib.util

import pytest

from engine.program import hardware

CUDA = "proc/driver/nvidia/gpus/0000:01:00.0"


KNOWN = 12_040
"""A version of CUDA."""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Makes a machine up, with JAX's packages for cards, a folder and the CUDA that its driver knows, 0 without one."""

    def make(plugins, folder, knows, launcher="cuda.core"):
        plugins = [*plugins, launcher]
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        monkeypatch.setattr(hardware, "_ROOT", tmp_path)
        monkeypatch.setattr(hardware, "_ASLEEP", [])
        monkeypatch.setattr(hardware, "cuda_of_driver", lambda: knows)
        real = importlib.util.find_spec
        there = lambda name: name in plugins if name.startswith(("jax_", "cuda.")) else real(name)  # noqa: E731
        monkeypatch.setattr(hardware.importlib.util, "find_spec", there)
        monkeypatch.delenv("JAX_PLATFORMS", raising=False)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return make
