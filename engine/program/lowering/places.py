"""Lowers slices, gather and scatter at indices that may be known only when a path is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.program.lowering.operations import Array, NoScalarForm, Operation, Operations

Scalars = Any
"""`scalars.Scalars`, the list that operations are added to; not imported, as `scalars.py` imports this file."""
UNROLLED = 256
"""Most rounds of a loop, or elements of an array, that are unrolled into operations."""
_FEW = 4


def taken(scalars: Scalars, operand: Array, starts: Operations, sizes: Sequence[int]) -> Array:
    """XLA's dynamic slice: the part of an array with these starts and sizes; starts are clipped so that it fits.

    Raises:
      NoScalarForm: a start is not constant, and the array too long to choose from.
    """
    for axis, (start, size) in enumerate(zip(starts, sizes, strict=True)):
        rows = np.moveaxis(operand, axis, 0)
        at = _within(scalars, start, len(rows) - size)
        made = np.empty((size, *rows.shape[1:]), object)
        for k, *rest in np.ndindex(made.shape):
            made[(k, *rest)] = _one_of(scalars, [rows[(k + n, *rest)] for n in range(len(rows) - size + 1)], at)
        operand = np.moveaxis(made, 0, axis)
    return operand


def put(scalars: Scalars, operand: Array, part: Array, starts: Operations) -> Array:
    """XLA's dynamic update slice: an array with a part of it replaced; starts are clipped so that the part fits.

    Raises:
      NoScalarForm: a start is not constant, and the array too large.
    """
    made = operand.copy()
    _write(scalars, made, None, part, starts, scalars.constant(np.True_))
    return made


def gathered(scalars: Scalars, operand: Array, indices: Array, params: Any, shape: Sequence[int]) -> Array:
    """XLA's gather: slices of an array, one for each row of indices.

    Raises:
      NoScalarForm: an index is not constant, and the array too long to choose from.
    """
    about, sizes = params["dimension_numbers"], params["slice_sizes"]
    flat = (*about.collapsed_slice_dims, *about.operand_batching_dims)
    made = np.empty(shape, object)
    ahead = np.moveaxis(made, about.offset_dims, range(-len(about.offset_dims), 0))
    for at in np.ndindex(indices.shape[:-1]):
        starts = _starts(
            scalars,
            at,
            indices[at],
            about.start_index_map,
            about.operand_batching_dims,
            about.start_indices_batching_dims,
            operand.ndim,
        )
        part: Array = np.squeeze(taken(scalars, operand, starts, sizes), flat)
        if "FILL" in str(params["mode"]):
            inside = _inside(scalars, starts, operand.shape, sizes)
            for place in np.ndindex(part.shape):
                kind = part[place].dtype
                other = scalars.constant(np.asarray(_filling(params["fill_value"], kind), kind))
                part[place] = scalars.each("select", inside, part[place], other)
        ahead[at] = part[()]
    return made


def scattered(scalars: Scalars, name: str | None, operands: Sequence[Array], params: Any) -> Array:
    """XLA's scatter: the array after writing slices to it one by one, or combining them with its elements.

    Args:
      name: operation that combines an element with the number written to it, such as "add"; None to replace the
        element.
      operands: the array, rows of indices, and the numbers.

    Raises:
      NoScalarForm: an index is not constant, and the array too large.
    """
    operand, indices, updates = operands
    about, drops = params["dimension_numbers"], "CLIP" not in str(params["mode"])
    windows = about.update_window_dims
    flat = {*about.inserted_window_dims, *about.operand_batching_dims}
    wide = [axis for axis in range(operand.ndim) if axis not in flat]
    sizes = [1] * operand.ndim
    for axis, along in zip(wide, windows, strict=True):
        sizes[axis] = updates.shape[along]
    rows = np.moveaxis(updates, windows, range(-len(windows), 0))
    made = operand.copy()
    for at in np.ndindex(indices.shape[:-1]):
        starts = _starts(
            scalars, at, indices[at], about.scatter_dims_to_operand_dims, about.operand_batching_dims,
            about.scatter_indices_batching_dims, operand.ndim,
        )  # fmt: skip
        allowed = _inside(scalars, starts, operand.shape, sizes) if drops else scalars.constant(np.True_)
        _write(scalars, made, name, np.asarray(rows[at], object).reshape(sizes), starts, allowed)
    return made


def _write(
    scalars: Scalars, made: Array, name: str | None, part: Array, starts: Operations, allowed: Operation
) -> None:
    """Writes a slice to an array where `allowed`, its starts clipped so that it fits."""
    limits = zip(starts, made.shape, part.shape, strict=True)
    begins = [_within(scalars, start, whole - size) for start, whole, size in limits]
    for at in np.ndindex(part.shape):
        _write_one(scalars, made, name, part.item(at), begins, at, allowed)


def _write_one(
    scalars: Scalars,
    made: Array,
    name: str | None,
    value: Operation,
    begins: Operations,
    offsets: Sequence[int],
    allowed: Operation,
) -> None:
    """Writes a number to an element whose index may not be constant: every element that it may be is selected from old
    and new.
    """
    reach = [
        [int(begin.value) + k] if begin.is_constant else list(range(whole))
        for begin, k, whole in zip(begins, offsets, made.shape, strict=True)
    ]
    shape = tuple(map(len, reach))
    if np.prod(shape, dtype=int) > UNROLLED:
        raise NoScalarForm("a change of a large array")
    for number in np.ndindex(shape):
        to = tuple(places[k] for places, k in zip(reach, number, strict=True))
        here = allowed
        for begin, k, place in zip(begins, offsets, to, strict=True):
            met = scalars.each("eq", begin, scalars.constant(np.int32(place - k)))
            here = scalars.each("and", here, met)
        new = value if name is None else scalars.each(name, made[to], value)
        made[to] = scalars.each("select", here, new, made[to])


def _starts(
    scalars: Scalars,
    at: Sequence[int],
    row: Array,
    axes: Sequence[int],
    batched: Sequence[int],
    along: Sequence[int],
    count: int,
) -> list[Operation]:
    """Start of a slice on each axis: the row's index for it, the row's own position for batched axes, 0 for all
    others."""
    starts = [scalars.constant(np.int32(0))] * count
    for axis, index in zip(axes, row, strict=True):
        starts[axis] = index
    for axis, k in zip(batched, along, strict=True):
        starts[axis] = scalars.constant(np.int32(at[k]))
    return starts


def _inside(scalars: Scalars, starts: Operations, whole: Sequence[int], sizes: Sequence[int]) -> Operation:
    """Whether a slice lies within an array, as a Boolean operation."""
    inside = scalars.constant(np.True_)
    for start, all_, size in zip(starts, whole, sizes, strict=True):
        for comparison, limit in (("ge", 0), ("le", all_ - size)):
            met = scalars.each(comparison, start, scalars.constant(start.dtype.type(limit)))
            inside = scalars.each("and", inside, met)
    return inside


def _within(scalars: Scalars, index: Operation, most: int) -> Operation:
    """An index clipped to 0 up to `most`, as int32."""
    least, most = (scalars.constant(index.dtype.type(limit)) for limit in (0, most))
    return scalars.each(
        "convert_element_type", scalars.each("min", scalars.each("max", index, least), most), dtype=np.int32
    )


def _one_of(scalars: Scalars, values: Operations, at: Operation) -> Operation:
    """The value at an index: by a lookup in memory where the values are adjacent arguments, else by a chain of
    selects."""
    if at.is_constant:
        return values[int(at.value)]
    places = [one.source.at for one in values if one.name == "input" and one.source.kind == "argument"]
    if len(places) == len(values) > _FEW and places == list(range(places[0], places[0] + len(places))):
        return scalars.operation("lookup", [at], values[0].dtype, places[0])
    if len(values) > UNROLLED:
        raise NoScalarForm("a place in a long array")
    result = values[-1]
    for number in range(len(values) - 2, -1, -1):
        here = scalars.each("le", at, scalars.constant(np.int32(number)))
        result = scalars.each("select", here, values[number], result)
    return result


def _filling(value: Any, kind: np.dtype) -> Any:
    """What a gather gives outside the array: the given value, else as in JAX NaN, the least signed or the greatest
    unsigned integer.
    """
    if value is not None:
        return value
    if kind.kind == "i":
        return np.iinfo(kind).min
    return np.nan if kind.kind == "f" else True if kind.kind == "b" else np.iinfo(kind).max
