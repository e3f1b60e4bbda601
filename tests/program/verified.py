"""What a list must be, whatever a pass did to it: every operation in the types of its row, behind all that it reads."""

from collections.abc import Collection, Iterator, Sequence

import numpy as np

from engine.program.lowering.operation_table import OPERATIONS
from engine.program.lowering.operations import KINDS, Operation
from engine.program.lowering.stages import Stage

ANY_NUMBER = ("call",)
"""Operations of any number of operands, all of one type."""


def faults(operations: Sequence[Operation], given: Collection[Operation] = ()) -> Iterator[str]:
    """What is wrong with some operations.

    Args:
      given: what they may read beside constants, inputs and each other.
    """
    before = set(given)
    for operation in operations:
        if operation.name != "input":
            yield from _of_types(operation)
        for operand in operation.operands:
            if operand not in before and not operand.is_constant:
                yield f"{operation.name} reads {operand.name}, which is not there yet"
        if operation in before and operation not in given:
            yield f"{operation.name} is there twice"
        before.add(operation)


def faults_of_stage(stage: Stage) -> Iterator[str]:
    """What is wrong with a stage: before its rounds, in them, and after the last."""
    carried = [state.now for state in stage.states]
    given = {*stage.loads}
    by_round = {one for one, place in stage.loads.items() if place.stride}
    for operation in (*stage.before, *stage.after):
        if not by_round.isdisjoint(operation.operands):
            yield f"{operation.name} reads outside the rounds what differs by round"
    yield from faults(stage.before, given)
    yield from faults(stage.rounds, {*given, *stage.before, *carried})
    ends = {*given, *stage.before, *stage.rounds, *carried, *(state.last for state in stage.states)}
    yield from faults(stage.after, ends)
    known = ends | {*stage.after}
    for operation in (*(one for one, _ in stage.stores), *(state.after for state in stage.states)):
        if operation not in known and not operation.is_constant:
            yield f"{operation.name} is written and not computed"


def _of_types(operation: Operation) -> Iterator[str]:
    """Where an operation does not read and give what its row says."""
    meaning = OPERATIONS.get(operation.name)
    if meaning is None:
        yield f"{operation.name} has no row"
        return
    reads = [operand.dtype for operand in operation.operands]
    kinds = meaning.reads.split()
    if operation.name in ANY_NUMBER:
        kinds *= len(reads)
    if len(kinds) != len(reads) or not all(read.kind in kind for read, kind in zip(reads, kinds, strict=True)):
        yield f"{operation.name} of {reads}, not of {meaning.reads}"
    if len({read for read, kind in zip(reads, kinds, strict=False) if kind == kinds[-1]}) != 1:
        yield f"{operation.name} of several types, {reads}"
    gives = operation.dtype.kind in meaning.gives if meaning.gives else operation.dtype == reads[-1]
    if not gives or np.dtype(operation.dtype) not in KINDS:
        yield f"{operation.name} of {reads} gives {operation.dtype}"
