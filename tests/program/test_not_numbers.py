"""Reductions, comparisons and choices of what is no number, of infinities and of zeros of both signs: the loop gives
what XLA gives.
"""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.program.lowering.operations import single
from engine.program.lowering.scalars import Scalars
from tests.helpers import assert_same
from tests.pairs import in_turn
from tests.program.test_scalars import run

WIDTHS = (16, 4, 1)
SPECIAL = np.float32([np.nan, np.inf, -np.inf, 0.0, -0.0, 2.0, -3.0])
SIZE = 3
ROW = {
    "argmax": jnp.argmax,
    "argmin": jnp.argmin,
    "max": jnp.max,
    "min": jnp.min,
    "sum": jnp.sum,
    "prod": jnp.prod,
    "mean": jnp.mean,
    "any": jnp.any,
    "all": jnp.all,
    "cumsum": jnp.cumsum,
    "cumprod": jnp.cumprod,
    "cummax": lax.cummax,
    "cummin": lax.cummin,
    "cummax_back": lambda x: lax.cummax(x, reverse=True),
    "sort": jnp.sort,
    "sort_down": lambda x: jnp.sort(x, descending=True),
    "argsort": jnp.argsort,
    "median": jnp.median,
    "nanargmax": jnp.nanargmax,
    "nanargmin": jnp.nanargmin,
    "nanmax": jnp.nanmax,
    "nanmin": jnp.nanmin,
    "nansum": jnp.nansum,
    "nanprod": jnp.nanprod,
    "nanmean": jnp.nanmean,
    "count_nonzero": jnp.count_nonzero,
    "dot": lambda x: x @ x,
    "diff": jnp.diff,
    "argmax_of_rows": lambda x: jnp.argmax(jnp.stack([x, x[::-1]]), axis=1),
    "argmin_of_columns": lambda x: jnp.argmin(jnp.stack([x, x[::-1]]), axis=0),
    "argmax_of_bool": lambda x: jnp.argmax(x > 0),
    "any_above": lambda x: jnp.any(x > 0),
    "all_not_above": lambda x: jnp.all(~(x > 0)),
    "interp": lambda x: jnp.interp(x[0], jnp.float32([-1.0, 0.0, 2.0]), jnp.float32([5.0, 6.0, 8.0])),
    "searchsorted": lambda x: jnp.searchsorted(jnp.float32([-3.0, 0.0, 2.0]), x),
}
"""Of a row of numbers."""
ONE = {
    "sign": jnp.sign,
    "abs": jnp.abs,
    "neg": jnp.negative,
    "isnan": jnp.isnan,
    "isinf": jnp.isinf,
    "isposinf": jnp.isposinf,
    "isneginf": jnp.isneginf,
    "isfinite": jnp.isfinite,
    "signbit": jnp.signbit,
    "nan_to_num": jnp.nan_to_num,
    "not": jnp.logical_not,
    "bool": lambda x: x.astype(bool),
    "int": lambda x: x.astype(jnp.int32),
    "relu": jax.nn.relu,
    "where_nan": lambda x: jnp.where(x, 1.0, 2.0),
    "floor": jnp.floor,
    "round": jnp.round,
    "trunc": jnp.trunc,
    "square": jnp.square,
    "reciprocal": lambda x: 1 / x,
    "clip_below": lambda x: jnp.clip(x, 0.0),
    "clip_above": lambda x: jnp.clip(x, max=0.0),
    "clip_both": lambda x: jnp.clip(x, -1.0, 1.0),
    "step": lambda x: jnp.heaviside(x, 0.5),
}
"""Of each number."""
TWO = {
    **{
        name: getattr(lax, name)
        for name in ("eq", "ne", "lt", "le", "gt", "ge", "max", "min", "add", "sub", "mul", "div")
    },
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "fmax": jnp.fmax,
    "fmin": jnp.fmin,
    "and": jnp.logical_and,
    "or": jnp.logical_or,
    "xor": jnp.logical_xor,
    "copysign": jnp.copysign,
    "where": lambda x, y: jnp.where(x > y, x, y),
    "array_equal": lambda x, y: jnp.array_equal(x, y, equal_nan=True),
    "known_max": lambda x, y: jnp.maximum(x, jnp.nan) + jnp.maximum(0.0, y),
}
"""Of two numbers."""
THREE = {
    "clamp": lax.clamp,
    "clip": lambda low, x, high: jnp.clip(x, low, high),
    "select": lambda x, y, z: lax.select(x > 0, y, z),
    "between": lambda x, y, z: (x <= y) & (y <= z),
}
"""Of three numbers."""
CASES = {
    **{name: (function, (SIZE,)) for name, function in ROW.items()},
    **{name: (function, ()) for name, function in ONE.items()},
    **{name: (function, (), ()) for name, function in TWO.items()},
    **{name: (function, (), (), ()) for name, function in THREE.items()},
}
"""Name -> function, and the shapes of what it reads."""
SHAPES = sorted({case[1:] for case in CASES.values()})
EITHER_ZERO = {
    *("max", "min", "maximum", "minimum", "fmax", "fmin", "cummax", "cummin", "cummax_back", "nanmax", "nanmin"),
    *("clamp", "clip", "clip_below", "clip_above", "clip_both", "relu", "known_max"),
    *("sum", "cumsum", "mean", "nansum", "nanmean"),
}
"""XLA's own results have a zero of either sign: of 0 and -0 the greater is now the first, now the second, now 0, by how
it fuses them, and a sum of -0 alone begins at 0. The loop has the first of them, and -0, as NumPy does."""


