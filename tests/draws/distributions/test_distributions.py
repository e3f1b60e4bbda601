"""Families with a closed form: their quantiles and draws against SciPy, their fits against what was asked, their
refusals.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from engine.draws import random_words
from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.draws.distributions.prior import Target, prior
from engine.errors import UserError
from tests.helpers import assert_close
from tests.refusals import at, refuses


def draw(law, z, parameters=None):
    """What a device draws at normal scores; with other parameters than the law's if given."""
    return FAMILIES[law.family].draw(z, *(law.parameters if parameters is None else parameters))


class LogitNormal:
    def __init__(self, median, sigma):
        self.score = stats.norm(special.logit(median), sigma)

    def ppf(self, u):
        return special.expit(self.score.ppf(u))

    def _moment(self, function):
        z = np.linspace(-10, 10, 200_001)
        values = special.expit(self.score.mean() + self.score.std() * z)
        return np.trapezoid(function(values) * stats.norm.pdf(z), z)

    def mean(self):
        return self._moment(lambda x: x)

    def std(self):
        return np.sqrt(self._moment(np.square) - self.mean() ** 2)


class Constant:
    def ppf(self, u):
        return np.full(np.shape(u), 1.5)

    def mean(self):
        return 1.5

    def std(self):
        return 0.0


CASES = [
    ("fixed", (1.5,), Constant()),
    ("uniform", (10.0, 15.0), stats.uniform(10, 5)),
    ("normal", (-0.04, 0.02), stats.norm(-0.04, 0.02)),
    ("lognormal", (3.0, 0.46), stats.lognorm(0.46, scale=3.0)),
    ("logit-normal", (0.03, 0.6), LogitNormal(0.03, 0.6)),
    ("logit-normal", (0.62, 0.75), LogitNormal(0.62, 0.75)),
    ("triangular", (1.0, 2.0, 5.0), stats.triang(0.25, 1, 4)),
    ("triangular", (0.0, 0.0, 2.0), stats.triang(0.0, 0, 2)),
    ("triangular", (0.0, 2.0, 2.0), stats.triang(1.0, 0, 2)),
]
REFUSED = [
    ("norml", {"mean": 0, "sd": 1}, at("family", "'norml'", "mean 'normal'")),
    ("normal", {"mean": 0, "sd": -1}, at("sd", "more than 0", "got -1")),
    ("normal", {"mean": 0, "sd": 0}, at("sd", "more than 0", "got 0")),
    ("normal", {"mean": float("nan"), "sd": 1}, at("mean", "a finite number", "got nan")),
    ("normal", {"mean": 0, "sd": 1e300}, at("sd", "a finite number", "got 1e+300")),
    ("normal", {"mean": 0, "sd": "wide"}, at("sd", "a number", "got 'wide'")),
    ("normal", {"mean": 0, "sd": 1, "medan": 3}, at("medan", "'medan'", "mean 'mean'")),
    ("normal", {}, at("", "'normal'", "mean and sd", "two or more", "got nothing")),
    ("normal", {"p50": 0}, at("", "'normal'", "mean and sd", "two or more", "got p50")),
    ("lognormal", {"mean": 1, "sd": 0}, at("sd", "more than 0", "got 0")),
    ("lognormal", {"median": -1, "sigma": 1}, at("median", "more than 0", "got -1")),
    ("lognormal", {"median": 1, "sigma": 100}, at("", "4.54e-276", "2.2e+275", "far draws", "not finite")),
    ("geninvgauss", {"p": -2.1, "b": 0.02}, at("", "0.000378 to nan", "far draws", "not finite")),
    ("lognormal", {"p05": -1, "p95": 1}, at("p05", "value above 0", "got -1")),
    ("logit-normal", {"p05": 0.42, "p95": 1.2}, at("p95", "above 0", "below 1", "got 1.2")),
    ("logit-normal", {"p05": 0.42, "p95": 0.4}, at("p95", "p05 = 0.42", "got 0.4")),
    ("logit-normal", {"median": 1, "sigma": 1}, at("median", "above 0", "below 1", "got 1")),
    ("uniform", {"low": 2, "high": 2}, at("high", "low = 2", "got 2")),
    ("triangular", {"low": 0, "mode": 3, "high": 2}, at("mode", "low = 0", "high = 2", "got 3")),
    ("triangular", {"low": 2, "mode": 2, "high": 2}, at("high", "low = 2", "got 2")),
    ("triangular", {"p05": 0, "p95": 1}, at("", "'triangular'", "three or more", "p05 and p95")),
    ("triangular", {"p05": 0, "p50": 0.1, "p95": 9}, at("", "'triangular'", "p50 = 0.1", "the nearest has")),
    ("kappa3", {"a": 228.0, "loc": -8.0, "scale": 11.0}, at("", "SciPy's formulas", "at 0.00135", "be 0")),
    ("gennorm", {"beta": 500.0}, at("", "SciPy's formulas", "at 0.46", "be 0")),
    ("truncweibull_min", {"c": 160.0, "a": 0.05, "b": 0.33}, at("", "SciPy's formulas", "at 0.00135", "be 0")),
    ("fixed", {"value": float("inf")}, at("value", "a finite number", "got inf")),
    ("fixed", {}, at("", "'fixed'", "got nothing")),
]


