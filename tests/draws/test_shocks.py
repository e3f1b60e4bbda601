"""Yearly shocks as a study may have them: their laws, dependence, memory and jumps; and whose bits are whose."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from engine.draws import random_words
from engine.draws.shock_draws import poisson_tails
from engine.study.study import Block
from engine.study.tables.shocks import jumps_counted
from tests.helpers import assert_close, assert_plausible, assert_same
from tests.program.test_path import word_of
from tests.shock_study import ALL, WALK, YEARS, lived, only, walk
from tests.user_models import program

PATHS = WALK["run"]["paths"]
FEW = 1 << 14


@functools.cache
def everything():
    """All kinds of shocks at once, [year, *dims, path], float64."""
    return {name: values.astype(np.float64) for name, values in lived(walk()).items()}


@functools.cache
def few(sampler="random"):
    """The same of few paths, as they are drawn."""
    return lived(walk(paths=FEW, sampler=sampler))


def assert_follows(values, law, resolves=0.01):
    """Kolmogorov and Smirnov's distance of independent values from a law, judged by its own error."""
    distance, limit = stats.kstest(values, law.cdf).statistic, stats.kstwobign
    root = np.sqrt(len(values))
    assert_plausible(distance, limit.mean() / root, limit.std() / root, resolves)


def assert_correlated(x, y, truth, resolves=0.02):
    """Correlation of independent pairs of normal scores."""
    assert_plausible(np.corrcoef(x, y)[0, 1], truth, (1 - truth**2) / np.sqrt(len(x)), resolves)


def score(values, law):
    """Normal scores of values, as fine in the upper tail as in the lower one."""
    return np.where(values < law.median(), special.ndtri(law.cdf(values)), -special.ndtri(law.sf(values)))


# ------------------------------------------------------------------------------- laws, memory, dependence

T4 = stats.t(4)


@pytest.mark.parametrize("year", [0, YEARS - 1])
def test_a_shock_that_lasts_has_its_law_every_year(year):
    for place in (0, 1):
        assert_follows(everything()["wind"][year, place], T4)


def test_scores_of_a_shock_that_lasts_are_correlated_from_year_to_year():
    scores = score(everything()["wind"][:, 0], T4)
    for lag in (1, 2, 3):
        assert_correlated(scores[0], scores[lag], 0.7**lag)
        assert_correlated(scores[2], scores[2 + lag], 0.7**lag)


def test_shocks_of_a_group_are_correlated_in_their_year_and_carry_that_on():
    scores = score(everything()["wind"], T4)
    for year in (0, 3):
        assert_correlated(scores[year, 0], scores[year, 1], 0.5)
    assert_correlated(scores[0, 0], scores[1, 1], 0.7 * 0.5)


# ------------------------------------------------------------------------------- jumps


def assert_share(hits, truth, resolves):
    assert_plausible(np.mean(hits), truth, np.sqrt(truth * (1 - truth) / np.size(hits)), resolves)


def test_a_compound_poisson_sum_has_its_moments_and_quantiles():
    total = everything()["jump"]
    # rate 2, sizes of mean and variance 1: cumulants are 2 k!, so the fourth central moment is 48 + 3 * 16
    n = total.size
    assert_plausible(total.mean(), 2, np.sqrt(4 / n), 0.02)
    assert_plausible(((total - 2) ** 2).mean(), 4, np.sqrt((96 - 16) / n), 0.1)
    assert_share(total == 0, np.exp(-2), 0.005)
    # OasisLMF/ktools, ORD output: aggregate loss of a return period of 10 and of 100 years
    for x, share in ((4.728410993, 0.1), (8.622567981, 0.01)):
        assert_share(total > x, share, 0.1 * share)
        density = 0.6 * share  # of the sum there, by its exponential tail
        found = np.quantile(total, 1 - share)
        assert_plausible(found, x, np.sqrt(share * (1 - share) / n) / density, 0.1)
    assert_correlated(total[0], total[1], 0.0)


