"""Boxes of factors: limits, the correlation that chooses them, what is left out, and how they are judged, by hand."""

import numpy as np
import pytest
from scipy.stats import binom

from engine.risk.drivers.boxes import Limits, best, correlation_over_units, inside, judged
from engine.risk.estimation.intervals import as_units

TEN = {"a": np.arange(10.0), "b": np.arange(10.0)[::-1], "kind": np.tile([0.0, 1.0], 5)}


def test_limits_hold_their_ends_and_nan_lies_nowhere():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    assert Limits(2.0).hold(values).tolist() == [False, True, True, False]
    assert Limits(high=2.0).hold(values).tolist() == [True, True, False, False]
    assert Limits(allowed=(1.0, 3.0)).hold(values).tolist() == [True, False, True, False]
    assert Limits(1.0, 2.0).ends == (Limits(low=1.0), Limits(high=2.0)) and Limits().ends == ()
    assert inside({"a": Limits(3.0), "kind": Limits(allowed=(1.0,))}, TEN, 10).sum() == 4


def test_a_limit_that_tells_nothing_is_left_out_and_one_that_tells_is_kept():
    rng = np.random.default_rng(2)
    draws = {name: rng.random(20_000) for name in "abc"}
    cases = (draws["a"] < 0.3) & (draws["b"] > 0.5)
    wide = {"a": Limits(0.001, 0.3), "b": Limits(0.5), "c": Limits(high=0.97)}
    assert best([wide], draws, cases) == {"a": Limits(high=0.3), "b": Limits(0.5)}
    assert best([{"c": Limits(high=0.5)}, wide], draws, cases) == best([wide], draws, cases)
    assert best([], draws, cases) is None
    assert best([{"a": Limits(0.3)}], draws, cases) is None  # worse than everything


def test_a_box_is_judged_as_by_hand():
    cases = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0], bool)
    box = {"a": Limits(high=3.0), "b": Limits(7.0)}  # paths 0 to 2, as b is 9 - a
    of = judged(box, TEN, cases, as_units(10, 1), np.ones(10, bool))
    assert (of.coverage.estimate, of.density.estimate, of.mass.estimate) == (0.75, 1.0, 0.3)
    part = of.restrictions["b"]
    assert (part.coverage, part.density, part.below, part.above) == (0.75, 0.75, 0.7, 0.0)
    assert part.quasi_p[0] == pytest.approx(binom.sf(2, 3, 0.75)) and np.isnan(part.quasi_p[1])
    free = of.restrictions["a"]  # paths 0 to 2 still: it costs nothing
    assert (free.coverage, free.density) == (0.75, 1.0) and free.quasi_p[1] == 1.0
    assert list(of.restrictions) == ["b", "a"]


def test_what_lies_in_an_earlier_box_is_not_counted_again():
    cases = np.arange(10) < 4
    left = np.arange(10) >= 2
    of = judged({"a": Limits(high=4.0)}, TEN, cases, as_units(10, 1), left)
    assert (of.coverage.estimate, of.density.estimate, of.mass.estimate) == (0.5, 2 / 3, 0.3)


@pytest.mark.parametrize("unit", [1, 2])
def test_intervals_of_correlations_cover(unit):
    """Boxes that hold 90 and 30 % of the cases, which are 10 % of 3,000 paths; 600 samples."""
    rng, rows = np.random.default_rng([5, unit]), [(0.9, 0.05), (0.3, 0.2)]
    held = [0, 0]
    for _ in range(600):
        # pairs of units of two are one future twice
        cases = np.repeat(rng.random(3000 // unit) < 0.1, unit)
        u = np.repeat(rng.random((2, 3000 // unit)), unit, axis=1)
        for k, (hit, miss) in enumerate(rows):
            within = 0.1 * hit + 0.9 * miss
            true = (0.1 * hit - 0.1 * within) / np.sqrt(0.09 * within * (1 - within))
            one = correlation_over_units(u[k] < np.where(cases, hit, miss), cases, as_units(3000, unit))
            held[k] += one.low <= true <= one.high
    # five standard errors of a share of 95 % in 600
    assert all(abs(count / 600 - 0.95) < 5 * np.sqrt(0.95 * 0.05 / 600) for count in held), held


def test_a_correlation_of_one_of_nothing_and_of_few_replicates():
    cases = np.arange(200) % 5 == 0
    one = correlation_over_units(cases, cases, as_units(200, 1))
    none = correlation_over_units(np.zeros(200, bool), cases, as_units(200, 1))
    assert (one.estimate, one.low, one.high) == (pytest.approx(1),) * 3 and none.estimate == none.high == 0
    assert np.isnan(correlation_over_units(cases, cases, as_units(200, 200)).low)
    few = correlation_over_units(np.arange(200) % 2 == 0, cases, as_units(200, 50))
    assert few.flag == "4 replicates, 30 needed" and np.isnan(few.low)
