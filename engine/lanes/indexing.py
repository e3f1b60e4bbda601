"""Lowers slices, gather and scatter at indices that may be known only when a path is computed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from engine.lanes.operations import Array, NoScalarForm, Operation, Operations, single, words_of

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
        most = len(rows) - size
        at = _within(scalars, start, most)
        made = np.empty((size, *rows.shape[1:]), object)
        for k, *rest in np.ndindex(made.shape):
            made[(k, *rest)] = _one_of(scalars, list(rows[(slice(k, k + most + 1), *rest)]), at)
        operand = np.moveaxis(made, 0, axis)
    return operand


def gathered(scalars: Scalars, operands: Sequence[Array], params: Any, to: Any) -> Array:
    """XLA's gather: slices of an array, one for each row of indices.

    Args:
      operands: the array, and rows of indices.
      params: parameters of the primitive.
      to: shape and type of the result, as JAX describes an array.

    Raises:
      NoScalarForm: an index is not constant, and the array too long to choose from.
    """
    operand, indices = operands
    about, sizes = params["dimension_numbers"], params["slice_sizes"]
    batched = about.operand_batching_dims, about.start_indices_batching_dims
    flat = (*about.collapsed_slice_dims, *about.operand_batching_dims)
    made = np.empty(to.shape, object)
    ahead = np.moveaxis(made, about.offset_dims, range(-len(about.offset_dims), 0))
    for at, starts in _starts(scalars, indices, about.start_index_map, batched, operand.ndim):
        part: Array = np.squeeze(taken(scalars, operand, starts, sizes), flat)
        if "FILL" in str(params["mode"]):
            inside = single(_inside(scalars, starts, operand.shape, sizes))
            outside = scalars.array(np.asarray(_filling(params["fill_value"], to.dtype), to.dtype))
            part = scalars.elementwise("select", inside, part, outside)
        ahead[at] = part[()]
    return made


def scattered(scalars: Scalars, combined: str | None, operands: Sequence[Array], params: Any) -> Array:
    """XLA's scatter: the array after writing slices to it one by one, or combining them with its elements.

    Args:
      combined: operation of an element and the number written to it; None where the number replaces the element.
      operands: the array, rows of indices, and the numbers.
      params: parameters of the primitive.

    Raises:
      NoScalarForm: an index is not constant, and the array too large; or elements change by a function of the user's.
    """
    if combined is None and params["update_jaxpr"] is not None:
        raise NoScalarForm("scatter-apply")
    operand, indices, updates = operands
    about, drops = params["dimension_numbers"], "CLIP" not in str(params["mode"])
    windows, batched = about.update_window_dims, (about.operand_batching_dims, about.scatter_indices_batching_dims)
    flat = (*about.inserted_window_dims, *about.operand_batching_dims)
    rows = np.moveaxis(updates, windows, range(-len(windows), 0))
    made = operand
    for at, starts in _starts(scalars, indices, about.scatter_dims_to_operand_dims, batched, operand.ndim):
        part = np.expand_dims(np.asarray(rows[at], object), flat)
        allowed = _inside(scalars, starts, operand.shape, part.shape) if drops else scalars.constant(np.True_)
        made = written(scalars, made, combined, part, starts, allowed)
    return made


def written(
    scalars: Scalars, operand: Array, combined: str | None, part: Array, starts: Operations, allowed: Operation
) -> Array:
    """The array after writing a slice to it where `allowed`, its starts clipped so that it fits.

    Where a start is not constant, every element that may be meant becomes a select of its new and its old value.

    Args:
      combined: as of `scattered`.

    Raises:
      NoScalarForm: a start is not constant, and the array too large.
    """
    made = operand.copy()
    limits = zip(starts, made.shape, part.shape, strict=True)
    begins = [_within(scalars, start, whole - size) for start, whole, size in limits]
    for at in np.ndindex(part.shape):
        reach = [
            [int(begin.value) + k] if begin.is_constant else range(whole)
            for begin, k, whole in zip(begins, at, made.shape, strict=True)
        ]
        if math.prod(map(len, reach)) > UNROLLED:
            raise NoScalarForm("a change of a large array")
        for to in itertools.product(*reach):
            here = allowed
            for begin, k, place in zip(begins, at, to, strict=True):
                met = scalars.each("eq", begin, scalars.constant(np.int32(place - k)))
                here = scalars.each("and", here, met)
            new = part.item(at)
            if combined:
                new = scalars.each(combined, made[to], new)
            made[to] = scalars.each("select", here, new, made[to])
    return made


def _starts(
    scalars: Scalars, indices: Array, axes: Sequence[int], batched: tuple[Sequence[int], Sequence[int]], count: int
) -> Iterator[tuple[tuple[int, ...], list[Operation]]]:
    """For each row of indices its position, and where its slice starts on each of `count` axes of the array.

    Args:
      axes: the axes for which a row holds the starts, in its order.
      batched: axes on which a slice starts at the row's own position, and the axes of `indices` with this position. On
        all other axes it starts at 0.
    """
    for at in np.ndindex(indices.shape[:-1]):
        starts = [scalars.constant(np.int32(0))] * count
        for axis, index in zip(axes, indices[at], strict=True):
            starts[axis] = index
        for axis, k in zip(*batched, strict=True):
            starts[axis] = scalars.constant(np.int32(at[k]))
        yield at, starts


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
    """The value at an index: by a lookup in memory if the values are adjacent shared inputs, else by selects.

    Raises:
      NoScalarForm: there are too many for selects.
    """
    if at.is_constant:
        return values[int(at.value)]
    if len(values) > _FEW and (first := _first_of_table(scalars, values)) is not None:
        return scalars.operation("lookup", [at], values[0].dtype, first)
    if len(values) > UNROLLED:
        raise NoScalarForm("a place in a long array")
    return chosen(scalars, at, *values)


def chosen(scalars: Scalars, which: Operation, *cases: Operation) -> Operation:
    """The case with a number, or by a truth value the first where it is false: by selects."""
    if which.is_constant:
        return cases[int(which.value)]
    if all(case is cases[0] for case in cases):
        return cases[0]
    if which.dtype.kind == "b":
        result: Operation = scalars.each("select", which, cases[1], cases[0])
        return result
    result = cases[-1]
    for number in range(len(cases) - 2, -1, -1):
        here = scalars.each("le", which, scalars.constant(np.asarray(number, which.dtype)))
        result = scalars.each("select", here, cases[number], result)
    return result


def _first_of_table(scalars: Scalars, values: Operations) -> int | None:
    """Offset of the first of values that lie one behind the other among the shared inputs; None where they do not."""
    if words_of(values[0].dtype) > 1 or values[0].dtype.kind == "b":
        return None
    if all(one.is_constant for one in values):
        return scalars.pooled(np.array([one.value for one in values]))
    if any(one.name != "input" or one.address.memory != "shared" or one.address.strides for one in values):
        return None
    places = [one.address.at for one in values]
    return places[0] if places == list(range(places[0], places[0] + len(places))) else None


def limits(dtype: np.dtype) -> tuple[float, float]:
    """(least, greatest) value of a type; infinities for floating-point types."""
    if dtype.kind == "b":
        return False, True
    return (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def _filling(value: Any, dtype: np.dtype) -> Any:
    """What a gather gives outside the array: the given value, or as in JAX if it is None: NaN, the least signed or the
    greatest unsigned integer, or True.
    """
    if value is not None:
        return value
    return np.nan if dtype.kind == "f" else limits(dtype)[dtype.kind != "i"]