def test_a_jump_may_come_or_not():
    found = lived(walk(only(jump={"probability": 0.05, "size": {"family": "normal", "mean": -2, "sd": 0.5}})))["jump"]
    found = found.astype(np.float64)
    assert_share(found != 0, 0.05, 0.005)
    sizes = found[found != 0]
    assert_follows(sizes, stats.norm(-2, 0.5), 0.02)


def test_a_rate_or_a_chance_may_be_a_factor():
    one = {"family": "fixed", "value": 1}
    study = walk(only(jump={"rate": "rate", "size": one}, market={"probability": "chance", "size": one}))
    rate, chance = program(study).draws(Block(0, 0, PATHS)).astype(np.float64)
    found = lived(study)
    for year in (0, 5):
        number, came = found["jump"][year].astype(np.float64), found["market"][year]
        assert_plausible(number.mean(), 1, np.sqrt((1 + 1 / 12) / PATHS), 0.02)
        for k in range(5):
            assert_share(number == k, stats.poisson.pmf(k, rate).mean(), 0.01)
        assert_share(came, chance.mean(), 0.01)
        many = rate > 1.4
        assert_plausible(number[many].mean(), rate[many].mean(), np.sqrt(1.45 / many.sum()), 0.1)


def test_poisson_tails_are_those_of_scipy_where_they_are_small():
    for rate in (1e-6, 0.3, 2.0, 20.0):
        most = jumps_counted(rate)
        assert stats.poisson(rate).sf(most) <= 1e-10 < stats.poisson(rate).sf(most - 2)
        found = np.array(poisson_tails(jnp.float32(rate), most))[: most // 2 + 1]
        wanted = stats.poisson(rate).sf(np.arange(most))[: most // 2 + 1]
        assert_close(found / wanted, np.ones(len(wanted)), dtype=np.float16)
        assert_close(found, wanted, dtype=np.float32)
    assert_same(np.array(poisson_tails(jnp.float32(0.0), 5)), np.zeros(5, np.float32))


# ------------------------------------------------------------------------------- bits


def test_shocks_that_are_said_nothing_of_have_the_words_of_their_names():
    made, paths = lived(walk({}, paths=256, sampler="antithetic", tile=256)), np.arange(256)
    for step in (0, 3):
        assert_same(
            made["luck"][step], np.asarray(random_words.uniform(jnp.asarray(word_of(1, "shock:luck", step, paths))))
        )
        for k, place in enumerate("ab"):
            words = word_of(1, f"shock:plain[{place}]", step, paths)
            assert_close(made["plain"][step, k], random_words.normal(jnp.asarray(words)))


@pytest.mark.parametrize(
    "names", [[], ["wind"], *(pytest.param([name], marks=pytest.mark.slow) for name in ("jump", "market"))]
)
def test_a_shock_has_the_same_bits_with_others_or_without(names):
    found = lived(walk(only(**{name: ALL["shocks"][name] for name in names}) if names else {}, paths=FEW))
    for name in (*names, "luck", "plain"):
        assert_same(found[name], few()[name])
    assert np.array_equal(found["wind"], few()["wind"]) == ("wind" in names)


def test_the_order_of_shocks_and_groups_changes_no_bit():
    turned = {kind: dict(reversed(tables.items())) for kind, tables in ALL.items()}
    turned["groups"] = {"another": {"correlation": 0.2}, **turned["groups"]}
    turned["shocks"] = {"luck": {"family": "beta", "a": 2, "b": 3, "group": "another"}, **turned["shocks"]}
    found = lived(walk(turned, paths=FEW))
    for name in (*ALL["shocks"], "plain"):
        assert_same(found[name], few()[name])


def test_pairs_mirror():
    found = few("antithetic")
    wind = score(found["wind"].astype(np.float64), T4)
    assert np.all(np.abs(wind[..., ::2] + wind[..., 1::2]) < 1e-4)
    assert_same(found["plain"][..., ::2], -found["plain"][..., 1::2])
    assert_close(found["luck"][..., ::2], 1 - found["luck"][..., 1::2])
    # few words: many jumps on a path, few on its mirror
    assert np.corrcoef(found["jump"][0, ::2], found["jump"][0, 1::2])[0, 1] < -0.2
