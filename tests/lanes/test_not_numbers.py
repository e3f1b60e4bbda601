"""Reductions, comparisons and selections of NaN, infinities and zeros of both signs: lanes give what XLA gives."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.lanes.scalars import Scalars
from tests.helpers import assert_same
from tests.lanes.compiled import WIDTHS, by_lanes, by_xla
from tests.pairs import in_turn

SPECIAL = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 2.0, -3.0])
SIZE = 3


def by_name(*functions, **others):
    """The functions by their own names, then others by given ones."""
    return {one.__name__: one for one in functions} | others


# fmt: off
ROW = by_name(
    jnp.argmax, jnp.argmin, jnp.max, jnp.min, jnp.sum, jnp.prod, jnp.mean, jnp.any, jnp.all, jnp.cumsum, jnp.cumprod,
    lax.cummax, lax.cummin, jnp.nanargmax, jnp.nanargmin, jnp.nanmax, jnp.nanmin,
    jnp.nansum, jnp.nanprod, jnp.nanmean, jnp.count_nonzero, jnp.diff, jnp.ptp,
    cummax_back=lambda x: lax.cummax(x, reverse=True),
    dot=lambda x: x @ x,
    argmax_of_rows=lambda x: jnp.argmax(jnp.stack([x, x[::-1]]), axis=1),
    argmin_of_columns=lambda x: jnp.argmin(jnp.stack([x, x[::-1]]), axis=0),
    argmax_of_bool=lambda x: jnp.argmax(x > 0),
    any_above=lambda x: jnp.any(x > 0),
    all_not_above=lambda x: jnp.all(~(x > 0)),
    interp=lambda x: jnp.interp(x[0], jnp.float32([-1.0, 0.0, 2.0]), jnp.float32([5.0, 6.0, 8.0])),
    searchsorted=lambda x: jnp.searchsorted(jnp.float32([-3.0, 0.0, 2.0]), x),
)
"""Functions of a row of numbers."""
ONE = by_name(
    jnp.sign, jnp.abs, jnp.negative, jnp.isnan, jnp.isinf, jnp.isposinf, jnp.isneginf, jnp.isfinite, jnp.signbit,
    jnp.nan_to_num, jnp.logical_not, jax.nn.relu, jnp.floor, jnp.ceil, jnp.round, jnp.trunc, jnp.square, jnp.reciprocal,
    bool=lambda x: x.astype(bool),
    int=lambda x: x.astype(jnp.int32),
    where_nan=lambda x: jnp.where(x, 1.0, 2.0),
    clip_below=lambda x: jnp.clip(x, 0.0),
    clip_above=lambda x: jnp.clip(x, max=0.0),
    clip_both=lambda x: jnp.clip(x, -1.0, 1.0),
    step=lambda x: jnp.heaviside(x, 0.5),
)
"""Functions of one number."""
TWO = by_name(
    lax.eq, lax.ne, lax.lt, lax.le, lax.gt, lax.ge, lax.max, lax.min, lax.add, lax.sub, lax.mul, lax.div, jnp.maximum,
    jnp.minimum, jnp.fmax, jnp.fmin, jnp.logical_and, jnp.logical_or, jnp.logical_xor, jnp.copysign,
    where=lambda x, y: jnp.where(x > y, x, y),
    array_equal=lambda x, y: jnp.array_equal(x, y, equal_nan=True),
    known_max=lambda x, y: jnp.maximum(x, jnp.nan) + jnp.maximum(0.0, y),
)
"""Functions of two numbers."""
THREE = by_name(
    lax.clamp,
    clip=lambda low, x, high: jnp.clip(x, low, high),
    select=lambda x, y, z: lax.select(x > 0, y, z),
    between=lambda x, y, z: (x <= y) & (y <= z),
)
"""Functions of three numbers."""
# fmt: on
CASES = {
    name: (function, *shapes)
    for functions, *shapes in ((ROW, (SIZE,)), (ONE, ()), (TWO, (), ()), (THREE, (), (), ()))
    for name, function in functions.items()
}
"""Name -> function, and the shapes of its arguments."""
SHAPES = sorted({case[1:] for case in CASES.values()})
EITHER_ZERO = {
    *("max", "min", "maximum", "minimum", "fmax", "fmin", "cummax", "cummin", "cummax_back", "nanmax", "nanmin"),
    *("clamp", "clip", "clip_below", "clip_above", "clip_both", "relu", "known_max"),
    *("sum", "cumsum", "mean", "nansum", "nanmean"),
}
"""Functions of which XLA gives a zero of either sign: of 0 and -0 the greater is the first, the second or 0, as XLA
fuses them, and a sum of -0 alone starts at 0. Lanes give the first of them, and -0, as NumPy does."""
IN_LOOPS = {"interp", "searchsorted"}
"""Functions with a loop, which no constant folding unrolls."""


def all_of(shapes, dtype):
    """The functions of arguments of these shapes as one function of a lane; all combinations of special numbers."""
    count = sum(int(np.prod(shape, dtype=int)) for shape in shapes)
    rows = np.array(list(itertools.product(SPECIAL.astype(dtype), repeat=count)), dtype).T
    names = [name for name, case in CASES.items() if case[1:] == shapes]

    def function(shared, lane, row):
        arguments = [row] if shapes[0] else [row[k] for k in range(count)]
        return {name: CASES[name][0](*arguments) for name in names}

    return function, rows


@functools.cache
def computed(shapes, dtype, width):
    """The results by machine code of a width, or by XLA if it is 0: name -> [..., case]."""
    function, rows = all_of(shapes, dtype)
    with jax.enable_x64(dtype == np.float64):
        lanes = rows.shape[1]
        return by_lanes(function, (), lanes, rows, width) if width else by_xla(function, (), lanes, rows)


@functools.cache
def traced(shapes, dtype):
    function, rows = all_of(shapes, dtype)
    with jax.enable_x64(dtype == np.float64):
        return jax.make_jaxpr(lambda row: function((), 0, row), return_shape=True)(rows[:, 0])


def folded(shapes, dtype, case):
    """Results by constant folding."""
    closed, form = traced(shapes, dtype)
    results = dict(zip(sorted(form), Scalars(0).traced(closed, [Scalars(0).array(case)]), strict=True))
    return {name: np.array([one.value for one in results[name].flat]) for name in results.keys() - IN_LOOPS}


@pytest.mark.parametrize(("shapes", "dtype"), in_turn([(one,) for one in SHAPES], [np.float32, np.float64]))
def test_lanes_give_what_xla_gives(shapes, dtype):
    first, *others = (computed(shapes, dtype, width) for width in WIDTHS)
    for name, expected in computed(shapes, dtype, 0).items():
        found = first[name]
        if name in EITHER_ZERO:
            found, expected = (np.where(part == 0, np.zeros_like(part), part) for part in (found, expected))
        np.testing.assert_array_equal(found, expected, name)
        assert_same(found, expected)
        for other in others:
            assert_same(other[name], first[name])
    _, rows = all_of(shapes, dtype)
    for k in range(0, rows.shape[1], 5):  # in which every number stands at every place
        for name, values in folded(shapes, dtype, rows[:, k]).items():
            assert_same(values.astype(first[name].dtype), first[name][..., k].ravel())
