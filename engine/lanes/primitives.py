"""Lowers JAX's array primitives: moves, reductions, products, indexing, branches."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.lanes import indexing
from engine.lanes.indexing import UNROLLED, Scalars, limits
from engine.lanes.operations import Array, NoScalarForm, Operation, mapped

Shape = tuple[int, ...]


def _spread(operand: Array, along: Sequence[int], shape: Shape) -> Array:
    """An array broadcast to a shape, of which `along` are the axes that the array has, ascending."""
    return np.broadcast_to(np.expand_dims(operand, [k for k in range(len(shape)) if k not in along]), shape)


def _slice(operand: Array, params: Any) -> Array:
    steps = params["strides"] or [1] * operand.ndim
    ranges: Any = map(slice, params["start_indices"], params["limit_indices"], steps)
    return operand[..., *ranges]


def _reduced(scalars: Scalars, name: str, operand: Array, axes: Sequence[int], dtype: np.dtype) -> Array:
    rows = np.moveaxis(operand, axes, range(len(axes)))
    count, shape = math.prod(rows.shape[: len(axes)]), rows.shape[len(axes) :]
    if not count:
        return np.full(shape, scalars.constant(np.asarray(_neutral(name, dtype)).astype(dtype)), object)
    total = functools.reduce(functools.partial(scalars.elementwise, name), rows.reshape(count, *shape))
    return np.asarray(total, object)


def _neutral(name: str, dtype: np.dtype) -> float:
    """Neutral element of an operation: the reduction of no numbers."""
    least, greatest = limits(dtype)
    return {"add": 0, "mul": 1, "max": least, "min": greatest, "and": -1, "or": 0}[name]


def _place_of_extreme(scalars: Scalars, holds: str, operand: Array, axes: Sequence[int], dtype: np.dtype) -> Array:
    """Index of the greatest or least number along an axis: the first of equal ones; as in XLA the first NaN if any.

    Args:
      holds: comparison of the extreme with any other number, "ge" or "le".
    """

    def place_in(row: Array) -> Operation:
        best, place = row[0], scalars.constant(np.zeros((), dtype))
        for k, one in enumerate(row[1:], 1):
            farther = scalars.each("not", scalars.each(holds, best, one))
            if best.dtype.kind == "f":
                farther = scalars.each("and", farther, scalars.each("eq", best, best))
            best = scalars.each("select", farther, one, best)
            place = scalars.each("select", farther, scalars.constant(np.asarray(k, dtype)), place)
        return place

    return np.apply_along_axis(place_in, axes[0], operand)


def _running(scalars: Scalars, name: str, operand: Array, params: Any) -> Array:
    """Cumulative sums, products, maxima or minima along an axis."""
    made = operand.copy()
    rows = np.moveaxis(made, params["axis"], 0)[:: -1 if params["reverse"] else 1]
    for k in range(1, len(rows)):
        rows[k, ...] = scalars.elementwise(name, rows[k - 1], rows[k])
    return made


def _padded(operand: Array, filling: Operation, config: Any, shape: Shape) -> Array:
    """XLA's pad: an array with `filling` before, behind and between its elements.

    Args:
      config: for each axis (count before, count behind, count between two elements); the first two may be negative, and
        then remove elements.
    """
    made = np.full(shape, filling, object)
    for at in np.ndindex(operand.shape):
        to = tuple(low + k * (inner + 1) for k, (low, _, inner) in zip(at, config, strict=True))
        if all(0 <= k < size for k, size in zip(to, shape, strict=True)):
            made[to] = operand[at]
    return made


def _product(scalars: Scalars, factors: Sequence[Array], dimensions: Any, shape: Shape, dtype: np.dtype) -> Array:
    """XLA's dot_general: a product of matrices or vectors, each sum in the order of its terms.

    Raises:
      NoScalarForm: the product is too large.
    """

    def matrices(operand: Array, along: Sequence[int], batch: Sequence[int]) -> Array:
        free = [axis for axis in range(operand.ndim) if axis not in (*along, *batch)]
        sizes = (math.prod(operand.shape[axis] for axis in axes) for axes in (batch, free, along))
        rows = operand.transpose([*batch, *free, *along]).reshape(*sizes)
        return scalars.elementwise("convert_element_type", rows, dtype=dtype)

    lefts, rights = map(matrices, factors, *dimensions)
    if lefts.shape[-1] * math.prod(shape) > UNROLLED:
        raise NoScalarForm("a large product of matrices")
    products = scalars.elementwise("mul", lefts[:, :, None], rights[:, None])
    return _reduced(scalars, "add", products, [3], dtype).reshape(shape)


def _polynomial(scalars: Scalars, x: Array, ascending: Sequence[Array], dtype: np.dtype) -> Array:
    """A polynomial of x by Horner's rule, from its coefficients in ascending order."""
    value = ascending[-1]
    for coefficient in ascending[-2::-1]:
        value = scalars.elementwise("add", scalars.elementwise("mul", value, x, dtype=dtype), coefficient, dtype=dtype)
    return value


