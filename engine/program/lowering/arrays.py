"""Lowers JAX's array primitives: moves, reductions, products, indexing, loops, branches."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from engine.program.lowering import ordering, places
from engine.program.lowering.operations import Array, NoScalarForm, Operation
from engine.program.lowering.places import UNROLLED, Scalars

Shape = tuple[int, ...]


def _iota(params: Any, shape: Shape) -> np.ndarray:
    along = [-1 if axis == params["dimension"] else 1 for axis in range(len(shape))]
    return np.broadcast_to(np.arange(shape[params["dimension"]], dtype=params["dtype"]).reshape(along), shape)


def _loop_parts(params: Any) -> tuple[int, int]:
    """(constants of a scan, numbers carried from round to round) among its operands; JAX 0.12 has them under other
    names.
    """
    if "num_consts" in params:
        return params["num_consts"], params["num_carry"]
    stays, carried, *_ = params["ft_in"].unpack()
    return len(stays), len(carried)


def _spread(operands: Sequence[Array], params: Any, shape: Shape) -> list[Array]:
    operand, *_ = operands
    sizes = [1] * len(shape)
    for axis, along in enumerate(params["broadcast_dimensions"]):
        sizes[along] = operand.shape[axis]
    return [np.broadcast_to(operand.reshape(sizes), shape)]


def _slice(operands: Sequence[Array], params: Any, shape: Shape) -> list[Array]:
    steps = params["strides"] or [1] * operands[0].ndim
    places = zip(params["start_indices"], params["limit_indices"], steps, strict=True)
    return [np.asarray(operands[0][tuple(slice(*place) for place in places)], object)]


_MOVES: dict[str, Callable[[Sequence[Array], Any, Shape], list[Array]]] = {
    "broadcast_in_dim": _spread,
    "concatenate": lambda operands, params, _: [np.concatenate(operands, params["dimension"])],
    **dict.fromkeys(("copy", "optimization_barrier", "stop_gradient"), lambda operands, *_: list(operands)),
    **dict.fromkeys(("expand_dims", "reshape", "squeeze"), lambda operands, _, shape: [operands[0].reshape(shape)]),
    "rev": lambda operands, params, _: [np.flip(operands[0], params["dimensions"])],
    "slice": _slice,
    "split": lambda operands, params, _: np.split(operands[0], np.cumsum(params["sizes"])[:-1], params["axis"]),
    "stack": lambda operands, params, _: [np.stack(operands, params["axis"])],
    "tile": lambda operands, params, _: [np.tile(operands[0], params["reps"])],
    "unstack": lambda operands, params, _: [
        np.asarray(part, object) for part in np.moveaxis(operands[0], params["axis"], 0)
    ],
    "transpose": lambda operands, params, _: [operands[0].transpose(params["permutation"])],
}


def _reduced(scalars: Scalars, name: str, operand: Array, axes: Sequence[int], dtype: np.dtype) -> Array:
    rest = tuple(size for axis, size in enumerate(operand.shape) if axis not in axes)
    rows = np.moveaxis(operand, axes, range(len(axes))).reshape(-1, *rest)
    if len(rows) == 0:
        return np.full(rest, scalars.constant(np.asarray(_NEUTRAL[name](dtype), dtype)), object)
    arrays = (np.asarray(row, object) for row in rows)
    return functools.reduce(lambda total, row: scalars.elementwise(name, [total, row], rest, dtype), arrays)


def _place_of_extreme(scalars: Scalars, name: str, operand: Array, axes: Sequence[int], dtype: np.dtype) -> Array:
    """Index of the greatest or least number along an axis; as in XLA the first of equal ones, and the first NaN before
    all.
    """
    rows = np.moveaxis(operand, axes[0], 0)
    made = np.empty(rows.shape[1:], object)
    for at in np.ndindex(made.shape):
        best, place = rows[(0, *at)], scalars.constant(np.zeros((), dtype))
        for k in range(1, len(rows)):
            one = rows[(k, *at)]
            # the first NaN is the extreme; of equal numbers the first
            before = scalars.each("ge" if name == "argmax" else "le", best, one)
            farther = scalars.each("not", before)
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
    """XLA's pad: an array with `filling` before, behind and between its elements; negative counts at the ends remove
    elements.
    """
    made = np.full(shape, filling, object)
    for at in np.ndindex(operand.shape):
        to = tuple(int(low) + k * (int(inner) + 1) for k, (low, _, inner) in zip(at, config, strict=True))
        if all(0 <= k < size for k, size in zip(to, shape, strict=True)):
            made[to] = operand[at]
    return made


def _product(scalars: Scalars, left: Array, right: Array, dimensions: Any, shape: Shape, dtype: np.dtype) -> Array:
    """XLA's dot_general: a product of matrices or vectors, each sum in the order of its terms.

    Raises:
      NoScalarForm: the product is too large.
    """
    (along_left, along_right), (batch_left, batch_right) = dimensions
    free_left = [axis for axis in range(left.ndim) if axis not in (*along_left, *batch_left)]
    free_right = [axis for axis in range(right.ndim) if axis not in (*along_right, *batch_right)]
    count = math.prod(left.shape[axis] for axis in along_left)
    if count * math.prod(shape) > UNROLLED:
        raise NoScalarForm("a large product of matrices")
    batch = [left.shape[axis] for axis in batch_left]
    lefts = left.transpose([*batch_left, *free_left, *along_left]).reshape(math.prod(batch), -1, count)
    rights = right.transpose([*batch_right, *free_right, *along_right]).reshape(math.prod(batch), -1, count)
    made = np.empty((lefts.shape[0], lefts.shape[1], rights.shape[1]), object)
    for b, i, j in np.ndindex(made.shape):
        terms = [scalars.each("mul", x, y, dtype=dtype) for x, y in zip(lefts[b, i], rights[b, j], strict=True)]
        made[b, i, j] = functools.reduce(functools.partial(scalars.each, "add", dtype=dtype), terms)
    return made.reshape(shape)


def _chosen(scalars: Scalars, operands: Sequence[Array], params: Any) -> list[Array]:
    """A conditional: all branches are computed and one is selected, as under `vmap`."""
    index, *given = operands
    cases = [scalars.traced(branch, given) for branch in params["branches"]]
    return [
        (
            scalars.elementwise("select_n", [index, *of_each], of_each[0].shape, of_each[0].flat[0].dtype)
            if of_each[0].size
            else of_each[0]
        )
        for of_each in zip(*cases, strict=True)
    ]


def _loop(scalars: Scalars, operands: Sequence[Array], params: Any) -> list[Array]:
    """A scan, unrolled.

    Raises:
      NoScalarForm: it is too long, or has no round.
    """
    body, length = params["jaxpr"], params["length"]
    consts, carried = _loop_parts(params)
    if length * len(body.jaxpr.eqns) > 16 * UNROLLED or length > UNROLLED:
        raise NoScalarForm("a long loop")
    fixed, carry, along = (operands[:consts], list(operands[consts : consts + carried]), operands[consts + carried :])
    rounds: list[list[Array]] = [[] for _ in range(length)]
    for turn in reversed(range(length)) if params["reverse"] else range(length):
        now = [np.asarray(part[turn], object) for part in along]
        results = scalars.traced(body, [*fixed, *carry, *now])
        carry, rounds[turn] = results[:carried], results[carried:]
    if not length:
        raise NoScalarForm("a loop of no round")
    return [*carry, *(np.stack(column) for column in zip(*rounds, strict=True))]


_REDUCTIONS = {
    "reduce_sum": "add",
    "reduce_prod": "mul",
    "reduce_max": "max",
    "reduce_min": "min",
    "reduce_and": "and",
    "reduce_or": "or",
}
"""Reduction -> operation that combines two numbers."""
_NEUTRAL: Mapping[str, Callable[[Any], Any]] = {
    "add": lambda dtype: 0,
    "mul": lambda dtype: 1,
    "max": lambda dtype: _limits(dtype)[0],
    "min": lambda dtype: _limits(dtype)[1],
    "and": lambda dtype: ~np.zeros((), dtype),
    "or": lambda dtype: 0,
}
"""Neutral element of each operation by type: the reduction of no numbers."""


def _limits(dtype: np.dtype) -> tuple[float, float]:
    if dtype.kind == "b":
        return False, True
    return (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)


def applied(
    scalars: Scalars, name: str, operands: Sequence[Array], params: Mapping[str, Any], shape: Shape, dtype: np.dtype
) -> list[Array] | None:
    """The results of a JAX primitive on arrays; None where it is no such primitive, but for example elementwise.

    Args:
      name, params: name and parameters of the primitive.
      shape, dtype: shape and type of the first result.

    Raises:
      NoScalarForm: the primitive, with these sizes, cannot be written in scalar operations.
    """
    if name in _MOVES:
        return _MOVES[name](operands, params, shape)
    if name in _REDUCTIONS:
        return [_reduced(scalars, _REDUCTIONS[name], operands[0], params["axes"], dtype)]
    known = _OTHERS.get(name)
    return None if known is None else known(scalars, operands, params, shape, dtype)


_OTHERS: Mapping[str, Callable[..., list[Array]]] = {
    "argmax": lambda s, o, p, _, dtype: [_place_of_extreme(s, "argmax", o[0], p["axes"], dtype)],
    "argmin": lambda s, o, p, _, dtype: [_place_of_extreme(s, "argmin", o[0], p["axes"], dtype)],
    "cond": lambda s, o, p, *_: _chosen(s, o, p),
    **{
        f"cum{ending}": lambda s, o, p, *_, name=name: [_running(s, name, o[0], p)]
        for ending, name in (("sum", "add"), ("prod", "mul"), ("max", "max"), ("min", "min"))
    },
    "dot_general": lambda s, o, p, shape, dtype: [_product(s, o[0], o[1], p["dimension_numbers"], shape, dtype)],
    "dynamic_slice": lambda s, o, p, *_: [places.taken(s, o[0], [one.item() for one in o[1:]], p["slice_sizes"])],
    "dynamic_update_slice": lambda s, o, *_: [places.put(s, o[0], o[1], [one.item() for one in o[2:]])],
    "gather": lambda s, o, p, shape, _: [places.gathered(s, o[0], o[1], p, shape)],
    "iota": lambda s, o, p, shape, _: [s.array(_iota(p, shape))],
    "pad": lambda s, o, p, shape, _: [_padded(o[0], o[1].item(), p["padding_config"], shape)],
    "scan": lambda s, o, p, *_: _loop(s, o, p),
    "scatter": lambda s, o, p, *_: [places.scattered(s, None, o, p)],
    **{
        f"scatter{sign}{name}": lambda s, o, p, *_, name=name: [places.scattered(s, name, o, p)]
        for sign in "-_"
        for name in ("add", "mul", "max", "min")
    },
    "sort": lambda s, o, p, *_: ordering.in_order(s, o, p["dimension"], p["num_keys"]),
}
