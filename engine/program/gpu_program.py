"""A study's program on graphics cards, with this machine's processors as fallback: a `Program`.

A pass is computed by one card, and its outcomes stay there. The first block that each card computes is compared byte by
byte with the processors'. Where a card fails or gives other bytes, a warning says why, and the processors compute that
pass and all later ones with the same bits. Only outcomes of blocks are computed on cards.
"""

from __future__ import annotations

import atexit
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from copy import copy
from functools import lru_cache
from typing import Any, TypeVar

import jax
import numpy as np
from jax.sharding import Mesh

from engine.draws.sampling import SAMPLERS
from engine.lanes import ptx
from engine.lanes.llvm import NoMachineForm
from engine.program import gpu, hardware, reductions
from engine.program.contract import CardFailed, Form, Outcomes, Pass, Program, in_a_row, in_words
from engine.program.cpu_program import CpuProgram, shared_of, traced
from engine.program.gpu import Launcher, begun
from engine.program.hardware import processors
from engine.program.path import OUTCOMES
from engine.program.reductions import MOST_ROWS, Asked, Reduced
from engine.study.study import BLOCK, Block, Study

_ROOM = 1 << 14
"""Room for bins in a block's histograms at first, which grows in multiples of this."""
_LOST: list[str] = []
"""Why this process has given up its cards, on which its context may be dead; empty as long as it has not."""

Given = TypeVar("Given")


class Cards:
    """The cards of a mesh with a study's kernel, shared by all programs with the same kernel.

    Args:
      failure: why they are not used; "" as long as they may be.
      is_proved: whether each has computed a block with the processors' bytes.
      lacks: what of the study has no form on cards, as text; "" where all has.
      launchers: one for each card; none before the kernel has been compiled.
    """

    def __init__(self, mesh: Mesh):
        self.failure, self.launchers, self.is_proved = _LOST[0] if _LOST else "", list[Launcher](), False
        self.lock, self._mesh, self.lacks = threading.RLock(), mesh, ""

    def give_up(self, why: str) -> CardFailed:
        """Stops launches on cards for every program of this process, with one warning; gives the exception to raise."""
        with self.lock:
            if not self.failure:
                self.failure = why
                _LOST.append(why)
                text = f"{in_a_row(self._mesh)} given up; this machine's processors go on with the same numbers: {why}"
                warnings.warn(f"{text.rstrip('.')}.", stacklevel=2)
        return CardFailed(self.failure)

    def result(self, running: Future[Given]) -> Given:
        """The result of work on a card.

        Raises:
          CardFailed: it failed or took too long, or the cards have been given up.
        """
        if self.failure:
            raise CardFailed(self.failure)
        try:
            return running.result(timeout=hardware.PATIENCE)
        except TimeoutError:
            atexit.register(gpu.end_within)
            raise self.give_up(f"a launch had not come back after {hardware.PATIENCE:,.0f} s") from None
        except Exception as failure:  # whatever a driver, a card or XLA may raise
            raise self.give_up(in_words(failure)) from None


class CardPass(Pass):
    """A pass on a card.

    Args:
      cards: the cards.
      running: the outcomes as an array on the card.
      host: computes a block where the pass is lost.
    """

    def __init__(self, first: int, cards: Cards, running: Future[jax.Array], host: Program):
        super().__init__(first, lambda: self.fetched(slice(None)))
        self.running, self._cards, self._host = running, cards, host

    def fetched(self, paths: slice) -> Outcomes:
        """Outcomes of some of its paths in main memory; raises a CardFailed as `Cards.result` does."""
        self._cards.result(self.running)
        return self._cards.result(begun(lambda: np.asarray(self.running.result()[..., paths])))

    def of(self, block: Block) -> Outcomes:
        """As `Pass.of`; where the pass is lost, the processors compute the block."""
        try:
            return self.fetched(slice(block.first - self.first, block.first - self.first + block.count))
        except CardFailed:
            return self._host.submit(block).of(block)


