"""Tables of the normal score: how near they are to their laws, what is refused, and what the device makes of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from engine.draws.distributions.device import Draws
from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import prior
from engine.draws.distributions.tables import BOUND, MOST_KNOTS, tabulate
from engine.draws.limits import FARTHEST
from tests.helpers import assert_same
from tests.refusals import refuses

SCORES = np.linspace(-FARTHEST, FARTHEST, 2001)
KINDS = {
    "plain": {"family": "gumbel_r"},
    "exp": {"family": "gamma", "a": 2},
    "exp downward": {"family": "gamma", "a": 0.4, "transform": [{"times": -1}]},
    "sinh": {"family": "t", "df": 2.5},
    "knots": {"family": "trapezoid", "c": 0.2, "d": 0.8},
    "kinks": {
        "family": "mixture",
        "parts": [{"family": "uniform", "low": 0, "high": 1}, {"family": "uniform", "low": 3, "high": 4}],
    },
    "steps": {"family": "poisson", "mu": 2000},
    "few": {"family": "integers", "low": 1, "high": 6},
    "one": {"family": "integers", "low": 4, "high": 4},
    "closed": {"family": "lognormal", "median": 2, "sigma": 1},
}


def law(name):
    return prior(KINDS[name]).law


def drawn(one, z, dtype=np.float32):
    """What a device draws at scores."""
    draws = Draws([one])
    return np.asarray(
        jax.jit(lambda z, arrays: draws.values([z], arrays)[0])(jnp.asarray(z, dtype), draws.arrays(dtype))
    )


def scale(one):
    low, middle, high = one.at_score(np.array([-1.0, 0.0, 1.0]))
    return (high - low) / 2, middle


# ------------------------------------------------------------------------------- polynomials in two halves


# ------------------------------------------------------------------------------- tables


class Rough(Law):
    """A law that is known to 1e-4 only, as some of SciPy's."""

    support = -np.inf, np.inf

    def at_score(self, z):
        z = np.asarray(z, np.float64)
        return z + 1e-4 * np.sin(1e7 * z)


def test_a_law_that_is_known_too_roughly_is_refused():
    with refuses("", "quantile function", "tabulated", "1e-06") as caught:
        tabulate(Rough())
    assert len(caught.value.problems) == 1


def test_a_tail_too_steep_for_single_precision_is_refused():
    """A cubic of its last cells has coefficients beyond 3.4e38: it gave 3.4e38 where 1.4e35 was right."""
    with refuses("", "too steeply", "single precision"):
        tabulate(prior({"family": "pareto", "b": 0.27}).law)


def test_too_many_separate_values_are_refused():
    with refuses("", "too many values", MOST_KNOTS, "continuous law") as caught:
        tabulate(prior({"family": "poisson", "mu": 1e9}).law)
    assert len(caught.value.problems) == 1
    assert len(tabulate(prior({"family": "poisson", "mu": 1e7}).law).knots) < MOST_KNOTS
    with refuses("parts.1", "too many values"):
        prior({"family": "mixture", "parts": [{"family": "fixed", "value": 1}, {"family": "poisson", "mu": 1e9}]})


@pytest.mark.parametrize(("a", "b"), [(2, 0.5), (1e8, 1e8)])
def test_bounded_counts_are_known_whole_whatever_their_skewness(a, b):
    """A mean beside an end of the support, and probabilities that SciPy knows up to a common factor of 1e-7."""
    law = prior({"family": "betabinom", "n": 60_000, "a": a, "b": b}).law
    assert law.quantile(0.5) == pytest.approx(stats.betabinom(60_000, a, b).median(), abs=1)
    assert law.support[1] <= 60_000


def test_a_narrow_logit_normal_law_has_its_mode():
    law = prior({"family": "logit-normal", "mode": 0.5, "sd": 1e-6}).law
    assert law.quantile(0.5) == pytest.approx(0.5, abs=1e-8) and law.sd() == pytest.approx(1e-6, rel=1e-3)


# ------------------------------------------------------------------------------- on the device


