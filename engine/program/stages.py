"""A list of operations cut into stages by what they differ by: what all paths share, what all policies share, the rest.

Each stage computes once what the next ones read: `TABLE` a table for all paths, `SHARED` the draws and the world of a few
paths for all policies, `POLICY` what one policy makes of them. What crosses from one to the next goes through memory.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.program.equations import Axis
from engine.program.operations import Operation, depth_first, needed

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


@dataclass(frozen=True, eq=False)
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
class Stage:
    """What one function computes: before the rounds, in each of them, and after the last.

    Args:
      loads: where each operation lies that is not computed.
      stores: what is written, and where to.
      carried: states that lie in memory from round to round, and where; all others go in registers.
    """

    name: str
    before: list[Operation] = field(default_factory=list)
    rounds: list[Operation] = field(default_factory=list)
    after: list[Operation] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    loads: dict[Operation, Place] = field(default_factory=dict)
    stores: list[tuple[Operation, Place]] = field(default_factory=list)
    carried: dict[State, Place] = field(default_factory=dict)


@dataclass
class Room:
    """How many words a stage hands on: those that last, and those of each round."""

    lasting: int = 0
    each: int = 0


def section(axes: Axis) -> int:
    """0 before the rounds, 1 in each, 2 after the last."""
    return 2 if Axis.END in axes else 1 if Axis.YEAR in axes else 0


def by_path(operation: Operation) -> int:
    """The stage of an operation where policies share what they can."""
    if Axis.PATH not in operation.axes:
        return TABLE
    return POLICY if Axis.POLICY in operation.axes else SHARED


def words_of(dtype: np.dtype) -> int:
    """Words of 32 bits that a number takes."""
    return 2 if dtype.itemsize == 8 else 1


def needed_with_states(wanted: Sequence[Operation], states: Sequence[State]) -> set[Operation]:
    """Some operations, and all that these take, from year to year too."""
    of_states = {
        one: (state.before, state.after, state.now) for state in states for one in (state.now, state.last)
    }
    return needed(wanted, of_states)


def cut(
    operations: Sequence[Operation],
    states: Sequence[State],
    inputs: Callable[[Operation], Place],
    outputs: Mapping[int, Sequence[tuple[Operation, Place]]],
    stage_of: Callable[[Operation], int] = by_path,
) -> tuple[list[Stage], list[Room]]:
    """The stages, and what each hands on.

    Args:
      inputs: where an input lies for the stage that it belongs to.
      outputs: stage -> what it writes beside, and where to; an operation of an earlier stage crosses over.
    """
    names = ("table", "shared", "policy")
    stages = [Stage(name) for name in names]
    rooms = [Room() for _ in names]
    taken = needed_with_states([one for rows in outputs.values() for one, _ in rows], states)
    of_states = {one for state in states for one in (state.now, state.last)}
    crossed: set[tuple[int, Operation]] = set()
    handed: dict[Operation, int] = {}

    def reads(stage: int, operation: Operation) -> None:
        own = stage_of(operation)
        if operation.is_constant or own == stage:
            return
        crossed.add((stage, operation))
        if operation not in handed:
            room, words = rooms[own], words_of(operation.dtype)
            if section(operation.axes) == 1:
                handed[operation], room.each = room.each, room.each + words
            else:
                handed[operation], room.lasting = room.lasting, room.lasting + words

    def place(operation: Operation) -> Place:
        own = stage_of(operation)
        in_rounds = section(operation.axes) == 1
        pointer = f"{names[own]}_{'each' if in_rounds else 'lasting'}"
        return Place(pointer, handed[operation], rooms[own].each if in_rounds else 0, own != TABLE)

    kept = [state for state in states if state.now in taken or state.last in taken]
    for state in kept:
        own = stage_of(state.now)
        stages[own].states.append(state)
        reads(own, state.before)
        reads(own, state.after)
    for operation in operations:
        if operation not in taken:
            continue
        own = stage_of(operation)
        stage = stages[own]
        if operation.name == "input":
            if operation not in of_states:
                stage.loads[operation] = inputs(operation)
        else:
            (stage.before, stage.rounds, stage.after)[section(operation.axes)].append(operation)
        for operand in operation.operands:
            reads(own, operand)
    for own, rows in outputs.items():
        for operation, _ in rows:
            reads(own, operation)
        stages[own].stores.extend(rows)
    # how far the next round's numbers lie is known only now
    for own, operation in crossed:
        stages[own].loads[operation] = place(operation)
    for operation in handed:
        stages[stage_of(operation)].stores.append((operation, place(operation)))
    for stage in stages:
        stage.before = depth_first(stage.before)
    # a model's own years stand cell by cell already
    stages[SHARED].rounds = depth_first(stages[SHARED].rounds)
    return stages, rooms
