"""Families ranked on data: closed forms, SciPy as oracle, what is refused, and what a ranking says."""

import math
import tomllib

import numpy as np
import pytest
from scipy import special, stats

from engine.errors import UserError
from engine.fitting import likelihood, ranking
from engine.fitting.ranking import Fit, data_snippet, p_text, rank, reading, remarks, snippet
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.refusals import at


def random(seed=7):
    return np.random.default_rng(seed)


@pytest.fixture
def quick(monkeypatch):
    """p-values from 9 resamples: for tests that look at something else."""
    monkeypatch.setattr(likelihood, "RESAMPLES", (9, 10))


@pytest.fixture(autouse=True)
def patient(monkeypatch):
    """No p-value is given up because the machine is busy with other tests."""
    monkeypatch.setattr(likelihood, "SECONDS", 300.0)


def only(values, family, **named):
    (fit,) = rank(values, [family], **named)
    return fit


SAMPLES = {
    "normal": (random().normal(3, 2, 400), "norm"),
    "logistic": (random().logistic(-1, 2, 400), "logistic"),
    "t": (random().standard_t(3, 400), "t"),
    "laplace": (random().laplace(1, 2, 400), "laplace"),
    "gumbel_r": (random().gumbel(1, 2, 400), "gumbel_r"),
    "gumbel_l": (-random().gumbel(1, 2, 400), "gumbel_l"),
    "skewnorm": (stats.skewnorm.rvs(3, 1, 2, 400, random_state=random()), "skewnorm"),
    "genextreme": (stats.genextreme.rvs(-0.2, 1, 2, 400, random_state=random()), "genextreme"),
    "uniform": (random().uniform(2, 5, 400), "uniform"),
    "triangular": (random().triangular(1, 2, 5, 400), "triang"),
    "lognormal": (random().lognormal(1, 0.5, 400), "lognorm"),
    "gamma": (random().gamma(2.1, 3, 400), "gamma"),
    "weibull_min": (3 * random().weibull(1.4, 400), "weibull_min"),
    "expon": (random().exponential(3, 400), "expon"),
    "invgauss": (stats.invgauss.rvs(0.7, scale=3, size=400, random_state=random()), "invgauss"),
    "fisk": (stats.fisk.rvs(2, scale=3, size=400, random_state=random()), "fisk"),
    "pareto": (2 * (1 + random().pareto(1.5, 400)), "pareto"),
    "beta": (random().beta(0.8, 3, 400), "beta"),
    "logit-normal": (special.expit(random().normal(0.4, 1.2, 400)), "johnsonsb"),
}  # fmt: skip


@pytest.mark.parametrize("family", SAMPLES)
def test_a_fit_is_the_likeliest_law_that_a_study_would_draw(family, quick):
    """No less likely than SciPy's, nor than parameters near by; and the snippet has it bit for bit."""
    values, name = SAMPLES[family]
    held = {"floc": 0.0} if family in (*ranking.POSITIVE, *ranking.UNIT) else {}
    held |= {"fscale": 1.0} if family in ranking.UNIT else {}
    law, fit = getattr(stats, name), only(values, family)
    theirs = np.array(law.fit(values, **held))
    assert fit.log_likelihood > float(law.logpdf(values, *theirs).sum()) - 1e-5
    assert not fit.failed and fit.k == len(theirs) - len(held)
    for i in range(len(theirs) - len(held) * (family in ranking.UNIT)):
        for factor in (0.999, 1.001):
            moved = theirs.copy()
            moved[i] *= factor
            assert not float(law.logpdf(values, *moved).sum()) > fit.log_likelihood + 1e-6
    density = log_density(family, dict(fit.parameters), values)
    inside = np.isfinite(density)  # low + (high - low) may round to the next double
    assert inside.sum() >= len(values) - 1
    assert fit.log_likelihood == pytest.approx(density[inside].sum() * len(values) / inside.sum(), rel=2e-2)
    if inside.all():
        assert_close(fit.log_likelihood, density.sum(), np.float32)
    source = 'fitted to "a\\b".csv, column Größe\x7f, n = 400'
    text = snippet("steel price", fit.family, fit.parameters, source)
    (title, table), = tomllib.loads(text)["factors"].items()  # fmt: skip
    assert title == "steel price"
    assert table.pop("source") == source and table.pop("family") == fit.family == family
    assert list(table) == list(fit.parameters)
    for key, value in table.items():
        assert_same(value, fit.parameters[key])


