"""A study's program on graphics cards, with this machine's processors as fallback: a `Program`.

A pass is computed by one card, and its outcomes stay there. The first block that each card computes is compared byte by
byte with the processors'. Where a card fails or gives other bytes, a warning says why, and the processors compute that
pass and all later ones with the same bits. Only outcomes of blocks are computed on cards.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import Future
from copy import copy
from functools import lru_cache
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.lanes import ptx
from engine.program import gpu, hardware
from engine.program.contract import CardFailed, Form, Outcomes, Pass, Program, in_a_row, in_words
from engine.program.cpu_program import CpuProgram, shared_of, traced
from engine.program.gpu import Launcher
from engine.program.path import OUTCOMES
from engine.study.study import BLOCK, Block, Study

_OPENING = threading.RLock()
"""Held while a kernel is compiled and compared."""


class CardPass(Pass):
    """A pass on a card.

    Args:
      running: the outcomes as an array on the card.
      host: computes a block where the pass is lost.
    """

    def __init__(self, first: int, running: Future[jax.Array], host: Program):
        super().__init__(first, lambda: self.fetched(slice(None)))
        self.running, self._host = running, host

    def fetched(self, paths: slice) -> Outcomes:
        """Outcomes of some of its paths in main memory; raises a CardFailed as `gpu.result` does."""
        copied = gpu.begun(lambda: np.asarray(self.running.result()[..., paths]))
        gpu.result(self.running)
        return gpu.result(copied)

    def of(self, block: Block) -> Outcomes:
        """As `Pass.of`; where the pass is lost, the processors compute the block."""
        try:
            at = block.first - self.first
            return self.fetched(slice(at, at + block.count))
        except CardFailed:
            return self._host.submit(block).of(block)


class GpuProgram(Program):
    """A study's lanes on a mesh of cards, in single precision.

    Args:
      study: the resolved study.
      mesh: the cards, along one axis.
      host: the same lanes on the processors.
      lanes: paths of a pass, a power of two; at least a block's.
      why: the reason for these devices, as in `Form`.
    """

    def __init__(self, study: Study, mesh: Mesh, host: CpuProgram, lanes: int, why: str):
        self.study, self.mesh, self.dtype, self.form = study, mesh, host.dtype, Form("kernel", in_a_row(mesh), why)
        self.traces, self.reach = 0, max(lanes, BLOCK)
        self._group = SAMPLERS[study.sampler].group
        self._launchers: list[Launcher] = []  # one for each card once they are opened, shared by programs fed otherwise
        self._hand_on(host)

    @property
    def ahead(self) -> int:
        """As `Program.ahead`: the blocks of a pass on every card; 1 once the cards have been given up."""
        return 1 if gpu.failure() else self.reach * self.mesh.devices.size // BLOCK

    @property
    def forms(self) -> tuple[Form, ...]:
        """The kernel; the loop where the cards could not be used; both where they failed during the run."""
        failure = gpu.failure()
        if not failure:
            return (self.form,)
        loop = Form("loop", self.host.form.on, f"{in_a_row(self.mesh)} not used: {failure}")
        return (self.form, loop) if self._launchers else (loop,)

    def fed(self, inputs: Any) -> GpuProgram:
        other = copy(self)
        other._hand_on(self.host.fed(inputs))
        return other

    def _hand_on(self, host: CpuProgram) -> None:
        """Makes the processors' program compute everything except outcomes of blocks."""
        self.host, self.inputs, self.under = host, host.inputs, host.under
        self._passes, self._lock = lru_cache(1 + self.mesh.devices.size)(self._launched), threading.RLock()

    def computed(self, *asked: Any, **named: Any) -> Mapping[str, np.ndarray]:
        return self.host.computed(*asked, **named)

    def prepare(self, years: bool = False) -> None:
        """Compiles the kernel and compares its first blocks; where it fails, and for yearly values, the processors'."""
        if years or not self._is_ready():
            self.host.prepare(years)

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`; blocks of one pass share it."""
        return self._pass(block) if self._is_ready() else self.host.submit(block)

    def _pass(self, block: Block) -> Pass:
        """The pass of a block, which is started if it is not among the last ones."""
        with self._lock:
            return self._passes(block.first - block.first % self.reach)

    def _is_ready(self) -> bool:
        """Whether the cards can be used; the first call, by any program that shares them, compiles the kernel."""
        with _OPENING:
            if not self._launchers and not gpu.failure():
                try:
                    self._open()
                except Exception as failure:  # whatever a compiler or a card may raise
                    gpu.give_up(in_words(failure))
                if gpu.failure():
                    self._launchers.clear()
        return not gpu.failure()

    def _open(self) -> None:
        """Compiles the kernel and compares the first block of each card with the processors'.

        Raises:
          CardFailed: a card fails, or gives other bytes.
        """
        whole, row = traced(self.study, self.dtype), [*self.mesh.devices.flat]
        assert not isinstance(whole, str), whole
        kernel = ptx.compile_nest(whole.nest((OUTCOMES,)), ptx.architecture(hardware.capability(row[0])), self._group)
        self._launchers += [Launcher(kernel, card, self.reach // self._group) for card in row]
        for first in range(0, len(row) * self.reach, self.reach):
            block = Block(first // BLOCK, first, BLOCK)
            given = self._pass(block).of(block)
            if given.tobytes() != self.host.submit(block).of(block).tobytes():
                raise CardFailed(f"paths {first:,} to {first + BLOCK - 1:,} have other bytes than on the processor")
        self.traces += 1

    def _launched(self, first: int) -> Pass:
        """Starts the pass from path `first` on."""
        launcher = self._launchers[first // self.reach % len(self._launchers)]
        high, low = divmod(first // self._group, 1 << 32)
        shared = shared_of(self.inputs, high)
        return CardPass(first, gpu.begun(lambda: launcher.outcomes(shared, low)), self.host)
