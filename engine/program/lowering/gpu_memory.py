"""Memory layout on a GPU: shared memory in columns by path, states without a register, the table in vectors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.program.lowering.operations import Operation
from engine.program.lowering.stages import TABLE, Aim, Listing, Place, Room, words_of

_VECTOR = 4
"""Most 32-bit words that a thread reads by one instruction."""


def in_columns(listing: Listing, aim: Aim) -> Listing:
    """The list with the numbers of a path in shared memory: a row for each number, a column for each path of the block.

    They are the path's random numbers, and what its stage `SHARED` writes.
    """
    starts = {"scores": 0, "shared_lasting": aim.start}

    def laid(one: Operation, place: Place) -> Place:
        if place.pointer in starts:
            at = starts[place.pointer] + place.offset
            return Place(f"column{words_of(one.dtype)}", at * aim.paths)
        return replace(place, offset=place.offset * aim.paths) if place.pointer == "year" else place

    return _laid(listing, laid)


def in_vectors(listing: Listing, aim: Aim) -> Listing:
    """The list with the table's rows padded to vectors of four words, so that one load reads several numbers."""
    table = listing.stages[TABLE]
    lasting, each = (-(-words // _VECTOR) * _VECTOR for words in (table.room.lasting, table.room.each))

    def laid(_: Operation, place: Place) -> Place:
        if place.pointer not in ("table_each", "table_lasting"):
            return place
        align = _VECTOR if place.offset % _VECTOR == 0 else 1
        return replace(place, stride=each if place.stride else 0, align=align)

    made = _laid(listing, laid)
    made.stages[TABLE].room = Room(lasting, each)
    return made


def in_memory(listing: Listing, aim: Aim) -> Listing:
    """The list with `aim.carried` states at most in shared memory, from one year to the next.

    Chosen are those with the fewest operations from their first use in a year to their new value.
    """
    *others, stage = listing.stages
    place = {operation: at for at, operation in enumerate(stage.rounds)}
    first_read = {operand: place[one] for one in reversed(stage.rounds) for operand in one.operands}
    able = [
        state
        for state in stage.states
        if state.now in first_read and state.after in place and state.now.dtype == listing.dtype
    ]
    able.sort(key=lambda state: place[state.after] - first_read[state.now])
    carried = {state: Place("carried", at * aim.row) for at, state in enumerate(able[: aim.carried])}
    loads = {one: at for state, at in carried.items() for one in (state.now, state.last)}
    return replace(listing, stages=(*others, replace(stage, carried=carried, loads={**stage.loads, **loads})))


def _laid(listing: Listing, laid: Callable[[Operation, Place], Place]) -> Listing:
    stages = [
        replace(
            stage,
            loads={one: laid(one, place) for one, place in stage.loads.items()},
            stores=[(one, laid(one, place)) for one, place in stage.stores],
        )
        for stage in listing.stages
    ]
    return replace(listing, stages=tuple(stages))
