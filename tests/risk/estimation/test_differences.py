"""Differences of quantiles where values are tied; `python benchmarks/coverage_cases.py differences` has more laws,
paths and repetitions.
"""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri
from scipy.stats import poisson

from engine.risk.estimation import atoms, histogram_measures
from engine.risk.estimation.intervals import as_units, moments_of_totals
from engine.risk.estimation.measures import difference
from engine.risk.estimation.shares import effective_count
from engine.risk.estimation.tails import error_of_shares, share, share_of_moments
from tests.helpers import assert_close, assert_same
from tests.pairs import in_turn
from tests.risk.cells import DIFFERENCES, difference_cells
from tests.risk.estimation.test_histograms import binned_by_value
from tests.risk.policies.test_comparison_coverage import scores

VAR95 = DIFFERENCES.index("VaR95")
LOWEST = 0.93


def whole(u, mean):
    """Poisson's quantiles of shares, float32."""
    return np.searchsorted(poisson.cdf(np.arange(40), mean), u).astype(np.float32)


def shares(rng, paths, unit, correlation, repetitions):
    """Even shares of two variables [repetition, path]; units as in `scores`."""
    rows = np.stack([scores(rng, paths, unit) for _ in range(repetitions)], axis=1)
    return ndtr(rows[0]), ndtr(correlation * rows[0] + np.sqrt(1 - correlation**2) * rows[1])


@pytest.mark.parametrize(("paths", "unit", "mean"), in_turn([(4096, 1), (4096, 2), (10_240, 16)], [2.0, 2.6]))
def test_differences_of_whole_numbers_cover(mean, paths, unit):
    """Poisson(3) less Poisson(2): P(X <= 4) = .947, so near .95 that a fifth of samples has 4 for 5. And less
    Poisson(2.6), the other way round.
    """
    u, v = shares(np.random.default_rng([1, unit]), paths, unit, 0.8, 100)
    _, _, low, high = difference_cells(whole(v, 3.0), whole(u, mean), unit, True)
    truth = poisson.ppf(0.95, 3) - poisson.ppf(0.95, mean)
    cover = np.mean((low[:, VAR95] <= truth) & (truth <= high[:, VAR95]))
    assert cover >= LOWEST, cover


def test_a_difference_of_whole_numbers_that_is_certain_has_no_width():
    u, v = shares(np.random.default_rng(2), 100_000, 1, 0.8, 40)
    _, error, low, high = (part[:, VAR95] for part in difference_cells(whole(v, 3.0), whole(u, 2.0), 1, True))
    exact = (low == 1) & (high == 1)
    assert exact.mean() >= 0.95, exact.mean()
    assert_same(error[exact], np.zeros(exact.sum()))


def test_medians_that_every_pair_straddles_differ_with_a_width():
    """Units that happen to be all alike have no spread, though what they hold is drawn: 15 pairs, and one law for
    both.
    """
    rng = np.random.default_rng(4)
    x, y = (rng.permuted(rng.exponential(size=(15, 2)) * [-1, 1], axis=1).ravel() for _ in range(2))
    held = difference(x, y, 2, True)["median"]
    assert held.low < min(0, held.estimate) and max(0, held.estimate) < held.high
    assert difference(x + 1, x, 2, True)["median"].low == 1


@pytest.mark.parametrize(("kind", "unit"), in_turn(["a rare damage", "one is tied", "a fine grid"], [1, 2]))
def test_differences_of_mixed_laws_cover(kind, unit):
    u, v = shares(np.random.default_rng([3, unit]), 4096, unit, 0.8, 100)

    def damage(u, chance, size):
        return np.where(u > 1 - chance, -size * np.log(np.minimum((1 - u) / chance, 1.0)), 0.0)

    one, two = {
        "a rare damage": (lambda u: damage(u, 0.06, 1.0), lambda u: damage(u, 0.055, 2.0)),
        "one is tied": (lambda u: 3 * ndtri(u), lambda u: whole(u, 3.0)),
        "a fine grid": (lambda u: np.round(20 * ndtri(u)) / 20, lambda u: np.round(16 * ndtri(u)) / 20),
    }[kind]
    x, y = (of(part).astype(np.float32) for of, part in ((one, u), (two, v)))
    _, _, low, high = (part[:, VAR95] for part in difference_cells(x, y, unit, True))
    truth = float(np.float32(one(np.array([0.95]))[0] - two(np.array([0.95]))[0]))
    cover = np.mean((low <= truth + 1e-6) & (truth - 1e-6 <= high))
    assert cover >= LOWEST, cover


