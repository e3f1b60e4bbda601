"""Scores of futures: those of a library, closed forms of a Gaussian, and of futures taken for what happened."""

import numpy as np
import pytest
import scoringrules
from scipy.stats import norm

from engine.questions.backtest.scores import Calibration, crps, crps_of_each, energy_scores, of_trend, place
from engine.risk.estimation.intervals import as_units
from engine.study.loading import read_study
from tests.questions.backtest.models import Walk, row

RANDOM = np.random.default_rng(11)
VALUES = RANDOM.gamma(2.0, 3.0, 400)
TRUTHS = (-1.0, 0.0, 3.3, 40.0)


@pytest.mark.parametrize("truth", TRUTHS)
def test_crps_is_that_of_the_library(truth):
    found = crps(VALUES, truth, as_units(len(VALUES), 1)).estimate
    assert found == pytest.approx(scoringrules.crps_ensemble(truth, VALUES, estimator="fair"), rel=1e-12)
    assert crps_of_each(VALUES, np.array([truth]))[0] == pytest.approx(found, rel=1e-12)


def test_energy_score_is_that_of_the_library():
    values, truths = RANDOM.normal(size=(3, 300)), RANDOM.normal(size=(3, 4))
    found = energy_scores(values, truths)
    for k, truth in enumerate(truths.T):
        own = scoringrules.es_ensemble(truth, values.T)
        fair = 0.5 * np.linalg.norm(values.T[:, None] - values.T, axis=-1).sum() * (1 / 300**2 - 1 / (300 * 299))
        assert found[k] == pytest.approx(own + fair, rel=1e-9)


@pytest.mark.parametrize("truth", [-2.0, 0.3])
def test_of_a_gaussian_it_is_the_closed_form_within_its_interval(truth):
    exact = truth * (2 * norm.cdf(truth) - 1) + 2 * norm.pdf(truth) - 1 / np.sqrt(np.pi)
    inside = 0
    for seed in range(200):
        draws = np.random.default_rng(seed).normal(size=1000)
        pairs = np.ravel(np.stack([draws, -draws], axis=1))
        found = crps(pairs, truth, as_units(2000, 2))
        inside += found.low <= exact <= found.high
    assert 180 <= inside <= 198  # 95 %, to three standard errors


def test_the_library_gives_the_trend_the_score_of_students_law():
    text = {
        "name": "walk",
        "time": {"first": 2021, "last": 2030},
        "factors": {"drift": {"family": "fixed", "value": 0}},
        "policies": {"old": {}},
        "observed": {"rows": [row(2015 + k, float(value)) for k, value in enumerate((1, 2, 2, 4, 5))]},
    }
    known = read_study(text, "walk.toml", model=Walk()).observed.rows
    times, seen = np.arange(2015, 2020), np.array([1, 2, 2, 4, 5.0])
    slope, start = np.polyfit(times, seen, 1)
    left = seen - start - slope * times
    size = np.sqrt((left**2).sum() / 3 * (1 + 1 / 5 + (2023 - 2017) ** 2 / 10))
    exact = scoringrules.crps_t(9.0, df=3, location=start + slope * 2023, scale=size)
    assert of_trend(known, 2023, 9.0) == pytest.approx(exact, rel=3e-3)
    assert np.isnan(of_trend(known[:2], 2023, 9.0))


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
