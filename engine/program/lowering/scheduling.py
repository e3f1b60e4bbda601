"""Instruction scheduling: orders of operations that keep few values live, so that few registers are spilled."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from engine.program.lowering.operations import Operation, Operations, readers
from engine.program.lowering.stages import SHARED, Aim, Listing

_AHEAD = 2000
"""Most operations over which one may be moved forward."""


def near_readers(listing: Listing, aim: Aim) -> Listing:
    """The list with `depth_first` applied to what stages do before the years, and in `SHARED` to each year."""
    stages = [replace(stage, before=depth_first(stage.before)) for stage in listing.stages]
    # those of `POLICY` come cell by cell from the model already
    stages[SHARED].rounds = depth_first(stages[SHARED].rounds)
    return replace(listing, stages=tuple(stages))


def of_a_thread(listing: Listing, aim: Aim) -> Listing:
    """The list with `few_waiting` applied to the years of the stage `POLICY`."""
    *others, stage = listing.stages
    read_later = {state.after for state in stage.states} | {one for one, _ in stage.stores}
    return replace(listing, stages=(*others, replace(stage, rounds=few_waiting(stage.rounds, read_later))))


def depth_first(operations: Operations) -> list[Operation]:
    """The operations in depth-first order, operands as shortly before their readers as possible.

    Operations traced from arrays come array by array, and all elements of an array would be live at once.
    """
    inside: set[Operation] = set(operations)
    ordered: dict[Operation, None] = {}
    read = {operand for operation in operations for operand in operation.operands}
    waiting = [one for one in reversed(operations) if one not in read]
    while waiting:
        operation = waiting.pop()
        if operation in ordered:
            continue
        missing = [one for one in operation.operands if one in inside and one not in ordered]
        if missing:
            waiting += [operation, *reversed(missing)]
        else:
            ordered[operation] = None
    return list(ordered)


def few_waiting(operations: Operations, kept: Collection[Operation]) -> list[Operation]:
    """The operations in a greedy order that keeps few values live.

    Of those whose operands are computed the next is the one that reads most values for the last time; of equal ones the
    first in the given order.

    Args:
      kept: operations whose values stay live, as they are read after these operations.
    """
    place = {operation: at for at, operation in enumerate(operations)}
    users = readers(operations)
    unread = {operand: len(of) for operand, of in users.items()}
    lacks = {one: sum(operand in place for operand in set(one.operands)) for one in operations}
    ready = {one for one in operations if not lacks[one]}
    ordered: dict[Operation, None] = {}
    first = 0

    def freed(operation: Operation) -> int:
        return sum(
            unread[operand] == 1 and operand not in kept and not operand.is_constant
            for operand in set(operation.operands)
        )

    while ready:
        while operations[first] in ordered:
            first += 1
        near = [one for one in ready if place[one] <= first + _AHEAD]
        best = max(near, key=lambda one: (freed(one), -place[one]))
        ready.remove(best)
        ordered[best] = None
        for operand in set(best.operands):
            unread[operand] -= 1
        for user in users.get(best, ()):
            lacks[user] -= 1
            if not lacks[user]:
                ready.add(user)
    return list(ordered)
