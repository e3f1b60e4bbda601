"""Intervals over units: exact ranks, Wilson, skewness, and estimates that lose theirs."""

import numpy as np
import pytest
from scipy.stats import binom

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate, Z, as_units, mean_interval
from engine.risk.estimation.tails import FEW_HITS, exact_interval, share_interval, tail_ranks
from tests.helpers import assert_close, assert_same
from tests.risk.cells import moments

RNG = np.random.default_rng(20160101)


@pytest.mark.parametrize(
    ("level", "confidence", "paths", "rank"),
    [(0.95, 0.95, 59, 1), (0.99, 0.95, 299, 1), (0.99, 0.99, 459, 1), (0.999, 0.95, 2995, 1), (0.95, 0.95, 93, 2)],
)
def test_upper_rank_is_that_of_wilks(level, confidence, paths, rank):
    """The fewest paths whose largest (second largest) value lies above the quantile with that confidence."""
    ends = tail_ranks(np.array([paths - 1, paths]), 1 - level, risk=1 - confidence)[1]
    assert_same(ends, np.array([rank - 1.0, rank]))


@pytest.mark.parametrize("share", [0.5, 0.05, 0.01, 0.001])
def test_ranks_are_binomial_quantiles(share):
    count = np.array([1, 2, 10, 59, 100, 999, 5000, 131072, 10**6])
    first, second = tail_ranks(count, share)
    assert_close(first, binom.ppf(0.975, count, share) + 1)
    assert_close(second, binom.ppf(0.025, count, share))
    assert np.all(binom.sf(first - 1, count, share) <= 0.025)
    assert np.all(binom.cdf(second - 1, count, share) <= 0.025)


def test_wilson_hand_case():
    """81 of 263: 0.2553 to 0.3662 (Newcombe 1998, Statist. Med. 17, 857-872, table I)."""
    low, high = share_interval(np.array(81 / 263), np.array(263.0))
    assert (round(float(low), 4), round(float(high), 4)) == (0.2553, 0.3662)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_wilson_closes_at_the_ends(share):
    low, high = share_interval(np.array(share), np.array(50.0))
    assert (low if share == 0 else 1 - high) == 0
    assert_close(high if share == 0 else 1 - low, 1.959963984540054**2 / (50 + 1.959963984540054**2))


@pytest.mark.parametrize("n", [20, 100, 1000])
def test_shares_of_few_hits_cover_and_have_exact_lower_ends(n):
    """The coverage just beside each end, where it is least: 83.8 % by Wilson's score alone."""
    hits = np.arange(n + 1)
    low, high = share_interval(hits / n, np.full(n + 1, float(n)))
    ends = np.concatenate([low[1:], high[:-1]])
    beside = np.concatenate([ends * (1 - 1e-9), ends + (1 - ends) * 1e-9])[:, None]
    chances = binom.pmf(hits, n, beside)
    assert np.sum(chances * ((low <= beside) & (beside <= high)), axis=1).min() > 0.926
    few = hits[: FEW_HITS + 1]
    assert_close(binom.sf(few[1:] - 1, n, low[few[1:]]), np.full(FEW_HITS, 0.025))
    assert_close([low[::-1][few], high[::-1][few]], [1 - high[few], 1 - low[few]])


def test_few_hits_are_counted_by_the_effective_number():
    """A share of 0.01 of 1,000 paths whose error is that of 100 has one hit; by Student's t, of fewer still."""
    share, count = np.array([0.01, 0.01, 0.99]), np.array([1000.0, 100.0, 100.0])
    exact, own = exact_interval(share, count), share_interval(share, count)
    assert_same(own[0][1], exact[0][1])
    assert_same(own[1][2], exact[1][2])
    assert own[0][0] > exact[0][0]
    assert_close(share_interval(share, count, 2 * Z), share_interval(share, count / 4))


def test_interval_of_few_units_is_student():
    """Five values with mean 3 and deviation sqrt 2.5: 3 +- 2.776445 * 0.707107."""
    low, high = mean_interval(moments(np.arange(1.0, 6), as_units(5, 1)))
    assert_close([low, high], 3 + np.array([-1, 1]) * 2.7764451051977987 * np.sqrt(0.5))


def test_flagged_estimate_loses_its_interval_only():
    estimate = Estimate(1.0, 0.1, 0.8, 1.2)
    assert estimate.flagged(None) is estimate
    few, lost = Flag(Reason.FEW_EXCEEDANCES, 3, 50), Flag(Reason.NOT_FINITE, 1, 9)
    found = estimate.flagged(few, None, few).flagged(lost)
    assert (found.estimate, found.standard_error, found.flags) == (1.0, 0.1, (lost, few))
    assert found.flag == "1 of 9 paths not finite; 3 exceedances, 50 needed"
    assert np.isnan([found.low, found.high]).all()