def test_differences_from_histograms_know_ties():
    """Poisson(1.978), P(X <= 4) = .9493, and tenths, which stand inside their bins."""
    rng = np.random.default_rng(4)
    for scale in (1.0, 0.1):
        held = []
        for _ in range(30):
            u, v = (part[0] for part in shares(rng, 32_768, 1, 0.8, 1))
            x, y = (np.float32(scale) * part for part in (whole(v, 3.0), whole(u, 1.978)))
            gap = histogram_measures.difference(binned_by_value(x, 16), binned_by_value(y, 16), True)["VaR95"]
            held.append(gap.low <= scale <= gap.high)
        assert np.mean(held) >= LOWEST, scale


def test_the_low_tail_is_the_high_one_of_the_negative():
    u, v = shares(np.random.default_rng(5), 4096, 2, 0.8, 1)
    x, y = whole(u[0], 2.0), whole(v[0], 3.0)
    high, low = difference(x, y, 2, True), difference(-x, -y, 2, False)
    for measure in ("median", "VaR95"):
        assert_same([low[measure].low, low[measure].high], [-high[measure].high, -high[measure].low])


@pytest.mark.parametrize("unit", [1, 2])
def test_without_ties_the_interval_is_the_normal_one(unit):
    """And so near to it where many pairs of places are tried: half as many paths again would move an end by more."""
    a, b = scores(np.random.default_rng([6, unit]), 20_000, unit)
    x, y = np.exp(a), np.exp(0.8 * a + 0.6 * b)
    plain = difference(x, y, unit, True)["VaR95"]
    assert_close(plain.high - plain.estimate, plain.estimate - plain.low)
    held = difference(np.round(x, 2), np.round(y, 2), unit, True)["VaR95"]
    assert 0.9 < (held.high - held.low) / (plain.high - plain.low) < 1.25


def test_distances_are_the_least_ones():
    rng = np.random.default_rng(7)
    for x, y, r in rng.uniform(-1, 1, (30, 3)):

        def of(at, r=r):
            return (at[0] ** 2 - 2 * r * at[0] * at[1] + at[1] ** 2) / (1 - r * r)

        least = minimize(of, [2.0, 2.0], bounds=[(x, None), (y, None)], tol=1e-12).fun
        found = atoms._distance(np.array(x), np.array(y), np.array(r))
        assert abs(float(found) - least) < 1e-5


@pytest.mark.parametrize("unit", [1, 2, 7])
def test_correlations_are_those_of_the_units(unit):
    """Of the numbers of paths at or above each edge; the last of seven is a short one."""
    rng = np.random.default_rng(8)
    x, y = rng.integers(0, 4, (2, 1000))
    units = as_units(1000, unit)
    reached = [atoms.reached_by_unit(part, 3, units, np.ones(len(part))) for part in (x, (x + y) // 2)]
    sizes = np.broadcast_to(units.sizes, units.count)
    found = atoms.correlation(*reached, sizes)
    totals = [np.array([units.totals(part >= edge) for edge in (1, 2, 3)]) for part in (x, (x + y) // 2)]
    residuals = [part - np.outer(part.sum(axis=1) / 1000, sizes) for part in totals]
    one, two = residuals
    expected = one @ two.T / np.sqrt(np.outer((one**2).sum(axis=1), (two**2).sum(axis=1)))
    assert_close(found, expected)


def test_places_taken_together_hold_those_apart(monkeypatch):
    u, v = shares(np.random.default_rng(9), 4096, 1, 0.8, 1)
    x, y = np.round(300 * ndtri(u[0])), whole(v[0], 3.0)
    some = difference(x, y, 1, True)["VaR95"]
    monkeypatch.setattr(atoms, "MOST", 4096)
    every = difference(x, y, 1, True)["VaR95"]
    assert some.low <= every.low <= every.high <= some.high
    assert some.high - some.low < 1.1 * (every.high - every.low)


@pytest.mark.parametrize("unit", [1, 2, 8, 7])
@pytest.mark.parametrize("often", [0.5, 1e-4, 0.9999])
def test_shares_by_counting_are_those_by_adding_up(unit, often):
    """Also where nearly all paths have the property, and what they vary by is a small part of the sums."""
    rng = np.random.default_rng(11)
    x, y = rng.random((2, 3, 1 << 15)) < often
    y[0] = x[0]
    units = as_units(1 << 15, unit)
    a, b = np.array([1.0, 0.3, 2e5]), np.array([1.0, 7.0, 1e5])
    totals = a[:, None] * units.totals(x) - b[:, None] * units.totals(y)
    of_x, of_y = (lambda paths, holds=holds: holds[:, paths] for holds in (x, y))
    error = error_of_shares(a, of_x, b, of_y, units)
    assert np.allclose(error, moments_of_totals(totals, units).error, rtol=1e-11, atol=0)
    of = moments_of_totals(units.totals(x), units)
    added = share_of_moments(of, effective_count(of, units))
    for counted, other in zip(share(of_x, units), added, strict=True):
        assert np.allclose(counted, other, rtol=1e-12, atol=0)
