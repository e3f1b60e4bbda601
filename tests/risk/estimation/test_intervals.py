"""Intervals over units: exact ranks, Wilson, skewness, and estimates that lose theirs."""

import numpy as np
import pytest
from scipy.stats import binom

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import (
    Estimate,
    Z,
    as_units,
    mean_interval,
    moments_of,
    moments_of_some,
    moments_of_totals,
)
from engine.risk.estimation.row_statistics import Made
from engine.risk.estimation.tails import (
    FEW_HITS,
    combined_difference,
    effective_count,
    exact_interval,
    share_interval,
    tail_ranks,
)
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


def test_combined_interval_without_asymmetry_is_the_normal_one():
    _, _, low, high = combined_difference((0.5, 0.05, 0.4, 0.6), (0.3, 0.05, 0.2, 0.4), 0.05, 0.5)
    assert_close([low, high], [0.1, 0.3])


@pytest.mark.parametrize("units", [as_units(12, 1), as_units(12, 2), as_units(12, 5)])
def test_moments_of_some_are_moments_of_all(units):
    values = RNG.standard_normal((3, 12)) * (RNG.random((3, 12)) < 0.5)
    path = np.flatnonzero(values.any(axis=0))
    dense, sparse = moments(values, units), moments_of_some(values[:, path], path, units)
    assert_close(sparse.mean, dense.mean)
    assert_close(sparse.error, dense.error)
    assert_close(sparse.skewness, dense.skewness)


def test_error_is_that_of_unit_means():
    values = RNG.standard_normal(1000)
    pairs = values.reshape(-1, 2).mean(axis=1)
    assert_close(moments(values, as_units(1000, 1)).error, values.std(ddof=1) / np.sqrt(1000))
    assert_close(moments(values, as_units(1000, 2)).error, pairs.std(ddof=1) / np.sqrt(500))


def test_duplicates_count_once():
    """A pair of equal paths carries what one path does: ratio error, effective number and units of a part."""
    happens = RNG.random(4000) < 0.1
    twice, units = np.repeat(happens, 2), as_units(8000, 2)
    assert_close(effective_count(moments(twice, units), units), 4000.0)
    mask = np.repeat(RNG.random(4000) < 0.3, 2)
    part = units.take(mask)
    assert part.count == mask.sum() // 2
    assert_close(moments(twice[mask], part).error, moments(happens[mask[::2]], as_units(part.count, 1)).error)


def test_part_of_a_pair_keeps_its_unit():
    units = as_units(8, 2).take(np.array([1, 0, 1, 1, 0, 0, 0, 1], bool))
    assert_same(units.owner, np.array([0, 1, 1, 2]))
    assert_same(units.totals(np.array([1.0, 2.0, 3.0, 4.0])), np.array([1.0, 5.0, 4.0]))
    assert_same(units.sizes, np.array([1.0, 2.0, 1.0]))


@pytest.mark.parametrize("unit", [1, 2, 256, 7])
@pytest.mark.parametrize("first", ["alike", "far", "constant"])
def test_moments_by_sums_are_those_of_totals(unit, first):
    """Also where the first units, from whose mean all others are measured, are unlike them."""
    values = np.random.default_rng(7).standard_normal((2, 3, 1 << 14)).astype(np.float32)
    values[..., : 1 << 12] += {"alike": 0.0, "far": 1e4, "constant": 3.0}[first]
    if first == "constant":
        values[..., : 1 << 12] = 3.0
    units = as_units(1 << 14, unit)
    whole = moments_of_totals(units.totals(np.subtract(*values, dtype=np.float64)), units)
    parts = moments_of(Made.of("difference", values[0]) - Made.of("difference", values[1]), units)
    assert_close(parts.mean, whole.mean)
    assert_close(parts.error, whole.error)
    assert np.allclose(parts.skewness, whole.skewness, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("value", [1e6 + 0.1, 1 / 3, -0.0, 1e300, np.nan])
def test_moments_of_values_that_do_not_vary_have_no_error(value):
    with np.errstate(all="ignore"):
        of = moments(np.full((2, 1 << 13), value), as_units(1 << 13, 2))
    assert_close(of.mean, np.full(2, value))
    assert_same(of.error, np.zeros(2) if abs(value) < 1e100 else of.error)


def test_interval_of_few_units_is_student():
    """Five values with mean 3 and deviation sqrt 2.5: 3 +- 2.776445 * 0.707107."""
    low, high = mean_interval(moments(np.arange(1.0, 6), as_units(5, 1)))
    assert_close([low, high], 3 + np.array([-1, 1]) * 2.7764451051977987 * np.sqrt(0.5))


def test_interval_reaches_further_on_the_skewed_side():
    values = RNG.exponential(size=200)
    of = moments(values, as_units(200, 1))
    low, high = mean_interval(of)
    assert low < of.mean < high
    assert high - of.mean > of.mean - low
    mirrored = mean_interval(moments(-values, as_units(200, 1)))
    assert_close([mirrored[1], mirrored[0]], [-low, -high])


def test_flagged_estimate_loses_its_interval_only():
    estimate = Estimate(1.0, 0.1, 0.8, 1.2)
    assert estimate.flagged(None) is estimate
    few, lost = Flag(Reason.FEW_EXCEEDANCES, 3, 50), Flag(Reason.NOT_FINITE, 1, 9)
    found = estimate.flagged(few, None, few).flagged(lost)
    assert (found.estimate, found.standard_error, found.flags) == (1.0, 0.1, (lost, few))
    assert found.flag == "1 of 9 paths not finite; 3 exceedances, 50 needed"
    assert np.isnan([found.low, found.high]).all()
