"""Finds this machine's processors and graphics cards: which can be used, why others cannot, free memory."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.extend.backend import clear_backends
from jax.sharding import Mesh

from engine.errors import install
from engine.program.running import child_process
from engine.program.running.contract import CardFailed, first_line, in_words
from engine.program.running.xla import AXIS

OLDEST = 7.5
"""Least compute capability of a card that is used."""
PATIENCE = 180.0
"""Time limit for JAX to start the cards [s]; about forty times the estimate."""
_MODULE = "engine.program.running.hardware"
_ASLEEP: list[str | None] = []
"""While JAX is restricted to processors: the value of `jax_platforms` to restore once cards are wanted; else empty."""
_STARTED = b"started"
_FAILED: list[str] = []
"""Why this process uses no card; empty as long as it may."""
_COMPUTE_MODE, _EXCLUSIVE = 20, 3
"""Numbers of the CUDA driver: the attribute "compute mode", and its value for exclusive use by one process."""
_ROOT = Path("/")
_PLUGINS = {"jax_cuda12_plugin": (12_000, "525"), "jax_cuda13_plugin": (13_000, "580")}
"""JAX's package for NVIDIA's cards -> (CUDA version that it needs, 1000 major + 10 minor; oldest driver with it)."""
_ROCM = "jax_rocm60_plugin", "jax_rocm7_plugin"


class NoCard(Exception):
    """Raised where no card of this machine can be used; its arguments are sentences that say why, and what helps."""

    def __str__(self) -> str:
        return " ".join(self.args)


def processors() -> Mesh:
    """This machine's processors, as JAX devices along one axis."""
    return Mesh(np.array(jax.local_devices(backend="cpu")), (AXIS,))


def by_number(platform: str, numbers: Sequence[int]) -> Mesh:
    """The devices of a platform with these numbers, along one axis in this order."""
    there = {device.id: device for device in jax.local_devices(backend=platform)}
    return Mesh(np.array([there[number] for number in numbers]), (AXIS,))


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

    Raises:
      NoCard: they did not start there; this process does not try again.
    """
    try:
        told = child_process.answered(_MODULE, b"", PATIENCE, "the start of the cards")
        if told != _STARTED:
            give_up(_not_found(told.decode()))
    except CardFailed as failure:
        give_up(f"{failure}. Where nvidia-smi fails too, restart the machine.")
    if _FAILED:
        raise NoCard(*_FAILED)
    jax.config.update("jax_platforms", _ASLEEP.pop())
    clear_backends()


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
    return [*filter(None, ["" if plugins else absent, _hidden(), _unfit_driver(plugins)])]


def of_one_kind(row: Sequence[Any]) -> tuple[list[Any], str]:
    """(the cards of one name and compute capability, which others are left out as a sentence or "").

    The kind with most cards is taken; among equals the one of higher capability, then of more multiprocessors, then
    the one that is named first.
    """
    kinds = [(card.device_kind, capability(card)) for card in row]
    counts = Counter(kinds)

    def rank(place: int) -> tuple[float, ...]:
        return counts[kinds[place]], kinds[place][1], getattr(row[place], "core_count", 0)

    chosen = kinds[max(range(len(row)), key=rank)]
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


def refuse_too_full(mesh: Mesh, needed: int) -> None:
    """Raises a CardFailed if a card has fewer than `needed` bytes of free memory; passes where it does not tell."""
    room = memory(mesh)
    if room is not None and room < needed:
        name, had, asked = mesh.devices.flat[0].device_kind, room >> 20, -(-needed >> 20)
        raise CardFailed(f"{name} has {had:,} MiB free and {asked:,} are needed; end what else runs there")


def refuse_exclusive(mesh: Mesh) -> None:
    """Raises a CardFailed if a card is in exclusive mode, which keeps out the process that tests the first launch."""
    for card in mesh.devices.flat:
        if getattr(card, "platform", "") == "gpu" and _mode(card.local_hardware_id) == _EXCLUSIVE:
            why = "its first launch is tried in a process of its own, which the mode EXCLUSIVE_PROCESS keeps out"
            raise CardFailed(f"{why}; nvidia-smi -c 0 lets it in")


def memory(mesh: Mesh) -> int | None:
    """Bytes that a run may use on every card, the least over the cards; None where a device does not tell.

    For a card this is what is free or held idle by JAX, and at most JAX's own limit.
    """
    rooms = []
    for card in mesh.devices.flat:
        told = card.memory_stats() or {}
        most = told.get("bytes_limit", 0)
        free = _free(card.local_hardware_id) if most and getattr(card, "platform", "") == "gpu" else None
        held = told.get("pool_bytes", 0) - told.get("bytes_in_use", 0)
        rooms.append(most if free is None else min(most, free + max(held, 0)))
    return min(rooms) or None


def driver() -> str:
    """Version of NVIDIA's driver and the CUDA version that it supports, as text; "" without a driver."""
    library, file = _driver(), _ROOT / "proc/driver/nvidia/version"
    if library is None:
        return ""
    version = re.search(r"\b\d{3}\.[\d.]+", file.read_text()) if file.exists() else None
    return f"{version[0] if version else 'of a version that it does not say'}, CUDA {_as_cuda(_known(library))}"


def _installed(names: Any) -> list[str]:
    return [name for name in names if importlib.util.find_spec(name)]


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


def _does(*asked: tuple[Any, ...]) -> bool:
    """Whether the driver is there and all calls succeed, each given as (name of the function, its arguments)."""
    library = _driver()
    return library is not None and not any(getattr(library, name)(*given) for name, *given in (("cuInit", 0), *asked))


def _counted() -> int:
    """Number of cards by the driver's count, for WSL2, where /proc lists none."""
    count = ctypes.c_int()
    return count.value if _does(("cuDeviceGetCount", ctypes.byref(count))) else 0


def _mode(ordinal: int) -> int:
    """Compute mode of a card as the driver's number; 0 if every process may use it, or the driver does not say."""
    card, mode = ctypes.c_int(), ctypes.c_int()
    get = "cuDeviceGet", ctypes.byref(card), ordinal
    return mode.value if _does(get, ("cuDeviceGetAttribute", ctypes.byref(mode), _COMPUTE_MODE, card)) else 0


def _free(ordinal: int) -> int | None:
    """Bytes of free memory on a card, all processes considered; None where the driver does not say."""
    card, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    # the context is JAX's own, which is there already
    retain = "cuDevicePrimaryCtxRetain", ctypes.byref(context), card
    if not _does(("cuDeviceGet", ctypes.byref(card), ordinal), retain):
        return None
    try:
        if not _does(("cuCtxPushCurrent_v2", context)):
            return None
        is_known = _does(("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total)))
        _does(("cuCtxPopCurrent_v2", ctypes.byref(context)))
        return free.value if is_known else None
    finally:
        _does(("cuDevicePrimaryCtxRelease_v2", card))


def _start(_: bytes) -> bytes:
    """Starts the cards in this process: `_STARTED`, or the first line of JAX's error."""
    try:
        jax.local_devices(backend="cuda")
    except RuntimeError as failure:
        return first_line(failure).encode()
    return _STARTED


if __name__ == "__main__":
    child_process.answer(_start, PATIENCE)
