"""Random words against those of JAX; normals and uniforms against SciPy."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.random import threefry_2x32
from scipy import special

from engine.draws import random_words
from tests.helpers import assert_same

EDGES = np.array([0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF], np.uint32)
MANY = np.concatenate([EDGES, np.random.default_rng(1).integers(0, 2**32, 1 << 18, dtype=np.uint32)])
# where 4 p (1 - p) = exp(-5): below it the normals' tail polynomial, above it the central one
SEAM = int(0.5 * (1 - np.sqrt(1 - np.exp(-5.0))) * 2**32)
RUNS = [np.arange(first, first + 8192) for first in (0, SEAM - 4096, (1 << 31) - 4096, (1 << 32) - 8192)]
OCTAVES = [np.unique((2.0 ** np.linspace(0, 31, 1 << 18)).astype(np.uint64))]
ASCENDING = np.unique(np.concatenate([*RUNS, *OCTAVES, MANY, np.arange(0, 1 << 32, 65537)])).astype(np.uint32)


def words(*values):
    """Scalars as uint32."""
    return tuple(jnp.uint32(value) for value in values)


def test_threefry_is_that_of_jax():
    key, counter = np.random.default_rng(2).integers(0, 2**32, (2, 1 << 12), dtype=np.uint32)
    for pair in key.reshape(-1, 2)[:8]:
        ours = random_words.threefry2x32(words(*pair), tuple(jnp.asarray(counter.reshape(2, -1))))
        assert_same(jnp.concatenate(ours), threefry_2x32(jnp.asarray(pair), jnp.asarray(counter)))


def test_streams_differ_by_seed_name_and_step():
    keys = {
        tuple(random_words.stream_key(*at)) for at in [(1, "a", 0), (2, "a", 0), (1, "b", 0), (1, "a", 1), (1, "a0", 0)]
    }
    assert len(keys) == 5


def test_normals_mirror_exactly():
    scores = jax.jit(random_words.normal)
    assert_same(scores(jnp.asarray(~ASCENDING)), -scores(jnp.asarray(ASCENDING)))


def scores_and_exact():
    """Normals of ascending words over the whole range, the quantiles they stand for, and their probability."""
    p = (ASCENDING + 0.5) * 2.0**-32
    return np.asarray(jax.jit(random_words.normal)(jnp.asarray(ASCENDING)), np.float64), special.ndtri(p), p


def test_normals_are_the_quantiles_of_all_32_bits():
    # benchmarks/normal_error.py takes every word, and finds 2.97e-6
    got, exact, _ = scores_and_exact()
    tail = ASCENDING < SEAM
    assert np.max(np.abs(got - exact)) < 3e-6
    assert np.max(np.abs(got - exact)[tail]) > 1e-6, "no word of the worst part is here"
    assert np.max(np.abs(got - exact)[np.abs(exact) < 0.05]) < 1e-7
    assert np.max(np.abs(got / exact - 1)[np.abs(exact) > 0.05]) < 1.2e-6
    assert got[0] == -got[-1] == pytest.approx(special.ndtri(2.0**-33), abs=3e-6)
    assert np.max(np.abs(got)) < 6.34


def test_normals_are_monotone_in_the_word_to_the_last_bit():
    got = np.asarray(jax.jit(random_words.normal)(jnp.asarray(ASCENDING)))
    last_bit = np.spacing(np.maximum(np.abs(got[1:]), np.abs(got[:-1])))
    assert np.max((got[:-1] - got[1:]) / last_bit) <= 1


def test_uniforms_lie_inside_the_open_interval_below_and_mirror():
    got = np.asarray(random_words.uniform(jnp.asarray(MANY)), np.float64)
    assert np.min(got) > 0
    assert np.max(got) <= 1
    mirrored = np.asarray(random_words.uniform(jnp.asarray(~MANY)), np.float64)
    assert np.max(np.abs(got + mirrored - 1)) < 2.0**-23
