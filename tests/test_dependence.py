"""The copula's correlations, and that draws depend on names alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_close, assert_plausible, assert_same

from engine.dependence import correlated, lowest_correlation
from engine.factors import Group

PATHS = 200_000


def scores(names, n=PATHS):
    """Independent normals keyed by name."""
    return {name: np.random.default_rng([7, *name.encode()]).standard_normal(n, np.float32) for name in names}


@pytest.mark.parametrize("r", [0.0, 0.3, 1.0, -0.2, lowest_correlation(4)])
def test_members_are_standard_normal_with_the_group_correlation(r):
    members = ("a", "b", "c", "d")
    joint = correlated(scores([*members, "alone"]), scores(["group"]), {"group": Group("group", r, members)})
    values = np.array([joint[name] for name in (*members, "alone")], np.float64)
    found = np.cov(values)
    truth = np.full((5, 5), r)
    truth[-1] = truth[:, -1] = 0.0
    np.fill_diagonal(truth, 1.0)
    # the variance of a product of two standard normals with correlation r is 1 + r^2
    assert_plausible(found, truth, np.sqrt((1 + truth**2) / PATHS), resolves=0.02)
    assert_plausible(values.mean(axis=1), 0.0, 1 / np.sqrt(PATHS), resolves=0.02)


def test_a_member_added_changes_no_other_draw():
    few, many = ("a", "b"), ("a", "new", "b")
    own, shared = scores(many, 1000), scores(["group"], 1000)
    for correlation in (None, {"group": jnp.float32(0.3)}):
        before = correlated(own, shared, {"group": Group("group", 0.3, few)}, correlation)
        after = correlated(own, shared, {"group": Group("group", 0.3, many)}, correlation)
        for name in few:
            assert_same(before[name], after[name])


def test_factors_outside_groups_are_left_alone():
    own = scores(["a", "b"], 10)
    assert_same(correlated(own, {}, {})["a"], own["a"])


@pytest.mark.parametrize("r", [0.0, 0.5, 1.0, -0.3, -0.5])
def test_a_traced_correlation_gives_the_same(r):
    members = ("a", "b", "c")
    own, shared = scores(members, 1000), scores(["group"], 1000)
    groups = {"group": Group("group", r, members)}
    stored = correlated(own, shared, groups)
    traced = jax.jit(lambda r: correlated(own, shared, groups, {"group": r}))(jnp.float32(r))
    for name in members:
        assert stored[name].dtype == traced[name].dtype == np.float32
        # the root near 0 takes the square root of a rounding error
        assert_close(traced[name], stored[name], dtype=np.float32 if r > -0.5 else np.float16)


def test_a_lone_member_keeps_its_score():
    own = scores(["a"], 100)
    joint = correlated(own, scores(["group"], 100), {"group": Group("group", -0.5, ("a",))})
    assert_close(joint["a"], own["a"])
