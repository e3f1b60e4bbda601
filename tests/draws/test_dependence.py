"""The copula's correlations, and that draws depend on names alone."""

import jax
import numpy as np
import pytest

from engine.draws.copulas.elliptical import Equicorrelated
from engine.draws.factors import Group, correlated, latent_streams
from tests.helpers import assert_close, assert_same

ALONE = {"xla_disable_hlo_passes": "fusion"}
"""Each operation rounds by itself, as in the one loop: XLA may fuse a product with a sum in one program and not in
another.
"""


def scores(names, n):
    """Independent normals keyed by name."""
    return {name: np.random.default_rng([7, *name.encode()]).standard_normal(n, np.float32) for name in names}


def joint(own, shared, *groups):
    """Scores of groups of given copulas, compiled as the engine does."""
    groups = {group.name: group for group in groups}
    parameters = {name: group.copula.parameters(np.float32) for name, group in groups.items()}
    compiled = jax.jit(
        lambda own, shared, parameters: correlated(own, shared, groups, parameters), compiler_options=ALONE
    )
    return compiled(own, [shared[stream] for stream in latent_streams(groups)], parameters)


def gaussian(r, *members):
    return Group("group", Equicorrelated(r), members)


@pytest.mark.parametrize("r", [0.3, -0.2])
def test_members_against_the_others_have_the_negative_correlation_and_negative_scores(r):
    members = ("a", "b", "c", "d")
    own, shared = scores(members, 1000), scores(["group:group"], 1000)
    turned = Group("group", Equicorrelated(r, against=("b", "d")), members)
    plain, found = joint(own, shared, gaussian(r, *members)), joint(own, shared, turned)
    for name, sign in zip(members, (1, -1, 1, -1), strict=True):
        assert_same(found[name], sign * plain[name])
    truth = turned.copula.matrix(members)
    assert truth[0, 1] == truth[2, 3] == -r and truth[0, 2] == truth[1, 3] == r


@pytest.mark.parametrize("r", [0.0, 0.3, 1.0, -0.2, -0.5])
def test_the_scores_are_those_of_the_formula(r):
    members = ("a", "b", "c")
    own, shared = scores(members, 1000), scores(["group:group"], 1000)
    found = joint(own, shared, gaussian(r, *members))
    single = np.sqrt(1 - r)
    lean = (np.sqrt(max(1 + 2 * r, 0)) - single) / 3 if r < 0 else 0.0
    for name in members:
        exact = single * own[name] + np.sqrt(max(r, 0)) * shared["group:group"] + lean * sum(own.values())
        assert found[name].dtype == np.float32
        # the root near 0 takes the square root of a rounding error
        assert_close(found[name], exact, dtype=np.float32 if r > -0.5 else np.float16)
