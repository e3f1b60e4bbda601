"""Cuts a list of operations into stages: what all paths share, what all policies share on a path, and the rest."""

from __future__ import annotations

from dataclasses import replace

from engine.program.lowering.operations import Operation
from engine.program.lowering.stages import TABLE, Aim, Listing, Place, Stage, section, words_of

_NAMES = "table", "shared", "policy"


def cut(listing: Listing, aim: Aim) -> Listing:
    """The list with its stages: what each computes, reads from memory, and writes for later stages or as a result."""
    stages, stage_of = tuple(map(Stage, _NAMES)), aim.stage_of
    of_states = {one for state in listing.states for one in (state.now, state.last)}
    crossed: set[tuple[int, Operation]] = set()
    handed: dict[Operation, int] = {}

    def reads(stage: int, operation: Operation) -> None:
        own = stage_of(operation)
        if operation.is_constant or own == stage:
            return
        crossed.add((stage, operation))
        if operation not in handed:
            room, words = stages[own].room, words_of(operation.dtype)
            if section(operation.axes) == 1:
                handed[operation], room.each = room.each, room.each + words
            else:
                handed[operation], room.lasting = room.lasting, room.lasting + words

    def place(operation: Operation) -> Place:
        own = stage_of(operation)
        in_rounds = section(operation.axes) == 1
        pointer = f"{_NAMES[own]}_{'each' if in_rounds else 'lasting'}"
        return Place(pointer, handed[operation], stages[own].room.each if in_rounds else 0, own != TABLE)

    for state in listing.states:
        own = stage_of(state.now)
        stages[own].states.append(state)
        reads(own, state.before)
        reads(own, state.after)
    for operation in listing.operations:
        own = stage_of(operation)
        stage = stages[own]
        if operation.name != "input":
            (stage.before, stage.rounds, stage.after)[section(operation.axes)].append(operation)
        elif operation not in of_states:
            kind, at = operation.source
            stage.loads[operation] = aim.inputs[kind].on(at)
        for operand in operation.operands:
            reads(own, operand)
    for kind, rows in aim.outputs.items():
        for number, operation in enumerate(listing.results[kind]):
            reads(rows.stage, operation)
            stages[rows.stage].stores.append((operation, rows.first.on(number * rows.step)))
    # the stride of a round is known only now
    for own, operation in crossed:
        stages[own].loads[operation] = place(operation)
    for operation in handed:
        stages[stage_of(operation)].stores.append((operation, place(operation)))
    return replace(listing, stages=stages)
