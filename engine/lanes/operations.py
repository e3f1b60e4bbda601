"""The intermediate representation: scalar operations, the loops around them, and the memory that they read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

WORD = np.dtype(np.int32)
"""Type of a truth value in memory."""
KINDS = frozenset(map(np.dtype, ("float32", "float64", "int32", "uint32", "int64", "uint64", "bool")))
"""Types that the result of an operation may have."""


class NoScalarForm(Exception):
    """Raised for what cannot be written in scalar operations; the text names it and the line that calls it.

    Args:
      what: the JAX primitive, or what is too large, such as "a large product of matrices".
      line: file, line and function that call it, such as "model.py:12:8 (step)"; "" where no single line is the cause,
        None where the line is not known yet.
    """

    def __init__(self, what: str, line: str | None = None):
        super().__init__(f"{what} at {line}" if line else what)
        self.what, self.line = what, line


class Level(NamedTuple):
    """Where in the nest of loops a value is computed.

    Args:
      depth: number of loops around it.
      wide: whether each lane has a value of its own; otherwise all lanes share it.
    """

    depth: int
    wide: bool


UNIFORM = Level(0, False)
"""The level of constants and of shared inputs."""


class Stride(NamedTuple):
    """Words from one turn of a loop to the next: (number of the loop, words)."""

    loop: int
    words: int


@dataclass(eq=False)
class Region:
    """Consecutive words of scratch memory, for values that leave a loop or are read along one. Compared by identity.

    Args:
      words: its size for each lane, in 32-bit words.
      loops: numbers of the loops around the code that allocates it.
      copies: loops of which each turn has a copy of its own, the innermost first; `words` counts all copies.
    """

    words: int
    loops: tuple[int, ...]
    copies: list[Stride] = field(default_factory=list)


class Address(NamedTuple):
    """Address of a number in 32-bit words: that of the memory + `at` + turn x words over `strides` and copies.

    Args:
      memory: "shared" or "own" input, or a region of scratch memory.
      at: offset in the memory.
      strides: loops along which it moves.
      level: number of the region's copies that were known when the address was made; `at` counts these already.
    """

    memory: str | Region
    at: int
    strides: tuple[Stride, ...] = ()
    level: int = 0


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One operation on scalars, compared by identity; its representation leaves out the graph of its operands.

    Args:
      name: "input", "constant", "carried", "last" (the value of a carried number after its loop), "lane", or a row of
        `operation_table.OPERATIONS`.
      operands: the operations whose results it reads.
      dtype: type of its result.
      detail: what is needed beside the operands: the value of a constant, the address of an input, the name of a called
        C function, or the offset of a lookup's table among the shared inputs; else None.
      level: where it is computed.
    """

    name: str
    operands: tuple[Operation, ...] = field(repr=False)
    dtype: np.dtype
    detail: Any
    level: Level

    @property
    def is_constant(self) -> bool:
        """Whether it is a constant."""
        return self.name == "constant"

    @property
    def value(self) -> np.generic:
        """The value of a constant."""
        value: np.generic = self.detail
        return value

    @property
    def address(self) -> Address:
        """The address of an input."""
        address: Address = self.detail
        return address


class Store(NamedTuple):
    """A number that is written to scratch memory."""

    value: Operation
    address: Address


class Carried(NamedTuple):
    """A number that a loop carries: as a turn reads it, at the start, at the end of a turn, after the last turn."""

    now: Operation
    start: Operation
    end: Operation
    last: Operation


@dataclass(frozen=True, eq=False)
class Loop:
    """A scan: its number among all loops, how often it turns, what it carries, and its body."""

    number: int
    length: int
    carried: Sequence[Carried] = field(repr=False)
    body: Sequence[Item] = field(repr=False)


Item = Operation | Store | Loop
Operations = Sequence[Operation]
Array = np.ndarray[tuple[int, ...], np.dtype[np.object_]]
"""A NumPy array of dtype object whose elements are operations."""


@dataclass(frozen=True, eq=False)
class View:
    """An array that lies in memory and has not been read.

    Args:
      memory, strides, level: as of `Address`.
      offsets: address of each number, int64 [...].
      dtype: type of its numbers.
    """

    memory: str | Region
    offsets: np.ndarray
    dtype: np.dtype
    strides: tuple[Stride, ...] = ()
    level: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.offsets.shape


Values = Array | View
"""An array during lowering: of operations, or in memory."""


def moved(values: Values, move: Callable[[np.ndarray], Any]) -> list[Any]:
    """What a function makes of an array by moving its numbers, an array or a list of arrays, as a list."""
    made = move(values.offsets if isinstance(values, View) else values)
    parts = [np.asarray(part) for part in (made if isinstance(made, list) else [made])]
    return [replace(values, offsets=part) for part in parts] if isinstance(values, View) else parts


def mapped(function: Callable[..., Operation], *arrays: np.ndarray) -> Array:
    """The results of a function of elements, called in the order of the elements; arrays are broadcast to one shape."""
    spread = (array.copy() for array in np.broadcast_arrays(*arrays))
    with np.errstate(all="ignore"):  # flags that constant folding raised
        return np.asarray(np.frompyfunc(function, len(arrays), 1)(*spread), object)


def single(operation: Operation) -> Array:
    """An operation as an array with no dimensions."""
    return np.array(operation, object)


def words_of(dtype: np.dtype | type) -> int:
    """32-bit words that a number of this type takes in memory: 2 for types of 64 bits, 1 for all others."""
    return 2 if np.dtype(dtype).itemsize == 8 else 1
