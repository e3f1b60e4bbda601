"""Contracts of every family that a study may name, against SciPy: probabilities, draws of the device, tails,
moments."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from engine.draws.distributions.closed import FAMILIES
from engine.draws.distributions.device import Draws
from engine.draws.distributions.families import OWN as OWN_FAMILIES, known_families
from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import prior
from engine.draws.distributions.scipy_catalogue import LEFT_OUT, continuous_names, discrete_names
from engine.draws.distributions.tables import BOUND, ROUNDING
from engine.draws.limits import FARTHEST, reach
from engine.draws.random_words import stream_key
from engine.draws.sampling import SAMPLERS
from tests.families import CONTINUOUS, DISCRETE, LATE, MISTAKEN, NAMES, OTHERS, OWN, SLOW, TYPICAL, member
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.refusals import at, problems_of
from tests.words import normals

EVERY = [*TYPICAL, *(pytest.param(name, marks=pytest.mark.slow) for name in (*OTHERS, *LATE))]
"""All members: the typical ones by default, the others among the slow tests."""
LONG = "ksone", "kstwo", "recipinvgauss", "vonmises"
"""Laws whose deviation takes SciPy ten seconds."""
SCORES = np.linspace(-6.3, 6.3, 85)
LANES = 1 << 14
TAIL_WORDS, FAR, TAIL = 1 << 24, 4.0, 4e-6
"""Random words that tails are looked for in, the size of the scores that are kept of them, and the probability."""
NARROW = 2.0**-20
"""Scores as near as that to where a law jumps, or has no density, may be on either side of it."""


# ------------------------------------------------------------------------------- the table


def test_no_family_is_without_a_member():
    assert set(CONTINUOUS) == set(continuous_names())
    assert set(DISCRETE) == set(discrete_names())
    assert {*CONTINUOUS, *DISCRETE} >= SLOW
    assert sorted([*TYPICAL, *OTHERS, *LATE]) == sorted(NAMES)
    said = str(list(OWN.values()))
    assert all(f"'family': '{family}'" in said for family in OWN_FAMILIES)
    tested_elsewhere = {"fixed", "binomial", "geometric"}
    assert {*CONTINUOUS, *DISCRETE, *OWN_FAMILIES, *FAMILIES, "negative-binomial", *tested_elsewhere} == {
        *known_families()
    }
    assert all(f"'family': '{family}'" in said for family in FAMILIES if family != "fixed")


def test_all_of_scipys_laws_are_known_or_left_out_for_a_reason():
    every = {name for name in dir(stats) if isinstance(getattr(stats, name), stats.rv_continuous | stats.rv_discrete)}
    assert every == {*continuous_names(), *discrete_names(), *LEFT_OUT}
    for name, why in LEFT_OUT.items():
        (problem,) = problems_of(prior, {"family": name})
        assert problem == at("family", f"'{name}'") and problem.message.endswith(why)


@pytest.mark.parametrize("name", ["betanbinom[5, 9.3, 1]", "logser[0.6]", "zipf[6.6]"])
def test_no_number_is_farther_than_the_farthest_draw(name):
    law, _ = member(name)
    assert law.at_score(37.0) == law.at_score(FARTHEST) == reach(law)[1]


# ------------------------------------------------------------------------------- on the host


@pytest.mark.parametrize("name", EVERY)
def test_probabilities_are_those_of_their_quantiles(name):
    law, _ = member(name)
    x, wanted = law.at_score(SCORES), special.ndtr(-np.abs(SCORES))
    assert np.all(np.diff(x) >= 0)
    if law.steps is not None:
        reached = np.where(SCORES > 0, law.sf(x), wanted)
        assert np.all(law.cdf(x)[SCORES <= 0] >= wanted[SCORES <= 0] * (1 - 1e-12))
        assert np.all(reached <= wanted * (1 + 1e-12))
    # as near as a double can be: at an end of the support one step of doubles may hold a whole tail
    step = 4 * np.spacing(np.maximum(np.abs(x), np.abs(x - law.at_score(0.0))))
    ends = [np.where(SCORES > 0, law.sf(x + way * step), law.cdf(x - way * step)) for way in (1, -1)]
    found = np.clip(wanted, *ends)
    assert_close(found, wanted)
    assert_close(np.log(found), np.log(wanted), dtype=np.float32)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in EVERY
        if not isinstance(name, str) or (name != MISTAKEN and OWN.get(name, (0, 0))[1] is not None)
    ],
)
def test_the_law_is_scipys(name):
    law, scipys = member(name)
    p = np.array([1e-6, 1e-3, 0.05, 0.3, 0.5])
    scale = float(np.ptp(law.at_score([-1.0, 1.0]))) or 1.0
    middle = scipys.median()
    for found, wanted in ((law.quantile(p), scipys.ppf(p)), (law.at_score(-special.ndtri(p)), scipys.isf(p))):
        assert_close((found - middle) / scale, (wanted - middle) / scale, dtype=np.float32)
    low, high = law.support
    assert_close(np.nan_to_num([low, high]), np.nan_to_num(np.array(scipys.support(), float)))


@pytest.mark.parametrize(
    "name",
    [
        *TYPICAL,
        *(
            pytest.param(name, marks=[pytest.mark.slow] + [pytest.mark.sweep] * name.startswith(LONG))
            for name in (*OTHERS, *LATE)
        ),
    ],
)
def test_mean_and_sd_are_scipys_and_those_of_the_quantiles(name):
    law, scipys = member(name)
    mean, sd = law.mean(), law.sd()
    if scipys is not None and np.isfinite(scipys.std()):
        assert_close([mean, sd], [float(scipys.mean()), float(scipys.std())], dtype=np.float32)
    if name in LATE:
        return
    # by quadrature over the quantiles, as what is made of the law has them
    found = np.array([Law.mean(law), Law.sd(law)])
    if np.isfinite(mean) and np.isfinite(sd):
        assert_close(found, [mean, sd], dtype=np.float32)
    else:
        assert_same(np.isfinite(found), np.isfinite([mean, sd]))


# ------------------------------------------------------------------------------- on the device


class Drawn:
    """Members drawn together, always so many scores at once: one program."""

    def __init__(self, names):
        self.names = list(names)
        self.draws = Draws([member(name)[0] for name in names])
        self._run = jax.jit(lambda scores, arrays: self.draws.values(list(scores), arrays))

    def __call__(self, scores):
        """Name -> draws of as many scores, all members the same ones or each [member, score] its own."""
        count = np.shape(scores)[-1]
        scores = np.pad(np.broadcast_to(scores, (len(self.names), count)), ((0, 0), (0, LANES - count)))
        values = self._run(jnp.asarray(scores, jnp.float32), self.draws.arrays())
        return {name: np.asarray(value)[:count] for name, value in zip(self.names, values, strict=True)}


def beside(name):
    """The members that one program draws a member with."""
    return next(names for names in (TYPICAL, OTHERS, LATE) if name in names)


def once(function):
    """The function of a member, computed once for all members that are drawn together."""
    for_all = functools.cache(lambda names: function(list(names)))
    return lambda name: for_all(tuple(beside(name)))


@once
def drawn(names):
    return Drawn(names)


@once
def on_a_grid(names):
    """Scores and what they give."""
    scores = np.linspace(-FARTHEST, FARTHEST, 150 if names == LATE else 1000).astype(np.float32)
    return scores.astype(np.float64), drawn(names[0])(scores)


@once
def from_words(names):
    """Random scores, each member's its own, and what they give."""
    keys = np.array([stream_key(7, f"factor:{name}") for name in names], np.uint32)
    return drawn(names[0])(normals(SAMPLERS["random"], keys, 0, LANES))


