"""The intermediate representation: immutable scalar operations with their operands and axes of variation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.program.tracing.equations import Axis

KINDS = frozenset(map(np.dtype, ("float32", "float64", "int32", "uint32", "int64", "uint64", "bool")))
"""Types that the result of an operation may have."""


class NoScalarForm(Exception):
    """Raised for what cannot be written in scalar operations, such as a sort of many values; the text names it."""


class Source(NamedTuple):
    """Where an input comes from.

    Args:
      kind: kind of input, such as "argument" or "lever".
      at: offset among the inputs of this kind, in 32-bit words.
    """

    kind: str
    at: int = 0

    def on(self, words: int) -> Source:
        """The source at an offset greater by so many 32-bit words."""
        return self._replace(at=self.at + words)


Detail = np.generic | Source | str | int | None
"""What an operation needs beside its operands.

The value of a constant, the source of an input, the name of a called C function, or the offset of a lookup's table
among the arguments, in 32-bit words.
"""


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One operation on scalars, compared by identity.

    Args:
      name: "input", "constant", or a row of `operation_table.OPERATIONS`.
      operands: the operations whose results it reads.
      dtype: type of its result.
      detail: as `Detail` says, None where nothing is needed.
      axes: the axes along which its result varies.
    """

    name: str
    operands: tuple[Operation, ...]
    dtype: np.dtype
    detail: Detail
    axes: Axis

    @property
    def is_constant(self) -> bool:
        """Whether it is a constant."""
        return self.name == "constant"

    @property
    def value(self) -> np.generic:
        """The value of a constant."""
        assert isinstance(self.detail, np.generic)
        return self.detail

    @property
    def source(self) -> Source:
        """The source of an input."""
        assert isinstance(self.detail, Source)
        return self.detail


Operations = Sequence[Operation]
Array = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
"""A NumPy array of dtype object whose elements are operations."""


def single(operation: Operation) -> Array:
    """An operation as an array with no dimensions."""
    return np.array(operation, object)


def needed(wanted: Operations, more: Mapping[Operation, Operations]) -> set[Operation]:
    """The wanted operations and all that they depend on, directly or not.

    Args:
      more: dependences of an operation beside its operands.
    """
    found: set[Operation] = set()
    waiting = [*wanted]
    while waiting:
        operation = waiting.pop()
        if operation not in found:
            found.add(operation)
            waiting += (*operation.operands, *more.get(operation, ()))
    return found


def readers(operations: Operations) -> dict[Operation, list[Operation]]:
    """Operation -> those of some operations that read it, in their order."""
    found: dict[Operation, list[Operation]] = {}
    for operation in operations:
        for operand in dict.fromkeys(operation.operands):
            found.setdefault(operand, []).append(operation)
    return found


def rewritten(operations: Operations, replaced: Mapping[Operation, Operation]) -> dict[Operation, Operation]:
    """Old operation -> new one: those replaced, and copies of all that depend on one of them with the new operands.

    Args:
      operations: in an order in which they can be computed.
      replaced: operation -> what takes its place.
    """
    stands: dict[Operation, Operation] = {}
    known = stands.keys()
    for operation in operations:
        one = replaced.get(operation, operation)
        if not known.isdisjoint(one.operands):
            operands = tuple(map(stands.get, one.operands, one.operands))
            one = Operation(one.name, operands, one.dtype, one.detail, one.axes)
        if one is not operation:
            stands[operation] = one
    return stands
