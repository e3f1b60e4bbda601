"""Weighted sums of measures: those of a paired difference where there are two variables, and exact where terms
cancel."""

import numpy as np
import pytest
from scipy.stats import gamma

from engine.risk.estimation import measures
from engine.risk.estimation.intervals import Units
from engine.risk.policies.ranks import Contrasts, Influence, of_shortfall
from tests.helpers import assert_close, assert_plausible

N = 1 << 16
SOUND = np.ones(N, bool)


def of_mean(values, sound):
    return Influence(np.where(sound, values, np.nan))


def pair(seed=1):
    common, own = np.random.default_rng(seed).standard_normal((2, N))
    return np.stack([common, 1.5 * common + 0.2 * own + 0.3]).astype(np.float32)


def estimated(weights, influence, units, sound=SOUND, is_share=False):
    """The estimate of one weighted sum."""
    sums = Contrasts(np.array([weights]), len(sound))
    sums.add(slice(0, len(weights)), influence)
    (own,) = sums.estimates(sound, units, is_share)
    return own


LESS = [-1.0, 1.0]


@pytest.mark.parametrize("unit", [1, 2, 256])
@pytest.mark.parametrize("loss", [True, False])
def test_one_less_another_is_their_paired_difference(unit, loss):
    values, units = pair(), Units(N, unit)
    want = measures.difference(values[1], values[0], unit, loss, (0.99,))
    for name, influence in (("mean", of_mean(values, SOUND)), ("ES99", of_shortfall(values, SOUND, units, 0.99, loss))):
        own = estimated(LESS, influence, units)
        given = [want[name].estimate, want[name].standard_error, want[name].low, want[name].high]
        assert_close([own.estimate, own.standard_error, own.low, own.high], given, np.float32)
        assert own.flags == want[name].flags


def test_some_at_a_time_give_what_all_at_once_give():
    values = np.random.default_rng(3).standard_normal((8, N))
    weights = np.random.default_rng(4).standard_normal((3, 8))
    whole, parts = Contrasts(weights, N), Contrasts(weights, N)
    whole.add(slice(0, 8), of_mean(values, SOUND))
    for first in range(0, 8, 2):
        which = slice(first, first + 2)
        parts.add(which, of_mean(values[which], SOUND))
    for a, b in zip(*(one.estimates(SOUND, Units(N, 2)) for one in (whole, parts)), strict=True):
        assert_close([a.estimate, a.low, a.high], [b.estimate, b.low, b.high])


def test_what_no_path_or_one_path_shows_may_be_there_all_the_same():
    happens = np.zeros((2, N), bool)
    own = estimated(LESS, of_mean(happens, SOUND), Units(N, 1), is_share=True)
    assert own.estimate == 0.0 and 0 < own.high == -own.low < 4 / N
    happens[0, 17] = True
    for weights in (LESS, [-0.1, 0.1]):
        own = estimated(weights, of_mean(happens, SOUND), Units(N, 1), is_share=True)
        assert own.low < own.estimate < 0 < own.high < 4 / N


@pytest.mark.parametrize("unit", [1, 2, 256])
def test_a_difference_of_probabilities_is_as_sure_as_the_paired_one(unit):
    happens = pair() > 1.0
    want = measures.probability_difference(happens[1], happens[0], unit)
    own = estimated(LESS, of_mean(happens, SOUND), Units(N, unit), is_share=True)
    assert_close([own.estimate, own.standard_error], [want.estimate, want.standard_error])
    assert (own.high - own.low) == pytest.approx(want.high - want.low, rel=0.01)


def test_the_largest_is_told_from_what_its_gap_to_leaves_no_zero():
    shift = np.array([[0.0], [1.0], [0.999], [0.5]])
    values = np.random.default_rng(6).standard_normal((4, N)) + shift
    sums = Contrasts(np.eye(4), N)
    sums.add(slice(0, 4), of_mean(values, SOUND))
    units = Units(N, 1)
    ahead = sums.largest(range(4), 1.0, SOUND, units)
    assert sorted(ahead) == [1, 2]
    assert sums.largest(range(4), -1.0, SOUND, units) == [0]


# ---------------------------------------------------------------------------------------------- coverage

WEIGHTS = [-0.5, 0.5, -0.5, 0.5]
"""The Shapley value of the first of two players, over nobody, the first, the second, both."""


EVENTS = {"event": 2.0, "rare event": 6.0}
"""Events and what has to be passed: by two of a thousand paths where it is rare."""


def coalitions(rng, paths):
    """Four variables of two exponential ones, so that tails of different paths come together in the sum."""
    x, y = rng.exponential(size=(2, paths))
    return np.stack([x, 0.7 * x, y, 0.5 * (x + y)])


def true_share(measure):
    """The share by hand: of means 1, 0.7, 1, 1; of ES99 1 + ln 100 times the scale, and that of a gamma law."""
    q = gamma.ppf(0.99, 2, scale=0.5)
    tail = {"mean": (1.0, 1.0), "ES99": (1 + np.log(100), gamma.sf(q, 3, scale=0.5) / 0.01)}
    if measure in EVENTS:
        above = EVENTS[measure]
        one, less, both = np.exp(-above), np.exp(-above / 0.7), gamma.sf(above, 2, scale=0.5)
        return 0.5 * (less - one) + 0.5 * (both - one)
    one, both = tail[measure]
    return 0.5 * (0.7 * one - one) + 0.5 * (both - one)


def covered(measure, paths, repeats):
    """In how many repetitions the interval of the share holds the truth."""
    truth, sound, units = true_share(measure), np.ones(paths, bool), Units(paths, 1)
    count = 0
    for repeat in range(repeats):
        values = coalitions(np.random.default_rng([repeat, paths]), paths)
        if measure == "ES99":
            influence = of_shortfall(values, sound, units, 0.99, True)
        else:
            influence = of_mean(values > EVENTS[measure] if measure in EVENTS else values, sound)
        own = estimated(WEIGHTS, influence, units, sound, measure in EVENTS)
        count += own.low <= truth <= own.high
    return count


@pytest.mark.parametrize(
    ("measure", "paths", "repeats"),
    [
        ("mean", 4000, 400),
        ("event", 4000, 400),
        ("rare event", 4000, 400),
        pytest.param("ES99", 60_000, 400, marks=pytest.mark.slow),
    ],
)
def test_intervals_of_a_share_hold_the_truth_as_often_as_they_say(measure, paths, repeats):
    held = covered(measure, paths, repeats) / repeats
    assert_plausible(held, 0.95, np.sqrt(0.95 * 0.05 / repeats), 0.06)