def log_density(family, p, values):
    """That of the law that a study with these parameters draws, by SciPy."""
    if family == "logit-normal":
        law = stats.norm(special.logit(p["median"]), p["sigma"])
        return law.logpdf(special.logit(values)) - np.log(values * (1 - values))
    frozen = {
        "normal": lambda: stats.norm(p["mean"], p["sd"]),
        "lognormal": lambda: stats.lognorm(p["sigma"], 0, p["median"]),
        "uniform": lambda: stats.uniform(p["low"], p["high"] - p["low"]),
        "triangular": lambda: stats.triang(
            (p["mode"] - p["low"]) / (p["high"] - p["low"]), p["low"], p["high"] - p["low"]
        ),
    }
    return frozen.get(family, lambda: getattr(stats, SAMPLES[family][1])(**p))().logpdf(values)


def test_normal_lognormal_and_exponential_in_closed_form(quick):
    x = random().lognormal(1, 0.5, 50)
    assert_close(only(x, "normal").parameters["mean"], x.mean())
    assert_close(only(x, "normal").parameters["sd"], x.std())
    assert_close(only(x, "lognormal").parameters["median"], np.exp(np.log(x).mean()))
    assert_close(only(x, "lognormal").parameters["sigma"], np.log(x).std())
    assert_close(only(x, "expon").parameters["scale"], x.mean())
    assert_close(only(x, "expon").log_likelihood, -50 * (math.log(x.mean()) + 1))
    assert_close(only(x, "normal").log_likelihood, -25 * (math.log(2 * math.pi * x.var()) + 1))


@pytest.mark.slow
def test_data_of_a_family_rank_it_near_the_top():
    fits = rank(random().gamma(2.1, 3, 150))
    assert "gamma" in [fit.family for fit in fits[:3]]
    by_name = {fit.family: fit for fit in fits}
    assert by_name["gamma"].p_value > 0.01
    assert by_name["normal"].contradicted and by_name["pareto"].contradicted
    assert [fit.aic for fit in fits] == sorted(fit.aic for fit in fits)
    assert set(by_name) == {*ranking.REAL, *ranking.POSITIVE}


@pytest.mark.slow
def test_what_is_tried_suits_the_data(quick):
    assert {fit.family for fit in rank(random().normal(0, 1, 40))} == set(ranking.REAL)
    tried = {fit.family for fit in rank(random().beta(2, 2, 40))}
    assert tried == {*ranking.REAL, *ranking.POSITIVE, *ranking.UNIT}


def test_loc_is_held_at_zero_unless_it_is_asked_for(quick):
    x = random().gamma(2, 1, 100)
    assert only(x, "gamma").parameters["loc"] == 0
    moved = only(x + 5, "gamma", shifted=True)
    assert moved.k == 3 and 4 < moved.parameters["loc"] < 5 + x.min()
    assert only(x - 5, "lognormal", shifted=True).family == "lognorm"


def test_what_cannot_be_fitted_is_a_row_that_says_why(quick):
    x = random().normal(0, 1, 30)
    fits = {fit.family: fit for fit in rank(x, ["normal", "gamma", "lognormal", "logit-normal", "arcsine"])}
    least, most = f"{x.min():g}", f"{x.max():g}"
    assert fits["gamma"].failed == at("", "above 0", least, "--shifted")
    assert fits["logit-normal"].failed == at("", "between 0 and 1", f"from {least} to {most}")
    assert fits["arcsine"].failed == at("", "unbounded")
    above = only(np.abs(x) + 0.1, "logit-normal")
    assert above.failed == at("", "between 0 and 1", f"to {np.abs(x).max() + 0.1:g}")
    assert rank(x, ["gamma", "normal"])[0].family == "normal"


def test_a_family_without_a_p_value_is_ranked_and_says_why(monkeypatch):
    def broken(*args):
        raise ValueError("by design.")

    monkeypatch.setattr(ranking, "p_value", broken)
    fit = only(random().normal(0, 1, 30), "normal")
    assert not fit.failed and fit.warnings == ("no p-value: by design.",) and p_text(fit) == "no p"