class GpuProgram(Program):
    """A study's lanes on a mesh of cards.

    Args:
      study: the resolved study.
      mesh: the cards, along one axis.
      host: the same lanes on the processors.
      lanes: paths of a pass, a power of two; at least a block's.
      why: the reason for these devices, as in `Form`.
    """

    def __init__(self, study: Study, mesh: Mesh, host: CpuProgram, lanes: int, why: str):
        self.study, self.mesh, self.dtype, self.form = study, mesh, host.dtype, Form("kernel", in_a_row(mesh), why)
        self.traces, self.reach, self.cards = 0, max(lanes, BLOCK), Cards(mesh)
        self._group = SAMPLERS[study.sampler].group
        self._room, self._proved, self._lock = _ROOM, set[Asked](), threading.RLock()
        self._hand_on(host)

    @property
    def ahead(self) -> int:
        """Number of blocks best started before the first is waited for; 0 once the cards have been given up."""
        return 0 if self.cards.failure else self.reach * self.mesh.devices.size // BLOCK

    @property
    def forms(self) -> tuple[Form, ...]:
        """The kernel; the loop where the cards could not be used; both where they failed during the run."""
        failure = self.cards.failure
        if not failure:
            return (self.form,)
        loop = Form("loop", self._host.form.on, f"{in_a_row(self.mesh)} not used: {failure}")
        return (self.form, loop) if self.cards.is_proved else (loop,)

    def fed(self, inputs: Any) -> GpuProgram:
        other = copy(self)
        other._lock = threading.RLock()
        other._hand_on(self._host.fed(inputs))
        return other

    def _hand_on(self, host: CpuProgram) -> None:
        """Makes the processors' program compute everything except outcomes of blocks."""
        self._host, self.inputs, self.under = host, host.inputs, host.under
        self._passes = lru_cache(1 + self.mesh.devices.size)(self._launched)

    def computed(self, *asked: Any, **named: Any) -> Mapping[str, np.ndarray]:
        return self._host.computed(*asked, **named)

    def prepare(self, years: bool = False) -> None:
        """Compiles the kernel and compares its first blocks; where it fails, and for yearly values, the processors'."""
        if years or not self._is_ready():
            self._host.prepare(years)

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`; blocks of one pass share it."""
        return self._pass(block) if self._is_ready() else self._host.submit(block)

    def _pass(self, block: Block) -> Pass:
        """The pass of a block, which is started if it is not among the last ones."""
        with self._lock:
            return self._passes(block.first - block.first % self.reach)

    def reduce(self, block: Block, running: Pass, asked: Asked) -> Callable[[], Reduced | None]:
        """Starts the reduction of a block on its card, and gives a function that waits for it.

        That function gives None where the block has to be reduced from its outcomes in main memory: where a value is
        not finite, or the cards fail.

        Args:
          running: the pass that `submit` gave for the block.
        """
        if not isinstance(running, CardPass) or len(asked.tallied) * len(self.study.policies) > MOST_ROWS:
            return lambda: None
        begun_ = begun(lambda: self._reduced(running.running.result(), block.first - running.first, asked))

        def wait() -> Reduced | None:
            try:
                self.cards.result(running.running)
                made = self.cards.result(begun_)
                if made["nonfinite"].any():
                    return None
                self._refuse_other(block, made, asked)
            except CardFailed:
                return None
            return reductions.as_result(block, made)

        return wait

    def _reduced(self, outcomes: jax.Array, at: int, asked: Asked) -> dict[str, np.ndarray]:
        room = self._room
        made = reductions.reduced(outcomes, at, asked, room)
        if made["held"] > room:
            self._room = room = int(made["held"] * 9 // 8 // _ROOM + 1) * _ROOM
            made = reductions.reduced(outcomes, at, asked, room)
        return made

    def _is_ready(self) -> bool:
        """Whether the cards can be used; the first call, by any program that shares them, compiles the kernel."""
        cards = self.cards
        with cards.lock:
            if not cards.launchers and not cards.failure:
                try:
                    self._open()
                except NoMachineForm as missing:  # nothing has failed, and nobody need be warned
                    cards.lacks = str(missing)
                    cards.failure = f"a card has no {missing}"
                except Exception as failure:  # whatever a compiler or a card may raise
                    cards.give_up(in_words(failure))
            return not cards.failure

    def _open(self) -> None:
        """Compiles the kernel and compares the first block of each card with the processors'.

        Raises:
          CardFailed: a card is too old or fails, or gives other bytes.
          NoMachineForm: as `ptx.compile_nest`.
        """
        hardware.refuse_too_old(self.mesh)
        whole, row = traced(self.study, self.dtype), [*self.mesh.devices.flat]
        assert not isinstance(whole, str), whole
        processor = ptx.architecture(min(map(hardware.capability, row)))
        kernel = ptx.compile_nest(whole.nest((OUTCOMES,)), processor, self._group)
        self.cards.launchers = [Launcher(kernel, card, self.reach // self._group) for card in row]
        for number in range(len(row)):
            first = number * self.reach
            block = Block(first // BLOCK, first, BLOCK)
            given = self._pass(block).of(block)
            if given.tobytes() != self._host.submit(block).of(block).tobytes():
                raise CardFailed(f"paths {first:,} to {first + BLOCK - 1:,} have other bytes than on the processor")
        self.traces, self.cards.is_proved = self.traces + 1, not self.cards.failure

    def _launched(self, first: int) -> Pass:
        """Starts the pass from path `first` on."""
        launcher = self.cards.launchers[first // self.reach % len(self.cards.launchers)]
        group = first // self._group
        shared, low = shared_of(self.inputs, group >> 32), group & 0xFFFFFFFF
        return CardPass(first, self.cards, begun(lambda: launcher.outcomes(shared, low)), self._host)

    def _refuse_other(self, block: Block, made: dict[str, np.ndarray], asked: Asked) -> None:
        """Raises a CardFailed where the first reduction with these `asked` differs from the processors'."""
        with self._lock:
            if asked in self._proved:
                return
            outcomes = jax.device_put(self._host.submit(block).of(block), processors().devices.flat[0])
            expected = reductions.reduced(outcomes, 0, asked, len(made["bins"]))
            if any(made[name].tobytes() != array.tobytes() for name, array in expected.items()):
                paths = f"{block.first:,} to {block.first + block.count - 1:,}"
                raise self.cards.give_up(f"counts of paths {paths} are others than on the processor")
            self._proved.add(asked)
