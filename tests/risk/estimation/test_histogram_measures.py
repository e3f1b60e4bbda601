"""Measures from histograms by group against those from the paths themselves."""

import numpy as np
import pytest

from engine.risk.estimation import histogram_measures as binned
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.histogram_measures import Binned
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.measures import Variables, difference, probability, probability_difference, summary
from tests.helpers import assert_close, assert_same
from tests.risk.estimation.test_histograms import binned_by_value, difference_of, summary_of

N = 200_000
GROUPS = 32


@pytest.fixture(scope="module")
def policies():
    """Two losses with shared noise and long upper tails, float32 [policy, path]."""
    rng = np.random.default_rng(5)
    common = rng.standard_normal(N)
    own = rng.standard_normal((2, N))
    return np.exp(0.5 * (0.8 * common + 0.6 * own) + np.array([[0.0], [-0.3]])).astype(np.float32)


def totals(values: np.ndarray) -> np.ndarray:
    """Sums over equal groups of paths [group]."""
    return values.astype(np.float64).reshape(GROUPS, -1).sum(axis=1)


SIZES = np.full(GROUPS, N // GROUPS)


@pytest.mark.parametrize("loss", [True, False])
def test_estimates_are_those_of_the_paths_within_the_bins(policies, loss):
    found, exact = summary_of(binned_by_value(policies[0], GROUPS), loss), summary(policies[0], 1, loss)
    assert list(found) == list(MEASURES)
    for measure, estimate in exact.items():
        own = found[measure]
        assert_close(own.estimate, estimate.estimate, np.float64 if measure == "mean" else np.float16)
        assert own.low <= estimate.estimate <= own.high
        # errors from 32 groups vary by a tenth or two, and intervals hold the width of a bin beside them
        assert 0.5 < own.standard_error / estimate.standard_error < 2
        width = (estimate.high - estimate.low) + 2 * 2.0**-7 * abs(estimate.estimate)
        assert own.high - own.low < 2 * width
        assert reasons(own) == ([] if measure == "mean" else [Reason.BINNED])


@pytest.mark.parametrize("loss", [True, False])
def test_differences_are_those_of_the_paths_within_the_bins(policies, loss):
    one, two = (binned_by_value(row, GROUPS) for row in policies)
    found, exact = difference_of(one, two, loss), difference(*policies, 1, loss)
    assert list(found) == list(MEASURES)
    for measure, own in found.items():
        if exact[measure].flag:
            assert own.flag and np.isnan(own.low)
            continue
        assert own.low <= exact[measure].estimate <= own.high
        assert 0.5 < own.standard_error / exact[measure].standard_error < 2
    assert_close(found["mean"].estimate, exact["mean"].estimate)


@pytest.mark.parametrize(("unit", "start"), [(1.0, 1e9), (1e40, 1.0), (-1e40, 1.0)])
def test_intervals_hold_what_single_precision_cannot_tell_apart(unit, start):
    one, two = unit * (start + np.random.default_rng(2).random((2, 2_000)))
    parts = [binned_by_value(values, GROUPS // 2) for values in (one, two)]
    pairs = (
        (summary_of(parts[0], True), summary(one, 1, True)),
        (difference_of(*parts, True), difference(one, two, 1, True)),
    )
    for found, exact in pairs:
        for measure, own in found.items():
            assert own.flag if np.isnan(own.low) else own.low <= exact[measure].estimate <= own.high, measure


def test_a_difference_so_large_that_bins_are_lost_in_it_is_exact(policies):
    far = binned_by_value(np.full(N, 1e30, np.float32), GROUPS)
    for measure, own in difference_of(binned_by_value(policies[0], GROUPS), far, True).items():
        if measure not in ("sd", "ES99.9"):  # of 200 exceedances there is no interval
            assert own.estimate == own.low == own.high == -np.float32(1e30), measure


def test_shares_are_counted_exactly(policies):
    here, there = policies[0] > 2, policies[1] > 2
    for indicator in (here, there):
        own, exact = binned.share(totals(indicator), SIZES, 1), probability(indicator, 1)
        assert_same(own.estimate, exact.estimate)
        assert own.low < exact.estimate < own.high
    own = binned.difference_of_shares(totals(here), totals(there), SIZES, 1)
    exact = probability_difference(here, there, 1)
    assert_same(own.estimate, exact.estimate)
    assert own.low < exact.estimate < own.high
    assert 0.5 < own.standard_error / exact.standard_error < 2


def test_what_never_or_always_happens_has_the_interval_of_the_paths():
    for happens in (np.zeros(N, bool), np.ones(N, bool)):
        own, exact = binned.share(totals(happens), SIZES, 2), probability(happens, 2)
        assert_close([own.low, own.high, own.standard_error], [exact.low, exact.high, exact.standard_error])


def test_one_group_has_no_error(policies):
    alone = binned_by_value(policies[0])
    estimates = [*summary_of(alone, True).values(), *difference_of(alone, alone, True).values()]
    estimates.append(binned.share(np.array([1]), np.array([10]), 1))
    estimates.append(binned.difference_of_shares(np.array([1]), np.array([2]), np.array([10]), 1))
    for estimate in estimates:
        assert reasons(estimate) == [Reason.ONE_GROUP] and np.isfinite(estimate.estimate) and np.isnan(estimate.low)


def test_few_exceedances_and_few_groups_are_flagged(policies):
    found = summary_of(binned_by_value(policies[0, :20_000], 16), True)
    assert found["VaR99.9"].flag == "20 exceedances, 50 needed"
    assert found["ES99.9"].flag == "20 exceedances, 100 needed"
    assert np.isnan(found["VaR99.9"].low) and np.isfinite(found["ES95"].low)
    uneven = np.concatenate([np.ones(10_000), np.sort(policies[0, :10_000])]).astype(np.float32)
    assert summary_of(binned_by_value(uneven, 2), True)["VaR99"].flags == (Flag(Reason.FEW_GROUPS, 2),)


def test_heavy_tails_are_flagged_as_from_the_paths():
    rng = np.random.default_rng(6)
    heavy = (rng.pareto(1.6, N) * np.where(rng.random(N) < 0.5, 1, -1)).astype(np.float32)
    light = rng.standard_normal(N).astype(np.float32)
    endless = rng.pareto(0.9, N).astype(np.float32)
    for found in (summary(endless, 1, True), summary_of(binned_by_value(endless, GROUPS), True)):
        for name in ("ES99", "mean"):
            assert np.isfinite(found[name].estimate) and np.isnan(found[name].low)
            assert reasons(found[name]) == [Reason.NO_MEAN]
        assert np.isfinite(found["VaR99"].low)
    exact = summary(heavy, 1, True)
    found = summary_of(binned_by_value(heavy, GROUPS), True)
    assert "heavy tail" in exact["ES99"].flag and "heavy tail" in found["ES99"].flag
    assert "heavy tail" in found["mean"].flag and reasons(found["VaR99"]) == [Reason.BINNED]
    gap = difference_of(binned_by_value(light, GROUPS), binned_by_value(heavy, GROUPS), True)
    assert "heavy tail" in gap["mean"].flag
    assert not summary_of(binned_by_value(light, GROUPS), True)["mean"].flags


@pytest.mark.parametrize("centre", [0.0, 3.0, 1e3, 1e6])
def test_a_deviation_lies_within_what_the_bins_leave_open(centre):
    """Far from zero a bin is wider than the deviation, and the interval says so."""
    rng = np.random.default_rng(12)
    values, other = (centre + sd * rng.standard_normal(N) for sd in (1.0, 2.0))
    bins = [binned_by_value(row.astype(np.float32), GROUPS) for row in (values, other)]
    own, gap = summary_of(bins[0], True)["sd"], difference_of(*bins, True)["sd"]
    assert 0 <= own.low <= values.astype(np.float32).std(dtype=np.float64) <= own.high
    assert gap.low <= -1 <= gap.high
    if centre < 1e3:
        assert_close(own.estimate, values.std(), np.float16)
        assert own.high - own.low < 0.02


def test_a_heavy_policy_takes_no_interval_from_the_others():
    """Regret is heavy where the policy's own bad tail is, or the good tail of another."""
    rng = np.random.default_rng(8)
    usual = rng.standard_normal((3, N))
    heavy = rng.pareto(1.3, N)
    for tail, flagged in ((heavy, [False, True, False]), (-heavy, [True, False, True])):
        values = usual.copy()
        values[1] += tail
        values = values.astype(np.float32)
        distances = np.stack([totals(row - values.min(axis=0)) for row in values])
        of_bins = binned.regrets([Binned(binned_by_value(row, GROUPS)) for row in values], distances)
        of_paths = Variables(values, 1, True).regrets()
        for own, exact, expected in zip(of_bins, of_paths, flagged, strict=True):
            assert np.isnan(own.low) == np.isnan(exact.low) == expected
            assert_close(own.estimate, exact.estimate, np.float32)
    own = summary(values[0], 1, True)
    assert not own["mean"].flags and not own["ES95"].flags


def test_a_tail_that_is_one_value_is_known():
    """Twelve paths beyond the level would be too few, were it not that two thousand have the value that all of them
    have.
    """
    rng = np.random.default_rng(9)
    share = np.minimum(np.exp(rng.standard_normal(12_800) - 1), 1).astype(np.float32)
    other = np.minimum(np.exp(rng.standard_normal(12_800) - 2), 1).astype(np.float32)
    for own in (summary(share, 1, True), summary_of(binned_by_value(share, GROUPS), True)):
        for name in ("VaR95", "ES95", "VaR99.9", "ES99.9"):
            assert [own[name].estimate, own[name].low, own[name].high] == [1, 1, 1] and not own[name].flags
    bins = (binned_by_value(row, GROUPS) for row in (share, other))
    for gap in (difference(share, other, 1, True), difference_of(*bins, True)):
        assert [gap["ES99.9"].low, gap["ES99.9"].high] == [0, 0] and not gap["ES99.9"].flags
    few = np.where(np.arange(12_800) < 90, 1, share / 2).astype(np.float32)
    for own in (summary(few, 1, True), summary_of(binned_by_value(few, GROUPS), True)):
        assert np.isnan(own["ES99.9"].low) and np.isnan(own["VaR99.9"].low)


def reasons(estimate):
    return [flag.reason for flag in estimate.flags]
