"""Operations on scalars, in a list: what each reads, and what it differs by. None is changed once it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.program.tracing.equations import Axis

KINDS = frozenset(map(np.dtype, ("float32", "float64", "int32", "uint32", "int64", "uint64", "bool")))
"""Types of numbers that operations have."""


class NoScalarForm(Exception):
    """An operation that is not written out in scalars, such as a sort; its name is the text."""


class Source(NamedTuple):
    """What an input is.

    Args:
      kind: such as "argument" or "lever".
      at: its place among those of its kind, in words of 32 bits.
    """

    kind: str
    at: int = 0

    def on(self, words: int) -> Source:
        """So many words on."""
        return self._replace(at=self.at + words)


Detail = np.generic | Source | str | int | None
"""The value of a constant; the source of an input; the function that is called; where in the arguments a table begins that is looked up."""


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One operation on scalars; each is equal to itself alone.

    Args:
      name: "input", "constant", or what is done.
      operands: what it reads.
      dtype: of what it gives.
      detail: what else it must know.
      axes: what it differs by.
    """

    name: str
    operands: tuple[Operation, ...]
    dtype: np.dtype
    detail: Detail
    axes: Axis

    @property
    def is_constant(self) -> bool:
        """Whether its value is known."""
        return self.name == "constant"

    @property
    def value(self) -> np.generic:
        """That of a constant."""
        assert isinstance(self.detail, np.generic)
        return self.detail

    @property
    def source(self) -> Source:
        """That of an input."""
        assert isinstance(self.detail, Source)
        return self.detail


Array = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
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


def rewritten(
    operations: Sequence[Operation], replaced: Mapping[Operation, Operation]
) -> dict[Operation, Operation]:
    """What stands for the operations that are replaced, and for those that read one of them or of these, and so on."""
    stands: dict[Operation, Operation] = {}
    for operation in operations:
        one = replaced.get(operation, operation)
        if not stands.keys().isdisjoint(one.operands):
            operands = tuple(map(stands.get, one.operands, one.operands))
            one = Operation(one.name, operands, one.dtype, one.detail, one.axes)
        if one is not operation:
            stands[operation] = one
    return stands
