"""What an expert says of a law, and the law that is made of it: met where it can be, refused where it cannot."""

import math

import numpy as np
import pytest
from scipy import special, stats

from engine.draws.distributions.prior import prior
from engine.draws.distributions.statements import EXACT
from engine.draws.limits import FARTHEST
from engine.errors import UserError
from tests.helpers import assert_close

P = [0.01, 0.25, 0.75, 0.99, 0.999]


def problems(table):
    """What is wrong with a table, as a user reads it."""
    with pytest.raises(UserError) as caught:
        prior(table)
    return [str(problem) for problem in caught.value.problems]


# ------------------------------------------------------------------------------- statements that are met

# family with what is given of it, a member in SciPy's words, and what is said of it
MET = [
    ({"family": "normal"}, stats.norm(2, 3), ["range90"]),
    ({"family": "normal"}, stats.norm(2, 3), ["mode", "p10"]),
    ({"family": "normal"}, stats.norm(2, 3), ["p01", "sd"]),
    ({"family": "lognormal"}, stats.lognorm(0.5, scale=2), ["range90"]),
    ({"family": "lognormal"}, stats.lognorm(0.5, scale=2), ["mean", "p50"]),
    ({"family": "lognormal"}, stats.lognorm(0.5, scale=2), ["sd", "p50"]),
    ({"family": "uniform"}, stats.uniform(1, 4), ["range90"]),
    ({"family": "triangular"}, stats.triang(0.25, 1, 4), ["p05", "p50", "p95"]),
    ({"family": "triangular"}, stats.triang(0.25, 1, 4), ["mean", "sd", "mode"]),
    ({"family": "gamma", "loc": 0}, stats.gamma(2.5, scale=3), ["range90"]),
    ({"family": "gamma", "loc": 0}, stats.gamma(2.5, scale=3), ["mean", "sd"]),
    ({"family": "gamma"}, stats.gamma(2.5, 4, 3), ["p05", "p50", "p95"]),
    ({"family": "gamma", "a": 2.5}, stats.gamma(2.5, 4, 3), ["range90"]),
    ({"family": "beta", "loc": 0, "scale": 10}, stats.beta(1.8, 4.2, 0, 10), ["mode", "mean"]),
    ({"family": "beta", "loc": 0, "scale": 10}, stats.beta(1.8, 4.2, 0, 10), ["p25", "p75"]),
    ({"family": "weibull_min", "loc": 0}, stats.weibull_min(1.7, scale=3), ["p50", "p90"]),
    ({"family": "t", "df": 4}, stats.t(4, 2, 3), ["range90"]),
    ({"family": "t"}, stats.t(2.75, 2, 3), ["p05", "p50", "p99"]),
    ({"family": "gumbel_r"}, stats.gumbel_r(2, 3), ["mean", "sd"]),
    ({"family": "gumbel_r", "scale": 3}, stats.gumbel_r(2, 3), ["p95"]),
    ({"family": "cauchy"}, stats.cauchy(2, 3), ["range90"]),
    ({"family": "expon", "loc": 0}, stats.expon(scale=3), ["mean"]),
    ({"family": "pareto", "loc": 0}, stats.pareto(2.5, scale=3), ["p50", "p95"]),
    ({"family": "invgamma", "loc": 0}, stats.invgamma(3.5, scale=3), ["mean", "sd"]),
    ({"family": "genextreme"}, stats.genextreme(-0.2, 2, 3), ["p10", "p50", "p90"]),
    ({"family": "skewnorm"}, stats.skewnorm(3, 2, 3), ["p10", "p50", "p90"]),
    ({"family": "poisson"}, stats.poisson(3), ["mean"]),
    ({"family": "negative-binomial"}, stats.nbinom(9, 0.75), ["mean", "sd"]),
    ({"family": "binomial", "n": 10}, stats.binom(10, 0.3), ["mean"]),
    ({"family": "geometric"}, stats.geom(0.25), ["mean"]),
]  # fmt: skip


def mode_of(law):
    """Where SciPy's density is highest."""
    x = law.ppf(np.linspace(1e-4, 1 - 1e-4, 200_001))
    return float(x[np.argmax(law.pdf(x))])


def said(law, keys):
    """The values of statements about one of SciPy's laws."""
    values = {}
    for key in keys:
        if key == "range90":
            values[key] = [float(x) for x in law.ppf([0.05, 0.95])]
        elif key in ("mean", "sd"):
            values[key] = float(law.mean() if key == "mean" else law.std())
        else:
            values[key] = mode_of(law) if key == "mode" else float(law.ppf(float(key[1:]) / 100))
    return values


@pytest.mark.parametrize(("table", "law", "keys"), MET)
def test_what_is_said_is_met_and_shown_beside_what_was_asked(table, law, keys):
    made = prior({**table, **said(law, keys)})
    values = np.array([target.value for target in made.targets])
    spread = max(float(np.ptp(values)), float(law.std()) if np.isfinite(law.std()) else 0.0)
    assert len(values) == len(keys) + ("range90" in keys)
    assert np.all(np.abs([target.fitted for target in made.targets] - values) <= EXACT * spread)
    # and the law is the one that it was said of, as far as a mode found on a grid says it
    u = np.array([0.02, 0.3, 0.5, 0.7, 0.98])
    found, wanted = made.law.quantile(u), law.ppf(u)
    coarse = "mode" in keys
    assert_close(
        np.round(found / spread, 2) if coarse else found,
        np.round(wanted / spread, 2) if coarse else wanted,
        dtype=np.float32,
    )


