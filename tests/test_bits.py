"""Random words against published vectors; normals and uniforms against SciPy."""

import jax.numpy as jnp
import numpy as np
import pytest
from helpers import assert_plausible, assert_same
from scipy import special, stats

from engine import bits

# Random123 distribution, kat_vectors: threefry2x32, 20 rounds
VECTORS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]
EDGES = np.array([0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)
MANY = np.concatenate([EDGES, np.random.default_rng(1).integers(0, 2**32, 1 << 18, dtype=np.uint32)])


def words(*values):
    """Scalars as uint32."""
    return tuple(jnp.uint32(value) for value in values)


@pytest.mark.parametrize(("key", "counter", "expected"), VECTORS)
def test_threefry_gives_the_published_words(key, counter, expected):
    got = bits.threefry2x32(words(*key), words(*counter))
    assert tuple(int(word) for word in got) == expected


def test_streams_differ_by_seed_name_and_step():
    keys = {
        tuple(bits.stream_key(*at))
        for at in [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1), (1, "a0", 0)]
    }
    assert len(keys) == 5


def test_normals_mirror_exactly():
    assert_same(bits.normal(jnp.asarray(~MANY)), -bits.normal(jnp.asarray(MANY)))


def test_normals_are_the_quantiles_of_all_32_bits():
    exact = special.ndtri((MANY.astype(np.float64) + 0.5) * 2.0**-32)
    got = np.asarray(bits.normal(jnp.asarray(MANY)), np.float64)
    assert np.max(np.abs(got - exact)) < 3e-6
    assert np.max(np.abs(got)) > 6.3


def test_normals_are_monotone_in_the_word_up_to_their_stated_error():
    got = np.asarray(bits.normal(jnp.asarray(np.sort(MANY))), np.float64)
    assert np.min(np.diff(got)) > -6e-6


def test_the_tail_is_finer_than_a_24_bit_uniform_would_allow():
    tail = np.asarray(bits.normal(jnp.arange(64, dtype=jnp.uint32)))
    assert len(np.unique(tail)) == 64
    assert np.max(tail) < -5.5


def test_uniforms_lie_inside_the_open_interval_below_and_mirror():
    got = np.asarray(bits.uniform(jnp.asarray(MANY)), np.float64)
    assert np.min(got) > 0
    assert np.max(got) <= 1
    mirrored = np.asarray(bits.uniform(jnp.asarray(~MANY)), np.float64)
    assert np.max(np.abs(got + mirrored - 1)) < 2.0**-23


def test_words_of_neighbouring_counters_look_uniform():
    lane = jnp.arange(1 << 16, dtype=jnp.uint32)
    key = words(*bits.stream_key(2016, "factor:steel"))
    for word in bits.threefry2x32(key, (lane, jnp.zeros_like(lane))):
        z = np.asarray(bits.normal(word), np.float64)
        assert stats.kstest(z, "norm").pvalue > 1e-6
        assert_plausible(z.mean(), 0.0, 1 / 256, resolves=0.05)
        assert_plausible(z.var(), 1.0, np.sqrt(2) / 256, resolves=0.05)
        assert_plausible(np.mean(z[1:] * z[:-1]), 0.0, 1 / 256, resolves=0.05)
