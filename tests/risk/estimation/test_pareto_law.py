"""The generalised Pareto law of excesses: closed forms, SciPy on the same data, and intervals that are those of the
profile likelihood.
"""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from engine.risk.estimation.heaviness import misfit
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.pareto_law import Region, fit_chance, likeliest, log_likelihood
from tests.helpers import assert_close, assert_plausible

RNG = np.random.default_rng(27)
SHAPES = (-0.3, 0.0, 0.2, 1 / 3, 0.6)


def drawn(shape, count, scale=2.0):
    return np.sort(stats.genpareto(shape, scale=scale).rvs(count, random_state=RNG))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_likeliest_law_is_that_of_scipy(shape):
    excesses = drawn(shape, 500)
    ours, (theirs, _, scale) = likeliest(excesses), stats.genpareto.fit(excesses, floc=0)
    found, known = (float(log_likelihood(excesses, *map(np.array, law))) for law in (ours, (theirs, scale)))
    assert_close(known, stats.genpareto(theirs, scale=scale).logpdf(excesses).sum())
    assert found >= known - 1e-9
    assert abs(ours[0] - theirs) < 1e-3 and abs(ours[1] / scale - 1) < 1e-3


def test_two_values_and_many_alike_have_a_law_too():
    for excesses in (np.array([1.0, 2.0]), np.full(50, 3.0), np.array([1e-9, 1.0, 1e9])):
        shape, scale = likeliest(excesses)
        assert np.isfinite(shape) and shape >= -1 and scale > 0


def chance_of(excesses):
    shape, scale = likeliest(excesses)
    return fit_chance(misfit(excesses, shape, scale), shape)


@pytest.mark.parametrize("shape", [-0.7, -0.2, 0.1, 0.4])
def test_a_law_that_is_right_fits_as_often_as_it_says(shape):
    chances = [chance_of(drawn(shape, 300)) for _ in range(400)]
    for level in (0.25, 0.1):
        share = float(np.mean(np.array(chances) <= level))
        assert_plausible(share, level, np.sqrt(level * (1 - level) / 400), 0.13)


def test_a_law_that_is_wrong_does_not_fit():
    two = np.sort(np.concatenate([RNG.uniform(0, 1, 200), RNG.uniform(9, 10, 200)]))
    assert chance_of(two) < 0.0011


def region(shape=0.2, count=200, units=None, share=0.01):
    excesses = drawn(shape, count)
    units = units or Units(int(count / share), 1)
    xi, scale = likeliest(excesses)
    return Region(excesses, np.arange(count), xi, scale, units)


@pytest.mark.parametrize("shape", [-0.2, 0.3])
def test_the_interval_of_a_level_is_the_farthest_among_likely_laws(shape):
    """By a search under the constraint, the share's own likelihood among it."""
    of, period = region(shape), 100_000
    count, total = len(of.excesses), of.units.paths

    def level(xi, scale, share):
        return scale * np.expm1(xi * np.log(period * share)) / xi

    def likelihood(at):
        xi, scale, share = at[0], np.exp(at[1]), np.exp(at[2])
        own = float(log_likelihood(of.excesses, np.array(xi), np.array(scale)))
        return own + count * np.log(share) + (total - count) * np.log1p(-share)

    start = np.array([of.shape, np.log(of.scale), np.log(of.share)])
    least = likelihood(start) - stats.chi2(1).ppf(0.95) / 2
    ends = []
    for sign in (1, -1):
        found = minimize(
            lambda at, sign=sign: sign * np.log(level(at[0], np.exp(at[1]), np.exp(at[2]))),
            start,
            constraints={"type": "ineq", "fun": lambda at: likelihood(at) - least},
            method="SLSQP",
            bounds=[
                (of.shape - 0.5, of.shape + 0.7),
                start[1] + np.array([-1.0, 1.0]),
                start[2] + np.array([-0.5, 0.5]),
            ],
        )
        ends.append(level(found.x[0], np.exp(found.x[1]), np.exp(found.x[2])))
    ours = of.interval(level)
    assert np.abs(np.log(np.array(ours) / ends)).max() < 0.02 * np.log(ends[1] / ends[0])


def test_values_that_come_twice_in_a_unit_count_once():
    """Their interval is as wide as that of one of each, not narrower; units of independent values change little."""
    own = drawn(0.2, 400)
    shape, scale = likeliest(own)
    once = Region(own, np.arange(400), shape, scale, Units(40_000, 1))
    twice = Region(np.repeat(own, 2), np.arange(800), shape, scale, Units(80_000, 2))
    apart = Region(own, np.arange(400) * 100, shape, scale, Units(40_000, 2))
    widths = [np.diff(of.interval(lambda xi, scale, share: xi))[0] for of in (once, twice, apart)]
    assert abs(widths[1] / widths[0] - 1) < 0.15
    assert widths[0] * 0.999 <= widths[2] < 1.15 * widths[0]