def _power(scalars: Scalars, x: Array, exponent: int, dtype: np.dtype) -> Array:
    """x to an integer power by repeated squaring; 1 / x^|y| for y below 0.

    Each product, and the quotient, adds a rounding error of half an ulp, where x^|y| is a normal number.
    """
    ones = np.full(x.shape, scalars.constant(dtype.type(1)), object)
    value, factor, left = ones, x, abs(exponent)
    while left:
        if left & 1:
            value = scalars.elementwise("mul", value, factor)
        left >>= 1
        if left:
            factor = scalars.elementwise("mul", factor, factor)
    return scalars.elementwise("div", ones, value) if exponent < 0 else value


def _chosen(scalars: Scalars, operands: Sequence[Array], params: Any) -> list[Array]:
    """A conditional: all branches are computed and one is selected, as under `vmap`."""
    index, *given = operands
    cases = [[scalars.read(one) for one in scalars.traced(branch, given)] for branch in params["branches"]]
    return [_selected(scalars, [index, *of_each]) for of_each in zip(*cases, strict=True)]


def _selected(scalars: Scalars, operands: Sequence[Array]) -> Array:
    return mapped(functools.partial(indexing.chosen, scalars), *operands)


MOVES: Mapping[str, Callable[..., Any]] = {
    "broadcast_in_dim": lambda x, p, shape: _spread(x, p["broadcast_dimensions"], shape),
    **dict.fromkeys(("copy", "stop_gradient"), lambda x, *_: x),
    **dict.fromkeys(("reshape", "squeeze"), lambda x, _, shape: x.reshape(shape)),
    "rev": lambda x, p, _: np.flip(x, p["dimensions"]),
    "slice": lambda x, p, _: _slice(x, p),
    "split": lambda x, p, _: np.split(x, np.cumsum(p["sizes"])[:-1], p["axis"]),
    "tile": lambda x, p, _: np.tile(x, p["reps"]),
    "transpose": lambda x, p, _: x.transpose(p["permutation"]),
    "unstack": lambda x, p, _: [np.take(x, k, p["axis"]) for k in range(x.shape[p["axis"]])],
}
"""JAX's primitives that move the numbers of one array, as functions of an array, parameters and shape of the result.

The array holds operations, or the addresses of numbers in memory. They give an array or a list of arrays.
"""
_COMBINING = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "and": "and", "or": "or"}
"""Ending of the name of a reduction -> operation that combines two numbers."""
PRIMITIVES: Mapping[str, Callable[..., Any]] = {
    "add_any": lambda s, o, *_: s.elementwise("add", *o),
    "argmax": lambda s, o, p, to: _place_of_extreme(s, "ge", o[0], p["axes"], to.dtype),
    "argmin": lambda s, o, p, to: _place_of_extreme(s, "le", o[0], p["axes"], to.dtype),
    "concatenate": lambda s, o, p, _: np.concatenate(o, p["dimension"]),
    "cond": lambda s, o, p, _: _chosen(s, o, p),
    **{f"cum{end}": lambda s, o, p, _, name=name: _running(s, name, o[0], p) for end, name in _COMBINING.items()},
    "dot_general": lambda s, o, p, to: _product(s, o, p["dimension_numbers"], to.shape, to.dtype),
    "dynamic_slice": lambda s, o, p, _: indexing.taken(s, o[0], [one.item() for one in o[1:]], p["slice_sizes"]),
    "dynamic_update_slice": lambda s, o, *_: indexing.written(
        s, o[0], None, o[1], [one.item() for one in o[2:]], s.constant(np.True_)
    ),
    "gather": lambda s, o, p, to: indexing.gathered(s, o, p, to),
    "polynomial": lambda s, o, p, to: _polynomial(s, o[0], o[1:], to.dtype),  # of JAX 0.12
    "integer_pow": lambda s, o, p, to: _power(s, o[0], p["y"], to.dtype),
    "iota": lambda s, o, p, to: s.array(np.indices(to.shape, to.dtype)[p["dimension"]]),
    "optimization_barrier": lambda s, o, *_: o,
    "pad": lambda s, o, p, to: _padded(o[0], o[1].item(), p["padding_config"], to.shape),
    **{
        f"reduce_{end}": lambda s, o, p, to, name=name: _reduced(s, name, o[0], p["axes"], to.dtype)
        for end, name in _COMBINING.items()
    },
    "scatter": lambda s, o, p, _: indexing.scattered(s, None, o, p),
    **{
        f"scatter-{name}": lambda s, o, p, _, name=name: indexing.scattered(s, name, o, p)
        for name in ("add", "sub", "mul", "max", "min")
    },
    "select_n": lambda s, o, *_: _selected(s, o),
    "stack": lambda s, o, p, _: np.stack(o, p["axis"]),
}
"""JAX's other primitives on arrays, as functions that give a primitive's result, or a list of results.

They take the list, the operands, the primitive's parameters, and the first result as JAX's description of an array.
They raise a `NoScalarForm` where the primitive, with these sizes, cannot be written in scalar operations.
"""
