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
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend.backend import clear_backends
from jax.sharding import Mesh

from engine.errors import install
from engine.program.contract import CardFailed, in_words
from engine.program.xla import AXIS

OLDEST = 7.5
"""Least compute capability of a card that is used."""
PATIENCE = 180.0
"""Time limit for JAX to start the cards [s]; about forty times the estimate."""
_START = "import signal, sys; signal.alarm(int(sys.argv[1])); import jax; jax.local_devices(backend='cuda')"
"""The script of the process that starts cards; the system ends it, in case this process was killed and cannot."""
_RESTART = " Where nvidia-smi fails too, restart the machine."
_ASLEEP: list[str | None] = []
"""While JAX is restricted to processors: the value of `jax_platforms` to restore once cards are wanted; else empty."""
_FAILED: list[str] = []
"""Why this process uses no card; empty as long as it may."""
_ROOT = Path("/")
_PLUGINS = {"jax_cuda12_plugin": (12_000, "525"), "jax_cuda13_plugin": (13_000, "580")}
"""JAX's package for NVIDIA's cards -> (CUDA version that it needs, 1000 major + 10 minor; oldest driver with it)."""
_LAUNCHER = ("cuda.core",)
_ROCM = "jax_rocm60_plugin", "jax_rocm7_plugin"


class NoCard(Exception):
    """Raised where no card of this machine can be used; its arguments are sentences that say why, and what helps."""

    def __str__(self) -> str:
        return " ".join(self.args)


def processors() -> Mesh:
    """This machine's processors, as JAX devices along one axis."""
    return Mesh(np.array(jax.local_devices(backend="cpu")), (AXIS,))


def cards_wanted() -> bool:
    """Whether a package of JAX for cards is installed, and no environment variable hides the cards."""
    return bool(_installed(_PLUGINS) or _installed(_ROCM)) and not _hidden()


def keep_asleep() -> None:
    """Keeps JAX from starting cards until `cards` is called.

    JAX would start all of them at its first use, and hang if one of them hangs. To be called before JAX is first used.
    """
    if not _ASLEEP and (_installed(_PLUGINS) or _installed(_ROCM)):
        _ASLEEP.append(jax.config.jax_platforms)  # type: ignore[attr-defined]
        jax.config.update("jax_platforms", "cpu")


def visible_cards() -> list[str]:
    """Names, as in `CUDA_VISIBLE_DEVICES`, of the cards that this process may see; empty without JAX for CUDA.

    No card is started.
    """
    if not _installed(_PLUGINS):
        return []
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return _numbered(given)
    listed = [*(_ROOT / "proc/driver/nvidia/gpus").glob("*")]
    return [str(k) for k in range(len(listed) or _counted())]


def cards() -> tuple[list[Any], str]:
    """(the cards to use as JAX devices, which others are left out as a sentence or "").

    Where `keep_asleep` has kept JAX from starting cards, this process starts them once another one has, as a test.

    Raises:
      NoCard: there is no card, or they do not start.
    """
    if wrong := obstacles() or _FAILED:
        raise NoCard(*wrong)
    if _ASLEEP:
        _wake()
    try:
        row = jax.local_devices(backend="cuda")
    except RuntimeError as failure:
        raise NoCard(_not_found(failure)) from None
    return of_one_kind(row)


def _wake() -> None:
    """Lets JAX start cards in this process, after they have started in another one.

    A start that hangs holds a lock without which JAX computes nothing on processors either, and one that crashes ends
    its process, so it cannot be tried here.

    Raises:
      NoCard: they did not start there; this process does not try again.
    """
    if why := _start_apart():
        give_up(why)
        raise NoCard(*_FAILED)
    jax.config.update("jax_platforms", _ASLEEP.pop())
    clear_backends()


def _start_apart() -> str:
    """Starts the cards in another process, with a time limit; why they did not start, as a sentence, or ""."""
    command = [sys.executable, "-P", "-c", _START, str(int(PATIENCE) + 1)]
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
    plugins = _installed(_PLUGINS)
    if not plugins and (_installed(_ROCM) or (_ROOT / "dev/kfd").exists()):
        return ["this machine's cards are AMD's (ROCm), and the code is written for NVIDIA's."]
    absent = f"JAX for NVIDIA's cards is not installed: {install('cuda')}."
    lacking = "" if _installed(_LAUNCHER) else f"cuda.core is not installed: {install('cuda')}."
    return [*filter(None, [lacking if plugins else absent, _hidden(), _unfit_driver(plugins)])]


