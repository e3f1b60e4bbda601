"""Counts drawn by inversion against SciPy's quantiles, by both compilers, and an epidemic of which the law is known."""

import jax
import numpy as np
import pytest
from scipy import stats

from engine import Factor, Outcome, PathModel, Shock, binomial, poisson
from engine.study.loading import read_study
from tests.helpers import assert_close, assert_plausible
from tests.lanes.compiled import assert_by_lanes_as_by_xla
from tests.two_forms import outcomes

RATES = (0.0, 1e-3, 0.5, 3.0, 36.5, 100.0, 9999.5, 1e4)
TRIALS = [(n, p) for n in (0.0, 1.0, 5.0, 100.0, 1e4) for p in (0.0, 1e-7, 0.0036, 0.3, 0.5, 0.97, 1.0)]
U = (np.random.default_rng(0).integers(0, 2**23, 500) + 0.5) * 2.0**-23
LAWS = {
    "poisson": (poisson, stats.poisson, np.array(RATES)[:, None]),
    "binomial": (binomial, stats.binom, np.array(TRIALS)),
}


def drawn(draw, law, dtype):
    """Counts [law, u] for the arguments of laws, [law, argument]."""
    of_law = jax.vmap(lambda u, own: draw(u, *own), (0, None))
    with jax.enable_x64(dtype == np.float64):
        return np.asarray(jax.jit(jax.vmap(of_law, (None, 0)))(U.astype(dtype), law.astype(dtype)))


@pytest.mark.parametrize("name", LAWS)
def test_counts_are_the_quantiles_of_scipy(name):
    draw, scipy, law = LAWS[name]
    expected = np.maximum(scipy.ppf(U, *law.T[..., None]), 0)
    np.testing.assert_array_equal(drawn(draw, law, np.float64), expected)
    # in single precision u lies within F(k - 1) and F(k) but for rounding
    counts, single = drawn(draw, law, np.float32).astype(float), law.astype(np.float32).astype(float).T[..., None]
    assert_close(
        np.clip(U, scipy.cdf(counts - 1, *single), scipy.cdf(counts, *single)),
        np.broadcast_to(U, counts.shape),
        np.float32,
    )


def test_both_compilers_draw_the_same_counts():
    def counts(shared, lane, own):
        return {"poisson": poisson(own["u"], own["rate"]), "binomial": binomial(own["u"], own["n"], own["p"])}

    rng = np.random.default_rng(1)
    own = {"u": rng.random(500), "rate": 10 ** rng.uniform(-2, 4, 500), "n": rng.integers(0, 10_001, 500)}
    own = {name: values.astype(np.float32) for name, values in (own | {"p": rng.random(500)}).items()}
    assert_by_lanes_as_by_xla(counts, (), 500, own, widths=(4,))


def test_other_arguments_give_no_number():
    assert np.isnan([float(poisson(0.5, rate)) for rate in (-1.0, 10_001.0, np.nan)]).all()
    assert np.isnan(float(poisson(0.5, 200.0, most=100)))
    assert np.isnan(
        [float(binomial(0.5, *law)) for law in ((-1.0, 0.5), (10_001.0, 0.5), (2.5, 0.5), (3.0, 1.1))]
    ).all()


class Epidemic(PathModel):
    """A chain-binomial epidemic (Reed and Frost): each infected person infects each susceptible one by chance."""

    factors = {"contagion": Factor("1")}
    shocks = {"chance": Shock(law="uniform")}
    outcomes = {"infected": Outcome("persons", lambda state: 20.0 - state[0])}

    def init(self, factors, levers):
        return 19.0, 1.0

    def step(self, state, year, factors, shocks, levers):
        susceptible, infected = state
        new = binomial(shocks.chance, susceptible, 1.0 - (1.0 - factors.contagion) ** infected, most=20)
        return (susceptible - new, new), {}


def test_an_epidemic_has_its_known_law():
    text = {
        "name": "epidemic",
        "run": {"paths": 4096, "seed": 5, "sampler": "random"},
        "time": {"first": 1, "last": 4},
        "factors": {"contagion": {"family": "fixed", "value": 0.08}},
    }
    study = read_study(text, "epidemic.toml", model=Epidemic())
    found = outcomes(study, "loop")
    np.testing.assert_array_equal(found, outcomes(study, "xla"))
    law = {(19, 1): 1.0}  # probability of each state
    for _ in range(4):
        after = {}
        for (susceptible, infected), mass in law.items():
            for new in range(susceptible + 1):
                chance = stats.binom.pmf(new, susceptible, 1 - 0.92**infected)
                after[susceptible - new, new] = after.get((susceptible - new, new), 0.0) + mass * chance
        law = after
    sizes = np.array([20 - susceptible for susceptible, _ in law])
    mass = np.array([*law.values()])
    mean = sizes @ mass
    se = np.sqrt((sizes - mean) ** 2 @ mass / 4096)
    assert_plausible(found.mean(), mean, se, 1.0)
