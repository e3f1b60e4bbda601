"""Finds this machine's processors and graphics cards: which can be used, why others cannot, free memory."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend.backend import clear_backends
from jax.sharding import Mesh

from engine.errors import install
from engine.program.contract import in_words
from engine.program.xla import AXIS

OLDEST = 7.5
"""Least compute capability of a card that is used."""
PATIENCE = 180.0
"""Time limit for JAX to start the cards [s]; about forty times the estimate."""
_START = f"import signal; signal.alarm({PATIENCE + 1:.0f}); import jax; jax.local_devices(backend='cuda')"
"""The script of the process that starts cards; the system ends it, in case this process was killed and cannot."""
_RESTART = " Where nvidia-smi fails too, restart the machine."
_ASLEEP: list[str | None] = []
"""While JAX is restricted to processors: the value of `jax_platforms` to restore once cards are wanted; else empty."""
_FAILED: list[str] = []
"""Why this process uses no card; empty as long as it may."""
_ROOT = Path("/")
_PLUGINS = {"jax_cuda12_plugin": (12_000, "525"), "jax_cuda13_plugin": (13_000, "580")}
"""JAX's package for NVIDIA's cards -> (CUDA version that it needs, 1000 major + 10 minor; oldest driver with it)."""


class NoCard(Exception):
    """Raised where no card of this machine can be used; its arguments are sentences that say why, and what helps."""


def processors() -> Mesh:
    """This machine's processors, as JAX devices along one axis."""
    return Mesh(np.array(jax.local_devices(backend="cpu")), (AXIS,))


def cards_wanted() -> bool:
    """Whether a package of JAX for cards is installed, and no environment variable hides the cards."""
    return bool(_plugins()) and not _hidden()


def keep_asleep() -> None:
    """Keeps JAX from starting cards until `cards` is called.

    JAX would start all of them at its first use, and hang if one of them hangs. To be called before JAX is first used.
    """
    if not _ASLEEP:
        _ASLEEP.append(jax.config.jax_platforms)  # type: ignore[attr-defined]
        jax.config.update("jax_platforms", "cpu")


def visible_cards() -> list[str]:
    """Names, as in `CUDA_VISIBLE_DEVICES`, of the cards that this process may see; empty without JAX for CUDA.

    No card is started.
    """
    if not _plugins():
        return []
    if (shown := _shown()) is not None:
        return shown
    listed = [*(_ROOT / "proc/driver/nvidia/gpus").glob("*")]
    return [str(k) for k in range(max(len(listed), 1))]  # WSL2 lists none


def cards() -> tuple[list[Any], str]:
    """(the cards to use as JAX devices: most of one kind; which others are left out as a sentence or "").

    Where `keep_asleep` has kept JAX from starting cards, this process starts them once another one has, as a test: a
    start that hangs holds a lock without which JAX computes nothing on processors either, and one that crashes ends its
    process.

    Raises:
      NoCard: there is no card, or they do not start, which is not tried again.
    """
    if wrong := _FAILED or obstacles():
        raise NoCard(*wrong)
    if _ASLEEP:
        if why := _start_apart():
            give_up(why)
            raise NoCard(why)
        jax.config.update("jax_platforms", _ASLEEP.pop())
        clear_backends()
    try:
        row = jax.local_devices(backend="cuda")
    except RuntimeError as failure:
        raise NoCard(_not_found(failure)) from None
    kinds = Counter(card.device_kind for card in row)
    ((kind, _), *others) = kinds.most_common()  # of as many the first, as CUDA lists the fastest card first
    chosen = [card for card in row if card.device_kind == kind]
    if capability(chosen[0]) < OLDEST:
        raise NoCard(f"{kind} has capability {capability(chosen[0])}, and the code needs {OLDEST}.")
    rest = ", ".join(f"{count} x {name}" for name, count in others)
    return chosen, f"a run takes cards of one kind: {rest} left out" if rest else ""


