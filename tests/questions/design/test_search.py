"""Where a limit begins to hold, against closed forms of y = N(mean - lever, 1)."""

import functools
import math

import numpy as np
import pytest
from scipy.stats import norm

from engine.questions.design.single import LOOKS, beside, crossings, invert, looks
from engine.questions.turning import scaled
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import measure, probability

PATHS = 1 << 14
LIMITS = {
    "ES99": (1.0, norm.pdf(norm.ppf(0.99)) / 0.01),
    "VaR99": (1.0, norm.ppf(0.99)),
    "mean": (1.0, 0.0),
    "probability": (0.05, norm.ppf(0.95)),
}
"""Bound of each measure of y, and its value at a mean of 0 less the bound: of the probability of y > 0."""


def gap_of(name, seed, mean=3.0):
    """How far a measure of y is beyond its bound by lever, counted in evaluations, and the lever at which it is not."""
    draws = np.random.default_rng(seed).standard_normal(PATHS)
    bound, own = LIMITS[name]

    @functools.cache
    def gap(lever):
        y = draws + mean - lever
        return scaled(probability(y > 0, 1) if name == "probability" else measure(y, 1, True, name), 1.0, -bound)

    return gap, mean + own - (0.0 if name == "probability" else bound)


def searched(gap, low, high, whole=False):
    """What is found for the only crossing between two values of the lever."""
    places = looks(low, high, whole)
    (crossing,) = crossings(places, [*map(gap, places)])
    return invert(gap, crossing, whole)


@pytest.mark.parametrize("name", LIMITS)
def test_the_interval_of_the_lever_inverts_that_of_the_measure(name):
    gap, truth = gap_of(name, 1)
    found = searched(gap, 0.0, 8.0)
    slack = 1e-3 * 0.5  # of a root: a share of the distance of two looks
    for value, part in ((found.may, "low"), (found.at, "estimate")):
        assert getattr(gap(value - slack), part) >= 0 >= getattr(gap(value + slack), part)
    assert gap(found.holds).high <= 0 <= gap(found.holds - 0.05 * (found.holds - found.at)).high
    assert found.holds == float(f"{found.holds:.5g}")
    assert found.may < found.at < found.holds
    assert abs(found.at - truth) < 5 * found.estimate.standard_error < 0.2
    assert gap.cache_info().misses <= 60


def test_further_futures_are_searched_near_what_fewer_gave():
    few, _ = gap_of("ES99", 2)
    places = looks(0.0, 8.0, False)
    (crossing,) = crossings(places, [*map(few, places)])
    near = invert(few, crossing, False)
    again, _ = gap_of("ES99", 2)
    found = invert(again, crossing, False, near)
    assert np.allclose([found.may, found.at, found.holds], [near.may, near.at, near.holds], atol=2e-3)
    assert again.cache_info().misses <= 20


def test_whole_numbers_are_the_first_at_which_the_limit_may_hold_is_met_and_holds():
    gap, _ = gap_of("ES99", 3, mean=30.4)
    found = searched(gap, 0.0, 100.0, whole=True)
    numbers = np.arange(101.0)
    for value, part in ((found.may, "low"), (found.at, "estimate"), (found.holds, "high")):
        assert value == next(x for x in numbers if getattr(gap(x), part) <= 0)
    assert looks(0, 3, True) == [0, 1, 2, 3] and len(looks(0, 100, True)) == LOOKS


def test_every_crossing_is_told_and_searched_from_either_side():
    def gap(lever):
        return Estimate.normal(math.cos(lever), 0.1)

    places = looks(0.0, 8.5, False)
    found = [invert(gap, one, False) for one in crossings(places, [*map(gap, places)])]
    assert np.allclose([one.at for one in found], np.pi * np.array([0.5, 1.5, 2.5]), atol=1e-3)
    assert [one.may < one.holds for one in found] == [True, False, True]
    assert not any(one.is_open for one in found)
    assert math.isclose(math.cos(found[1].may), 0.1 * 1.96, abs_tol=1e-3)


def test_what_is_unclear_beside_the_crossing_is_told():
    def ranges(values, chosen):
        places, gaps = [*map(float, range(len(values)))], [Estimate.normal(one, 0.1) for one in values]
        verdicts = ["met" if one.high <= 0 else "broken" if one.low > 0 else "unclear" for one in gaps]
        found = crossings(places, gaps)
        return [*beside(places, verdicts, found, found[chosen] if found else None)]

    assert ranges([2, 1, 0.1, -0.1, 1, -2, -2, 0.05], 2) == [(1.0, 4.0, "unclear"), (6.0, 7.0, "unclear")]
    assert ranges([1, -1, 1, -1, -1], 2) == [(0.0, 1.0, "met"), (1.0, 2.0, "broken")]
    assert ranges([1, 0.1, -0.1, 0.1, 1], 0) == [(0.0, 4.0, "unclear")]  # its own range has another crossing
    assert ranges([1, 0.1, 1], 0) == [(0.0, 2.0, "unclear")]
    assert ranges([0.1, 1, 0.1, -0.1, -1], 0) == [(0.0, 1.0, "broken")]


def test_an_end_beyond_the_bounds_or_a_measure_without_interval_is_open():
    wide = searched(lambda x: Estimate.normal(1.0 - x, 2.0), 0.0, 2.0)
    assert math.isnan(wide.may) and math.isnan(wide.holds) and wide.at == pytest.approx(1.0)
    none = searched(lambda x: Estimate(1.0 - x), 0.0, 2.0)
    assert none.is_open and none.at == pytest.approx(1.0)
    exact = searched(lambda x: Estimate.normal(1.0 - x, 0.0), 0.0, 3.0)
    assert exact.may == exact.at and 1.0 <= exact.holds < 1.001


def test_without_a_crossing_none_is_found():
    assert crossings([0.0, 1.0], [Estimate(1.0), Estimate(2.0)]) == []