@pytest.mark.parametrize("name", [name for name in KINDS if name != "closed"])
def test_double_precision_on_the_device_errs_no_more_than_a_table_may(name):
    one = law(name)
    z = SCORES[np.min(np.abs(SCORES[:, None] - np.append(one.breaks, 99.0)), axis=1) > 1e-6]
    with jax.enable_x64(True):
        found = drawn(one, z, np.float64)
    exact, (low, middle, high) = one.at_score(z), one.at_score(np.array([-1.0, 0.0, 1.0]))
    assert found.dtype == np.float64
    assert np.all(np.abs(found - exact) <= BOUND * np.maximum((high - low) / 2, np.abs(exact - middle)))


def test_a_score_on_a_knot_belongs_to_the_cell_below_as_on_the_host():
    one = law("few")
    knots = one.steps[1].astype(np.float32)
    assert_same(drawn(one, knots), np.arange(1, 6, dtype=np.float32))
    assert_same(drawn(one, knots + np.float32(1e-6)), np.arange(2, 7, dtype=np.float32))
    many = law("steps")
    knots = tabulate(many).knots.astype(np.float32)
    found, after = drawn(many, knots), drawn(many, np.nextafter(knots, np.float32(9)))
    # single precision takes some knots together
    assert np.all(after >= found) and np.mean(after == found + 1) > 0.99


def test_a_draw_has_the_same_bits_whatever_laws_are_drawn_beside_it():
    laws = [law(name) for name in KINDS]
    z = jnp.asarray(np.random.default_rng(1).normal(size=(len(laws), 512)), jnp.float32)

    def together(places):
        draws = Draws([laws[k] for k in places])
        made = jax.jit(lambda z, arrays: draws.values(list(z), arrays))(z[np.array(places)], draws.arrays())
        return dict(zip(places, made, strict=True))

    every = together(range(len(laws)))
    for places in (range(len(laws))[::-1], range(0, len(laws), 3), [1]):
        for k, values in together(places).items():
            assert_same(values, every[k])


# ------------------------------------------------------------------------------- the ends of a law

_CUT = {"truncate": {"low": 0, "high": 1}}
BOUNDED = {
    "beta": {"family": "beta", "a": 0.5, "b": 0.5},
    "beta with weight at its ends": {"family": "beta", "a": 0.4, "b": 0.8},
    "pert": {"family": "pert", "low": 0, "mode": 0.2, "high": 1},
    "scipy's uniform": {"family": "uniform", "low": 0, "high": 1, "transform": [{"plus": 5}]},
    "truncated": {"family": "normal", "mean": 0.5, "sd": 1.0, **_CUT},
    "truncated mixture": {
        "family": "mixture",
        "parts": [{"family": "normal", "mean": 0, "sd": 1}, {"family": "expon"}],
        **_CUT,
    },
    "metalog": {"family": "metalog", "p10": 0.2, "p50": 0.3, "p90": 0.7, "low": 0, "high": 1},
    "data": {"family": "empirical", "values": [1000.0, 1000.5, 1000.75, 1001.0]},
    "from 0": {"family": "gamma", "a": 0.3},
    "to 0": {"family": "gamma", "a": 0.3, "transform": [{"times": -1}]},
}


@pytest.mark.parametrize("name", BOUNDED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_score_gives_an_end_of_a_law_that_has_no_mass_there(name, dtype):
    one = prior(BOUNDED[name]).law
    z = np.array([-8.9, -6.338, -6.0, -5.5, -5.2, 0.0, 5.2, 5.5, 6.0, 6.338, 8.9])
    with jax.enable_x64(dtype == np.float64):
        values = drawn(one, z, dtype)
    low, high = np.asarray(one.support, dtype)
    assert values.dtype == dtype and np.all((values > low) & (values < high)), values
    assert np.all(np.abs(values[values != 0]) >= np.finfo(dtype).tiny)


def test_an_end_that_is_a_value_of_its_own_is_drawn():
    parts = [{"family": "fixed", "value": 0, "weight": 0.3}, {"family": "beta", "a": 2, "b": 2, "weight": 0.7}]
    values = drawn(prior({"family": "mixture", "parts": parts}).law, SCORES)
    assert (values == 0).sum() == (special.ndtri(0.3) >= SCORES).sum() and values.max() < 1
    repeated = prior({"family": "empirical", "values": [0, 0, 0, 1, 3, 3]}).law
    assert np.ptp(drawn(repeated, SCORES)) == 3
    # one in 60 lies nearer to 3 than to any other number: single precision does not tell them apart, and none is moved
    assert drawn(prior({"family": "gamma", "a": 0.3, "loc": 3, "scale": 0.25}).law, SCORES).min() == 3
