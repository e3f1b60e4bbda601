"""Barriers stand where a costly value has several readers, and change no value."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, assert_same

from engine.fences import fenced

X, Y = np.linspace(0.5, 2.0, 7, dtype=np.float32), np.linspace(-1.0, 1.0, 7, dtype=np.float32)


def primitives(function, *args) -> list[str]:
    """Names of the operations of a function with fences, in order."""
    return [equation.primitive.name for equation in jax.make_jaxpr(fenced(function))(*args).eqns]


def barriers(function, *args) -> int:
    """Number of barriers that a function gets."""
    return primitives(function, *args).count("optimization_barrier")


def shared_exp(x, y):
    costly = jnp.exp(x)
    return costly + y, costly * y


def shared_sum(x, y):
    cheap = x + y
    return cheap * 2, cheap * x


def chain_of_cheap(x, y):
    value = x
    for _ in range(12):
        value = value * y + x
    return value + 1, value - 1


def read_once(x, y):
    return jnp.exp(x) + y, jnp.log(x) * y


def shared_inside_a_call(x, y):
    return jax.jit(lambda a: (jnp.exp(a), a))(x * 2)[0] * y + shared_exp(x, y)[0] * shared_exp(x, y)[1]


def division_and_root(x, y):
    value = jnp.sqrt(x) / (1.0 + y * y)
    return value + x, value + y


def output_and_read(x, y):
    value = jnp.exp(x)
    return value, value * y


def with_clip(x, y):
    value = jnp.clip(jnp.where(y > 0, jnp.exp(x), x), 0.0, 3.0)
    return {"a": value * 2, "b": (value, jnp.minimum(value, y))}


CASES = [
    (shared_exp, 1),
    (shared_sum, 0),
    (chain_of_cheap, 1),
    (read_once, 0),
    (division_and_root, 1),
    (output_and_read, 1),
]


@pytest.mark.parametrize(("function", "count"), CASES, ids=lambda part: getattr(part, "__name__", part))
def test_a_barrier_stands_behind_every_costly_value_with_several_readers(function, count):
    assert barriers(function, X, Y) == count


def test_a_fenced_value_costs_its_readers_nothing():
    def twice(x, y):
        costly = jnp.exp(x)
        cheap = costly + y
        return cheap * x, cheap * y, costly * x

    assert barriers(twice, X, Y) == 1


def test_cost_adds_up_along_a_chain_without_readers_between():
    def long(x, y):
        value = jnp.exp(x) + y  # read once each, so the cost is handed on
        return value + x, value - x

    assert primitives(long, X, Y).index("optimization_barrier") > primitives(long, X, Y).index("add")


def test_calls_are_looked_into():
    names = primitives(shared_inside_a_call, X, Y)
    assert "jit" not in names and "pjit" not in names
    assert barriers(with_clip, X, Y) >= 1


def test_what_nobody_reads_is_left_out():
    def wasteful(x, y):
        _ = jnp.exp(x) * jnp.exp(y)
        return x + y

    assert primitives(wasteful, X, Y) == ["add"]


@pytest.mark.parametrize("function", [case[0] for case in CASES] + [shared_inside_a_call, with_clip])
def test_values_and_structure_stay_the_same(function):
    plain, with_fences = function(X, Y), fenced(function)(X, Y)
    assert jax.tree.structure(plain) == jax.tree.structure(with_fences)
    for one, other in zip(jax.tree.leaves(plain), jax.tree.leaves(with_fences), strict=True):
        assert_same(np.asarray(one), np.asarray(other))


def test_inputs_and_constants_may_be_handed_through():
    def through(x, y):
        return x, 3.0, jnp.float32(2.0) * y, y

    found = fenced(through)(X, Y)
    for one, other in zip(found, through(X, Y), strict=True):
        assert_same(np.asarray(one, np.float32), np.asarray(other, np.float32))


def test_barriers_survive_mapping():
    mapped = jax.vmap(jax.vmap(shared_exp, in_axes=(0, None)), in_axes=(None, 0))
    assert barriers(mapped, X, Y) == 1
    for one, other in zip(fenced(mapped)(X, Y), mapped(X, Y), strict=True):
        assert_same(np.asarray(one), np.asarray(other))


def test_a_quotient_by_what_policies_share_is_a_product_with_one_reciprocal():
    def rule(x, y):
        return x / y, (x + 1.0) / y

    mapped = jax.vmap(rule, in_axes=(0, None))
    values, shared = np.stack([X, X + 1]), Y + 2
    names = primitives(mapped, values, shared)
    assert names.count("div") == 1 and names.count("mul") == 2
    for found, numerators in zip(jax.jit(fenced(mapped))(values, shared), (values, values + 1), strict=True):
        assert_close(np.asarray(found), numerators / shared)


def test_other_quotients_stay_as_they_are():
    assert primitives(lambda x, y: (x / y, 7 // jnp.int32(2)), X, Y).count("div") >= 1
    assert primitives(lambda x, y: x / 3.0 + y, X, Y).count("div") == 1
