"""Ranks no closer than intervals that hold together."""

import numpy as np

from engine.risk.estimation.intervals import as_units
from engine.risk.policies.ranks import gaps
from engine.risk.policies.together import batched

N = 4000
NOISE = np.random.default_rng(8).standard_normal((4, N))


def of(*means, spread=1.0, told=True):
    """Gaps of one measure or more: means by policy."""
    batches = batched(as_units(N, 2))
    totals = [batches.totals(np.asarray(row)[:, None] + spread * NOISE[: len(row)]) for row in means]
    return gaps([(total, np.full((len(total), len(total)), told)) for total in totals], batches)


def test_policies_far_apart_have_their_ranks():
    (one,) = of([3.0, 1.0, 2.0])
    assert one.ranks.tolist() == [[3, 1, 2]] * 3


def test_policies_that_are_not_told_apart_share_their_ranks():
    (one,) = of([3.0, 1.0, 1.001])
    assert one.ranks[1:].tolist() == [[3, 1, 1], [3, 2, 2]]
    assert (one.gap == -one.gap.T).all() and (np.diag(one.gap) == 0).all()


def test_without_intervals_nothing_is_claimed():
    (one,) = of([3.0, 1.0, 2.0], told=False)
    assert one.ranks.tolist() == [[3, 1, 2], [1, 1, 1], [3, 3, 3]]