@functools.cache
def tails():
    """All scores farther out than `FAR` among the words of one stream, ascending."""
    key, found = stream_key(7, "factor:tails"), []
    for first in range(0, TAIL_WORDS, 1 << 22):
        scores = normals(SAMPLERS["random"], key[None], first, 1 << 22)
        found.append(scores[np.abs(scores) > FAR])
    return np.sort(np.concatenate(found))


@once
def in_tails(names):
    return drawn(names[0])(tails())


@pytest.mark.parametrize("name", EVERY)
def test_draws_are_the_quantiles_within_what_tables_may_err(name):
    law, _ = member(name)
    scores, values = on_a_grid(name)
    value, exact = values[name].astype(np.float64), law.at_score(scores)
    low, middle, high = law.at_score([-1.0, 0.0, 1.0])
    against = np.maximum((high - low) / 2 or float(np.ptp(exact)) / 2 or 1.0, np.abs(exact - middle))
    edges = np.append(law.breaks, 0.0) if law.steps is None else law.steps[1]
    near = np.abs(scores[:, None] - edges).min(axis=1, initial=np.inf) < NARROW
    error = np.abs(value - exact) / against
    assert np.all(error[~near] <= BOUND + ROUNDING)
    assert near.sum() <= len(edges)
    # no lower than the one before but by rounding, and within the support as single precision has it
    assert np.all(np.diff(value) >= -ROUNDING * against[1:])
    ends = np.array(law.support, np.float32)
    assert np.all((values[name] >= ends[0]) & (values[name] <= ends[1]))
    if law.steps is not None:
        assert_same(values[name][~near], exact.astype(np.float32)[~near])


