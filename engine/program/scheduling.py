"""Operations in an order in which few values wait for their readers: what a thread's registers have no room for is spilled."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from engine.program.operations import Operation

_AHEAD = 2000
"""Operations that one may be drawn before."""


def few_waiting(operations: Sequence[Operation], kept: Collection[Operation]) -> list[Operation]:
    """The operations, each behind what it reads, and as soon as it leaves no more values waiting than before.

    Where there is none such, the next one as they stood is taken.

    Args:
      kept: operations whose values are read later, or elsewhere.
    """
    place = {operation: at for at, operation in enumerate(operations)}
    users: dict[Operation, list[Operation]] = {}
    for operation in operations:
        for operand in set(operation.operands):
            users.setdefault(operand, []).append(operation)
    unread = {operand: len(readers) for operand, readers in users.items()}
    lacks = {one: sum(operand in place for operand in set(one.operands)) for one in operations}
    ready = {one for one in operations if not lacks[one]}
    ordered: list[Operation] = []
    done: set[Operation] = set()
    first = 0

    def freed(operation: Operation) -> int:
        return sum(
            unread[operand] == 1 and operand not in kept and not operand.is_constant
            for operand in set(operation.operands)
        )

    while ready:
        while operations[first] in done:
            first += 1
        near = [one for one in ready if place[one] <= first + _AHEAD]
        best = max(near, key=lambda one: (freed(one), -place[one]))
        if not freed(best):
            best = min(near, key=place.__getitem__)
        ready.remove(best)
        done.add(best)
        ordered.append(best)
        for operand in set(best.operands):
            unread[operand] -= 1
        for user in users.get(best, ()):
            lacks[user] -= 1
            if not lacks[user]:
                ready.add(user)
    return ordered
