"""A list of operations, and what it becomes on its way to code: stages, and where in memory their numbers lie.

Each stage computes once what the next ones read: `TABLE` a table for all paths, `SHARED` the draws and the world of a few
paths for all policies, `POLICY` what one policy makes of them. What crosses from one to the next goes through memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from engine.program.lowering.operations import Operation, rewritten
from engine.program.tracing.equations import Axis

TABLE, SHARED, POLICY = 0, 1, 2


@dataclass(frozen=True)
class Place:
    """Where a number lies: `offset` + round of the loop x `stride` words of 32 bits from a pointer on, one word a lane where wide.

    Args:
      align: words that its place is a multiple of, where it is one for all lanes.
    """

    pointer: str
    offset: int
    stride: int = 0
    wide: bool = True
    align: int = 1

    def on(self, words: int) -> Place:
        """So many words on."""
        return replace(self, offset=self.offset + words)


@dataclass(frozen=True)
class State:
    """What goes from round to round.

    Args:
      before: its value before the first round.
      now: what the rounds read.
      after: its value a round on.
      last: what is read after the last round.
    """

    before: Operation
    now: Operation
    after: Operation
    last: Operation


@dataclass
class Room:
    """How many words a stage hands on: those that last, and those of each round."""

    lasting: int = 0
    each: int = 0


@dataclass
class Stage:
    """What one function computes: before the rounds, in each of them, and after the last.

    Args:
      loads: where each operation lies that is not computed.
      stores: what is written, and where to.
      room: what is handed on to other stages.
      carried: states that lie in memory from round to round, and where; all others go in registers.
    """

    name: str
    before: list[Operation] = field(default_factory=list)
    rounds: list[Operation] = field(default_factory=list)
    after: list[Operation] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    loads: dict[Operation, Place] = field(default_factory=dict)
    stores: list[tuple[Operation, Place]] = field(default_factory=list)
    room: Room = field(default_factory=Room)
    carried: dict[State, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class Listing:
    """What is computed of one path under one policy.

    Args:
      dtype: of all numbers that go in and out.
      operations: all of them, in an order in which they can be computed.
      states: what goes from year to year.
      results: "outcomes" and "cells" of all yearly variables in the order of the model, "draws" of the factors in that of the study, "shocks"
        of the year with their streams in that of the model.
      stages: that the operations are cut into, once they are.
    """

    dtype: type
    operations: tuple[Operation, ...]
    states: tuple[State, ...]
    results: Mapping[str, tuple[Operation, ...]]
    stages: tuple[Stage, ...] = ()

    @property
    def ends(self) -> list[Operation]:
        """All that is read of it from outside, and from year to year."""
        of_states = [one for state in self.states for one in (state.before, state.after)]
        return of_states + [one for of_kind in self.results.values() for one in of_kind]

    def rewritten(self, replaced: Mapping[Operation, Operation]) -> Listing:
        """The list where other operations stand for some, for whoever reads one of them."""
        stands = rewritten(self.operations, replaced)

        def of(*operations: Operation) -> tuple[Operation, ...]:
            return tuple(stands.get(one, one) for one in operations)

        states = tuple(State(*of(one.before, one.now, one.after, one.last)) for one in self.states)
        results = {kind: of(*ones) for kind, ones in self.results.items()}
        return replace(self, operations=of(*self.operations), states=states, results=results)

    def among(self, taken: Collection[Operation]) -> Listing:
        """The list with some operations alone."""
        return replace(self, operations=tuple(one for one in self.operations if one in taken))

    def of_future(self, policies: int, years: int) -> int:
        """How many of them a future takes under all policies, those of a year in each; its random numbers aside."""
        counts = (
            (policies if one.axes & Axis.POLICY else 1) * (years if one.axes & Axis.YEAR else 1)
            for one in self.operations
            if one.axes & Axis.PATH
        )
        return sum(counts)


@dataclass(frozen=True)
class Rows:
    """Where results of a kind are written.

    Args:
      stage: that writes them.
      first: the place of the first.
      step: words from one to the next.
    """

    stage: int
    first: Place
    step: int


def section(axes: Axis) -> int:
    """0 before the rounds, 1 in each, 2 after the last."""
    return 2 if Axis.END in axes else 1 if Axis.YEAR in axes else 0


def by_path(operation: Operation) -> int:
    """The stage of an operation where policies share what they can."""
    if Axis.PATH not in operation.axes:
        return TABLE
    return POLICY if Axis.POLICY in operation.axes else SHARED


@dataclass(frozen=True)
class Aim:
    """The code that a list is made into.

    Args:
      inputs: where the first input of each kind lies.
      outputs: where results are written, by their kind; no others are.
      stage_of: the stage of an operation.
      policies: that a thread computes.
      levers: words from the levers of one policy to those of the next.
      paths: of a block of threads.
      start: word of a path's column in the memory of its block from which on what lasts lies.
      carried: states that lie in that memory.
      row: words of a row of it, for one of them.
    """

    inputs: Mapping[str, Place]
    outputs: Mapping[str, Rows]
    stage_of: Callable[[Operation], int] = by_path
    policies: int = 1
    levers: int = 0
    paths: int = 1
    start: int = 0
    carried: int = 0
    row: int = 0


def words_of(dtype: np.dtype) -> int:
    """Words of 32 bits that a number takes."""
    return 2 if dtype.itemsize == 8 else 1
