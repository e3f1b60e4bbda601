"""What a graphics card needs of this machine, and which versions of what are here; no card is woken."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import platform
import re
from contextlib import suppress
from importlib import metadata
from pathlib import Path

from engine.errors import install
from engine.program import machine_code

_ROOT = Path("/")
_PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin")
_PACKAGES = ("rustbelt", "jax", "jaxlib", *_PLUGINS, "numpy")


def missing() -> list[str]:
    """A sentence for each thing that is not here and that a card needs."""
    found = []
    if not any(importlib.util.find_spec(name.replace("-", "_")) for name in _PLUGINS):
        found.append(f"JAX for NVIDIA's cards is not installed: {install('cuda')}.")
    if not _has_driver():
        found.append(
            "no NVIDIA driver answers here (libcuda.so.1). Install 525 or newer, 580 for CUDA 13; under WSL2 it is installed in Windows."
        )
    if not [*_ROOT.glob("dev/nvidia[0-9]*"), *_ROOT.glob("dev/dxg")]:
        found.append("no card is in sight. In a container, start it with --gpus all.")
    visible, platforms = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("JAX_PLATFORMS")
    if visible is not None and {*visible.replace(" ", "").split(",")} <= {"", "-1"}:
        found.append(f"CUDA_VISIBLE_DEVICES is '{visible}', which hides every card. Unset it.")
    if platforms and not {"cuda", "gpu"} & {*platforms.split(",")}:
        found.append(f"JAX_PLATFORMS is '{platforms}', which leaves cards out. Unset it.")
    return found


def driver() -> str:
    """The version of NVIDIA's driver; "none" without one."""
    with suppress(OSError):
        text = (_ROOT / "proc/driver/nvidia/version").read_text()
        version = re.search(r"\b\d{3}\.[\d.]+", text)
        return version[0] if version else text.partition("\n")[0]
    return "of a version that it does not say" if _has_driver() else "none"


def versions() -> str:
    """Versions of all that takes part in a program for a card, and the system's; nothing that names the machine."""
    packages = []
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            packages.append(f"{name} {metadata.version(name)}")
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return ", ".join([*packages, machine_code.compiler(), f"Python {platform.python_version()}", system])


def _has_driver() -> bool:
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True
