"""p-values of fits: SciPy as oracle, uniform where the family is right, and how they were got."""

import math

import numpy as np
import pytest
from scipy import stats

from engine.fitting import likelihood
from engine.fitting.ranking import rank
from tests.helpers import assert_close, assert_plausible


def random(seed=7):
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """No p-value is given up because the machine is busy with other tests."""
    monkeypatch.setattr(likelihood, "SECONDS", 300.0)


def only(values, family):
    (fit,) = rank(values, [family])
    return fit


def test_the_statistic_is_that_of_scipy():
    x = np.sort(random().normal(3, 2, 60))
    fit = only(x, "normal")
    z = stats.norm.cdf(x, x.mean(), x.std())
    i = np.arange(1, 61)
    assert_close(fit.statistic, -60 - np.sum((2 * i - 1) * (np.log(z) + np.log1p(-z[::-1]))) / 60, np.float32)


def test_the_p_value_agrees_with_the_bootstrap_of_scipy(monkeypatch):
    monkeypatch.setattr(likelihood, "RESAMPLES", (99, 1999))
    x = random(3).gumbel(0, 1, 40)
    fit = only(x, "normal")
    theirs = stats.goodness_of_fit(stats.norm, x, statistic="ad", n_mc_samples=1999, rng=random()).pvalue
    se = math.sqrt(theirs * (1 - theirs) * (1 / fit.resamples + 1 / 1999))
    assert_plausible(fit.p_value, theirs, se, 0.3)


def test_more_resamples_where_the_first_leave_it_open():
    assert only(random().normal(0, 1, 60), "normal").resamples == 19
    few = [only(random(seed).gumbel(0, 1, 30), "normal") for seed in range(12)]
    assert {fit.resamples for fit in few} == {19, 99}
    assert all(fit.p_value >= 1 / (1 + fit.resamples) for fit in few)
    assert all(fit.resamples == 99 for fit in few if fit.p_value < likelihood.CLEAR / 20)


NULLS = {
    "normal": lambda r, n: r.normal(3, 2, n),
    "uniform": lambda r, n: r.uniform(1, 2, n),
    "pareto": lambda r, n: 1 + r.pareto(1.5, n),
    "gamma": lambda r, n: r.gamma(0.8, 3, n),
    "t": lambda r, n: r.standard_t(3, n),
    "beta": lambda r, n: r.beta(0.7, 2, n),
    "triangular": lambda r, n: r.triangular(0, 1, 5, n),
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "family",
    [
        name if name in ("normal", "gamma", "triangular") else pytest.param(name, marks=pytest.mark.sweep)
        for name in NULLS
    ],
)
def test_p_values_are_uniform_where_the_family_is_right(family):
    count = 300
    values = np.array([only(NULLS[family](random([seed, 60]), 60), family).p_value for seed in range(count)])
    assert_plausible(values.mean(), 0.5, math.sqrt(1 / 12 / count), 0.1)
    for level in (0.05, 0.2, 0.5):
        assert_plausible(np.mean(values <= level), level, math.sqrt(level * (1 - level) / count), 0.15)
