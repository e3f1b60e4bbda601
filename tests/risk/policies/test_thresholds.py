"""Curves over thresholds: a probability at each level, with bands that hold point by point."""

import numpy as np
import pytest

from engine.risk.estimation.measures import probability
from engine.risk.policies.thresholds import drawn, threshold_curves
from tests.helpers import assert_close, assert_same

N = 20_000
A, B = np.random.default_rng(4).standard_normal((2, N))
VALUES = np.stack([A, 0.8 * A + 0.6 * B - 0.3]).astype(np.float32)


@pytest.mark.parametrize("unit", [1, 2, 100])
def test_each_level_has_the_probability_of_its_event(unit):
    curves = threshold_curves(VALUES, unit, True, 1.5)
    at = int(np.flatnonzero(curves.levels == 1.5)[0])
    for p in (0, 1):
        want = probability(VALUES[p] > 1.5, unit)
        assert curves.share[p, at] == want.estimate
        # the design effect comes from batches of units
        assert [curves.low[p, at], curves.high[p, at]] == pytest.approx([want.low, want.high], rel=0.02)


def test_low_is_high_of_what_is_turned_round():
    high, low = threshold_curves(VALUES, 2, True, 1.0), threshold_curves(-VALUES, 2, False, -1.0)
    assert_same(low.levels, -high.levels)
    for end in ("share", "low", "high"):
        assert_same(getattr(low, end), getattr(high, end))


@pytest.mark.parametrize("threshold", [1000.0, -1000.0, 1e30])
def test_a_threshold_far_off_stretches_no_levels(threshold):
    """One policy lower at every level, and a threshold that no path comes near."""
    curves = threshold_curves(np.stack([A, A - 0.3]).astype(np.float32), 2, True, threshold)
    assert np.float32(threshold) in curves.levels
    inside = curves.levels[np.abs(curves.levels) < 10]
    assert len(inside) > 50
    pooled = np.mean(np.stack([A, A - 0.3]) > inside[:, None, None], axis=(1, 2))
    assert pooled.max() > 0.998 and pooled.min() < 0.002 and np.abs(np.diff(pooled)).max() < 0.06
    shown = drawn(curves.levels, threshold)
    assert shown.sum() == len(curves.levels) - 1 and drawn(curves.levels, 1.0).all()


def test_levels_lie_where_the_outcomes_do_whatever_their_scales():
    """One policy a thousand times wider than the other; and levels reach through the data to a threshold in the
    tail."""
    curves = threshold_curves(np.stack([1000 * A, B]).astype(np.float32), 2, True)
    assert 10 < np.sum(np.abs(curves.levels) < 4) < 45
    far = threshold_curves(VALUES, 2, True, 3.6)
    assert far.levels[-1] == np.float32(3.6) and np.diff(far.levels)[-5:].max() < 0.4
    high, low = (np.count_nonzero(level < VALUES) for level in far.levels[[-1, 0]])
    assert 0 < high < 20 and low > 0.998 * VALUES.size


def test_what_there_is_little_of():
    assert threshold_curves(np.full((2, 5), np.nan), 1, True) is None
    one = threshold_curves(VALUES[:, :1], 1, True, 3.0)
    assert 3.0 in one.levels and set(np.unique(one.share)) <= {0.0, 1.0}
    alike = threshold_curves(np.ones((2, 40)), 1, True, 2.0)
    assert_close(alike.share[:, -1], [0.0, 0.0])
    alone = threshold_curves(VALUES[:1], 2, True)
    assert alone.low.shape == (1, len(alone.levels))
    lost = VALUES.copy()
    lost[0, 3] = np.nan
    assert_same(
        threshold_curves(lost, 2, True).share, threshold_curves(np.delete(VALUES, [2, 3], axis=1), 2, True).share
    )