@pytest.mark.parametrize(
    ("values", "families", "problems"),
    [
        ([1.0] * 7, (), [at("", "at least 8", "got 7")]),
        ([], (), [at("", "at least 8", "got 0")]),
        ([3.2] * 40, (), [at("", "all 40", "'fixed'", "value = 3.2")]),
        ([1.0, math.nan] * 8, (), [at("", "finite numbers", "at most 3.4e+38")]),
        ([-1e308, 1e308] * 8, (), [at("", "finite numbers", "at most 3.4e+38")]),
        (range(9), ["gama"], [at("", "family 'gama'", "'gamma'")]),
        (
            range(9),
            names := ["fixed", "empirical", "poisson", "vonmises", "kstwo", "rv_continuous"],
            [at("", f"family '{name}'", "cannot be fitted") for name in names],
        ),
    ],
)
def test_what_is_refused(values, families, problems):
    with pytest.raises(UserError) as caught:
        rank(np.array(values, dtype=float), families)
    assert caught.value.source == ("--families" if families else "values")
    assert [*caught.value.problems] == problems


def test_warnings_about_means_ends_and_limits(quick):
    heavy = only(1 + random().pareto(0.8, 200), "pareto").warnings
    assert heavy[0] == at("", "mean is infinite")
    assert any(text.startswith("it ends at 1.0") for text in heavy)
    assert only(1 + random().pareto(1.5, 200), "pareto").warnings[0] == at("", "standard deviation", "infinite")
    far = only(1 + random().pareto(0.1, 200), "pareto").warnings
    assert at("", "single precision") in far
    (light,) = only(random().uniform(0, 1, 60), "t").warnings
    assert light == at("", "df", "simpler law")
    assert only(random().normal(0, 1, 60), "normal").warnings == ()


def test_remarks_on_the_data():
    assert remarks(random().normal(0, 1, 50)) == ()
    (counts,) = remarks(random().poisson(30, 80).astype(float))
    assert counts == at("", "whole numbers", "may be discrete")
    (rounded,) = remarks(np.round(random().normal(0, 1, 200), 1))
    assert rounded == at("", "rounded", "p-values")
    (zeros,) = remarks(np.array([0.0, *(1 + random().exponential(1, 60))]))
    assert zeros == at("", "0 or below", "positive values")


def test_of_very_many_values_some_are_taken_at_random():
    few, many = random().normal(0, 1, 50_000), random().normal(0, 1, 60_000)
    assert ranking.at_most(few) is few
    taken = ranking.at_most(many)
    assert len(np.intersect1d(taken, many)) == 50_000
    assert_same(taken, ranking.at_most(many))
    assert_plausible(taken.mean(), many.mean(), 1 / math.sqrt(50_000), 0.1)


def test_the_snippet_of_the_data_themselves():
    table = {"family": "empirical", "values": [1.0, 2.5], "source": "data.csv"}
    assert tomllib.loads(data_snippet("price", np.array([2.5, 1.0]), "data.csv"))["factors"]["price"] == table
    (odd,) = tomllib.loads(data_snippet("price", np.array([2.5, 1.0]), "source = a"))["factors"].values()
    assert odd == table | {"source": "source = a"}
    text = data_snippet("price", np.arange(1000.0), "data.csv")
    (few,) = tomllib.loads(text)["factors"].values()
    assert few["source"] == "data.csv, 100 of them at evenly spaced ranks" and max(map(len, text.splitlines())) <= 100
    assert len(few["values"]) == 100 and (few["values"][0], few["values"][-1]) == (0.0, 999.0)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("family", ["gamma", "t", "genextreme", "weibull_min"])
def test_fits_follow_the_unit_of_the_data(scale, family, quick):
    plain, scaled = (only(factor * SAMPLES[family][0], family) for factor in (1.0, scale))
    for name, value in plain.parameters.items():
        factor = scale if name in ("loc", "scale") else 1.0
        np.testing.assert_allclose(scaled.parameters[name] / factor, value, rtol=2e-3)
    assert scaled.log_likelihood + 400 * math.log(scale) == pytest.approx(plain.log_likelihood, abs=1e-5)


def test_what_a_ranking_means():
    bad, good, near = (
        Fit(family, {"a": 1.0}, 1, 0.0, aic, aic, 1.0, p_value, 199)
        for family, aic, p_value in (("normal", 5, 0.005), ("gamma", 10, 0.4), ("fisk", 11.5, 0.2))
    )
    assert reading([good, near]) == (
        "gamma has the lowest AIC, and the data do not contradict it (p = 0.4). Within 2 of it, which is not a"
        " relevant difference: fisk."
    )
    assert reading([bad, good]) == (
        "normal has the lowest AIC, but the data contradict it (p <= 0.005). Use the data themselves, family"
        " 'empirical', or gamma, which they do not contradict (p = 0.4, AIC 5.0 above)."
    )
