"""What a card makes of a study's kernel: the words that differ from the processors', and how fast it is."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from engine.program import arguments, gpu, gpu_code, ptx
from engine.program.contract import Outcomes, Program
from engine.program.gpu_code import GpuCode
from engine.program.kernel import listing_of
from engine.program.llvm import NoMachineForm
from engine.study.study import BLOCK, Block, Study

COMPARED = 1 << 12
"""Paths at each end of every card's part of a launch that are compared."""
ROUNDS = 5
"""Launches of which the fastest counts."""
NEWEST = 90
"""Architecture that the PTX is written for, at most: drivers translate it for newer cards."""


@dataclass(frozen=True)
class Kernel:
    """A study's kernel as a card's driver is handed it.

    Args:
      target: the architecture that it is written for, such as "sm_90".
      text: PTX.
    """

    code: GpuCode
    target: str
    text: str

    @property
    def digest(self) -> str:
        """Tells texts apart: 16 digits."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Compared:
    """Words of outcomes that were held against the processors', and the first that differs in a sentence, "" where none does."""

    words: int
    first: str


def target(cards: Mesh | None) -> str:
    """The architecture that PTX is written for: that of the oldest card, or the newest that is known."""
    row: list[Any] = [] if cards is None else [*cards.devices.flat]
    known = NEWEST / 10
    oldest = min((float(getattr(card, "compute_capability", known)) for card in row), default=known)
    return f"sm_{min(round(10 * oldest), NEWEST)}"


def kernel(study: Study, lanes: int, target: str) -> Kernel:
    """A study's kernel for launches of so many paths.

    Raises:
      NoMachineForm: the study has none.
    """
    listing = listing_of(study, study.dtype)
    if isinstance(listing, str):
        raise NoMachineForm(listing)
    code = gpu_code.code(study, listing, arguments.of(study, study.dtype), lanes)
    return Kernel(code, target, ptx.text(code, target))


class Launches:
    """Launches of a kernel on all cards of a mesh."""

    def __init__(self, study: Study, cards: Mesh, kernel: Kernel):
        self.study, self.layout, self.count = study, kernel.code.layout, cards.devices.size
        self._run = gpu.on_mesh(kernel.code.layout, kernel.text, cards)
        self._code = kernel.code

    @property
    def reach(self) -> int:
        """Paths of a launch on all cards."""
        return self.layout.lanes * self.count

    def start(self, first: int) -> Any:
        """The outcomes of the paths from a number on, [device, policy, outcome, path], as they are being computed."""
        groups = self.layout.lanes // self.layout.group
        counters = first // self.layout.group + groups * np.arange(self.count, dtype=np.int64)
        words = np.stack([counters & 0xFFFFFFFF, counters >> 32], axis=-1).astype(np.uint32)
        return self._run(words, *self._held)

    @cached_property
    def _held(self) -> tuple[np.ndarray, ...]:
        return gpu.launched(self._code, self.study, arguments.of(self.study, self.study.dtype))

    def seconds(self) -> tuple[float, float]:
        """Seconds of a launch, and of copying its outcomes to main memory: the least of some rounds, after one that does not count."""
        found = []
        for _ in range(1 + ROUNDS):
            began = time.perf_counter()
            running = jax.block_until_ready(self.start(0))
            ended = time.perf_counter()
            np.asarray(jax.device_get(running))
            found.append((ended - began, time.perf_counter() - ended))
        launches, copies = zip(*found[1:], strict=True)
        return min(launches), min(copies)

    def compared(self, host: Program) -> Compared:
        """First and last paths of three launches against the processors': of the first two, and of one whose counters need a second word."""
        words, told, lanes = 0, "", self.layout.lanes
        far = (1 << 32) * self.layout.group // self.reach + 1
        for launch in (0, 1, far):
            values = np.asarray(jax.device_get(self.start(launch * self.reach)))
            for device in range(self.count):
                for at in (0, lanes - COMPARED):
                    first = launch * self.reach + device * lanes + at
                    given = np.ascontiguousarray(values[device, ..., at : at + COMPARED])
                    block = Block(first // BLOCK, first, COMPARED)
                    expected = host.collect(block, host.submit(block)).outcomes
                    words += given.size * self.layout.unit
                    told = told or self._first_other(first, given, expected)
        return Compared(words, told)

    def _first_other(self, first: int, given: Outcomes, expected: Outcomes) -> str:
        """The first path whose outcomes have other bytes, and which of them; "" where none has."""
        bits = np.dtype(f"u{given.dtype.itemsize}")
        differ = given.view(bits) != np.ascontiguousarray(expected).view(bits)
        if not differ.any():
            return ""
        path = int(np.flatnonzero(differ.any(axis=(0, 1)))[0])
        policy, outcome = map(int, np.argwhere(differ[..., path])[0])
        name, place = [*self.study.model.outcomes][outcome], (policy, outcome, path)
        return (
            f"{name} of path {first + path:,} under {self.study.policy_names[policy]} is {given[place]!s} ({given.view(bits)[place]:x}), "
            f"on the processor {expected[place]!s} ({np.ascontiguousarray(expected).view(bits)[place]:x}); {differ.mean():.1%} of these differ"
        )
