"""Random words in the addressing that the engine uses: neighbours by path, name, year and seed have nothing in common.

A cheap watch; `benchmarks/random_quality.py` hands the same orders to TestU01.
"""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import stats

from engine import load_study
from engine.draws.sampling import SAMPLERS
from engine.program import arguments
from tests.helpers import assert_same
from tests.words import words as words_of

STUDY = load_study("rustbelt")
SAMPLER = SAMPLERS["random"]
UNLIKELY = 1e-6
"""A p-value below it is no accident: every test here has fixed seeds."""


def words(keys, first_path=0, paths=1 << 14):
    """Words of consecutive paths, uint32 [stream, path]."""
    return words_of(SAMPLER, keys, first_path, paths)


def factor_keys(seed=STUDY.seed):
    """Keys of all factors and groups of the shipped study."""
    return arguments.of(replace(STUDY, seed=seed))["factor_keys"]


def shock_keys():
    """Keys of the shipped study's normal shocks, [year, stream, 2]."""
    return arguments.of(STUDY)["shock_keys"]["normal"]


def two_sided(law, value, *parameters):
    """P-value of a value of a law: what is too even is as suspect as what is too uneven."""
    # of whole numbers too: the upper tail takes the value in, by a step that is nothing where the law is continuous
    return min(1.0, 2 * min(law.cdf(value, *parameters), law.sf(np.nextafter(value, -np.inf), *parameters)))


def chi_square(cells, n_cells):
    """P-value of cells that should be equally likely."""
    found = stats.chisquare(np.bincount(cells, minlength=n_cells))
    return two_sided(stats.chi2, found.statistic, n_cells - 1)


def pair_of_bytes(drawn, shift):
    """P-value of one byte of each word with that of the word that follows it, path after path."""
    byte = (drawn.T.ravel() >> shift & 0xFF).astype(np.int64)
    return chi_square(byte[:-1:2] * 256 + byte[1::2], 1 << 16)


def correlation(drawn, lag):
    """P-value of all correlations between streams, of each with the others `lag` paths on."""
    u = drawn / 2.0**32 - 0.5
    u = u / u.std(axis=1, keepdims=True)
    n = u.shape[1] - lag
    z = u[:, :n] @ u[:, lag:].T / np.sqrt(n)
    z = z.ravel() if lag else z[np.triu_indices(len(z), 1)]
    return two_sided(stats.chi2, z @ z, z.size) if z.size else 1.0


def repeats(drawn):
    """P-value of how many words are there before, about n^2 / 2^33 of n."""
    n = drawn.size
    return two_sided(stats.poisson, n - len(np.unique(drawn)), n * (n - 1) / 2**33)


def p_values(drawn):
    """P-values of words [stream, path] by the name of the test."""
    return {
        "high bytes": pair_of_bytes(drawn, 24),
        "low bytes": pair_of_bytes(drawn, 0),
        "same path": correlation(drawn, 0),
        "next path": correlation(drawn, 1),
        "repeats": repeats(drawn),
    }


ORDERS = {
    "by path": lambda: words(factor_keys()[:1], paths=1 << 18),
    "by name": lambda: words(factor_keys()),
    "by year": lambda: words(shock_keys()[:, 0]),
    "by seed": lambda: words(np.concatenate([factor_keys(seed)[:1] for seed in range(2016, 2032)])),
    "above 32 bits": lambda: np.concatenate([words(factor_keys()[:1], k << 33) for k in range(16)]),
}


@pytest.mark.parametrize("first_path", [0, 1 << 33, (1 << 40) + (1 << 20)])
def test_a_word_stands_where_the_documentation_says(first_path):
    key = factor_keys()[0]
    counter = np.arange(first_path // 2, first_path // 2 + (1 << 15), dtype=np.uint64)
    low, high = (counter & 0xFFFFFFFF).astype(np.uint32), (counter >> 32).astype(np.uint32)
    # of path 2k the first word of counter k, of path 2k + 1 the second
    expected = threefry_2x32(jnp.asarray(key), jnp.concatenate([jnp.asarray(low), jnp.asarray(high)]))
    assert_same(words(key[None], first_path, 1 << 16)[0], np.asarray(expected).reshape(2, -1).T.ravel())


@pytest.mark.slow
@pytest.mark.parametrize("order", ORDERS)
def test_neighbouring_words_have_nothing_in_common(order):
    found = p_values(ORDERS[order]())
    assert min(found.values()) > UNLIKELY, found