def of_one_kind(row: Sequence[Any]) -> tuple[list[Any], str]:
    """(the cards of one name and compute capability, which others are left out as a sentence or "").

    The kind with most cards is taken; among equals the one of higher capability, then the one that is named first.
    """
    kinds = [(card.device_kind, capability(card)) for card in row]
    counts = Counter(kinds)

    chosen = max(counts, key=lambda kind: (counts[kind], kind[1]))
    others = [f"{count} x {name}" for (name, of), count in counts.items() if (name, of) != chosen]
    words = f"a run takes cards of one kind: {', '.join(others)} left out" if others else ""
    return [card for card, kind in zip(row, kinds, strict=True) if kind == chosen], words


def capability(card: Any) -> float:
    """The compute capability of a card, such as 8.9; `OLDEST` where the card does not say."""
    return float(getattr(card, "compute_capability", OLDEST))


def refuse_too_old(mesh: Mesh) -> None:
    """Raises a CardFailed if the compute capability of a card is below `OLDEST`."""
    card = min(mesh.devices.flat, key=capability)
    if capability(card) < OLDEST:
        raise CardFailed(f"{card.device_kind} has capability {capability(card)}, and the code needs {OLDEST}")


def memory(mesh: Mesh) -> int | None:
    """Bytes that JAX may still use on every card, the least over the cards; None where a device does not tell."""
    told = [card.memory_stats() or {} for card in mesh.devices.flat]
    return min(one.get("bytes_limit", 0) - one.get("bytes_in_use", 0) for one in told) or None


def driver() -> str:
    """The CUDA version that NVIDIA's driver supports, as text; "" without a driver."""
    library = _driver()
    return "" if library is None else f"CUDA {_as_cuda(_known(library))}"


def _installed(names: Any) -> list[str]:
    with suppress(ModuleNotFoundError):  # of the package of a module
        return [name for name in names if importlib.util.find_spec(name)]
    return []


def _hidden() -> str:
    """A sentence on the environment variable that hides all cards, with a remedy; "" where none does."""
    shown, platforms = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("JAX_PLATFORMS", "")
    if shown is not None and not _numbered(shown):
        return f"CUDA_VISIBLE_DEVICES is '{shown}', which shows no card. Unset it."
    if platforms and not {"cuda", "gpu", "rocm"} & {*platforms.split(",")}:
        return f"JAX_PLATFORMS is '{platforms}', which leaves cards out. Unset it."
    return ""


def _numbered(shown: str) -> list[str]:
    return [card.strip() for card in shown.split(",") if card.strip() not in ("", "-1")]


def _unfit_driver(plugins: Sequence[str]) -> str:
    """A sentence on why NVIDIA's driver does not fit the installed JAX, with a remedy; "" where no reason is known."""
    library = _driver()
    if library is None and (_ROOT / "dev/dxg").exists():
        return "WSL2 has no libcuda. Install NVIDIA's driver in Windows, none in Linux, then wsl --shutdown."
    if library is None and (_ROOT / "proc/driver/nvidia").exists():
        return "a driver runs, but there is no libcuda.so.1 here. Install it, or start the container with --gpus all."
    if library is None:
        return "no NVIDIA driver runs on this machine. Install one: nvidia-smi must list the card."
    needs, driver = max((_PLUGINS[name] for name in plugins), default=(0, ""))
    knows = _known(library)
    if 0 < knows < needs:
        return (
            f"the NVIDIA driver is too old: it knows CUDA {_as_cuda(knows)}, JAX here needs {_as_cuda(needs)}. Install"
            f" driver {driver} or newer."
        )
    return ""


def _known(library: Any) -> int:
    """CUDA version that a driver supports, as 1000 major + 10 minor; 0 where it does not say."""
    number = ctypes.c_int()
    return 0 if library.cuDriverGetVersion(ctypes.byref(number)) else number.value


def _as_cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _driver() -> Any | None:
    """NVIDIA's driver library, libcuda; None where there is none."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None


def _counted() -> int:
    """Number of cards by the driver's count, for WSL2, where /proc lists none."""
    library, count = _driver(), ctypes.c_int()
    known = library is not None and not library.cuInit(0) and not library.cuDeviceGetCount(ctypes.byref(count))
    return count.value if known else 0
