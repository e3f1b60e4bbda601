"""Path numbers to words: what a path draws depends on its number alone."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32

from engine.draws import random_words
from engine.draws.sampling import SAMPLERS
from tests.helpers import assert_same
from tests.words import words as words_of

KEYS = np.array([random_words.stream_key(7, "factor:a"), random_words.stream_key(7, "factor:b")])


def words(sampler, first_path, paths):
    """Words of consecutive paths, [stream, path]."""
    keys = np.pad(KEYS, ((0, 0), (0, sampler.directions)))
    return words_of(sampler, keys, first_path, paths)


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
class TestEverySampler:
    def test_paths_beyond_32_bits_have_words_of_their_own(self, sampler):
        assert not np.any(words(sampler, 0, 256) == words(sampler, 1 << 33, 256))
        assert not np.any(words(sampler, 1 << 33, 256) == words(sampler, 1 << 34, 256))

    def test_no_two_units_share_a_word(self, sampler):
        drawn = words(sampler, 0, 1 << 12)[0, :: sampler.unit]
        assert len(np.unique(drawn)) == len(drawn)


def test_antithetic_pairs_complement_every_word():
    drawn = words(SAMPLERS["antithetic"], 0, 512)
    assert_same(drawn[:, 1::2], ~drawn[:, ::2])


def test_antithetic_units_are_the_random_paths():
    assert_same(words(SAMPLERS["antithetic"], 0, 512)[:, ::2], words(SAMPLERS["random"], 0, 256))


@pytest.mark.parametrize("first_path", [0, 1 << 33, (1 << 40) + (1 << 20)])
def test_a_word_stands_where_the_documentation_says(first_path):
    counter = np.arange(first_path // 2, first_path // 2 + (1 << 11), dtype=np.uint64)
    low, high = (counter & 0xFFFFFFFF).astype(np.uint32), (counter >> 32).astype(np.uint32)
    # of path 2k the first word of counter k, of path 2k + 1 the second
    expected = threefry_2x32(jnp.asarray(KEYS[0], jnp.uint32), jnp.concatenate([jnp.asarray(low), jnp.asarray(high)]))
    drawn = words(SAMPLERS["random"], first_path, 1 << 12)[0]
    assert_same(drawn, np.asarray(expected).reshape(2, -1).T.ravel())
