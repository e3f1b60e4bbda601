"""A study's program on graphics cards, with this machine's processors as fallback: a `Program`.

A pass is one launch on each card. Before the first pass, launches in another process are compared byte by byte with
this machine's processors, and some paths of every pass are too. Where a card fails or gives other bytes, a warning says
why, and the one loop on the processors computes that pass and all later ones: it gives the same bits. Only outcomes of
blocks are computed on cards.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from typing import Any

import numpy as np
from jax.sharding import Mesh

from engine.program.lowering.llvm import NoMachineForm
from engine.program.running import first_launch, gpu, hardware, reductions
from engine.program.running.cache_keys import Unlisted
from engine.program.running.contract import CardFailed, Form, Outcomes, Pass, Passes, Program, in_a_row, in_words
from engine.program.running.gpu import Launch, Launches
from engine.program.running.native import LoopProgram
from engine.program.running.reductions import LOOKED_AT, MOST_ROWS, Asked, Reduced
from engine.program.running.xla import joined
from engine.study.study import BLOCK, Block, Study

_HELD = 4
"""Passes whose outcomes must fit into a card's memory: one is computed, one waits, others are not yet freed."""
_ROOM = 1 << 14
"""Room for bins in a block's histograms at first, which grows in multiples of this."""


class CardPass(Pass):
    """A pass on cards.

    Args:
      launch: its launch.
      instead: computes a block on the processors, where the pass is lost.
    """

    def __init__(self, first: int, wait: Callable[[], Outcomes], launch: Launch, instead: Callable[[Block], Outcomes]):
        super().__init__(first, wait)
        self.launch, self._instead = launch, instead

    def of(self, block: Block) -> Outcomes:
        """As `Pass.of`; where the pass is lost, the processors compute the block."""
        try:
            return super().of(block)
        except CardFailed:
            return self._instead(block)


