"""Sorts as operations, and XLA's total order of floating-point numbers: -0 below 0, NaN above all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.lanes.indexing import UNROLLED, Scalars
from engine.lanes.operations import Array, NoScalarForm, Operation, Operations


def compared(scalars: Scalars, name: str, x: Operation, y: Operation) -> Operation:
    """x < y or x <= y in XLA's total order, as a Boolean operation.

    Args:
      name: "lt" or "le".
    """
    return scalars.each(name, _key(scalars, x), _key(scalars, y))


def in_order(scalars: Scalars, operands: Sequence[Array], axis: int, keys: int) -> list[Array]:
    """The arrays sorted together along an axis, by the first `keys` of them in turn; a stable sort, ascending.

    It is written out as a bubble sort without branches, so only few numbers can be sorted.

    Raises:
      NoScalarForm: there are too many.
    """
    size = operands[0].shape[axis]
    if size * (size - 1) // 2 * (len(operands) + keys) > UNROLLED:
        raise NoScalarForm("sort")
    made = [np.moveaxis(operand.copy(), axis, -1) for operand in operands]
    for at in np.ndindex(made[0].shape[:-1]):
        rows = [
            [*(_key(scalars, _plain(scalars, value)) for value in values[:keys]), *values]
            for values in zip(*(array[at] for array in made), strict=True)
        ]
        for last in range(size - 1, 0, -1):
            for k in range(last):
                below = _below(scalars, rows[k + 1][:keys], rows[k][:keys])
                pairs = list(zip(rows[k], rows[k + 1], strict=True))
                rows[k] = [scalars.each("select", below, y, x) for x, y in pairs]
                rows[k + 1] = [scalars.each("select", below, x, y) for x, y in pairs]
        for array, values in zip(made, list(zip(*rows, strict=True))[keys:], strict=True):
            array[at] = values
    return [np.moveaxis(array, -1, axis) for array in made]


def _below(scalars: Scalars, left: Operations, right: Operations) -> Operation:
    """Whether a row of keys is lexicographically below another one."""
    result = scalars.constant(np.False_)
    for x, y in zip(left[::-1], right[::-1], strict=True):
        same = scalars.each("and", scalars.each("eq", x, y), result)
        result = scalars.each("or", scalars.each("lt", x, y), same)
    return result


def _plain(scalars: Scalars, value: Operation) -> Operation:
    """The number, with 0 in place of -0, which a sort takes as equal."""
    if value.dtype.kind != "f":
        return value
    zero = scalars.constant(value.dtype.type(0))
    return scalars.each("select", scalars.each("eq", value, zero), zero, value)


def _key(scalars: Scalars, value: Operation) -> Operation:
    """A signed integer that orders as the number does in the total order."""
    if value.dtype.kind != "f":
        return value
    kind = np.dtype(f"i{value.dtype.itemsize}")
    bits = scalars.each("bitcast_convert_type", value, dtype=kind)
    most = scalars.constant(np.asarray(np.iinfo(kind).max, kind))
    sign = scalars.constant(np.asarray(8 * kind.itemsize - 1, kind))
    mask = scalars.each("and", scalars.each("shift_right_arithmetic", bits, sign), most)
    key = scalars.each("xor", bits, mask)
    return scalars.each("select", scalars.each("ne", value, value), most, key)
