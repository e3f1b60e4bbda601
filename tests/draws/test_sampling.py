"""Path numbers to words: what a path draws depends on its number alone."""

import numpy as np
import pytest

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