@pytest.mark.parametrize(("family", "parameters", "law"), CASES)
def test_quantiles_and_moments_are_scipys(family, parameters, law):
    u = np.concatenate([10.0 ** -np.arange(9, 1, -1), np.linspace(0.01, 0.99, 99), 1 - 10.0 ** -np.arange(2, 9)])
    made = Marginal(family, parameters)
    assert_close(made.quantile(u), law.ppf(u))
    assert_close(made.mean(), law.mean())
    assert_close(made.sd(), law.std(), dtype=np.float32)


@pytest.mark.parametrize(("family", "parameters", "law"), CASES)
def test_probabilities_invert_quantiles_in_both_tails(family, parameters, law):
    made, z = Marginal(family, parameters), np.linspace(-6, 6, 49)
    x = made.at_score(z)
    if family == "fixed":
        assert made.cdf(1.5) == 1 and made.cdf(1.4999) == 0 and made.sf(1.5) == 0
        return
    # where an end of the support is a number other than 0, tails are no finer than doubles near it
    assert_close(made.cdf(x), special.ndtr(z))
    assert_close(made.sf(x), special.ndtr(-z))
    low, high = made.support
    assert made.cdf(low) == 0 and made.sf(high) == 0 and made.below(high) == made.cdf(np.nextafter(high, low))


@pytest.mark.parametrize(("family", "parameters", "law"), CASES)
def test_draw_is_the_quantile_of_the_normal_score(family, parameters, law):
    made = Marginal(family, parameters)
    z = np.linspace(-6, 5, 2001)
    drawn = draw(made, jnp.asarray(z, jnp.float32))
    assert drawn.dtype == jnp.float32
    assert_close(drawn, law.ppf(special.ndtr(z)))
    low = z[z < 2]  # farther up, ndtr in float64 no longer tells scores apart to the tolerance
    with jax.enable_x64(True):
        assert_close(draw(made, jnp.asarray(low, jnp.float64)), law.ppf(special.ndtr(low)))


@pytest.mark.parametrize(("family", "parameters", "law"), CASES)
def test_parameters_may_be_traced_and_the_gradient_is_finite(family, parameters, law):
    made = Marginal(family, parameters)
    z = jnp.linspace(-6, 6, 13)
    traced = jax.jit(partial(draw, made))(z, tuple(jnp.float32(value) for value in parameters))
    assert_close(traced, draw(made, z), dtype=np.float32)
    slope = jax.vmap(jax.grad(partial(draw, made)))(z)
    assert np.all(np.isfinite(slope)) and np.all(slope >= 0)


def test_small_triangular_tail_is_resolved():
    made = Marginal("triangular", (0.0, 1.0, 2.0))
    z = jnp.float32(-6.0)
    assert_close(draw(made, z), np.sqrt(2 * special.ndtr(-6.0)), dtype=np.float32)


def test_mean_and_sd_of_a_lognormal_are_of_the_variable_itself():
    made = prior({"family": "lognormal", "mean": 120.0, "sd": 12.0})
    median, sigma = made.law.parameters
    assert_close(stats.lognorm(sigma, scale=median).stats("mv"), (120.0, 144.0))
    assert made.targets == ()


