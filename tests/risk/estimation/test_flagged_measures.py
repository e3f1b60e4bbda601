"""Which estimates are flagged, and lose their intervals: few exceedances, heavy tails, values that are not finite."""

import numpy as np
import pytest

from benchmarks.weighted_models import weighted
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import MEASURES
from engine.risk.estimation.measures import difference, summary
from tests.helpers import assert_close
from tests.risk.cells import DIFFERENCES
from tests.risk.estimation.test_histograms import binned_by_value, difference_of

RNG = np.random.default_rng(2016)


def test_too_few_exceedances_are_flagged():
    found = summary(RNG.standard_normal(4_900), 1, True)
    assert {name for name in MEASURES if found[name].flag} == {"VaR99", "VaR99.9", "ES99", "ES99.9"}
    assert found["VaR99"].flag == "49 effective exceedances, 50 needed"
    for name in MEASURES:
        estimate = found[name]
        assert np.isfinite([estimate.estimate, estimate.standard_error]).all() or name.endswith("99.9")
        assert np.isnan([estimate.low, estimate.high]).all() == bool(estimate.flag)


def test_infinite_variance_is_flagged_for_mean_and_shortfall_only():
    heavy = RNG.random(100_000) ** (-1 / 1.5)
    found = summary(heavy, 1, True)
    assert {name for name in MEASURES if found[name].flag} == {"mean", "sd", "ES95", "ES99", "ES99.9"}
    assert "infinite variance" in found["ES95"].flag and "fourth moment" in found["sd"].flag
    low_side = summary(-heavy, 1, True)
    assert {name for name in MEASURES if low_side[name].flag} == {"mean", "sd"}
    gap = difference(heavy, RNG.standard_normal(100_000), 1, True)
    assert {name for name in DIFFERENCES if gap[name].flag} >= {"mean", "ES95"}
    assert gap["VaR95"].flag == gap["worse"].flag == ""


def test_a_heavy_tail_that_two_policies_share_is_not_in_their_difference():
    heavy, noise = RNG.random(100_000) ** (-1 / 1.5), RNG.standard_normal((2, 100_000))
    shared = difference(heavy + noise[0], heavy + 0.1 * noise[1], 1, True)
    apart = difference(heavy + noise[0], np.roll(heavy, 1), 1, True)
    for name in ("mean", "ES95", "ES99"):
        assert not shared[name].flags and np.isfinite(shared[name].low)
        assert "infinite variance" in apart[name].flag and np.isnan(apart[name].low)


SHARED = RNG.standard_t(1.2, 3_000)
"""A heavy tail that two variables may have in common, so that their difference has none."""
VARIABLES = {
    "normal": RNG.standard_normal(3_000),
    "tied": RNG.integers(0, 4, 3_000).astype(float),
    "constant": np.full(3_000, 3.3),
    "shared": SHARED,
    "shared and noise": SHARED + 0.1 * RNG.standard_normal(3_000),
    "shared and one": SHARED + 1.0,
}


@pytest.mark.parametrize(("paths", "unit"), [(1, 1), (10, 1), (60, 1), (3_000, 1), (250, 50), (580, 20), (2_000, 100)])
def test_no_interval_is_withheld_without_a_reason(paths, unit):
    weights = np.random.default_rng(7).exponential(size=paths)
    for values in VARIABLES.values():
        for others in VARIABLES.values():
            pair = values[:paths], others[:paths]
            gap = difference(*pair, unit, True)
            with_weights = difference(*pair, weighted(weights, unit), True)
            for estimate in (*gap.values(), *with_weights.values()):
                has_ends = np.isfinite([estimate.low, estimate.high]).all()
                assert has_ends != any(flag.withholds for flag in estimate.flags)


def test_values_that_are_not_finite_are_left_out_and_flagged():
    values = RNG.standard_normal(10_000)
    broken = values.copy()
    broken[4], broken[10] = np.nan, np.inf
    kept = np.delete(values, [4, 5, 10, 11])
    found, clean = summary(broken, 2, True), summary(kept, 2, True)
    for name in MEASURES:
        assert_close(found[name].estimate, clean[name].estimate)
        assert Flag(Reason.NOT_FINITE, 2, 10_000) in found[name].flags
        for end in ("standard_error", "low", "high"):  # as if the others had never been asked for
            assert_close(getattr(found[name], end), getattr(clean[name], end))
    assert Flag(Reason.NOT_FINITE, 1, 2) in summary(np.array([np.nan, 1.0]), 2, True)["mean"].flags


def test_medians_that_every_pair_straddles_differ_with_a_width():
    """Units that happen to be all alike have no spread, though what they hold is drawn: 15 pairs, and one law for
    both.
    """
    rng = np.random.default_rng(4)
    x, y = (rng.permuted(rng.exponential(size=(15, 2)) * [-1, 1], axis=1).ravel() for _ in range(2))
    held = difference(x, y, 2, True)["median"]
    assert held.low < min(0, held.estimate) and max(0, held.estimate) < held.high
    assert difference(x + 1, x, 2, True)["median"].low == 1


@pytest.mark.parametrize(
    "of", [difference, lambda x, y, *_: difference_of(binned_by_value(x, 16), binned_by_value(y, 16), True)]
)
def test_a_difference_of_quantiles_of_tied_values_has_a_flag_and_no_interval(of):
    x, y = np.random.default_rng(5).poisson([[3.0], [1.978]], (2, 8192)).astype(np.float32)
    held = of(x, y, 2, True)
    assert {flag.reason for flag in held["VaR95"].flags} == {Reason.TIED} and np.isnan(held["VaR95"].low)
    assert held["mean"].low < 1 < held["mean"].high
    whole = of(x, x - 1, 2, True)["VaR95"]
    assert np.isnan(whole.low) or whole.low == whole.high == 1
