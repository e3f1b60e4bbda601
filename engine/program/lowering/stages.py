"""The list of operations, and the stages that it is cut into: functions, with the layout of their memory.

`TABLE` computes what is the same for all paths, `SHARED` what the policies share on a few paths, `POLICY` what differs
by policy on them. A stage reads the results of earlier ones from memory. The years are the rounds of a loop in each.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from engine.program.lowering.operations import Operation, rewritten
from engine.program.tracing.equations import Axis

TABLE, SHARED, POLICY = 0, 1, 2
Layout = TypeVar("Layout")


@dataclass(frozen=True)
class Place:
    """Address of a number in 32-bit words: pointer + n (offset + round stride), n the lanes where `wide`, else 1.

    Args:
      pointer: name of the pointer.
      offset: words from the pointer to the number.
      stride: words from one round of the loop to the next; 0 for what does not vary by round.
      wide: whether each lane has a number of its own.
      align: words of which the address is known to be a multiple, where the number is one for all lanes.
    """

    pointer: str
    offset: int
    stride: int = 0
    wide: bool = True
    align: int = 1

    def on(self, words: int) -> Place:
        """The place so many 32-bit words further on."""
        return replace(self, offset=self.offset + words)


@dataclass(frozen=True)
class State:
    """One number that is carried from one round of the loop to the next.

    Args:
      before: the operation that gives its value before the first round.
      now: the input by which a round reads it.
      after: the operation that gives its value at the end of a round.
      last: the input by which it is read after the last round.
    """

    before: Operation
    now: Operation
    after: Operation
    last: Operation


@dataclass
class Room:
    """32-bit words that a stage writes for later ones: once (`lasting`), and in each round (`each`)."""

    lasting: int = 0
    each: int = 0


@dataclass
class Stage:
    """One function of machine code: operations before the loop, in each round of it, and after it.

    Args:
      name: of the function.
      before, rounds, after: operations in the order in which they are computed.
      states: numbers carried from round to round.
      loads: operation that is read from memory -> its place.
      stores: (operation whose result is written to memory, its place).
      room: size of the memory that is written for later stages.
      carried: state that is kept in memory from round to round -> its place; all other states are in registers.
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
    """The computation of one path under one policy as a list of scalar operations.

    Args:
      dtype: floating-point type of inputs and results.
      operations: all of them, in an order in which they can be computed.
      states: numbers carried from year to year.
      results: kind of result -> its operations. "outcomes", "cells" of the yearly variables and "shocks" of a year are
        in the order of the model, "draws" of the factors in that of the study.
      stages: empty until the list has been cut.
    """

    dtype: type
    operations: tuple[Operation, ...]
    states: tuple[State, ...]
    results: Mapping[str, tuple[Operation, ...]]
    stages: tuple[Stage, ...] = ()

    @property
    def ends(self) -> list[Operation]:
        """The operations whose values leave the list: results, and the new values of states."""
        of_states = [one for state in self.states for one in (state.before, state.after)]
        return of_states + [one for of_kind in self.results.values() for one in of_kind]

    def rewritten(self, replaced: Mapping[Operation, Operation]) -> Listing:
        """The list with some operations replaced, for all their readers; states and results too."""
        stands = rewritten(self.operations, replaced)

        def of(*operations: Operation) -> tuple[Operation, ...]:
            return tuple(stands.get(one, one) for one in operations)

        states = tuple(State(*of(one.before, one.now, one.after, one.last)) for one in self.states)
        results = {kind: of(*ones) for kind, ones in self.results.items()}
        return replace(self, operations=of(*self.operations), states=states, results=results)

    def among(self, taken: Collection[Operation]) -> Listing:
        """The list without the operations that are not among `taken`."""
        return replace(self, operations=tuple(one for one in self.operations if one in taken))

    def of_future(self, policies: int, years: int) -> int:
        """Operations of one path under all policies and in all years, without random numbers and the table."""
        counts = (
            (policies if one.axes & Axis.POLICY else 1) * (years if one.axes & Axis.YEAR else 1)
            for one in self.operations
            if one.axes & Axis.PATH
        )
        return sum(counts)


@dataclass(frozen=True)
class Rows:
    """Where the results of one kind are written.

    Args:
      stage: the stage that writes them, such as `POLICY`.
      first: place of the first result.
      step: 32-bit words from one result to the next.
    """

    stage: int
    first: Place
    step: int


def as_plain(layout: Any) -> dict[str, Any]:
    """A layout of code, a dataclass with a field `dtype`, as a dictionary that JSON can hold."""
    return {**asdict(layout), "dtype": np.dtype(layout.dtype).name}


def of_plain(kind: Callable[..., Layout], held: Mapping[str, Any]) -> Layout:
    """The layout of this kind of which `as_plain` gave the dictionary."""
    rooms = {name: Room(**part) for name, part in held.items() if isinstance(part, dict)}
    return kind(**{**held, **rooms, "dtype": np.dtype(held["dtype"]).type})


def section(axes: Axis) -> int:
    """Where in a stage an operation of these axes is computed: 0 before the loop, 1 in each round, 2 after it."""
    return 2 if Axis.END in axes else 1 if Axis.YEAR in axes else 0


def by_path(operation: Operation) -> int:
    """The stage of an operation: `TABLE` if all paths share it, `POLICY` if it varies by policy, else `SHARED`."""
    if Axis.PATH not in operation.axes:
        return TABLE
    return POLICY if Axis.POLICY in operation.axes else SHARED


@dataclass(frozen=True)
class Aim:
    """What the passes need to know of the code to be written; the last six fields serve graphics cards alone.

    Args:
      inputs: kind of input -> place of the first input of this kind.
      outputs: kind of result -> where it is written; results of other kinds are eliminated.
      stage_of: gives the stage of an operation.
      policies: policies that one thread computes.
      levers: 32-bit words from the levers of one policy to those of the next.
      paths: paths of a block of threads.
      start: words in a path's column of shared memory before the values that its stage `SHARED` writes.
      carried: number of states that are kept in shared memory.
      row: words that one such state takes for all threads of a block.
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


def words_of(dtype: Any) -> int:
    """32-bit words that a number of this type takes in memory: 2 for types of 64 bits, 1 for all others."""
    return 2 if np.dtype(dtype).itemsize == 8 else 1
