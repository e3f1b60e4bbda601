"""This machine's processors and graphics cards: which cards take part, what stands in the way of any, and how much memory they have."""

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
from engine.program.running import apart
from engine.program.running.contract import CardFailed, first_line, in_words
from engine.program.running.xla import AXIS

OLDEST = 7.5
"""Capability of the oldest cards whose code was assembled and compared."""
PATIENCE = 180.0
"""Seconds that JAX may take to start cards: some forty times what that takes by counting."""
_MODULE = "engine.program.running.hardware"
_ASLEEP: list[str | None] = []
"""The platforms that JAX is to start once cards are wanted, as long as it starts processors alone."""
_STARTED = b"started"
_FAILED: list[str] = []
"""Why this process takes no card."""
_COMPUTE_MODE, _EXCLUSIVE = 20, 3
"""The driver's numbers of what it is asked for, and of its answer that a card lets one process in."""
_ROOT = Path("/")
_PLUGINS = {"jax_cuda12_plugin": (12_000, "525"), "jax_cuda13_plugin": (13_000, "580")}
"""JAX for cards; the CUDA that a driver must know for it, as 1000 major + 10 minor, and the first driver that does."""
_ROCM = "jax_rocm60_plugin", "jax_rocm7_plugin"


class NoCard(Exception):
    """No card of this machine can be used; why, and what helps, are the arguments, a sentence each."""

    def __str__(self) -> str:
        return " ".join(self.args)


def processors() -> Mesh:
    """This machine's processors in a row."""
    return Mesh(np.array(jax.local_devices(backend="cpu")), (AXIS,))


def by_number(platform: str, numbers: Sequence[int]) -> Mesh:
    """Devices of a platform in a row, by their numbers."""
    there = {device.id: device for device in jax.local_devices(backend=platform)}
    return Mesh(np.array([there[number] for number in numbers]), (AXIS,))


def cards_wanted() -> bool:
    """Whether this machine has been made ready for cards, and nothing in the environment hides them."""
    return bool(_installed(_PLUGINS) or _installed(_ROCM)) and not _hidden()


def keep_asleep() -> None:
    """Has JAX start no card before `cards` is asked for any: it would start all of them at its first use, and one that hangs would hang it.

    To be called before JAX is first used.
    """
    if not _ASLEEP and (_installed(_PLUGINS) or _installed(_ROCM)):
        _ASLEEP.append(jax.config.jax_platforms)  # type: ignore[attr-defined]
        jax.config.update("jax_platforms", "cpu")


def visible_cards() -> list[str]:
    """What `CUDA_VISIBLE_DEVICES` calls each card that this process may see, without waking any; none without JAX for CUDA."""
    if not _installed(_PLUGINS):
        return []
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return _numbered(given)
    listed = [*(_ROOT / "proc/driver/nvidia/gpus").glob("*")]
    return [str(k) for k in range(len(listed) or _counted())]


def cards() -> tuple[list[Any], str]:
    """The cards that take part, as JAX has them, and in words which are left out.

    Where JAX has been kept from starting them, another process starts them first.

    Raises:
      NoCard: there is none, or they do not start.
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
    """Has JAX start cards from here on, once they have started for another process.

    Raises:
      NoCard: they have not; it is not tried again.
    """
    try:
        told = apart.answered(_MODULE, b"", PATIENCE, "the start of the cards")
        if told != _STARTED:
            give_up(_not_found(told.decode()))
    except CardFailed as failure:
        give_up(f"{failure}. Where nvidia-smi fails too, restart the machine.")
    if _FAILED:
        raise NoCard(*_FAILED)
    jax.config.update("jax_platforms", _ASLEEP.pop())
    clear_backends()


def give_up(why: str) -> None:
    """Has this process take no card from here on.

    Args:
      why: a sentence.
    """
    _FAILED.append(why)


def _not_found(failure: BaseException | str) -> str:
    return f"JAX finds no card ({in_words(str(failure))}). nvidia-smi says whether the driver does."


def obstacles() -> list[str]:
    """What keeps every card of this machine from being used, and what helps, a sentence each; none where nothing is known to."""
    plugins = _installed(_PLUGINS)
    if not plugins and (_installed(_ROCM) or (_ROOT / "dev/kfd").exists()):
        return ["this machine's cards are AMD's (ROCm), and the code is written for NVIDIA's."]
    absent = f"JAX for NVIDIA's cards is not installed: {install('cuda')}."
    return [*filter(None, ["" if plugins else absent, _hidden(), _unfit_driver(plugins)])]


def of_one_kind(row: Sequence[Any]) -> tuple[list[Any], str]:
    """Cards of one name and capability, and in words which others are left out.

    The most that there are; of as many, those of the higher capability, then those with more multiprocessors, then those
    that come first.
    """
    kinds = [(card.device_kind, capability(card)) for card in row]
    counts = Counter(kinds)

    def rank(place: int) -> tuple[float, ...]:
        return counts[kinds[place]], kinds[place][1], getattr(row[place], "core_count", 0), -place

    chosen = kinds[max(range(len(row)), key=rank)]
    others = [f"{count} x {name}" for (name, of), count in counts.items() if (name, of) != chosen]
    words = f"a run takes cards of one kind: {', '.join(others)} left out" if others else ""
    return [card for card, kind in zip(row, kinds, strict=True) if kind == chosen], words


def capability(card: Any) -> float:
    """The compute capability of a card, such as 8.9; that of the oldest where it does not say."""
    return float(getattr(card, "compute_capability", OLDEST))


def refuse_too_old(mesh: Mesh) -> None:
    """Raises a CardFailed where a card is older than any that the code was compared for."""
    card = min(mesh.devices.flat, key=capability)
    if capability(card) < OLDEST:
        raise CardFailed(f"{card.device_kind} has capability {capability(card)}, and the code needs {OLDEST}")


def refuse_too_full(mesh: Mesh, needed: int) -> None:
    """Raises a CardFailed where a card has less memory free than is needed, in bytes."""
    room = memory(mesh)
    if room is not None and room < needed:
        name, had, asked = mesh.devices.flat[0].device_kind, room >> 20, -(-needed >> 20)
        raise CardFailed(f"{name} has {had:,} MiB free and {asked:,} are needed; end what else runs there")


def refuse_exclusive(mesh: Mesh) -> None:
    """Raises a CardFailed where a card is in a mode in which no other process than this may use it."""
    for card in mesh.devices.flat:
        if getattr(card, "platform", "") == "gpu" and _mode(card.local_hardware_id) == _EXCLUSIVE:
            why = "its first launch is tried in a process of its own, which the mode EXCLUSIVE_PROCESS keeps out"
            raise CardFailed(f"{why}; nvidia-smi -c 0 lets it in")


def memory(mesh: Mesh) -> int | None:
    """Bytes that a run may take on each card, that of the least: what JAX may take, and what is free; None where a device does not tell."""
    rooms = []
    for card in mesh.devices.flat:
        told = card.memory_stats() or {}
        most = told.get("bytes_limit", 0)
        free = _free(card.local_hardware_id) if most and getattr(card, "platform", "") == "gpu" else None
        held = told.get("pool_bytes", 0) - told.get("bytes_in_use", 0)
        rooms.append(most if free is None else min(most, free + max(held, 0)))
    return min(rooms) or None


def driver() -> str:
    """The version of NVIDIA's driver, as far as it says, and the CUDA that it knows; "" without one."""
    library, file = _driver(), _ROOT / "proc/driver/nvidia/version"
    if library is None:
        return ""
    version = re.search(r"\b\d{3}\.[\d.]+", file.read_text()) if file.exists() else None
    return (
        f"{version[0] if version else 'of a version that it does not say'}, CUDA {_as_cuda(_known(library))}"
    )


