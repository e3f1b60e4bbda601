"""Rules computed by NumPy against the same rules by JAX, in both precisions; and what NumPy cannot compute."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.program.running.interpreter import NotInterpreted, interpreted
from engine.program.tracing import arguments
from engine.program.tracing.equations import written_out
from engine.program.tracing.rules import traced
from tests.helpers import assert_close
from tests.user_models import farms


def by_numpy(function, dtype, *values):
    """What a function of scalars gives on arrays [path], traced in single precision."""
    examples = [jax.ShapeDtypeStruct((), jax.dtypes.canonicalize_dtype(value.dtype)) for value in values]
    rule = written_out(function, *examples)
    arrays = [value.astype(dtype if value.dtype.kind == "f" else value.dtype)[None] for value in values]
    with np.errstate(all="ignore"):
        return interpreted(rule, dtype)(arrays)


def by_jax(function, dtype, *values):
    with jax.enable_x64(dtype == np.float64):
        results = jax.jit(jax.vmap(function))(
            *(jnp.asarray(value, dtype if value.dtype.kind == "f" else None) for value in values)
        )
        return [np.asarray(result) for result in jax.tree.leaves(results)]


def many(x, y, k):
    """Every kind of operation that a model of scalars is likely to take."""
    one = jnp.where(x > y, jnp.exp(x), jnp.log1p(jnp.abs(y))) ** 3 / jnp.sqrt(x * x + 1.0)
    two = jnp.clip(x, -0.5, y) + jnp.maximum(x, y) - jnp.minimum(x, 0.25) + jnp.tanh(x) * jnp.floor(3 * y)
    three = jax.nn.sigmoid(x) + jax.lax.erf(y) + jnp.sign(x) * jnp.round(4 * y)
    four = jnp.where(jnp.logical_and(k > 2, ~(x > 0)), k // 2, k % 3) + jnp.where(jnp.isfinite(x), 1, 0)
    five = jax.lax.select_n(k % 3, x, y, x + y) + jnp.power(jnp.abs(x) + 0.125, y)
    return one, two, three, four, five


def of_arrays(x, y, k):
    """Operations that are not done number by number."""
    row = jnp.stack([x, y, x * y, x - y])
    return jnp.sort(row)[1], jnp.cumsum(row)[2], row[k % 4], jnp.dot(row, row), row.max() - row.mean()


@pytest.mark.parametrize("function", [many, of_arrays])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_operations_are_those_of_jax(function, dtype):
    random = np.random.default_rng(1)
    x, y = random.normal(size=(2, 40))
    k = random.integers(0, 9, 40).astype(np.int32)
    for found, expected in zip(by_numpy(function, dtype, x, y, k), by_jax(function, dtype, x, y, k), strict=True):
        assert found.dtype == expected.dtype
        assert_close(found[0], expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_year_of_a_model_is_that_of_jax(dtype):
    study = farms()
    rules = traced(study, np.float32)
    assert traced(study, np.float32) is rules, "traced twice"
    rule, state = rules.of_years.year, rules.of_years.state
    random = np.random.default_rng(2)
    kinds = [value.dtype for value in rule.inputs]
    values = [random.uniform(0.5, 1.5, 8) if kind.kind == "f" else np.zeros(8, kind) for kind in kinds]
    drawn = (0,) * len(study.inputs)
    struck = [(0,) * len(streams) for streams in study.shock_streams.values()]
    form = jax.tree.structure((state, 0, drawn, struck, arguments.lever_arrays(study, dtype)))

    def year(*leaves):
        return traced(study, dtype).one_year(*jax.tree.unflatten(form, leaves))

    with np.errstate(all="ignore"):
        found = interpreted(rule, dtype)(
            [value.astype(dtype if value.dtype.kind == "f" else None)[None] for value in values]
        )
    for one, other in zip(found, by_jax(year, dtype, *values), strict=True):
        assert one.dtype == dtype
        # constants were rounded to single precision when the rule was traced
        assert_close(np.broadcast_to(one[0], (8,)), other, dtype=np.float32)


def test_loops_are_left_to_the_compiler():
    with pytest.raises(NotInterpreted, match=r"while|scan"):
        by_numpy(lambda x: jax.lax.fori_loop(0, 3, lambda _, v: v * 0.5, x), np.float32, np.ones(3))
