"""Barriers stand where they spare work, and reciprocals where quotients share a divisor."""

import jax.numpy as jnp
import pytest

from engine.program import fences
from engine.program.packs import Axis
from tests.batches import SIZES, batch_of, by_both, by_path, mapped, run
from tests.helpers import assert_close

BOTH = Axis.POLICY | Axis.PATH | Axis.YEAR
X, Y = (by_both(1), BOTH), (by_both(2), BOTH)


def behind(function, *given) -> list[str]:
    """The operations behind which a barrier stands."""
    batch, _ = batch_of(function, *given)
    return [batch.packs[place].name for place in sorted(batch.fenced)]


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


def root_and_quotient(x, y):
    value = jnp.sqrt(x) / (1.0 + y * y)
    return value + x, value + y


def output_and_read(x, y):
    value = jnp.exp(x)
    return value, value * y


def cheap_behind_costly(x, y):
    costly = jnp.exp(x)
    cheap = costly + y
    return cheap * x, cheap * y, costly * x


CASES = [
    (shared_exp, ["exp"]),
    (shared_sum, []),
    (chain_of_cheap, ["add"]),
    (read_once, []),
    (root_and_quotient, ["div"]),
    (output_and_read, ["exp"]),
    (cheap_behind_costly, ["exp"]),
]


@pytest.mark.parametrize(("function", "names"), CASES, ids=lambda part: getattr(part, "__name__", ""))
def test_a_barrier_stands_behind_every_costly_value_with_several_readers(function, names):
    assert behind(function, X, Y) == names


@pytest.mark.parametrize("function", [case[0] for case in CASES])
def test_values_stay_the_same(function):
    for one, other in zip(run(function, X, Y), mapped(function, X, Y), strict=True):
        assert_close(one, other)


def test_cost_adds_up_along_a_chain_without_readers_between():
    def long(x, y):
        value = jnp.exp(x) + y  # read once each, so the cost is handed on
        return value + x, value - x

    assert behind(long, X, Y) == ["add"]


def test_a_value_that_policies_share_is_computed_once_for_all_of_them():
    def rule(x, y):
        return jnp.exp(x) * y

    assert behind(rule, X, Y) == []
    assert behind(rule, (by_path(), Axis.PATH | Axis.YEAR), Y) == ["exp"]


def test_cheap_values_are_fenced_where_many_read_them():
    def rule(x, y):
        value = x * y + x - y * y
        return [value * k for k in range(2, 8)]

    assert behind(rule, X, Y) == ["sub"]


def test_quotients_by_what_paths_or_policies_share_are_products_with_one_reciprocal():
    def rule(x, y):
        return x / y, (x + 1.0) / y

    shared = (by_path(), Axis.PATH | Axis.YEAR)
    batch, _ = batch_of(rule, X, shared)
    names = [pack.name for pack in batch.packs]
    assert names.count("div") == 1 and names.count("mul") == 2
    for one, other in zip(run(rule, X, shared), mapped(rule, X, shared), strict=True):
        assert_close(one, other)


def test_other_quotients_stay_as_they_are():
    for function in (
        lambda x, y: x / y,
        lambda x, y: x / 3.0 + y,
        lambda x, y: 1.0 / (1.0 + x),
        lambda x, y: (x / y, (x + 1.0) / y),  # one reciprocal would do, but then x / x would not be 1
    ):
        batch, _ = batch_of(function, X, Y)
        assert "mul" not in [pack.name for pack in batch.packs]


def test_what_is_costly_and_the_same_every_year_is_computed_before_the_years():
    def rule(once, yearly):
        return jnp.exp(once) * yearly + (once + 1.0) * yearly

    batch, (first, _) = batch_of(rule, (by_path(), Axis.PATH), Y)
    assert [batch.packs[place].name for place in sorted(fences.kept(batch.packs))] == ["exp"]
    lasting = batch.once(batch.given(0, first))
    known = {value for pack in batch.packs for value in pack.outputs if pack.name == "exp"}
    assert known <= lasting.keys()
    left = fences.needed(batch.packs, batch.outputs, lasting.keys())
    assert [batch.packs[place].name for place in left] == ["mul", "add", "mul", "add"]


def test_nothing_is_fenced_for_one_policy_that_only_several_would_share():
    batch, _ = batch_of(lambda x, y: jnp.exp(x) * y, (by_path(), Axis.PATH | Axis.YEAR), Y)
    assert fences.fenced(batch.packs, batch.outputs, SIZES | {Axis.POLICY: 1}) == set()