def of_shapes(shapes):
    """The functions that read so much, one after the other in a row."""
    return [name for name, case in CASES.items() if case[1:] == shapes]


def all_rows(shapes, dtype):
    """All combinations of special numbers, [argument, case]."""
    count = sum(int(np.prod(shape, dtype=int)) for shape in shapes)
    return np.array(list(itertools.product(SPECIAL.astype(dtype), repeat=count)), dtype).T


def split(shapes, values):
    """A row of values as arguments of these shapes: single ones, or the whole row."""
    return list(values) if shapes[0] == () else [values]


@functools.cache
def traced(name, dtype):
    function, *shapes = CASES[name]
    with jax.enable_x64(dtype == np.float64):
        examples = [jax.ShapeDtypeStruct(shape, dtype) for shape in shapes]
        return jax.make_jaxpr(lambda *values: jnp.ravel(function(*values)))(*examples)


@functools.cache
def by_xla(shapes, dtype):
    """Results of XLA's own program by name, [result, case]."""
    with jax.enable_x64(dtype == np.float64):

        def one(values):
            return {name: jnp.ravel(CASES[name][0](*split(shapes, values))) for name in of_shapes(shapes)}

        made = jax.jit(jax.vmap(one, in_axes=1, out_axes=1))(all_rows(shapes, dtype))
        return jax.tree.map(np.asarray, made)


def in_scalars(scalars, name, dtype, inputs):
    operands = split(CASES[name][1:], [single(one) for one in inputs])
    return list(
        scalars.traced(traced(name, dtype), [np.stack(one) if isinstance(one, list) else one for one in operands])[0]
    )


@functools.cache
def by_loop(shapes, dtype, width):
    """The same by machine code for so many paths at once."""
    counts = []

    def build(scalars, inputs):
        made = [in_scalars(scalars, name, dtype, inputs) for name in of_shapes(shapes)]
        counts.extend(map(len, made))
        return [one for each in made for one in each]

    rows = iter(run(width, build, list(all_rows(shapes, dtype))))
    return {
        name: np.stack([next(rows) for _ in range(count)])
        for name, count in zip(of_shapes(shapes), counts, strict=True)
    }


def known_beforehand(name, dtype, cases):
    """The same where all numbers are known when the code is written."""
    scalars = Scalars()
    made = [in_scalars(scalars, name, dtype, [scalars.constant(value) for value in case]) for case in cases]
    return np.array([[one.detail for one in results] for results in made]).T


def assert_equal(found, expected, name):
    if name in EITHER_ZERO:
        found, expected = (np.where(part == 0, 0, part) for part in (found, expected))
    assert_same(found, expected)


@pytest.mark.parametrize(("shapes", "dtype"), in_turn([(one,) for one in SHAPES], [np.float32, np.float64]))
def test_the_loop_has_what_xla_has(shapes, dtype):
    some = slice(None, None, 5)  # in which every number stands at every place
    differ = {}
    for name, expected in by_xla(shapes, dtype).items():
        found = [by_loop(shapes, dtype, width)[name].astype(expected.dtype) for width in WIDTHS]
        known = known_beforehand(name, dtype, all_rows(shapes, dtype).T[some]).astype(expected.dtype)
        try:
            for other in found:
                assert_equal(other, expected, name)
                assert_same(other, found[0])
            assert_same(known, found[0][:, some])
        except AssertionError as difference:
            differ[name] = str(difference)
    assert not differ, "\n".join(f"{name}: {text}" for name, text in differ.items())


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_the_place_of_the_first_that_is_no_number_is_that_of_the_extreme(name):
    """As NumPy has it too; here by hand, so that it does not rest on either."""
    rows = all_rows(((SIZE,),), np.float32)
    none = np.isnan(rows)
    some = none.any(axis=0)
    found = by_loop(((SIZE,),), np.float32, 4)[name][0]
    assert_same(found[some], none.argmax(axis=0)[some].astype(np.int32))
    assert_same(found, getattr(np, name)(rows, axis=0).astype(np.int32))