def test_a_uniform_may_be_given_as_scipy_has_it():
    assert prior({"family": "uniform", "loc": 2, "scale": 3}).law == Marginal("uniform", (2.0, 5.0))
    assert prior({"family": "uniform", "scale": 3}).law == Marginal("uniform", (0.0, 3.0))


def test_targets_stand_beside_what_is_fitted():
    made = prior({"family": "lognormal", "p05": 1.4, "p50": 3.0, "p95": 6.4})
    assert [target.label for target in made.targets] == ["p05", "p50", "p95"]
    assert [target.value for target in made.targets] == [1.4, 3.0, 6.4]
    low, middle, high = (target.fitted for target in made.targets)
    assert_close(high / low, 6.4 / 1.4)
    assert_close(middle, np.cbrt(1.4 * 3.0 * 6.4))
    assert isinstance(made.targets[0], Target)


@pytest.mark.parametrize(("family", "given", "said"), REFUSED)
def test_infeasible_laws_are_refused(family, given, said):
    with pytest.raises(UserError) as caught:
        prior({"family": family, **given})
    assert [str(problem) for problem in caught.value.problems] == [said]


@pytest.mark.parametrize("family", FAMILIES)
def test_quantiles_give_a_member_back_or_are_no_key_of_its_family(family):
    law = next(Marginal(name, parameters) for name, parameters, _ in CASES if name == family)
    stated = {f"p{100 * u:02.0f}": float(law.quantile(u)) for u in (0.05, 0.5, 0.95)}
    if FAMILIES[family].fewest_statements:
        assert_close(prior({"family": family, **stated}).law.parameters, law.parameters)
    else:
        with refuses("p05", "key 'p05'", f"'{family}'"):
            prior({"family": family, **stated})


def test_every_family_has_a_case_and_its_parameters_by_name():
    assert {family for family, *_ in CASES} == set(FAMILIES)
    for family, parameters, _ in CASES:
        named = dict(zip(FAMILIES[family].parameters, parameters, strict=True))
        assert prior({"family": family, **named}).law == Marginal(family, parameters)


FAR_WORDS = np.array([0, 1, 50, 150, 250, 350, 2**31 - 1], np.uint32)
FAR_WORDS = np.concatenate([FAR_WORDS, ~FAR_WORDS])


@pytest.mark.parametrize(
    ("family", "parameters"),
    [
        ("uniform", (0.0, 1.0)),
        ("uniform", (-1.0, 0.0)),
        ("uniform", (5.0, 6.0)),
        ("uniform", (-3e8, 1e9)),
        ("uniform", (0.1, 0.7)),
        ("triangular", (0.0, 1.0, 2.0)),
        ("triangular", (1000.0, 1000.5, 1001.0)),
        ("triangular", (-1.0, -1.0, 0.0)),
        ("logit-normal", (0.5, 3.0)),
        ("logit-normal", (1e-3, 20.0)),
        ("lognormal", (1e-30, 5.0)),
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_random_word_gives_an_end_of_a_law(family, parameters, dtype):
    law = Marginal(family, parameters)
    with jax.enable_x64(dtype == np.float64):
        # beyond the farthest word too: scores of a group are sums of several
        z = jnp.concatenate([random_words.normal(jnp.asarray(FAR_WORDS), dtype), jnp.array([-8.9, 8.9], dtype)])
        drawn = jax.jit(partial(draw, law))(z, tuple(dtype(value) for value in parameters))
        logarithms = np.asarray(jnp.log(drawn - dtype(law.support[0])))
    drawn = np.asarray(drawn)
    low, high = np.asarray(law.support, dtype)
    assert drawn.dtype == dtype and np.all((drawn > low) & (drawn < high))
    assert np.all(np.isfinite(logarithms)), "an end of the law, or a number so small that the processor takes it for 0"


def test_lowest_draws_of_a_uniform_factor_are_the_words_own_probabilities():
    words = np.arange(100, dtype=np.uint32)  # where the error function in float32 is -1
    drawn = draw(Marginal("uniform", (0.0, 1.0)), random_words.normal(jnp.asarray(words)))
    # twice the largest error of a tail probability that docs/random-numbers.md states
    np.testing.assert_allclose(drawn, (words + 0.5) / 2.0**32, rtol=2 * 1.92e-5)
