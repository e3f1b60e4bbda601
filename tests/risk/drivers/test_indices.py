"""Indices of rare events and tails against their closed forms, a part of benchmarks/coverage_sensitivity.py; counts
against those of a share.
"""

import numpy as np
import pytest

from benchmarks.coverage_sensitivity import Event, Tail, estimates
from engine.risk.drivers.indices import Pair, between, common_share
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.measures import probability

RARE = [
    (Event.of(0.004, 0.0059), 1),
    (Event.of(0.004, 0.0059), 2),
    (Event.of(0.004, 0.98), 1),
    (Event(0.035, 0.1, 0.02), 1),
]
PATHS = 1 << 15


@pytest.mark.slow
@pytest.mark.parametrize(("of", "unit"), RARE, ids=["weak", "weak-pairs", "strong", "difference"])
def test_intervals_of_rare_events_hold_the_truth(of, unit):
    """131 paths with the event, on which about one of A_k and B has it too, or all but one; 100 seeds."""
    truth = np.array([*of.truth, sum(of.truth) / 2])
    rows = [estimates(of, PATHS, unit, seed) for seed in range(100)]
    held = [[one.low <= exact <= one.high for one, exact in zip(row, truth, strict=True)] for row in rows]
    assert np.all(np.mean(held, axis=0) >= 0.93), np.mean(held, axis=0)
    # and they are no wider than what 131 paths leave open
    assert np.median([row[0].high - row[0].low for row in rows]) < 0.15


def test_an_event_without_a_joint_path_has_an_interval_up_to_what_a_share_of_none_leaves_open():
    """40 events of 10,000 paths in each of both futures, never together: of 80 paths with either none has both."""
    x, y = np.zeros((2, 10_000), np.int64)
    x[:40] = y[40:80] = 1
    low, high = common_share(x, y, as_units(10_000, 1))
    most = probability(np.zeros(80, bool), 1).high
    r, p = 2 * most / (1 + most), 0.008 * (1 + most) / 2
    assert low < 0 < high and abs(high - (r - p) / (1 - p)) < 1e-4


def test_signs_count_for_and_against():
    x = np.repeat([1, -1, 0], [300, 300, 400])
    all_alike = common_share(x, x, as_units(1000, 1))
    opposite = common_share(x, -x, as_units(1000, 1))
    assert all_alike[0] > 0.97 and 0.999 < all_alike[1] <= 1.01
    assert opposite[0] < -0.999 and opposite[1] < -0.97


def test_a_tail_whose_futures_are_seldom_together_is_bounded_by_its_total_index():
    of = Tail(0.05)
    a, b, mixed, _ = of.futures(1 << 15, 1, 3)
    pair = Pair(a, b, as_units(1 << 15, 1))
    first, total = pair.both(mixed)
    assert np.count_nonzero((a != mixed) & (b != 0)) < 30
    assert (first.low, first.high) == (0.0, total.high) and first.low <= of.truth[0] <= first.high


def test_a_tail_of_too_few_paths_is_flagged():
    a, b, mixed, _ = Tail(0.5).futures(1 << 12, 1, 1)
    for one in Pair(a, b, as_units(1 << 12, 1)).both(mixed):
        assert one.flags[0].reason is Reason.FEW_EFFECTIVE_EXCEEDANCES and np.isnan(one.low)


def test_an_effect_that_few_paths_tell_lies_between_first_and_total():
    own, first, total = (Estimate(x, 0.01, x - 0.02, x + 0.02) for x in (0.3, 0.2, 0.4))
    one = between(own, first, total)
    assert (one.low, one.high) == (first.low, total.high)
    unknown = total.flagged(*Pair(*np.zeros((2, 1)), as_units(1, 1)).both(np.zeros(1))[1].flags)
    assert np.isnan(between(own, first, unknown).low)