class GpuProgram:
    """A study's one loop on a mesh of cards.

    Args:
      study: the resolved study.
      mesh: the cards, along one axis.
      host: the same loop on the processors.
      listing: makes the study's list of operations, where the cache does not hold the kernel.
      lanes: paths of a launch on each card, a power of two; at least a block's.
      why: the reason for these devices, as in `Form`.
    """

    def __init__(self, study: Study, mesh: Mesh, host: LoopProgram, listing: Unlisted, lanes: int, why: str):
        self.study, self.mesh, self.dtype = study, mesh, host.dtype
        self.traces, self.inputs, self.why = 0, host.inputs, why
        self.lanes = max(lanes, BLOCK)
        self.reach = self.lanes * mesh.devices.size
        self.launches = Launches(mesh)
        self._listing = listing
        self._hand_on(host)
        self._arrays: tuple[np.ndarray, ...] | None = None
        self._passes = Passes(self.reach)
        self._lock = threading.RLock()
        self._room, self._proved = _ROOM, set[Asked]()

    @property
    def ahead(self) -> int:
        """Number of blocks best started before the first is waited for; 0 once the cards have been given up."""
        return 0 if self.launches.failure else self.reach // BLOCK

    @property
    def forms(self) -> tuple[Form, ...]:
        """The kernel; the loop where the cards could not be used; both where they failed during the run."""
        kernel = Form.of("kernel", self.mesh, self.why)
        failure = self.launches.failure
        if not failure:
            return (kernel,)
        loop = Form("loop", self._host.forms[0].on, f"{in_a_row(self.mesh)} not used: {failure}")
        return (kernel, loop) if self.launches.passes else (loop,)

    def fed(self, inputs: Any) -> Program:
        other = copy(self)
        other._hand_on(self._host.fed(inputs))
        other._arrays, other._passes = None, Passes(self.reach)
        other.inputs, other._lock = inputs, threading.RLock()
        return other

    def _hand_on(self, host: LoopProgram) -> None:
        """Makes the processors' program compute everything except outcomes of blocks."""
        self._host, self.path, self.trace, self.draws, self.scores = (
            host, host.path, host.trace, host.draws, host.scores,
        )  # fmt: skip
        self.first_years, self.years_in_parts = host.first_years, host.years_in_parts
        self.outcomes_of, self.trace_of = host.outcomes_of, host.trace_of

    def prepare(self, years: bool = False) -> None:
        """Compiles and tests the kernel; for yearly values, or where it fails, compiles the processors' code."""
        if years or not self._is_ready():
            self._host.prepare(years)

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`; blocks of one pass share it."""
        if self._is_ready():
            with suppress(CardFailed):
                return self._passes.of(block, self._launched)
        return self._host.submit(block)

    def reduce(self, block: Block, running: Pass, asked: Asked) -> Callable[[], Reduced | None]:
        """Starts the reduction of a block on its card, and gives a function that waits for it.

        That function gives None where the block has to be reduced from its outcomes in main memory: where a value is
        not finite, the cards fail, or their memory is too small.

        Args:
          running: the pass that `submit` gave for the block.
        """
        policies, spare = len(self.study.policies), self.launches.spare
        fits = spare is None or asked.bytes_needed(policies) <= spare
        if not isinstance(running, CardPass) or not fits or len(asked.tallied) * policies > MOST_ROWS:
            return lambda: None
        launch, (card, at) = running.launch, divmod(block.first - running.first, self.lanes)

        def arrays(outcomes: Any) -> dict[str, np.ndarray]:
            piece, room = gpu.on_card(outcomes, card), self._room
            made = reductions.reduced(piece, at, asked, room)
            if made["held"] > room:
                self._room = room = int(made["held"] * 9 // 8 // _ROOM + 1) * _ROOM
                made = reductions.reduced(piece, at, asked, room)
            return made

        begun = launch.begin(arrays)

        def wait() -> Reduced | None:
            try:
                made = begun()
                self._refuse_other_reduced(block, made, asked)
            except CardFailed:
                self._passes = Passes(self.reach)
                return None
            return None if made["nonfinite"].any() else reductions.as_result(block, made)

        return wait

    def _is_ready(self) -> bool:
        """Whether the cards can be used.

        The first call, by any of the programs that share these launches, compiles and tests the kernel.
        """
        launches = self.launches
        with launches.lock:
            if launches.code is None and not launches.failure:
                try:
                    self._open()
                except NoMachineForm as missing:  # nothing has failed, and nobody need be warned
                    launches.failure = f"a card has no {missing}"
                except CardFailed as failure:
                    launches.give_up(str(failure))
                except Exception as failure:  # whatever a compiler, a driver or a card may raise
                    launches.give_up(in_words(failure))
            return not launches.failure

    def _open(self) -> None:
        """Compiles the kernel and compares its first launches with the processors.

        Raises:
          CardFailed: a card is too old, too full or fails, or gives other bytes.
          NoMachineForm: as `gpu.kernel`.
        """
        hardware.refuse_too_old(self.mesh)
        outcomes = len(self.study.policies) * len(self.study.model.outcomes)
        held = _HELD * self.lanes * outcomes * np.dtype(self.dtype).itemsize
        hardware.refuse_too_full(self.mesh, held)
        room = hardware.memory(self.mesh)
        self.launches.spare = None if room is None else room - held
        code, text = gpu.kernel(self.study, self._listing, self.inputs, self.lanes, gpu.target(self.mesh))
        arrays = gpu.launched(code, self.study, self.inputs)
        first_launch.refuse_unfit(code, text, self.mesh, arrays, self._host)
        counters = gpu.counters(code.layout, 0, self.mesh.devices.size)
        self._refuse_other(0, self.launches.open(code, text, counters, arrays))
        self.traces += 1
        self.launches.code, self._arrays = code, arrays

    def _launched(self, first: int) -> Pass:
        """Starts the pass from path `first` on, as many paths as all cards take in one launch."""
        code = self.launches.code
        assert code is not None
        if self._arrays is None:
            self._arrays = gpu.launched(code, self.study, self.inputs)
        counters = gpu.counters(code.layout, first, self.mesh.devices.size)
        launch = self.launches.start(counters, self._arrays)

        def outcomes() -> Outcomes:
            values = launch.values()
            with self._lost_where_other():
                self._refuse_other(first, values)
            return joined(values)

        def instead(block: Block) -> Outcomes:
            self._passes = Passes(self.reach)
            return self._host.submit(block).of(block)

        return CardPass(first, outcomes, launch, instead)

    @contextmanager
    def _lost_where_other(self) -> Iterator[None]:
        """Gives up the cards, for the whole process, where a CardFailed is raised within it."""
        try:
            yield
        except CardFailed as other:
            raise self.launches.lose(str(other)) from None

    def _refuse_other(self, first: int, values: np.ndarray) -> None:
        """Raises a CardFailed if the last paths of any card have other bytes than on the processors.

        Args:
          first: first path of the pass.
          values: outcomes of the pass, [device, policy, outcome, path].
        """
        for device, of_card in enumerate(values):
            at = first + (device + 1) * self.lanes - LOOKED_AT
            first_launch.refuse_other(self._host, at, of_card[..., -LOOKED_AT:])

    def _refuse_other_reduced(self, block: Block, made: dict[str, np.ndarray], asked: Asked) -> None:
        """Raises a CardFailed if the last paths of a block have other bytes than on the processors.

        For the first block that is reduced with these `asked`, the whole reduction is compared as well.
        """
        last = made["last"]
        with self._lost_where_other():
            first_launch.refuse_other(self._host, block.first + block.count - last.shape[-1], last)
            with self._lock:
                if asked in self._proved or made["nonfinite"].any():
                    return
                outcomes = first_launch.of_host(self._host, block.first, block.count)
                expected = reductions.by_processor(outcomes, asked, len(made["bins"]))
                if any(made[name].tobytes() != array.tobytes() for name, array in expected.items()):
                    last_path = block.first + block.count - 1
                    raise CardFailed(
                        f"counts of paths {block.first:,} to {last_path:,} are others than on the processor"
                    )
                self._proved.add(asked)
