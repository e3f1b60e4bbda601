"""Which local devices take part, and what memory there is."""

from __future__ import annotations

import contextlib
import functools
import os
import resource
import warnings
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from engine.errors import UserError
from engine.program.running import hardware
from engine.program.running.contract import Program
from engine.program.running.hardware import processors
from engine.program.running.kernel import operations, processor, program_on
from engine.program.running.xla import AXIS
from engine.study.study import BLOCK, Study

GPU_LANES = 1 << 20
"""Paths that a GPU takes at once: a step of the shipped model is then some thousand times longer than its launch."""
START = 19.0
"""Seconds until a card has begun, by counting: JAX and the driver start here, and in two processes that try them, 4 each; translation, compared paths and the rest, 7."""
RATE = 8.3e10
"""Operations of a list that a core does in a second: those of 1e7 years of a path under one policy of the shipped model, 8,284 each."""
LANE = 4 << 10
"""Bytes that a path takes on a device under each policy in single precision, at most: the shipped model takes 1.3 KiB."""
THREADS = 768 << 20, 64 << 20
"""Bytes of addresses that XLA's threads take as they start, and for each core; where the system has fewer, XLA aborts the process."""


def use_every_core() -> None:
    """Makes each core that this process, the engine's own, may use an XLA device.

    JAX starts no card that is not wanted, and takes no more of one than it needs. To be called before JAX is first used; never where the process is a user's.
    `RUSTBELT_CPU_DEVICES` sets another count; a path has the same bits with any.
    """
    count = os.environ.get("RUSTBELT_CPU_DEVICES", str(len(cores())))
    if not count.isdecimal() or int(count) < 1:
        raise UserError("RUSTBELT_CPU_DEVICES", [f"expected a number of devices, got '{count}'."])
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")  # other programs need a card's memory too
    with contextlib.suppress(RuntimeError):  # JAX has been used already: its devices stay as they are
        jax.config.update("jax_num_cpu_devices", int(count))
        hardware.keep_asleep()


def cores() -> list[int]:
    """Numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def kind(mesh: Mesh) -> str:
    """What the devices of a mesh are, as far as rounding depends on it: "cpu x86_64", or a GPU's name."""
    device = mesh.devices.flat[0]
    return processor() if device.platform == "cpu" else device.device_kind


def flags() -> str:
    """The flags that XLA is given from outside, but for the number of devices, which changes no bit."""
    given = os.environ.get("XLA_FLAGS", "").split()
    return " ".join(sorted(flag for flag in given if "device_count" not in flag))


@dataclass(frozen=True)
class Chosen:
    """The local devices that compute, in a row.

    Args:
      why: the reason, where others may have been expected.
      missing: whether that is that cards cannot be used on a machine that is made for them.
    """

    mesh: Mesh
    why: str = ""
    missing: bool = False

    def warn_where_missing(self) -> None:
        """Warns where no card can be used on a machine that is made for them."""
        if self.missing:
            warnings.warn(f"processors compute, as {self.why}", stacklevel=3)


def mesh(kind: str | None = None, study: Study | None = None) -> Mesh:
    """The devices of `chosen` alone."""
    return chosen(kind, study).mesh


def chosen(kind: str | None = None, study: Study | None = None) -> Chosen:
    """The local devices that compute.

    Args:
      kind: "cpu" or "gpu"; None takes the GPUs where they can be used, and where they pay.
      study: what is to be computed, where that is known.

    Raises:
      UserError: where there is no device of the kind, or this process may not take the memory that threads need.
    """
    _check_room_for_threads()
    if found := without_cards(kind, study):
        return found
    try:
        row, left_out = hardware.cards()
    except hardware.NoCard as none:
        if kind is None:
            return Chosen(processors(), str(none), missing=True)
        raise UserError(
            "--device", [f"expected a {kind} device, found cpu: {one}" for one in none.args]
        ) from none
    return Chosen(Mesh(np.array(row), (AXIS,)), left_out)


def without_cards(kind: str | None, study: Study | None) -> Chosen | None:
    """The processors, as `chosen` gives them, where they compute for a reason that is known before any card is started; None where cards may."""
    if kind == "cpu" or (kind is None and not hardware.cards_wanted()):
        return Chosen(processors())
    if kind is None and study is not None and is_small(study):
        return Chosen(processors(), f"{study.paths:,} paths should be done before a card has started")
    if kind is None and (wrong := hardware.obstacles()):
        return Chosen(processors(), " ".join(wrong), missing=True)
    return None


def is_small(study: Study) -> bool:
    """Whether the one loop on processors is done with all paths before a card would begin."""
    each = operations(study)
    return each is not None and study.paths * each < START * RATE * len(cores())


@functools.cache
def _check_room_for_threads() -> None:
    """Once, as the threads that run already need no more."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return
    with contextlib.suppress(OSError):
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        need = taken + THREADS[0] + THREADS[1] * len(cores())
        if most < need:
            text = f"expected at least {need >> 10} KiB of memory for this process and its threads, got {most >> 10}. Raise its limit (ulimit -v)."
            raise UserError("the system", [text])


def program(study: Study, kind: str | None = None, why: str = "") -> Program:
    """The study's program on the devices that `chosen` gives, its tile sized by them; warns where no card can be used.

    Args:
      why: as `Chosen` has it, where somebody else has chosen the kind.
    """
    found = chosen(kind, study)
    found.warn_where_missing()
    return program_on(study, found.mesh, lanes_for(study, found.mesh), why=found.why or why)


def lanes_for(study: Study, mesh: Mesh) -> int:
    """Paths of a tile: on a CPU what its cache holds, which is the study's; on a GPU enough to keep all of it busy."""
    if mesh.devices.flat[0].platform == "cpu":
        return study.tile
    lanes, room = GPU_LANES, hardware.memory(mesh)
    each = len(study.policies) * LANE * np.dtype(study.dtype).itemsize // 4
    while room is not None and lanes > study.tile and lanes * each > room // 2:
        lanes //= 2
    return lanes


def blocks_of_launch(kind: str | None, study: Study, apart: bool = False) -> int:
    """Blocks of a launch on the cards that compute a study; 0 where processors do.

    Args:
      kind: as `chosen` takes it.
      apart: other processes compute, each on a card of its own, none of which this one starts: of as many paths as a card takes.
    """
    if without_cards(kind, study):
        return 0
    if apart:
        return GPU_LANES // BLOCK
    row = mesh(kind, study)
    on_card = row.devices.flat[0].platform != "cpu"
    return max(lanes_for(study, row), BLOCK) * row.devices.size // BLOCK if on_card else 0


def memory_free() -> int | None:
    """Bytes of main memory that are free, or could be; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return None