def test_quantiles_of_any_probability_have_their_own_labels():
    made = prior({"family": "normal", "quantiles": [[0.001, -3.0], [0.5, 0.0]], "p99": 3.0})
    assert [target.label for target in made.targets] == ["p0.1", "p50", "p99"]


def test_more_statements_than_parameters_are_met_by_least_squares():
    # on the scale on which the family is a location and a scale
    p, x = np.array([0.05, 0.5, 0.9, 0.99]), np.array([1.0, 2.0, 4.5, 9.0])
    table = {"quantiles": [[*pair] for pair in zip(p, x, strict=True)]}
    z = special.ndtri(p)
    for family, scale in (("normal", lambda x: x), ("lognormal", np.log)):
        slope, intercept = np.polyfit(z, scale(x), 1)
        found = prior({"family": family, **table}).law
        assert_close(scale(found.quantile(p)), intercept + slope * z, dtype=np.float32)
    slope, intercept = np.polyfit(p, x, 1)
    assert_close(prior({"family": "uniform", **table}).law.quantile(p), intercept + slope * p, dtype=np.float32)
    # of SciPy's laws on the scale of the value: nothing near it is nearer
    law = prior({"family": "gamma", "loc": 0, **table}).law
    best = np.sum((law.quantile(p) - x) ** 2)
    for a, scale in ((1.01, 1.0), (0.99, 1.0), (1.0, 1.01), (1.0, 0.99)):
        other = stats.gamma(law.parameters[0] * a, scale=law.parameters[2] * scale)
        assert np.sum((other.ppf(p) - x) ** 2) > best


@pytest.mark.parametrize("keys", [("p75", "p80", "p99"), ("p01", "p05", "p20")])
def test_quantiles_on_one_side_of_a_triangular_mode_are_met(keys):
    law = stats.triang(0.1 if keys[0] == "p75" else 0.9, -3.3, 0.3)
    stated = {key: float(law.ppf(int(key[1:]) / 100)) for key in keys}
    for target in prior({"family": "triangular", **stated}).targets:
        assert target.fitted == pytest.approx(target.value, abs=1e-9)


def test_a_quantile_pool_of_counts_is_finite_and_has_its_probabilities():
    """SciPy's quantiles of counts are infinite or NaN at scores that no draw reaches, of which a pool is made."""
    counts = [{"family": "poisson", "mu": mu} for mu in (3, 9)]
    pool = prior({"experts": counts, "pool": "quantile"}).law
    z = special.ndtri((np.arange(100_000) + 0.5) / 100_000)
    assert pool.sd() == pytest.approx(np.std(pool.at_score(z)), rel=1e-3)
    assert pool.support[0] == 0 and pool.steps[0][-1] == pool.at_score(FARTHEST) == 26.5
    mixed = prior({"experts": [counts[0], {"family": "uniform", "low": 0, "high": 1}], "pool": "quantile"}).law
    assert mixed.cdf(mixed.at_score(np.array([-1.0, 1.0]))) == pytest.approx(special.ndtr([-1.0, 1.0]), abs=1e-6)


# ------------------------------------------------------------------------------- experts, PERT and other formulas


def test_experts_pooled_linearly_share_probabilities():
    made = prior({"family": "normal", "experts": [{"range90": [1, 5]}, {"mean": 4, "sd": 2, "weight": 3}]})
    laws = [stats.norm(3, 2 / special.ndtri(0.95)), stats.norm(4, 2)]
    x = np.linspace(-6, 14, 41)
    assert_close(made.law.cdf(x), 0.25 * laws[0].cdf(x) + 0.75 * laws[1].cdf(x))
    assert_close(made.law.mean(), 0.25 * 3 + 0.75 * 4)
    second = sum(w * (law.var() + law.mean() ** 2) for w, law in zip((0.25, 0.75), laws, strict=True))
    assert_close(made.law.sd(), math.sqrt(second - made.law.mean() ** 2))
    assert [target.label for target in made.targets] == ["expert 1 p05", "expert 1 p95"]


def test_experts_pooled_by_quantiles_share_values():
    made = prior(
        {"family": "gamma", "loc": 0, "pool": "quantile", "experts": [{"a": 2}, {"a": 5, "scale": 2, "weight": 3}]}
    )
    u = np.array([1e-6, 0.05, 0.5, 0.95, 1 - 1e-6])
    assert_close(made.law.quantile(u), 0.25 * stats.gamma(2).ppf(u) + 0.75 * stats.gamma(5, scale=2).ppf(u))
    assert_close(made.law.mean(), 0.25 * 2 + 0.75 * 10)


def test_data_are_interpolated_or_drawn_again():
    data = [3.0, 1.0, 2.0, 2.0, 7.0]
    u = np.array([0.01, 0.1, 0.37, 0.5, 0.9, 0.999])
    assert_close(prior({"family": "empirical", "values": data}).law.quantile(u), np.quantile(data, u))
    again = prior({"family": "empirical", "values": data, "resampled": True}).law
    assert_close(again.quantile(u), np.quantile(data, u, method="inverted_cdf"))
    assert_close(again.mean(), 3.0)
    assert_close(again.sd(), np.std(data))
