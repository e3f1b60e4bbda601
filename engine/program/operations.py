"""Operations on scalars, in a list: what each reads, and what it differs by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.program.equations import Axis

KINDS = frozenset(map(np.dtype, ("float32", "float64", "int32", "uint32", "int64", "uint64", "bool")))
"""Types of numbers that operations have."""


class NoScalarForm(Exception):
    """An operation that is not written out in scalars, such as a sort; its name is the text."""


class Operation:
    """One operation on scalars; each is equal to itself alone.

    Args:
      name: "input", "constant", or what is done.
      operands: what it reads.
      dtype: of what it gives.
      detail: the value of a constant; of an input what it is; the rest that an operation must know.
      axes: what it differs by.
    """

    __slots__ = ("axes", "detail", "dtype", "name", "operands")

    def __init__(self, name: str, operands: tuple[Operation, ...], dtype: np.dtype, detail: Any, axes: Axis):
        self.name, self.operands, self.dtype, self.detail, self.axes = name, operands, dtype, detail, axes

    @property
    def is_constant(self) -> bool:
        """Whether its value is known."""
        return self.name == "constant"


Array = Any
"""An array of operations: NumPy's, of objects."""


def single(operation: Operation) -> Array:
    """An operation as an array of no dimension."""
    made = np.empty((), object)
    made[()] = operation
    return made


def stacked(parts: Sequence[Array]) -> Array:
    """Arrays of one shape along a new first axis."""
    made = np.empty((len(parts), *parts[0].shape), object)
    for k, part in enumerate(parts):
        made[k] = part[()] if not part.shape else part
    return made


def needed(wanted: Sequence[Operation], more: Mapping[Operation, Sequence[Operation]]) -> set[Operation]:
    """Some operations, and all that these take.

    Args:
      more: what an operation takes beside what it reads.
    """
    found: set[Operation] = set()
    waiting = [*wanted]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += (*operation.operands, *more.get(operation, ()))
    return found


def contracted(operations: Sequence[Operation], outputs: Sequence[Operation]) -> dict[Operation, Operation]:
    """Products that sums alone read, and these sums, as one operation each with one rounding: what stands for each sum.

    That is decided by the list, not by a compiler, so it is the same wherever the list is computed.
    """
    sums = {one for one in operations if one.name in ("add", "sub") and one.dtype.kind == "f"}
    read_by_others = set(outputs)
    for operation in operations:
        if operation not in sums or operation.operands[0] is operation.operands[1]:
            read_by_others.update(operation.operands)
    fused: dict[Operation, Operation] = {}
    for operation in operations:
        if operation not in sums:
            continue
        for side, factor in enumerate(operation.operands):
            if factor.name == "mul" and factor not in read_by_others:
                other = operation.operands[1 - side]
                name = "fma" if operation.name == "add" else ("fma -c", "fma -a")[side]
                operands = (*factor.operands, other)
                fused[operation] = Operation(name, operands, operation.dtype, None, operation.axes)
                break
    return fused


def depth_first(operations: Sequence[Operation]) -> list[Operation]:
    """The operations with what each reads as near before it as can be: few numbers wait for a reader at a time.

    What was traced of arrays comes array by array, and all of an array would wait in memory.
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