def _installed(names: Any) -> list[str]:
    return [name for name in names if importlib.util.find_spec(name)]


def _hidden() -> str:
    """What in the environment hides all cards, and what helps; "" where nothing does."""
    shown, platforms = os.environ.get("CUDA_VISIBLE_DEVICES"), os.environ.get("JAX_PLATFORMS", "")
    if shown is not None and not _numbered(shown):
        return f"CUDA_VISIBLE_DEVICES is '{shown}', which shows no card. Unset it."
    if platforms and not {"cuda", "gpu", "rocm"} & {*platforms.split(",")}:
        return f"JAX_PLATFORMS is '{platforms}', which leaves cards out. Unset it."
    return ""


def _numbered(shown: str) -> list[str]:
    return [card.strip() for card in shown.split(",") if card.strip() not in ("", "-1")]


def _unfit_driver(plugins: Sequence[str]) -> str:
    """What is wrong with NVIDIA's driver for JAX as it is installed, and what helps; "" where nothing is known to be."""
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
        return f"the NVIDIA driver is too old: it knows CUDA {_as_cuda(knows)}, JAX here needs {_as_cuda(needs)}. Install driver {driver} or newer."
    return ""


def _known(library: Any) -> int:
    """The CUDA that a driver knows, as 1000 major + 10 minor; 0 where it does not say."""
    number = ctypes.c_int()
    return 0 if library.cuDriverGetVersion(ctypes.byref(number)) else number.value


def _as_cuda(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"


def _driver() -> Any | None:
    """NVIDIA's driver, as every program on a card calls it."""
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        return None


def _does(*asked: tuple[Any, ...]) -> bool:
    """Whether the driver is there and does what it is asked, each a function's name and what it takes."""
    library = _driver()
    return library is not None and not any(
        getattr(library, name)(*given) for name, *given in (("cuInit", 0), *asked)
    )


def _counted() -> int:
    """Cards that the driver counts: under WSL2 none is listed."""
    count = ctypes.c_int()
    return count.value if _does(("cuDeviceGetCount", ctypes.byref(count))) else 0


def _mode(ordinal: int) -> int:
    """Which processes a card lets in, as the driver numbers it; 0 for all, or where the driver does not say."""
    card, mode = ctypes.c_int(), ctypes.c_int()
    get = "cuDeviceGet", ctypes.byref(card), ordinal
    return mode.value if _does(get, ("cuDeviceGetAttribute", ctypes.byref(mode), _COMPUTE_MODE, card)) else 0


def _free(ordinal: int) -> int | None:
    """Bytes that are free on a card, whoever holds the others; None where the driver does not say."""
    library = _driver()
    card, context = ctypes.c_int(), ctypes.c_void_p()
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    if library is None or library.cuInit(0) or library.cuDeviceGet(ctypes.byref(card), ordinal):
        return None
    if library.cuDevicePrimaryCtxRetain(ctypes.byref(context), card):  # JAX's own, which is there already
        return None
    try:
        if library.cuCtxPushCurrent_v2(context):
            return None
        failed = library.cuMemGetInfo_v2(ctypes.byref(free), ctypes.byref(total))
        library.cuCtxPopCurrent_v2(ctypes.byref(context))
        return None if failed else free.value
    finally:
        library.cuDevicePrimaryCtxRelease_v2(card)


def _start(_: bytes) -> bytes:
    """Whether cards start for this process, or what JAX says."""
    try:
        jax.local_devices(backend="cuda")
    except RuntimeError as failure:
        return first_line(failure).encode()
    return _STARTED


if __name__ == "__main__":
    apart.answer(_start, PATIENCE)
