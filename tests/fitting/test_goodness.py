"""p-values of fits: SciPy as oracle, uniform where the family is right, and how they were got."""

import math

import numpy as np
import pytest
from scipy import stats

from engine.fitting import goodness
from engine.fitting.likelihood import Form
from engine.fitting.ranking import rank
from tests.helpers import assert_close, assert_plausible


def random(seed=7):
    return np.random.default_rng(seed)


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """No p-value is given up because the machine is busy with other tests."""
    monkeypatch.setattr(goodness, "SECONDS", 300.0)


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
    monkeypatch.setattr(goodness, "RESAMPLES", (99, 1999))
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
    assert all(fit.resamples == 99 for fit in few if fit.p_value < goodness.CLEAR / 20)


@pytest.mark.slow
@pytest.mark.parametrize("form", [Form("norm", {}), Form("uniform", {}), Form("gamma", {"loc": 0.0})])
def test_a_sample_close_to_its_law_is_never_far_from_its_fit(form):
    """What lets a resample go unfitted: of those no more than half as far from the law, no fit is as far."""
    law = form.law(*([0.8] * form.law.numargs), 0.0, 1.0)
    held = {f"f{name}": value for name, value in form.fixed.items()}
    samples = law.rvs(size=(1_000, 60), random_state=random())
    unfitted = goodness.anderson_darling(form, law, samples)
    fitted = [goodness.anderson_darling(form, form.law(*form.law.fit(sample, **held)), sample) for sample in samples]
    assert np.mean(np.array(fitted) > 2 * unfitted) <= 0.02
    assert np.max(np.array(fitted)[2 * unfitted < np.quantile(fitted, 0.5)]) < np.quantile(fitted, 0.8)


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


@pytest.mark.slow
def test_the_law_of_the_statistic_has_settled_at_the_size_of_the_largest_resamples():
    """95 % points of A^2 of fitted laws at 1,000 and at 4,000 values."""
    for form, row in (
        (Form("gamma", {"loc": 0.0}), np.array([0.8, 0.0, 1.0])),
        (Form("norm", {}), np.array([0.0, 1.0])),
    ):
        points, held = [], {f"f{name}": value for name, value in form.fixed.items()}
        for n in (goodness.RESAMPLED, 4 * goodness.RESAMPLED):
            drawn = form.law.rvs(*row, size=(2_000, n), random_state=random())
            fitted = np.array([form.law.fit(sample, **held) for sample in drawn])
            points.append(goodness.anderson_darling(form, form.law(*fitted.T[..., None]), drawn))
        below = np.mean(points[1] <= np.quantile(points[0], 0.95))
        assert_plausible(below, 0.95, math.sqrt(2 * 0.95 * 0.05 / 2_000), 0.04)
