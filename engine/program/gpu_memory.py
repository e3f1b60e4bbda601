"""Where the numbers of a GPU's thread lie: the paths' in columns, what has no register in the memory of its block, the table in vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.program.operations import Operation
from engine.program.stages import Place, Room, Stage, words_of

_VECTOR = 4
"""Words that a thread reads at once, at most."""


def in_columns(stages: Sequence[Stage], start: int, paths: int) -> None:
    """Lays what a path hands on to its years into the memory of its block, a row for each number."""

    def laid(one: Operation, place: Place) -> Place:
        if place.pointer != "shared_lasting":
            return place
        return Place(f"column{words_of(one.dtype)}", (start + place.offset) * paths)

    for stage in stages:
        stage.loads = {one: laid(one, place) for one, place in stage.loads.items()}
        stage.stores = [(one, laid(one, place)) for one, place in stage.stores]


def carried(stage: Stage, dtype: type, most: int, row: int) -> int:
    """Lays states into the memory of the block, those first that are used for the least part of a year; how many."""
    place = {operation: at for at, operation in enumerate(stage.rounds)}
    read: dict[Operation, int] = {}
    for operation in reversed(stage.rounds):
        read.update(dict.fromkeys(operation.operands, place[operation]))
    able = [
        state
        for state in stage.states
        if state.now in read and state.after in place and state.now.dtype == dtype
    ]
    able.sort(key=lambda state: place[state.after] - read[state.now])
    stage.carried = {state: Place("carried", at * row) for at, state in enumerate(able[:most])}
    stage.loads |= {
        operation: at for state, at in stage.carried.items() for operation in (state.now, state.last)
    }
    return len(stage.carried)


def padded(stages: Sequence[Stage], table: Room) -> Room:
    """The table with rows of whole vectors, so that a thread reads several numbers at once; the stages are changed to it."""
    made = Room(-(-table.lasting // _VECTOR) * _VECTOR, -(-table.each // _VECTOR) * _VECTOR)

    def laid(place: Place) -> Place:
        if place.pointer not in ("table_each", "table_lasting"):
            return place
        stride = made.each if place.stride else 0
        return replace(place, stride=stride, align=_VECTOR if place.offset % _VECTOR == 0 else 1)

    for stage in stages:
        stage.loads = {one: laid(place) for one, place in stage.loads.items()}
        stage.stores = [(one, laid(place)) for one, place in stage.stores]
    return made
