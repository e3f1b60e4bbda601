"""Levels that are passed once in so many values: closed forms inside and beyond the values, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.measures import summary
from engine.risk.estimation.return_levels import FEWEST_DISTINCT, MOST, extremes, passed

COUNT = 40_000
PLACES = (np.arange(COUNT) + 0.5) / COUNT
LAWS = {
    "exponential": (stats.expon, 0.0),
    "ending": (stats.genpareto(-0.3), -0.3),
    "Pareto(5)": (stats.pareto(5), 0.2),
    "Pareto(3)": (stats.pareto(3), 1 / 3),
}
FAR = 1e6
CLOSE = 0.1
"""Share of its interval that an estimate is from the truth, at most, where values stand at even places of their law."""


def drawn(law, count=COUNT, seed=1):
    return law.rvs(size=count, random_state=np.random.default_rng(seed))


def one(of, period):
    return passed([of], [period])[0][0]


@pytest.mark.parametrize("name", LAWS)
def test_known_laws_have_their_levels_beyond_the_values(name):
    law, shape = LAWS[name]
    of = extremes(law.ppf(PLACES), 1, True)
    assert abs(of.fit.of_shape.estimate - shape) < 0.03
    found = one(of, FAR)
    level = law.isf(1 / FAR)
    beyond = level + law.expect(lambda x: x - level, lb=level) * FAR
    assert found.extrapolated and not found.level.flags
    for own, known in ((found.level, level), (found.beyond, beyond)):
        assert own.low < known < own.high
        assert abs(own.estimate - known) < CLOSE * (own.high - own.low)


def test_levels_that_values_bear_out_are_their_var_and_es():
    values = drawn(stats.expon)
    of = extremes(values, 2, True)
    found, known = one(of, 100), summary(values, 2, True)
    assert not found.extrapolated
    assert (found.level, found.beyond) == (known["VaR99"], known["ES99"])
    assert found.law.low < stats.expon.isf(0.01) < found.law.high
    assert one(of, 3).law is None


@pytest.mark.parametrize("count", [20_000, 20_001])
def test_a_level_is_the_value_that_one_in_the_period_reaches(count):
    """Also at a period of 2, where the median of an even number of values lies between two of them."""
    values = drawn(stats.expon, count)
    periods = (2, 3, 7, 16, 19.9, 64)
    (found,) = passed([extremes(values, 1, True)], periods)
    ranks = [-(-count * 10 // round(10 * period)) for period in periods]  # ceil(count / period), in whole numbers
    assert [own.level.estimate for own in found] == np.sort(values)[[count - rank for rank in ranks]].tolist()
    assert not any(own.extrapolated for own in found)


def test_the_largest_tail_that_fits_is_taken():
    of = extremes(drawn(stats.genpareto(0.2)), 1, True)
    sizes = [len(fit.law.excesses) for fit in of.fits]
    assert sizes[0] == MOST and sizes == sorted(sizes, reverse=True)
    assert of.fit is next(fit for fit in of.fits if fit.fits)
    mixed = np.concatenate([drawn(stats.expon, 39_800), 40 + drawn(stats.expon, 200)])
    of = extremes(mixed, 1, True)
    assert not of.fits[0].fits and len(of.fit.law.excesses) <= 200


def test_where_low_is_worse_all_is_the_same_in_the_other_sign():
    values = drawn(stats.t(4))
    high, low = extremes(values, 1, True), extremes(-values, 1, False)
    for period in (100, 1e6):
        a, b = one(high, period), one(low, period)
        assert (a.level, a.beyond, a.extrapolated) == (-b.level, -b.beyond, b.extrapolated)


def test_an_infinite_variance_is_flagged_and_an_infinite_mean_has_no_mean():
    heavy, endless = (extremes(drawn(stats.genpareto(shape)), 1, True) for shape in (0.65, 1.4))
    found = one(heavy, 1e5)
    assert [flag.reason for flag in found.beyond.flags] == [Reason.HEAVY_TAIL]
    assert found.beyond.low < found.beyond.estimate < found.beyond.high
    for period in (100, 1e5):
        found = one(endless, period)
        assert [flag.reason for flag in found.beyond.flags] == [Reason.INFINITE_MEAN]
        assert np.isnan(found.beyond.estimate) and not found.level.flags


def test_a_mean_that_may_be_infinite_has_no_interval():
    of = extremes(drawn(stats.genpareto(0.85), 3000, seed=3), 1, True)
    assert of.fit.of_shape.high >= 1 > of.fit.law.shape
    found = one(of, 1e5).beyond
    assert np.isfinite(found.estimate) and np.isnan(found.low)
    assert [flag.reason for flag in found.flags] == [Reason.NO_MEAN]


@pytest.mark.parametrize(
    ("values", "flag"),
    [
        (np.full(4000, 3.0), Flag(Reason.FEW_DISTINCT, 1, FEWEST_DISTINCT)),
        (np.arange(4000) % 7.0, Flag(Reason.FEW_DISTINCT, 0, FEWEST_DISTINCT)),
        (np.minimum(np.arange(4000.0), 3990), Flag(Reason.FEW_DISTINCT, 91, FEWEST_DISTINCT)),
        (np.arange(1999.0), Flag(Reason.FEW_TAIL_VALUES, 1999, 2000)),
        (np.array([1.0]), Flag(Reason.FEW_TAIL_VALUES, 1, 2000)),
        (np.full(5, np.nan), Flag(Reason.NOT_FINITE, 5, 5)),
        (np.zeros(0), Flag(Reason.NO_PATHS, 0, 1)),
    ],
)
def test_what_has_no_tail_says_why_and_nothing_is_made_up(values, flag):
    of = extremes(values, 1, True)
    assert of.fit is None and of.flag.reason is flag.reason
    found = one(of, 1e8)
    assert not found.extrapolated and np.isnan(found.level.estimate)
    assert found.level.flags[0].reason is flag.reason and found.level.flag


@pytest.mark.parametrize("values", [np.full(4000, 3.0), np.minimum(np.arange(4000) % 7.0, 3.0)])
def test_levels_of_equal_values_are_sure_where_a_hundred_pass_them_and_no_farther(values):
    of = extremes(values, 1, True)
    near = one(of, 40)
    assert (near.level.estimate, near.level.low, near.level.high) == (3.0, 3.0, 3.0) and not near.level.flags
    for period in (41, 1000, 4000):
        found = one(of, period)
        for own in (found.level, found.beyond):
            assert own.estimate == 3.0 and np.isnan(own.low) and np.isnan(own.high)
            assert own.flags == (of.flag,) and of.flag.reason is Reason.FEW_DISTINCT
        assert not found.extrapolated


def test_values_that_are_not_finite_are_left_out_and_named():
    values = drawn(stats.expon)
    values[7] = np.nan
    values[9] = np.inf
    of = extremes(values, 2, True)
    assert of.sample.units.paths == COUNT - 4
    for period in (100, 1e6):
        assert Flag(Reason.NOT_FINITE, 2, COUNT) in one(of, period).level.flags
        assert np.isfinite(one(of, period).level.low)


def test_whole_numbers_have_the_tail_of_what_they_round():
    """Half a step off would be seen: a quarter is allowed inside the values, and a twentieth of the interval beyond."""
    values = 10 * drawn(stats.expon)
    exact, whole = (extremes(x, 1, True) for x in (values, np.round(values)))
    assert abs(one(exact, 100).law.estimate - one(whole, 100).law.estimate) < 0.25
    far = one(exact, 1e6).level
    assert abs(far.estimate - one(whole, 1e6).level.estimate) < (far.high - far.low) / 20


@pytest.mark.parametrize(("unit", "reason"), [(COUNT, Reason.ONE_UNIT), (COUNT // 8, Reason.FEW_REPLICATES)])
def test_few_units_have_levels_without_interval(unit, reason):
    found = one(extremes(drawn(stats.expon), unit, True), 1e6)
    assert found.level.flags[0].reason is reason
    assert np.isfinite(found.level.estimate) and np.isnan(found.level.low)


def test_years_of_one_future_that_are_alike_count_once():
    """Five years that are the same in each future: intervals as of one year each, five times as many values."""
    values = drawn(stats.expon, 20_000)
    once = extremes(values, 1, True)
    years = Units(100_000, 1, np.repeat(np.arange(20_000), 5))
    often = extremes(np.repeat(values, 5) * (1 + 1e-9 * np.arange(100_000)), years, True)
    widths = [found.high - found.low for found in (one(once, 1e5).level, one(often, 1e5).level)]
    assert widths[1] > 0.7 * widths[0]
