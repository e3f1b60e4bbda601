"""The interface that every form of a study's program implements, and the records that it gives back."""

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
class Trace:
    """Consecutive paths with everything that is known of them.

    Args:
      outcomes: [policy, outcome, path].
      yearly: values of the yearly variables [policy, year, cell, path]; None for a static model.
      draws: factor draws [factor, path], factors in the order of the study.
      shocks: [year, stream, path], streams in the order of the model; None for a model without shocks, and where
        `Program.trace` made the trace.
    """

    outcomes: Outcomes
    yearly: YearlyValues | None
    draws: FactorDraws
    shocks: Shocks | None = None


@dataclass(frozen=True)
class Form:
    """The form of a program and the devices that it runs on.

    Args:
      name: "loop" (the engine's own code on processors), "kernel" (the same on graphics cards) or "XLA".
      on: the devices, such as "2 x cpu".
      why: the reason, where another form or other devices may have been expected.
    """

    name: str
    on: str
    why: str = ""

    @classmethod
    def of(cls, name: str, mesh: Mesh, why: str = "") -> Form:
        """The form of this name on the devices of a mesh."""
        return cls(name, in_a_row(mesh), why)

    def __str__(self) -> str:
        return form_as_text(self.name, self.on, self.why)


class CardFailed(Exception):
    """Raised where a graphics card fails, gives wrong bytes or cannot be used; the text says why."""


class CardLost(UserError):
    """XLA's program failed on a card; the run ends, as XLA on other devices would give other last bits.

    Args:
      on: the devices, as `in_a_row` gives them.
      why: the failure, as `in_words` gives it.
    """

    def __init__(self, on: str, why: str):
        self.why = f"{on} failed: {why}"
        super().__init__("--device", [f"{self.why}. Compute on processors: --device cpu."])


def in_words(failure: BaseException | str) -> str:
    """An exception of a card, its driver or its compiler in one line, with a remedy where one is known."""
    text = first_line(failure)
    if "RESOURCE_EXHAUSTED" in text or "out of memory" in text.lower():
        return f"its memory is full; end what else runs there ({text})"
    if "DEVICE_UNAVAILABLE" in text or "busy or unavailable" in text:
        return f"another process has it alone; end that, or let others in by nvidia-smi -c 0 ({text})"
    return text if isinstance(failure, str | CardFailed) else f"{type(failure).__name__}: {text}"


def first_line(failure: BaseException | str) -> str:
    """The first line of an exception's text."""
    return str(failure).strip().partition("\n")[0]


def in_a_row(mesh: Mesh) -> str:
    """The number and kind of a mesh's devices, such as "2 x cpu"."""
    return f"{mesh.devices.size} x {mesh.devices.flat[0].device_kind}"


def years_at_a_time(study: Study, policies: int, count: int, dtype: type, room: int) -> Iterator[range]:
    """Consecutive ranges of years, from 0, each with as many years as fit into memory, but at least one.

    Args:
      policies, count: numbers of policies and paths whose yearly values are held.
      dtype: of these values.
      room: bytes that the yearly values of one range may take.
    """
    each = policies * cell_count(study.model) * count * np.dtype(dtype).itemsize
    years = range(len(study.years))
    step = max(room // max(each, 1), 1)
    return (years[first : first + step] for first in years[::step])


class Pass:
    """Outcomes of consecutive paths from `first` on, which may still be computed; `values` waits for them.

    Args:
      first: number of the first path.
      wait: waits for the outcomes and gives them; called once.
    """

    def __init__(self, first: int, wait: Callable[[], Outcomes]):
        self.first = first
        self._wait: Callable[[], Outcomes] | None = wait
        self._values: Outcomes | None = None
        self._lock = threading.Lock()

    def values(self) -> Outcomes:
        """The outcomes in main memory, [policy, outcome, path]; may be called by several threads."""
        with self._lock:
            if self._wait is not None:
                self._values, self._wait = self._wait(), None
            assert self._values is not None
            return self._values

    def of(self, block: Block) -> Outcomes:
        """The outcomes of a block in path order; its paths must be among those of the pass."""
        at = block.first - self.first
        return np.ascontiguousarray(self.values()[..., at : at + block.count])


class Passes:
    """The last passes of a program in which a pass covers several blocks.

    Args:
      reach: number of paths of a pass, whose first path is a multiple of it.
      most: number of passes that are held.
    """

    def __init__(self, reach: int, most: int = 2):
        self._reach, self._most, self._lock = reach, most, threading.Lock()
        self._held: dict[int, Pass] = {}

    def of(self, block: Block, start: Callable[[int], Pass]) -> Pass:
        """The pass of a block; where it is not held, `start` starts it, given its first path."""
        first = block.first - block.first % self._reach
        with self._lock:
            if first not in self._held:
                while len(self._held) >= self._most:
                    self._held.pop(next(iter(self._held)))
                self._held[first] = start(first)
            return self._held[first]


class Program(Protocol):
    """The compiled program of one study: computes paths by their numbers, independently of how the work is divided.

    Args:
      study: the resolved study.
      mesh: the devices, in a row.
      dtype: of all numbers but the random words.
      inputs: its arguments, as `arguments.of` gives them.
      traces: how often the code that computes blocks was compiled, or loaded from the cache.
    """

    study: Study
    mesh: Mesh
    dtype: type
    inputs: Any
    traces: int

    @property
    def forms(self) -> tuple[Form, ...]:
        """The form that computes the outcomes of blocks; two, in order of use, where the second replaced the first."""

    def fed(self, inputs: Any) -> Program:
        """The same compiled program with other arguments; nothing is traced or compiled again.

        Args:
          inputs: as `arguments.of` gives them, with the names, shapes and types of the program's own.
        """

    def prepare(self, years: bool = False) -> None:
        """Compiles the code for blocks ahead of time; another thread may compute paths meanwhile.

        Args:
          years: whether to compile the code for yearly values instead.
        """

    def submit(self, block: Block) -> Pass:
        """Starts the computation of a block without waiting; `Pass.of` gives its outcomes."""

    def path(self, number: int) -> Trace:
        """One path in full; its outcomes are bit for bit those that its block has."""

    def trace(self, first_path: int) -> Trace:
        """A tile of paths for each device in full, from path `first_path` on, a multiple of the tile's size."""

    def first_years(self, count: int) -> YearlyValues:
        """Yearly values of paths 0 to `count - 1`, [policy, year, cell, path]."""

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        """The values of `first_years`, in consecutive parts along the years, each small enough to be held in memory."""

    def draws(self, block: Block) -> FactorDraws:
        """Factor draws of a block's paths, [factor, path]."""

    def scores(self, block: Block) -> Scores:
        """The random numbers of a block's paths [stream, path], in the order of `arguments.streams`."""

    def outcomes_of(self, scores: Scores) -> Outcomes:
        """Outcomes of futures with the given random numbers, as `scores` gives them.

        The random numbers of a path give the outcomes of that path.
        """

    def trace_of(self, scores: Scores) -> Trace:
        """Futures with the given random numbers in full, shocks included, as paths from 0 on."""
