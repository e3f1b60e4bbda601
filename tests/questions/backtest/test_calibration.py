"""A model's own futures, taken for what happened, stand where they should: alone, together, and when they depend on
each other.
"""

import numpy as np
import pytest

from engine.questions.backtest.scores import Calibration, place

FIGURES, PATHS, AGAIN = 8, 4_000, 300


def futures(shared, count, seed):
    """Figures of one model, [figure, path], that a common cause moves."""
    random = np.random.default_rng(seed)
    own = random.normal(size=(FIGURES, count))
    return np.sqrt(shared) * random.normal(size=count) + np.sqrt(1 - shared) * own


def calibrated(values, truth, seed=0):
    return Calibration(values, truth, np.random.default_rng(seed))


def test_futures_that_are_alike_are_not_taken_for_many_independent_ones():
    apart, alike = (calibrated(futures(shared, PATHS, 5), np.zeros(FIGURES)) for shared in (0.0, 0.95))
    assert apart.coverage(0.9).expected_from >= 5 and alike.coverage(0.9).expected_from <= 1
    assert alike.spread().expected_to > apart.spread().expected_to


def test_places_are_uniform_also_where_values_are_equal():
    values = np.repeat(np.arange(5.0), 200)
    found = place(values, np.repeat(np.arange(5.0), 400), np.random.default_rng(1), own=False)
    assert np.abs(np.quantile(found, [0.1, 0.5, 0.9]) - [0.1, 0.5, 0.9]).max() < 0.03
    assert found.min() > 0 and found.max() < 1
    assert place(values, np.array([-1.0, 9.0]), np.random.default_rng(1), own=False).round(2).tolist() == [0.0, 1.0]


def test_what_lies_far_out_is_named_and_no_more_often_than_is_said():
    values, truth = futures(0.3, PATHS, 6), np.zeros(FIGURES)
    truth[3] = 6.0
    assert calibrated(values, truth).unexplained() == [3]
    others = futures(0.3, AGAIN, 7)
    named = sum(bool(calibrated(values, one, k).unexplained()) for k, one in enumerate(others.T[:100]))
    assert named <= 12  # 5 of 100, to three standard errors


def test_bands_that_are_too_wide_or_too_narrow_stand_apart():
    values = futures(0.0, PATHS, 8)
    wide = calibrated(5.0 * values, futures(0.0, 1, 9)[:, 0]).spread()
    narrow = calibrated(values / 5.0, futures(0.0, 1, 9)[:, 0]).spread()
    assert narrow.as_high < 0.01 < 0.9 < wide.as_high


def test_losses_far_beyond_var_are_severe():
    values = futures(0.0, PATHS, 10)
    quiet, loud = (calibrated(values, np.full(FIGURES, size)).severity(range(FIGURES)) for size in (0.0, 2.5))
    assert quiet.value == 0.0 and quiet.as_high > 0.5
    assert quiet.expected == pytest.approx(FIGURES * 0.05 / 2, rel=0.1)  # uniform beyond VaR: half of 5 % of figures
    assert loud.value > 6 and loud.as_high < 0.001


def test_scores_of_all_together_are_worse_the_farther_off():
    values = futures(0.5, PATHS, 11)
    near, far = (calibrated(values, np.full(FIGURES, size)) for size in (0.0, 4.0))
    assert near.energy().value < near.energy().expected < far.energy().value
    assert far.energy().as_high < 0.001
    assert near.crps([1.0] * FIGURES).value < far.crps([1.0] * FIGURES).value
