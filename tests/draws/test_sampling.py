"""Path numbers to words: what a path draws depends on its number alone, and no word is computed twice."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from engine.draws import random_words
from engine.draws.sampling import SAMPLERS, path_order
from tests.helpers import assert_same

KEY = jnp.asarray(np.array([random_words.stream_key(7, "factor:a"), random_words.stream_key(7, "factor:b")]))


@functools.cache
def compiled(sampler):
    """Words of a tile from a counter on, in the order of lanes."""
    return jax.jit(functools.partial(sampler.words, KEY), static_argnums=1)


def words(sampler, first_path, tile):
    """Words of the paths of one tile in path order, [stream, path]."""
    counter = first_path // sampler.group
    first = (jnp.uint32(counter & 0xFFFFFFFF), jnp.uint32(counter >> 32))
    lanes = np.asarray(compiled(sampler)(first, tile))
    return lanes[:, np.argsort(path_order(sampler, tile))]


@pytest.mark.parametrize("sampler", SAMPLERS.values(), ids=SAMPLERS)
class TestEverySampler:
    def test_the_tile_changes_no_word(self, sampler):
        whole = words(sampler, 4096, 1024)
        parts = np.concatenate([words(sampler, 4096 + k * 128, 128) for k in range(8)], axis=1)
        assert_same(whole, parts)

    def test_lanes_are_a_permutation_of_the_paths(self, sampler):
        assert_same(np.sort(path_order(sampler, 512)), np.arange(512))

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
