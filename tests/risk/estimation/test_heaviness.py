"""Heaviness: the shape of Pareto tails, and which tails are flagged, a part of benchmarks/coverage_heaviness.py."""

import numpy as np
import pytest

from benchmarks.coverage_heaviness import HEAVY, LIGHT, SIZES, pareto, rates
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, misfit, pareto_fit
from engine.risk.estimation.measures import summary
from tests.helpers import assert_plausible

RNG = np.random.default_rng(20160101)


def tail_flag(ascending):
    return Extremes.of_sorted(ascending).upper


def test_a_tail_at_the_limit_is_mostly_flagged():
    assert min(rates(pareto(2.0), n_paths, 50)[0] for n_paths in SIZES) >= 0.8


@pytest.mark.parametrize("name", LIGHT)
def test_light_and_mixed_tails_are_not_flagged(name):
    for n_paths in SIZES:
        assert rates(LIGHT[name], n_paths, 25)[0] == 0


@pytest.mark.parametrize("name", HEAVY)
def test_heavy_tails_are_flagged(name):
    for n_paths in SIZES:
        flagged, withheld = rates(HEAVY[name], n_paths, 25)
        assert flagged == 1 and withheld >= 0.8


@pytest.mark.parametrize("shape", [-0.5, 0.0, 1 / 3, 2 / 3, 1.5])
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_pareto_shape_is_found_wherever_zero_lies(shape, shift):
    u = RNG.random(5000)
    excesses = np.sort((u**-shape - 1) / shape if shape else -np.log(u))
    estimate, scale = pareto_fit((excesses + shift) - shift)
    assert_plausible(estimate, shape, max(1 + shape, 0.6) / np.sqrt(5000), 0.25)
    assert abs(scale - 1) < 0.2
    assert misfit(excesses, estimate, scale) < 2 < misfit(np.sort(excesses % 0.5), estimate, scale)


@pytest.mark.parametrize("size", [2.0**70, 2.0**150, 2.0**-150])
def test_a_tail_is_judged_alike_whatever_its_unit(size):
    values = pareto(1.5)(np.random.default_rng(4).random(4_000))
    found = summary(size * values, 1, True)
    for measure, own in summary(values, 1, True).items():
        assert [flag.reason for flag in found[measure].flags] == [flag.reason for flag in own.flags], measure


def test_a_tail_of_a_few_paths_is_flagged():
    values = np.zeros(10_000)
    assert tail_flag(values) is None
    values[-5:] = 1
    assert tail_flag(values) == Flag(Reason.FEW_TAIL_PATHS, 5, 10)
    values[-5000:] = 1
    assert tail_flag(values) is None


def test_a_few_paths_that_carry_no_error_take_no_interval():
    """Whole numbers from 0 to 10, and 11 on five paths of a hundred thousand; a share that ends in rounding."""
    values = RNG.integers(0, 11, 100_000).astype(np.float64)
    values[:5] = 11
    found = summary(values, 1, True)
    assert not found["mean"].flags and found["mean"].low < found["mean"].high
    assert found["ES95"].flags == (Flag(Reason.FEW_TAIL_PATHS, 5, 10),)
    share = np.minimum(RNG.lognormal(-1, 0.6, 100_000), 0.95).astype(np.float32)
    share[np.flatnonzero(share == share.max())[:5]] -= np.float32(6e-8)
    for sign in (1, -1):
        for estimate in summary(sign * share, 1, sign > 0).values():
            assert not estimate.flags and np.isfinite(estimate.low)


def test_an_end_that_paths_reach_is_no_heavy_tail():
    endless = RNG.random(50_000) ** (-1 / 1.5)
    assert tail_flag(np.sort(endless)).withholds
    assert tail_flag(np.sort(np.minimum(endless, np.sort(endless)[-3]))) is None


def test_an_estimate_is_always_shown_and_a_warning_leaves_its_interval():
    u = (np.arange(50_000) + 0.5) / 50_000
    for index, reason in ((0.9, Reason.NO_MEAN), (1.5, Reason.NO_VARIANCE), (2.0, Reason.HEAVY_TAIL)):
        found = summary(u ** (-1 / index), 1, True)
        for name in ("mean", "ES95", "ES99"):
            estimate = found[name]
            assert [flag.reason for flag in estimate.flags] == [reason]
            assert np.isfinite(estimate.estimate) and np.isfinite(estimate.standard_error)
            assert np.isfinite([estimate.low, estimate.high]).all() == (index == 2.0)
        assert not found["VaR99"].flags and np.isfinite(found["VaR99"].low)
