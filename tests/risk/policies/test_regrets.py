"""Regret by hand, and what takes its interval."""

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.policies.paired import LARGEST, regrets

COSTS = np.array([[1.0, 4.0, 9.0], [2.0, 3.0, 5.0]])
"""Of A and B in three states: the hand check of Rhodium."""


def test_regret_by_hand():
    """In the three states 0, 1 and 4 of A, and 1, 0 and 0 of B."""
    found, repeated = regrets(COSTS, 1, True), regrets(np.repeat(COSTS, [800, 150, 50], axis=1), 1, True)
    assert [own[LARGEST].estimate for own in found] == [4.0, 1.0]
    assert [own["regret_VaR90"].estimate for own in repeated] == [1.0, 1.0]
    assert [own["regret_VaR99"].estimate for own in repeated] == [4.0, 1.0]
    assert repr(regrets(-COSTS, 1, False)) == repr(found)


def test_quantiles_have_intervals_where_paths_are_enough_and_the_largest_never_has():
    values = np.random.default_rng(2).standard_normal((3, 4000))
    for own in regrets(values, 2, True):
        assert own["regret_VaR95"].low < own["regret_VaR95"].estimate < own["regret_VaR95"].high
        assert "effective exceedances, 50 needed" in own["regret_VaR99"].flag
        assert np.isnan(own[LARGEST].low) and own["regret_VaR99"].estimate <= own[LARGEST].estimate
    (few, _) = regrets(values[:2, :40], 1, True)
    assert "exceedances" in few["regret_VaR95"].flag and np.isnan(few["regret_VaR95"].low)


def test_paths_that_are_not_finite_are_left_out_and_none_leave_nothing():
    values = np.random.default_rng(3).standard_normal((2, 4000))
    values[1, 10] = np.nan
    own, _ = regrets(values, 2, True)
    assert Flag(Reason.NOT_FINITE, 1, 4000) in own["regret_VaR90"].flags and np.isfinite(own["regret_VaR90"].low)
    assert regrets(np.full((2, 4), np.nan), 1, True) == [{}, {}]
