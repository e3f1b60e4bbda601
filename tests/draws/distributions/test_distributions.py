"""Families with a closed form: gradients, members from their quantiles, far random words, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.draws import random_words
from engine.draws.distributions.closed import FAMILIES, Marginal
from engine.draws.distributions.prior import prior
from tests.helpers import assert_close
from tests.refusals import refuses


def draw(law, z, parameters=None):
    """What a device draws at normal scores; with other parameters than the law's if given."""
    return FAMILIES[law.family].draw(z, *(law.parameters if parameters is None else parameters))


MEMBERS = {
    "fixed": (1.5,),
    "uniform": (10.0, 15.0),
    "normal": (-0.04, 0.02),
    "lognormal": (3.0, 0.46),
    "logit-normal": (0.62, 0.75),
    "triangular": (1.0, 2.0, 5.0),
}


def of_all(laws, of_one=draw):
    """A function of scores and of the parameters of all laws, compiled once: a list, one result for each law."""
    return jax.jit(lambda z, own: [of_one(law, z, values) for law, values in zip(laws, own, strict=True)])


def test_parameters_may_be_traced_and_the_gradient_is_finite():
    laws = [Marginal(family, MEMBERS[family]) for family in FAMILIES]
    own = [tuple(np.float32(value) for value in law.parameters) for law in laws]
    z = np.linspace(-6, 6, 13)
    drawn = of_all(laws)(z.astype(np.float32), own)
    slopes = of_all(laws, lambda law, z, values: jax.vmap(jax.grad(lambda one: draw(law, one, values)))(z))
    for law, values, slope in zip(laws, drawn, slopes(z.astype(np.float32), own), strict=True):
        assert_close(values, law.at_score(z), dtype=np.float32)
        assert np.all(np.isfinite(slope)) and np.all(slope >= 0)
    z = np.linspace(-6.0, 2.0, 99)
    with jax.enable_x64(True):
        for law, values in zip(laws, of_all(laws)(z, [law.parameters for law in laws]), strict=True):
            assert_close(values, law.at_score(z))


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_or_quantiles_give_a_member_back(family):
    law = Marginal(family, MEMBERS[family])
    named = dict(zip(FAMILIES[family].parameters, law.parameters, strict=True))
    assert prior({"family": family, **named}).law == law
    stated = {f"p{100 * u:02.0f}": float(law.quantile(u)) for u in (0.05, 0.5, 0.95)}
    if FAMILIES[family].fewest_statements:
        assert_close(prior({"family": family, **stated}).law.parameters, law.parameters)
    else:
        assert law.cdf(1.5) == 1 and law.cdf(1.4999) == law.sf(1.5) == law.sd() == 0
        with refuses("p05", "key 'p05'", f"'{family}'"):
            prior({"family": family, **stated})


def test_a_uniform_may_be_given_as_scipy_has_it():
    assert prior({"family": "uniform", "loc": 2, "scale": 3}).law == Marginal("uniform", (2.0, 5.0))
    assert prior({"family": "uniform", "scale": 3}).law == Marginal("uniform", (0.0, 3.0))


FAR_WORDS = np.array([0, 1, 50, 150, 250, 350, 2**31 - 1], np.uint32)
FAR_WORDS = np.concatenate([FAR_WORDS, ~FAR_WORDS])


ENDS = [
    ("uniform", (0.0, 1.0)),
    ("uniform", (-3e8, 1e9)),
    ("triangular", (1000.0, 1000.5, 1001.0)),
    ("triangular", (-1.0, -1.0, 0.0)),
    ("logit-normal", (1e-3, 20.0)),
    ("lognormal", (1e-30, 5.0)),
]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_random_word_gives_an_end_of_a_law(dtype):
    laws = [Marginal(*one) for one in ENDS]
    with jax.enable_x64(dtype == np.float64):
        # beyond the farthest word too: scores of a group are sums of several
        z = jnp.concatenate([random_words.normal(jnp.asarray(FAR_WORDS), dtype), jnp.array([-8.9, 8.9], dtype)])
        own = [tuple(dtype(value) for value in law.parameters) for law in laws]
        made = [np.asarray(values) for values in of_all(laws)(z, own)]
        logarithms = [np.asarray(jnp.log(drawn - dtype(law.support[0]))) for law, drawn in zip(laws, made, strict=True)]
    for law, drawn, logs in zip(laws, made, logarithms, strict=True):
        low, high = np.asarray(law.support, dtype)
        assert drawn.dtype == dtype and np.all((drawn > low) & (drawn < high)), law
        # an end of the law, or a number so small that the processor takes it for 0
        assert np.all(np.isfinite(logs)), law