def _start_apart() -> str:
    """Starts the cards in another process, with a time limit; why they did not start, as a sentence, or ""."""
    command = [sys.executable, "-P", "-c", _START]
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    with tempfile.TemporaryFile() as told:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=told, env=environment)
        try:
            ended = child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            with suppress(subprocess.TimeoutExpired):  # one that hangs in a driver may never end
                child.wait(1)
            return f"the start of the cards had not ended after {PATIENCE:,.0f} s.{_RESTART}"
        told.seek(0)
        last = told.read().decode(errors="replace").strip().rpartition("\n")[2] or "without a word"
    if ended < 0:
        return f"the start of the cards ended by {signal.Signals(-ended).name}: {last}.{_RESTART}"
    return _not_found(last) if ended else ""


def give_up(why: str) -> None:
    """Keeps this process from using cards from here on.

    Args:
      why: the reason, a sentence.
    """
    _FAILED.append(why)


def _not_found(failure: BaseException | str) -> str:
    return f"JAX finds no card ({in_words(str(failure))}). nvidia-smi says whether the driver does."


def obstacles() -> list[str]:
    """Known reasons why no card of this machine can be used, each a sentence with a remedy; may be empty."""
    plugins, knows = _plugins(), cuda_of_driver()
    if not plugins and (_ROOT / "dev/kfd").exists():
        return ["this machine's cards are AMD's (ROCm), and the code is written for NVIDIA's."]
    needs, driver = max((_PLUGINS[name] for name in plugins), default=(0, ""))
    found = []
    if not plugins or not _is_installed("cuda.core"):
        found.append(f"JAX for NVIDIA's cards, or cuda.core, is not installed: {install('cuda')}.")
    found.append(_hidden())
    if not knows:
        found.append(
            "there is no NVIDIA driver (libcuda.so.1) here: nvidia-smi must list the card. Start a container with"
            " --gpus all; under WSL2 install the driver in Windows."
        )
    elif knows < needs:
        found.append(
            f"the NVIDIA driver is too old: it knows CUDA {as_cuda(knows)}, JAX here needs {as_cuda(needs)}. Install"
            f" driver {driver} or newer."
        )
    return [*filter(None, found)]


def capability(card: Any) -> float:
    """The compute capability of a card, such as 8.9."""
    return float(card.compute_capability)


def memory(mesh: Mesh) -> int:
    """Bytes that JAX may still use on every card, the least over the cards; 0 where one does not tell."""
    told = [card.memory_stats() or {} for card in mesh.devices.flat]
    return min(one.get("bytes_limit", 0) - one.get("bytes_in_use", 0) for one in told)


def cuda_of_driver() -> int:
    """CUDA version that NVIDIA's driver supports, as 1000 major + 10 minor; 0 without a driver."""
    number = ctypes.c_int()
    with suppress(OSError):
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(number))
    return number.value


def as_cuda(number: int) -> str:
    """A CUDA version as text, such as "12.4"."""
    return f"{number // 1000}.{number % 1000 // 10}"


def _plugins() -> list[str]:
    return [*filter(_is_installed, _PLUGINS)]


def _is_installed(name: str) -> bool:
    with suppress(ModuleNotFoundError):  # of the package of a module
        return bool(importlib.util.find_spec(name))
    return False


def _hidden() -> str:
    """A sentence on the environment variable that hides all cards, with a remedy; "" where none does."""
    platforms = os.environ.get("JAX_PLATFORMS", "")
    if _shown() == []:
        return f"CUDA_VISIBLE_DEVICES is '{os.environ['CUDA_VISIBLE_DEVICES']}', which shows no card. Unset it."
    if platforms and not {"cuda", "gpu"} & {*platforms.split(",")}:
        return f"JAX_PLATFORMS is '{platforms}', which leaves cards out. Unset it."
    return ""


def _shown() -> list[str] | None:
    """The cards that `CUDA_VISIBLE_DEVICES` names; None where it is not set."""
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return None if shown is None else [card.strip() for card in shown.split(",") if card.strip() not in ("", "-1")]
