"""Scores of futures: those of a library, the closed forms of a Gaussian, and that the truth scores best."""

import numpy as np
import pytest
import scoringrules
from scipy.stats import norm

from engine.questions.backtest.scores import crps, crps_of_each, energy_scores, of_trend
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
