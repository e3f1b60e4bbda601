"""Regret by hand, and what takes its interval."""

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.policies.regrets import LARGEST, regrets, shortfalls
from tests.helpers import assert_close, assert_same

COSTS = np.array([[1.0, 4.0, 9.0], [2.0, 3.0, 5.0]])
"""Of A and B in three states: the hand check of Rhodium."""


def test_regret_by_hand():
    assert_same(shortfalls(COSTS, True), np.array([[0.0, 1.0, 4.0], [1.0, 0.0, 0.0]]))
    assert_same(shortfalls(-COSTS, False), shortfalls(COSTS, True))
    by_policy = dict(zip("AB", regrets(COSTS, 1, True), strict=True))
    assert_close([by_policy["A"]["regret"].estimate, by_policy["B"]["regret"].estimate], [5 / 3, 1 / 3])
    assert [by_policy[name][LARGEST].estimate for name in "AB"] == [4.0, 1.0]


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
    nothing, _ = regrets(np.full((2, 4), np.nan), 1, True)
    assert list(nothing) == ["regret"] and np.isnan(nothing["regret"].estimate)
