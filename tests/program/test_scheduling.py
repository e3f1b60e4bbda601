"""The order in which a thread computes: right, the same each time, and with fewer values waiting."""

import numpy as np

from engine.program.lowering.operations import Operation, Source
from engine.program.lowering.scalars import Scalars
from engine.program.lowering.scheduling import few_waiting
from engine.program.tracing.equations import Axis


def wide(count: int, axes: Axis = Axis.PATH) -> tuple[list[Operation], Operation]:
    """So many roots, each computed before the first is added up; and their sum."""
    scalars = Scalars()
    given = [scalars.input(Source("score", k), np.float32, axes) for k in range(count)]
    roots = [scalars.each("sqrt", one) for one in given]
    total = roots[0]
    for root in roots[1:]:
        total = scalars.each("add", total, root)
    return [one for one in scalars.operations if one.name != "input"], total


def most_waiting(operations: list[Operation], kept: set[Operation]) -> int:
    """Values that wait for a reader, at most."""
    last = {operand: at for at, one in enumerate(operations) for operand in one.operands}
    most = 0
    for at in range(len(operations)):
        waiting = [one for one in operations[: at + 1] if one in kept or last.get(one, -1) > at]
        most = max(most, len(waiting))
    return most


def test_each_stands_behind_what_it_reads_and_none_is_lost():
    operations, total = wide(20)
    ordered = few_waiting(operations, {total})
    assert sorted(map(id, ordered)) == sorted(map(id, operations))
    for at, one in enumerate(ordered):
        assert all(operand in ordered[:at] or operand.name == "input" for operand in one.operands)
    assert ordered == few_waiting(operations, {total})


def test_sums_are_taken_as_soon_as_their_parts_are_there():
    operations, total = wide(20)
    assert most_waiting(operations, {total}) == 20
    inputs_last = {one for row in operations for one in row.operands if one.name == "input"}
    assert most_waiting(few_waiting(operations, {total, *inputs_last}), {total}) == 2
