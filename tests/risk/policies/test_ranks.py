"""Ranks no closer than intervals that hold together, and the policies that are not beaten in everything."""

import numpy as np
import pytest

from engine.risk.estimation.intervals import as_units
from engine.risk.estimation.simultaneous import batched
from engine.risk.policies.ranks import Front, front, gaps

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
    assert front([one]) == [Front.UNLIKELY, Front.LIKELY, Front.UNLIKELY]


@pytest.mark.parametrize(
    ("costs", "lives", "where"),
    [
        ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [Front.ON] * 3),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 1.5], [Front.ON, Front.OFF, Front.OFF]),
        ([1.0, 1.0005, 3.0], [1.0, 2.0, 0.5], [Front.ON, Front.UNLIKELY, Front.ON]),
    ],
)
def test_the_front(costs, lives, where):
    # the noise is the policies' own: 1.0005 may be less than 1
    both = of(costs, lives, spread=0.01)
    if where[1] is Front.UNLIKELY:
        assert front(both)[1] in (Front.UNLIKELY, Front.LIKELY) and front(both)[2] is Front.ON
    else:
        assert front(both) == where
