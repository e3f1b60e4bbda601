"""Policies on the same paths: dominance of known laws, worst futures in common, regret by hand."""

import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import multivariate_normal

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.policies.paired import LARGEST, Verdict, common_tails, dominance, regrets
from tests.helpers import assert_plausible

N = 40_000
A, B, C = np.random.default_rng(5).standard_normal((3, N)).astype(np.float32)


@pytest.mark.parametrize("unit", [1, 2, 100])
@pytest.mark.parametrize("loss", [True, False])
def test_a_shift_dominates_at_both_orders(unit, loss):
    better = A - 0.2 if loss else A + 0.2
    for one in dominance(better, A, unit, loss):
        assert one.verdict is Verdict.BETTER and one.better < 1e-6 and np.isnan(one.at_worst)
        assert one.low < -2 and one.high > 2
    assert [one.verdict for one in dominance(A, better, unit, loss)] == [Verdict.WORSE] * 2


@pytest.mark.parametrize("loss", [True, False])
def test_what_varies_more_is_shunned_at_second_order_alone(loss):
    """A lower mean of the wider one keeps it from being the same at the first level, which the second order begins
    with.
    """
    sign = 1 if loss else -1
    first, second = dominance(A - sign * 0.1, 1.5 * B, 1, loss)
    assert (first.verdict, second.verdict) == (Verdict.NEITHER, Verdict.BETTER)
    assert sign * first.at_worst < 0 < sign * first.at_best
    assert dominance(A, 1.5 * B - sign * 0.2, 1, loss)[1].verdict is Verdict.NEITHER


def test_policies_that_are_the_same():
    assert [one.verdict for one in dominance(A, A.copy(), 2, True)] == [Verdict.SAME] * 2
    assert {one.verdict for one in dominance(A, B, 2, True)} <= {Verdict.OPEN, Verdict.NOT_BETTER, Verdict.NOT_WORSE}


@pytest.mark.parametrize(("paths", "verdict"), [(3, Verdict.OPEN), (40, Verdict.NOT_WORSE)])
def test_a_few_paths_are_not_enough_to_say_it(paths, verdict):
    """Alike but for some paths, all of them better: where the changed ones begin and end too few differ to say that it
    dominates.
    """
    better = A.copy()
    better[np.flatnonzero((A > 0) & (A < 0.5))[:paths]] -= 2.0
    assert dominance(better, A, 1, True)[0].verdict is verdict


def test_too_little_and_too_heavy_is_unknown():
    assert [one.verdict for one in dominance(A[:100], B[:100], 1, True)] == [Verdict.UNKNOWN] * 2
    assert [one.verdict for one in dominance(A[:512], B[:512], 256, True)] == [Verdict.UNKNOWN] * 2
    nothing = np.full(10, np.nan)
    assert dominance(nothing, nothing, 1, True)[0].flag is not None
    heavy = (1 - np.random.default_rng(6).random((2, N))) ** (-1 / 0.9)
    first, second = dominance(heavy[0], 1.3 * heavy[0], 1, True)
    assert first.verdict is Verdict.BETTER and second.verdict is Verdict.BETTER  # at first order, and so at second
    assert second.flag is not None
    assert dominance(heavy[0], heavy[1], 1, True)[1].verdict is Verdict.UNKNOWN


MANY = 200_000
X, Y = np.random.default_rng(7).standard_normal((2, MANY))


@pytest.mark.parametrize("unit", [1, 2, 100])
def test_the_same_the_opposite_and_the_unrelated(unit):
    shares = common_tails([X, np.exp(X), -X, Y], unit, 0.99)
    assert shares[0, 1].estimate == 1.0 and shares[0, 1].high == 1.0 > shares[0, 1].low
    assert shares[0, 2].estimate == 0.0 and shares[0, 2].low == 0.0 < shares[0, 2].high
    assert shares[0, 3].low < 0.01 < shares[0, 3].high


def test_two_normals_have_as_much_in_common_as_their_law_says():
    both = multivariate_normal(cov=[[1, 0.7], [0.7, 1]]).cdf([-ndtri(0.99)] * 2) / 0.01
    chi = common_tails([X, 0.7 * X + np.sqrt(0.51) * Y], 1, 0.99)[0, 1]
    assert_plausible(chi.estimate, both, chi.standard_error, 0.1)


def test_ties_and_few_paths():
    tied = np.where(X > 2.0, 5.0, 0.0)  # 2.3 % of paths are the worst alike
    assert np.isnan(common_tails([X, tied], 1, 0.99)[0, 1].estimate)
    kept = common_tails([X, np.where(ndtri(0.99) < X, 1.0, 0.0)], 1, 0.99)[0, 1]
    assert kept.estimate > 0.9
    few = common_tails([X[:100], Y[:100]], 1, 0.99)[0, 1]
    assert "exceedances" in few.flag and np.isnan(few.low)
    one = common_tails([X[:1], Y[:1]], 1, 0.99)[0, 1]
    assert np.isnan(one.low)
    nothing = np.full(10, np.nan)
    assert np.isnan(common_tails([nothing, nothing], 1, 0.99)[0, 1].estimate)


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
