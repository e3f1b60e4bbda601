"""Lowers JAX's array primitives: moves, reductions, products, indexing, branches."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.lanes import indexing
from engine.lanes.indexing import UNROLLED, Scalars, limits
from engine.lanes.operations import Array, NoScalarForm, Operation

Shape = tuple[int, ...]


def _spread(operand: Array, along: Sequence[int], shape: Shape) -> Array:
    """An array broadcast to a shape, of which `along` are the axes that the array has, ascending."""
    return np.broadcast_to(np.expand_dims(operand, [k for k in range(len(shape)) if k not in along]), shape)


def _slice(operand: Array, params: Any) -> Array:
    steps = params["strides"] or [1] * operand.ndim
    part = operand[tuple(map(slice, params["start_indices"], params["limit_indices"], steps))]
    return np.asarray(part, operand.dtype)


def _reduced(scalars: Scalars, name: str, operand: Array, axes: Sequence[int], shape: Shape, dtype: np.dtype) -> Array:
    count = math.prod(operand.shape[axis] for axis in axes)
    rows = np.moveaxis(operand, axes, range(len(axes))).reshape(count, *shape)
    if not count:
        return np.full(shape, scalars.constant(np.asarray(_NEUTRAL[name](dtype), dtype)), object)
    arrays = (np.asarray(row, object) for row in rows)
    return functools.reduce(lambda total, row: scalars.elementwise(name, [total, row], shape, dtype), arrays)


def _place_of_extreme(scalars: Scalars, holds: str, operand: Array, axes: Sequence[int], dtype: np.dtype) -> Array:
    """Index of the greatest or least number along an axis: the first of equal ones; as in XLA the first NaN if any.

    Args:
      holds: comparison of the extreme with any other number, "ge" or "le".
    """
    rows = np.moveaxis(operand, axes[0], 0)
    made = np.empty(rows.shape[1:], object)
    for at in np.ndindex(made.shape):
        best, place = rows[(0, *at)], scalars.constant(np.zeros((), dtype))
        for k in range(1, len(rows)):
            one = rows[(k, *at)]
            farther = scalars.each("not", scalars.each(holds, best, one))
            if best.dtype.kind == "f":
                farther = scalars.each("and", farther, scalars.each("eq", best, best))
            best = scalars.each("select", farther, one, best)
            place = scalars.each("select", farther, scalars.constant(np.asarray(k, dtype)), place)
        made[at] = place
    return made


def _running(scalars: Scalars, name: str, operand: Array, params: Any) -> Array:
    """Cumulative sums, products, maxima or minima along an axis."""
    made = operand.copy()
    rows = np.moveaxis(made, params["axis"], 0)[:: -1 if params["reverse"] else 1]
    for k in range(1, len(rows)):
        for at in np.ndindex(rows.shape[1:]):
            rows[(k, *at)] = scalars.each(name, rows[(k - 1, *at)], rows[(k, *at)])
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


def _product(scalars: Scalars, left: Array, right: Array, dimensions: Any, shape: Shape, dtype: np.dtype) -> Array:
    """XLA's dot_general: a product of matrices or vectors, each sum in the order of its terms.

    Raises:
      NoScalarForm: the product is too large.
    """

    def matrices(operand: Array, along: Sequence[int], batch: Sequence[int]) -> Array:
        free = [axis for axis in range(operand.ndim) if axis not in (*along, *batch)]
        sizes = (math.prod(operand.shape[axis] for axis in axes) for axes in (batch, free, along))
        rows = operand.transpose([*batch, *free, *along]).reshape(*sizes)
        return scalars.elementwise("convert_element_type", [rows], rows.shape, dtype)

    lefts, rights = map(matrices, (left, right), *dimensions)
    if lefts.shape[-1] * math.prod(shape) > UNROLLED:
        raise NoScalarForm("a large product of matrices")
    (batch, rows, terms), columns = lefts.shape, rights.shape[1]
    products = scalars.elementwise("mul", [lefts[:, :, None], rights[:, None]], (batch, rows, columns, terms), dtype)
    return _reduced(scalars, "add", products, [3], (batch, rows, columns), dtype).reshape(shape)


def _chosen(scalars: Scalars, operands: Sequence[Array], params: Any) -> list[Array]:
    """A conditional: all branches are computed and one is selected, as under `vmap`."""
    index, *given = operands
    cases = [[scalars.read(one) for one in scalars.traced(branch, given)] for branch in params["branches"]]
    return [
        scalars.elementwise("select_n", [index, *of_each], of_each[0].shape) for of_each in zip(*cases, strict=True)
    ]


_NEUTRAL: Mapping[str, Callable[[Any], Any]] = {
    "add": lambda dtype: 0,
    "mul": lambda dtype: 1,
    "max": lambda dtype: limits(dtype)[0],
    "min": lambda dtype: limits(dtype)[1],
    "and": lambda dtype: ~np.zeros((), dtype),
    "or": lambda dtype: 0,
}
"""Neutral element of each operation by type: the reduction of no numbers."""


_COMBINING = {"sum": "add", "prod": "mul", "max": "max", "min": "min", "and": "and", "or": "or"}
"""Ending of the name of a reduction -> operation that combines two numbers."""
PRIMITIVES: Mapping[str, Callable[..., list[Array]]] = {
    "argmax": lambda s, o, p, _, dtype: [_place_of_extreme(s, "ge", o[0], p["axes"], dtype)],
    "argmin": lambda s, o, p, _, dtype: [_place_of_extreme(s, "le", o[0], p["axes"], dtype)],
    "broadcast_in_dim": lambda s, o, p, shape, _: [_spread(o[0], p["broadcast_dimensions"], shape)],
    "concatenate": lambda s, o, p, *_: [np.concatenate(o, p["dimension"])],
    "cond": lambda s, o, p, *_: _chosen(s, o, p),
    **dict.fromkeys(("copy", "optimization_barrier", "stop_gradient"), lambda s, o, *_: list(o)),
    **{
        f"cum{ending}": lambda s, o, p, *_, name=name: [_running(s, name, o[0], p)]
        for ending, name in _COMBINING.items()
    },
    "dot_general": lambda s, o, p, shape, dtype: [_product(s, o[0], o[1], p["dimension_numbers"], shape, dtype)],
    "dynamic_slice": lambda s, o, p, *_: [indexing.taken(s, o[0], [one.item() for one in o[1:]], p["slice_sizes"])],
    "dynamic_update_slice": lambda s, o, *_: [indexing.put(s, o[0], o[1], [one.item() for one in o[2:]])],
    **dict.fromkeys(("reshape", "squeeze"), lambda s, o, p, shape, _: [o[0].reshape(shape)]),
    "gather": lambda s, o, p, shape, dtype: [indexing.gathered(s, o[0], o[1], p, shape, dtype)],
    "iota": lambda s, o, p, shape, dtype: [s.array(np.indices(shape, dtype)[p["dimension"]])],
    "pad": lambda s, o, p, shape, _: [_padded(o[0], o[1].item(), p["padding_config"], shape)],
    **{
        f"reduce_{ending}": lambda s, o, p, shape, dtype, name=name: [_reduced(s, name, o[0], p["axes"], shape, dtype)]
        for ending, name in _COMBINING.items()
    },
    "rev": lambda s, o, p, *_: [np.flip(o[0], p["dimensions"])],
    **dict.fromkeys(
        ("scatter", *(f"scatter-{name}" for name in ("add", "sub", "mul", "max", "min"))),
        lambda s, o, p, *_: [indexing.scattered(s, o, p)],
    ),
    "slice": lambda s, o, p, *_: [_slice(o[0], p)],
    "split": lambda s, o, p, *_: np.split(o[0], np.cumsum(p["sizes"])[:-1], p["axis"]),
    "stack": lambda s, o, p, *_: [np.stack(o, p["axis"])],
    "tile": lambda s, o, p, *_: [np.tile(o[0], p["reps"])],
    "transpose": lambda s, o, p, *_: [o[0].transpose(p["permutation"])],
    "unstack": lambda s, o, p, *_: [np.asarray(part, o[0].dtype) for part in np.moveaxis(o[0], p["axis"], 0)],
}
"""JAX's primitives on arrays by name, as functions that give a primitive's results.

They take the list, the operands, the primitive's parameters, and shape and type of the first result. They raise a
`NoScalarForm` where the primitive, with these sizes, cannot be written in scalar operations.
"""
MOVES = frozenset(
    (
        "broadcast_in_dim", "copy", "optimization_barrier", "reshape", "rev", "slice", "split", "squeeze",
        "stop_gradient", "tile", "transpose", "unstack",
    )
)  # fmt: skip
"""Primitives that move the numbers of one array, and so the addresses of one in memory."""
