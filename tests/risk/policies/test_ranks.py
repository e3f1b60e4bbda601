"""Ranks no closer than intervals that hold together."""

import numpy as np

from engine.risk.estimation.intervals import as_units
from engine.risk.policies.ranks import batched, gaps

N = 4000
NOISE = np.random.default_rng(8).standard_normal((4, N))


def of(*means, known=True):
    """Gaps of one measure: means by policy."""
    batches = batched(as_units(N, 2))
    totals = batches.totals(np.array(means)[:, None] + NOISE[: len(means)])
    return gaps({"cost": (totals, np.full((len(means), len(means)), known))}, batches)["cost"]


def test_policies_far_apart_have_their_ranks():
    assert of(3.0, 1.0, 2.0).ranks.tolist() == [[3, 1, 2]] * 3


def test_policies_that_are_not_told_apart_share_their_ranks():
    one = of(3.0, 1.0, 1.001)
    assert one.ranks[1:].tolist() == [[3, 1, 1], [3, 2, 2]]
    assert (one.gap == -one.gap.T).all() and (np.diag(one.gap) == 0).all()


def test_without_intervals_nothing_is_claimed():
    assert of(3.0, 1.0, 2.0, known=False).ranks.tolist() == [[3, 1, 2], [1, 1, 1], [3, 3, 3]]
