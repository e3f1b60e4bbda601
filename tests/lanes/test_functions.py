"""Functions of JAX of many kinds, by lanes and by XLA; and what has no scalar form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.lanes import scalars
from engine.lanes.nest import trace
from engine.lanes.operations import NoScalarForm
from tests.helpers import assert_same
from tests.lanes.checked import faults
from tests.lanes.compiled import assert_by_lanes_as_by_xla, by_lanes

LANES = 4096
RANDOM = np.random.default_rng(7).uniform(0, 2, (2, LANES)).astype(np.float32)
APART = 1e-4
"""Most that both may differ, in standard deviations or relative to the number, whichever is larger."""
FLIPPED = 1e-3
"""Most lanes, as a share, that may lie on the other side of a threshold."""


def row(a, b):
    return jnp.stack([a, b, a * b, a - b, a + b, 0.5 * a, b * b, a / 3])


def place(a):
    return jnp.clip((a * 4).astype(jnp.int32), 0, 7)


FUNCTIONS = {
    "matmul": lambda a, b: (row(a, b).reshape(2, 4) @ row(b, a).reshape(4, 2))[0, 1],
    "index2": lambda a, b: row(a, b).reshape(2, 4)[place(a) % 2, place(b) % 4],
    "index_col_many": lambda a, b: row(a, b).reshape(2, 4)[:, jnp.stack([place(a) % 4, place(b) % 4])].sum(),
    "take_outside": lambda a, b: jnp.take(row(a, b), 2 * place(a) - 3),
    "slice_outside": lambda a, b: lax.dynamic_slice_in_dim(row(a, b), place(a) - 2, 3) @ jnp.array([1.0, 2.0, 4.0]),
    "update_outside": lambda a, b: lax.dynamic_update_slice_in_dim(row(a, b), row(b, a)[:3], place(a) + 2, 0)[4],
    "set_outside": lambda a, b: row(a, b).at[2 * place(a) - 9].set(9.0).sum(),
    "take_along": lambda a, b: jnp.take_along_axis(row(a, b), jnp.stack([place(a), place(b)]), 0).sum(),
    "table_const": lambda a, b: jnp.arange(100.0)[(place(a) * 9)],
    "interp": lambda a, b: jnp.interp(a, jnp.array([0.0, 0.2, 0.5, 1.0]), jnp.array([1.0, 3.0, 2.0, 5.0])),
    "at_set": lambda a, b: row(a, b).at[place(a)].set(9.0).sum(),
    "pad": lambda a, b: jnp.pad(row(a, b), 2).sum(),
    "logsumexp": lambda a, b: jax.nn.logsumexp(row(a, b)),
    "argmax_nan": lambda a, b: jnp.argmax(jnp.log(row(a, b) - 0.3)) + 10.0 * jnp.argmin(jnp.log(row(b, a) - 0.3)),
    "det": lambda a, b: jnp.linalg.det(jnp.eye(2) * (a + 1)),
    "floor_div": lambda a, b: a // (b + 1),
    "remainder_i": lambda a, b: (place(a) % (place(b) + 1)) * 1.0,
    "int_pow_v": lambda a, b: a ** place(b),
    "i_pow_i": lambda a, b: (place(a) ** place(b)) * 1.0,
    "round": lambda a, b: jnp.round(a * 10, 1),
    "relu": lambda a, b: jax.nn.relu(a - b) + jax.nn.softplus(a) + jax.nn.gelu(b) + jax.nn.silu(a) + jax.nn.elu(a - b),
    "gamma": lambda a, b: jax.scipy.special.gamma(a + 1),
    "ndtr": lambda a, b: jax.scipy.special.ndtr(a) + jax.scipy.special.log_ndtr(-b),
    "ndtri": lambda a, b: jax.scipy.special.ndtri(jax.nn.sigmoid(a)),
    "select": lambda a, b: jnp.select([a < b, a > 1], [a, b], 0.0),
    "grad": lambda a, b: jax.grad(lambda x: jnp.sin(x) * x**2)(a),
    "shift": lambda a, b: ((place(a) + 40) >> place(b)) * 1.0,
    "histogram": lambda a, b: jnp.histogram(row(a, b), bins=3, range=(0.0, 3.0))[0][1] * 1.0,
    "bincount": lambda a, b: jnp.bincount(jnp.stack([place(a), place(b)]), length=8)[2] * 1.0,
    "logs": lambda a, b: jnp.log2(a + 1) + jnp.log10(b + 1) + jnp.logaddexp(a, b),
    "frexp": lambda a, b: jnp.frexp(a)[0] + jnp.ldexp(b, 2) + jnp.modf(a * 7)[0],
    "at_subtract": lambda a, b: row(a, b).at[jnp.stack([place(a), place(b)])].subtract(b).sum(),
    "matmul_mixed": lambda a, b: (jnp.arange(8).reshape(2, 4) @ row(b, a).reshape(4, 2))[1, 0],
    "matmul_empty": lambda a, b: a + (jnp.stack([a, b])[:, None][:, :0] @ jnp.zeros((0, 2))).sum(),
    "sum_of_no_rows": lambda a, b: a + jnp.sum(row(a, b).reshape(2, 4)[:, :0], 0).sum(),
}
"""Name -> function of two numbers; what `test_not_numbers` and `test_loops` have is not here."""
WITHOUT_FORM = {
    "sort": ("sort", lambda a, b: jnp.sort(row(a, b))[2]),
    "at_apply": ("scatter-apply", lambda a, b: row(a, b).at[place(a)].apply(lambda x: 2.0 - x).sum()),
    "matmul_big": (
        "a large product of matrices",
        lambda a, b: (jnp.outer(jnp.arange(30.0) * a, jnp.arange(30.0) * b) @ jnp.ones((30, 30)))[3, 4],
    ),
    "while": (
        "while",
        lambda a, b: lax.while_loop(lambda s: s[0] < a * 5, lambda s: (s[0] + 1.0, s[1] * 1.1), (0.0, b))[1],
    ),
    "place_in_many": ("a place in a long array", lambda a, b: (jnp.arange(1000.0) * a)[(place(a) * 99)]),
    "change_of_many": ("a change of a large array", lambda a, b: (jnp.arange(999.0) * a).at[place(a)].set(b)[2]),
    "digamma": ("digamma", lambda a, b: jax.scipy.special.digamma(a + 1)),
    "fft": ("numbers of type complex64", lambda a, b: jnp.abs(jnp.fft.fft(row(a, b)))[2]),
    "prngkey": (
        "numbers of type key<fry>",
        lambda a, b: jax.random.uniform(jax.random.fold_in(jax.random.PRNGKey(0), place(a))),
    ),
}
"""Name -> what has no scalar form, and a function that calls it."""
SEVERAL = 20
"""Functions of one program."""


def outputs(functions):
    """A function of a lane with these functions of its two numbers as outputs."""
    return lambda shared, lane, own: {name: one(own[0], own[1]).astype(jnp.float32) for name, one in functions.items()}


def assert_agree(found, expected):
    """Asserts that results agree but for few lanes at a threshold; NaN must be NaN in both."""
    x, y = found.astype(np.float64), expected.astype(np.float64)
    np.testing.assert_array_equal(np.isnan(x), np.isnan(y))
    low, high = np.nanquantile(np.where(np.isfinite(y), y, np.nan), [0.01, 0.99])
    scale = np.maximum((high - low) / 4.65, np.abs(y))
    with np.errstate(invalid="ignore"):
        far = ~((x == y) | np.isnan(y) | (np.abs(x - y) <= APART * scale))
    assert far.mean() <= FLIPPED, f"{far.sum()} of {far.size}, as {x[far][:3]} against {y[far][:3]}"


@pytest.mark.parametrize("first", range(0, len(FUNCTIONS), SEVERAL))
def test_functions_give_what_xla_gives(first):
    some = outputs({name: FUNCTIONS[name] for name in [*FUNCTIONS][first : first + SEVERAL]})
    assert not faults(trace(some, (), jax.ShapeDtypeStruct((2,), np.float32)).nest())
    assert_by_lanes_as_by_xla(some, (), LANES, RANDOM, widths=(16,), same=assert_agree)


@pytest.mark.parametrize("name", WITHOUT_FORM)
def test_what_has_no_scalar_form_is_named_with_the_line_that_calls_it(name):
    what, function = WITHOUT_FORM[name]
    with pytest.raises(NoScalarForm) as caught:
        trace(outputs({"x": function}), (), jax.ShapeDtypeStruct((2,), np.float32))
    line = function.__code__.co_firstlineno
    lines = range(line, line + 2)  # a lambda of two lines
    assert caught.value.what == what
    assert str(caught.value).startswith(f"{what} at test_functions.py:")
    assert int(str(caught.value).split(":")[1]) in lines


def test_a_function_of_too_many_operations_is_refused_and_no_single_line_blamed(monkeypatch):
    monkeypatch.setattr(scalars, "MOST", 20)
    with pytest.raises(NoScalarForm, match=r"^more than 20 operations$"):
        trace(outputs({"x": FUNCTIONS["matmul"]}), (), jax.ShapeDtypeStruct((2,), np.float32))


# ------------------------------------------------------------------------------- quotients by one number


@pytest.mark.parametrize(("low", "high"), [(0.1, 2.0), (1e-39, 2.5e-39)])
def test_a_number_by_itself_is_one_whatever_else_is_divided_by_it(low, high):
    """A reciprocal of a subnormal number would be infinite."""

    def quotients(shared, lane, own):
        total = low + (high - low) * 0.5 * own[0]
        return {"whole": total / total, "none": (own[1] - own[1]) / total, "half": 0.5 * total / total}

    found = by_lanes(quotients, (), LANES, RANDOM, width=16)
    assert_same(found["whole"], np.ones(LANES, np.float32))
    assert_same(found["none"], np.zeros(LANES, np.float32))
    np.testing.assert_allclose(found["half"], 0.5, rtol=2e-6)  # half of a subnormal number is rounded itself