@pytest.mark.parametrize("name", EVERY)
def test_draws_follow_the_law(name):
    law, _ = member(name)
    x, counts = np.unique(from_words(name)[name].astype(np.float64), return_counts=True)
    upto, before = np.cumsum(counts) / LANES, (np.cumsum(counts) - counts) / LANES
    # looked at here and there, a slow law at fewer places: far finer than the distance resolves
    x, upto, before = (part[:: max(1, len(x) >> (8 if name in LATE else 10))] for part in (x, upto, before))
    found = law.cdf(x)
    below = found if law.steps is None and not len(law.breaks) else law.cdf(np.nextafter(x, -np.inf))
    distance = max(np.max(upto - found), np.max(below - before))
    limit = stats.kstwobign
    assert_plausible(distance, limit.mean() / np.sqrt(LANES), limit.std() / np.sqrt(LANES), 0.012)


@pytest.mark.parametrize("name", EVERY)
def test_tail_quantiles_are_where_they_should_be(name):
    law, _ = member(name)
    rank, values = round(TAIL * TAIL_WORDS), np.sort(in_tails(name)[name])
    low, middle, high = law.at_score([-1.0, 0.0, 1.0])
    for x, probability, way in ((values[rank], law.cdf, 1), (values[-1 - rank], law.sf, -1)):
        step = way * (BOUND + ROUNDING) * max((high - low) / 2, abs(float(x) - middle), 1e-6)
        # within what the table may err; and where the law steps over the probability, the step must hold it
        found = float(np.clip(rank / TAIL_WORDS, probability(float(x) - step), probability(float(x) + step)))
        assert_plausible(found, TAIL, np.sqrt(rank) / TAIL_WORDS, TAIL)


# ------------------------------------------------------------------------------- laws without a mean

WITHOUT_MEAN = {
    "cauchy": {"family": "cauchy"},
    "pareto": {"family": "pareto", "b": 1},
    "genpareto": {"family": "genpareto", "c": 1},
    "betaprime": {"family": "betaprime", "a": 2, "b": 0.9},
    "alpha": {"family": "alpha", "a": 3},
    "levy": {"family": "levy"},
    "levy_l": {"family": "levy_l"},
    "landau": {"family": "landau"},
    "t": {"family": "t", "df": 1},
    "nct": {"family": "nct", "df": 0.9, "nc": 1},
    "tukeylambda": {"family": "tukeylambda", "lam": -1.1},
    "a mixture": {
        "family": "mixture",
        "parts": [{"family": "cauchy", "weight": 0.001}, {"family": "normal", "mean": 0, "sd": 1}],
    },
    "experts": {"family": "t", "df": 1, "experts": [{"loc": 0}, {"loc": 1}]},
    "experts by quantile": {"family": "t", "df": 1, "experts": [{"loc": 0}, {"loc": 1}], "pool": "quantile"},
    "cut on one side": {"family": "cauchy", "truncate": {"low": 0}},
    "moved": {"family": "cauchy", "transform": [{"times": 2}, {"plus": 1}]},
    "exp of an exponential law": {"family": "expon", "transform": ["exp"]},
    "a square": {"family": "pareto", "b": 1.9, "transform": [{"power": 2}]},
    "one over a uniform number": {"family": "uniform", "low": 0, "high": 1, "transform": [{"power": -1}]},
}


@pytest.mark.parametrize("name", WITHOUT_MEAN)
def test_a_law_without_a_mean_says_so_and_has_its_quantiles(name):
    law = prior(WITHOUT_MEAN[name]).law
    assert not np.isfinite(law.mean())
    assert not np.isfinite(law.sd())
    assert np.all(np.isfinite(law.quantile([0.05, 0.5, 0.95, 0.99, 0.999])))


WITH_MEAN = [
    ({"family": "cauchy", "truncate": {"low": -3, "high": 3}}, 0.0),
    ({"family": "pareto", "b": 1, "truncate": {"high": 10}}, np.log(10) / 0.9),
    ({"family": "expon", "scale": 0.5, "transform": ["exp"]}, 2.0),
    ({"family": "pareto", "b": 2.5, "transform": [{"power": 2}]}, 5.0),
    ({"family": "pareto", "b": 1, "transform": ["log"]}, 1.0),
    ({"family": "moyal", "transform": [{"times": 2}]}, 2 * (np.euler_gamma + np.log(2))),
    ({"family": "invgauss", "mu": 0.15, "transform": [{"times": 2}]}, 0.3),
    ({"family": "ncf", "dfn": 27, "dfd": 27, "nc": 0, "transform": [{"times": 1}]}, 27 / 25),
    ({"family": "kappa4", "h": -0.1, "k": 0.1}, 0.43296277),
]


@pytest.mark.parametrize(("table", "mean"), WITH_MEAN)
def test_a_law_that_has_a_mean_gives_it(table, mean):
    assert_close(1 + prior(table).law.mean(), 1 + mean, dtype=np.float32)
