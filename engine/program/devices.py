"""Chooses the local devices that compute a study, and builds its program on them."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import resource
import warnings
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from jax.sharding import Mesh

from engine.errors import UserError
from engine.lanes.operations import words_of
from engine.program import hardware
from engine.program.contract import Program
from engine.program.hardware import processors
from engine.program.programs import operations, processor, program_on
from engine.program.xla import AXIS
from engine.study.study import BLOCK, Study

GPU_LANES = 1 << 20
"""Paths that a GPU takes at once: a step of the shipped model is then some thousand times longer than its launch."""
START = 19.0
"""Estimated time until a card computes [s].

4 for each of three starts of JAX and driver (here, and in two processes that test the card), 7 for translating the PTX,
comparing paths and the rest.
"""
RATE = 8.8e10
"""Scalar operations of a core [1/s]: 1e7 years of paths, under one policy, of 8,820 operations (shipped model)."""
LANE = 4 << 10
"""Most bytes of a path and policy on a device, in single precision; the shipped model takes 1.3 KiB."""
THREADS = 768 << 20, 64 << 20
"""Address space of XLA's threads [bytes]: in all, and for each core; with less XLA aborts the process."""


def use_every_core() -> None:
    """Makes each core that this process may use an XLA device, and keeps JAX from starting cards unasked.

    To be called before JAX is first used, and only in a process of the engine's own, as it changes JAX's settings.
    `RUSTBELT_CPU_DEVICES` sets another number of devices; a path has the same bits with any.

    Raises:
      UserError: `RUSTBELT_CPU_DEVICES` is not a number from 1 on.
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
    return sorted(os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1))


def kind(mesh: Mesh) -> str:
    """The kind of a mesh's devices, as far as rounding depends on it: "cpu x86_64", or the name of a GPU."""
    device = mesh.devices.flat[0]
    return processor() if device.platform == "cpu" else device.device_kind


def flags() -> str:
    """The flags in the environment variable `XLA_FLAGS`, sorted, without the number of devices."""
    given = os.environ.get("XLA_FLAGS", "").split()
    return " ".join(sorted(flag for flag in given if "device_count" not in flag))


@dataclass(frozen=True)
class Chosen:
    """The local devices that compute.

    Args:
      mesh: the devices, along one axis.
      why: the reason, where other devices may have been expected.
      missing: whether the reason is that cards cannot be used although the machine has been set up for them.
    """

    mesh: Mesh
    why: str = ""
    missing: bool = False

    def warn_where_missing(self) -> None:
        """Warns if `missing`: no card can be used although the machine has been set up for them."""
        if self.missing:
            warnings.warn(f"processors compute, as {self.why}", stacklevel=3)


def mesh(kind: str | None = None, study: Study | None = None) -> Mesh:
    """The mesh of devices that `chosen` gives; arguments and errors are the same."""
    return chosen(kind, study).mesh


def chosen(kind: str | None = None, study: Study | None = None) -> Chosen:
    """Chooses the local devices that compute.

    Args:
      kind: "cpu" or "gpu"; None takes the GPUs where they can be used and are expected to be faster.
      study: the study to compute; None where it is not known.

    Raises:
      UserError: there is no device of the kind, or the limit on this process's memory is too low for XLA's threads.
    """
    _check_room_for_threads()
    if found := without_cards(kind, study):
        return found
    try:
        row, left_out = hardware.cards()
    except hardware.NoCard as none:
        if kind is None:
            return Chosen(processors(), " ".join(none.args), missing=True)
        raise UserError("--device", [f"expected a {kind} device, found cpu: {one}" for one in none.args]) from none
    return Chosen(Mesh(np.array(row), (AXIS,)), left_out)


def without_cards(kind: str | None, study: Study | None) -> Chosen | None:
    """The processors, where `chosen` can decide for them without starting a card; None where it cannot."""
    if kind == "cpu" or (kind is None and not hardware.cards_wanted()):
        return Chosen(processors())
    if kind is not None:
        return None
    if study is not None and is_small(study):
        return Chosen(processors(), f"{study.paths:,} paths should be done before a card has started")
    wrong = hardware.obstacles()
    return Chosen(processors(), " ".join(wrong), missing=True) if wrong else None


def is_small(study: Study) -> bool:
    """Whether the one loop on processors should have computed all paths before a card would have started."""
    each = operations(study)
    return each is not None and study.paths * each < START * RATE * len(cores())


@functools.cache
def _check_room_for_threads() -> None:
    """Raises a UserError where the limit on address space is too low for XLA's threads. Checked once in a process."""
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return
    with contextlib.suppress(OSError):
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        need = taken + THREADS[0] + THREADS[1] * len(cores())
        if most < need:
            expected = f"expected at least {need >> 10} KiB of memory for this process and its threads"
            raise UserError("the system", [f"{expected}, got {most >> 10}. Raise its limit (ulimit -v)."])


def program(study: Study, kind: str | None = None, why: str = "") -> Program:
    """The study's program on the devices that `chosen` gives; warns as `Chosen.warn_where_missing` does.

    Args:
      kind: as `chosen` takes it.
      why: the reason for the kind, as in `Chosen`, where the caller has chosen it.
    """
    found = chosen(kind, study)
    found.warn_where_missing()
    return program_on(study, found.mesh, lanes_for(study, found.mesh), why=found.why or why)


def lanes_for(study: Study, mesh: Mesh) -> int:
    """Paths that a device computes at once.

    On a CPU the study's tile; on a GPU `GPU_LANES`, halved until they need at most half of its memory, but no fewer
    than the study's tile.
    """
    if mesh.devices.flat[0].platform == "cpu":
        return study.tile
    lanes, room = GPU_LANES, hardware.memory(mesh)
    each = len(study.policies) * LANE * words_of(study.dtype)
    while room and lanes > study.tile and lanes * each > room // 2:
        lanes //= 2
    return lanes


def blocks_of_launch(kind: str | None, study: Study, apart: bool = False) -> int:
    """Number of blocks that one launch on the chosen cards computes; 0 where processors compute.

    Args:
      kind: as `chosen` takes it.
      apart: whether other processes compute, each on a card of its own: no card is started here, and the number is that
        of a card with room for `GPU_LANES` paths.
    """
    if without_cards(kind, study):
        return 0
    if apart:
        return GPU_LANES // BLOCK
    row = mesh(kind, study)
    if row.devices.flat[0].platform == "cpu":
        return 0
    return max(lanes_for(study, row), BLOCK) * row.devices.size // BLOCK


def memory_free() -> int | None:
    """Bytes of main memory that are available (Linux: MemAvailable); None where the system does not say."""
    with contextlib.suppress(OSError):
        if found := re.search(r"^MemAvailable:\s*(\d+)", Path("/proc/meminfo").read_text(), re.MULTILINE):
            return 1024 * int(found[1])
    return None
