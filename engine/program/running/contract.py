"""What every form of a study's program is asked for, and what it gives: the one loop, or XLA's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float

from engine.errors import UserError
from engine.formatting import form_as_text
from engine.modelling.cell_axis import cell_count
from engine.study.study import Block, Study

Outcomes = Float[np.ndarray, "policy outcome path"]
YearlyValues = Float[np.ndarray, "policy year cell path"]
FactorDraws = Float[np.ndarray, "factor path"]
Shocks = Float[np.ndarray, "year stream path"]
Scores = Float[np.ndarray, "stream path"]


@dataclass(frozen=True)
class BlockResult:
    """What one block leaves: the outcomes of its paths, in their order."""

    block: Block
    outcomes: Outcomes


@dataclass(frozen=True)
class Trace:
    """Some paths in full, in their order; factors in that of the study, streams of shocks in that of the model.

    A static model has no yearly values and no shocks; those of whole tiles are not looked at.
    """

    first_path: int
    outcomes: Outcomes
    yearly: YearlyValues | None
    draws: FactorDraws
    shocks: Shocks | None = None


@dataclass(frozen=True)
class Form:
    """What computes paths.

    Args:
      name: the form of the program: "loop", "kernel" or "XLA".
      on: the devices, such as "2 x cpu".
      why: the reason, where another form or other devices may have been expected.
    """

    name: str
    on: str
    why: str = ""

    @classmethod
    def of(cls, name: str, mesh: Mesh, why: str = "") -> Form:
        """A form on the devices of a mesh."""
        return cls(name, in_a_row(mesh), why)

    def __str__(self) -> str:
        return form_as_text(self.name, self.on, self.why)


class CardFailed(Exception):
    """A graphics card did not do what was asked of it, or cannot; why is the text."""


class CardLost(UserError):
    """XLA's program failed on a card, of which the process has no use any more: what else it gives has other last bits.

    Args:
      on: the devices, as `in_a_row` has them.
      why: as `in_words` has it.
    """

    def __init__(self, on: str, why: str):
        self.why = f"{on} failed: {why}"
        super().__init__("--device", [f"{self.why}. Compute on processors: --device cpu."])


def in_words(failure: BaseException | str) -> str:
    """What a card, its driver or its compiler raised, in one line."""
    text = first_line(failure)
    if "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower():
        return f"its memory is full; end what else runs there ({text})"
    if "DEVICE_UNAVAILABLE" in text or "busy or unavailable" in text:
        return f"another process has it alone; end that, or let others in by nvidia-smi -c 0 ({text})"
    return text if isinstance(failure, str) else f"{type(failure).__name__}: {text}"


def first_line(failure: BaseException | str) -> str:
    """The first line of what was raised."""
    return str(failure).strip().partition("\n")[0]


def in_a_row(mesh: Mesh) -> str:
    """The devices of a mesh, such as "2 x cpu"."""
    return f"{mesh.devices.size} x {mesh.devices.flat[0].device_kind}"


def years_at_a_time(study: Study, policies: int, count: int, dtype: type, room: int) -> Iterator[range]:
    """The years of a study a few at a time, the yearly values of so many paths of which take so many bytes, counted from the first."""
    each = policies * cell_count(study.model) * count * np.dtype(dtype).itemsize
    years = range(len(study.years))
    step = max(room // max(each, 1), 1)
    return (years[first : first + step] for first in years[::step])


class Pass:
    """Outcomes of the paths from `first` on: under way until somebody waits for them, then on the host."""

    def __init__(self, first: int, wait: Callable[[], Outcomes]):
        self.first = first
        self._wait: Callable[[], Outcomes] | None = wait
        self._values: Outcomes | None = None
        self._lock = threading.Lock()

    def values(self) -> Outcomes:
        """The outcomes on the host; waits for them, once for all threads."""
        with self._lock:
            if self._wait is not None:
                self._values, self._wait = self._wait(), None
            assert self._values is not None
            return self._values

    def of(self, block: Block) -> BlockResult:
        """Those of a block among them."""
        at = block.first - self.first
        return BlockResult(block, np.ascontiguousarray(self.values()[..., at : at + block.count]))


class Passes:
    """The passes of a program that several blocks share, the last two of them."""

    def __init__(self) -> None:
        self._held: dict[int, Pass] = {}
        self._lock = threading.Lock()

    def of(self, index: int, start: Callable[[], Pass]) -> Pass:
        """A pass by its number, started where it is not under way."""
        with self._lock:
            if index not in self._held:
                while len(self._held) > 1:
                    self._held.pop(next(iter(self._held)))
                self._held[index] = start()
            return self._held[index]

    def forget(self) -> None:
        """Lets go of all of them."""
        with self._lock:
            self._held.clear()


class Program(Protocol):
    """The compiled program of one study: what happens on a path, whatever computes it and however the work is shared.

    Args:
      study: the resolved study.
      mesh: the devices, in a row.
      dtype: of all numbers but the random words.
      inputs: what it is fed, as `arguments.of` gives it.
      traces: how often what blocks need was compiled, or loaded.
    """

    study: Study
    mesh: Mesh
    dtype: type
    inputs: Any
    traces: int

    @property
    def forms(self) -> tuple[Form, ...]:
        """What computes the outcomes of blocks; first what did until something took over."""

    def fed(self, inputs: Any) -> Program:
        """The same compiled program, fed with other arguments of the same form: nothing is traced or compiled again.

        Args:
          inputs: as `arguments.of` gives them.
        """

    def prepare(self, years: bool = False) -> None:
        """Compiles what blocks need; another thread may compute other paths meanwhile.

        Args:
          years: what yearly values need instead, where that is to come first.
        """

    def submit(self, block: Block) -> Pass:
        """Starts a block and returns at once; `collect` waits for it."""

    def collect(self, block: Block, running: Pass) -> BlockResult:
        """The block's result on the host, paths in their order."""

    def path(self, number: int) -> Trace:
        """One path in full: its outcomes bit for bit those of its block."""

    def trace(self, first_path: int) -> Trace:
        """As many consecutive paths in full as a tile of the study has for each device, from a multiple of these on."""

    def first_years(self, count: int) -> YearlyValues:
        """Yearly values of the first paths."""

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        """The same, some years at a time, one after the other: as many as are best held in memory."""

    def draws(self, block: Block) -> FactorDraws:
        """Factor draws of a block's paths."""

    def scores(self, block: Block) -> Scores:
        """The random numbers that a block's paths are made of, in the order of `arguments.streams`."""

    def outcomes_of(self, scores: Scores) -> Outcomes:
        """Outcomes of futures made of random numbers that are handed in: of a path's own, those of the path."""

    def trace_of(self, scores: Scores) -> Trace:
        """Such futures in full, shocks among them; they are numbered from 0."""
