"""Sobol' points: SciPy's before they are scrambled, nets as even after it, randomisations that know nothing of each
other; and what they buy.
"""

import functools
import hashlib
from itertools import combinations

import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats
from scipy.special import ndtri
from scipy.stats import qmc

from engine.draws import random_words, sobol
from engine.draws.sampling import SAMPLERS
from tests.helpers import assert_plausible, assert_same
from tests.words import words as words_of

SOBOL, SIZE, DEPTH = SAMPLERS["sobol"], sobol.POINTS, sobol.DEPTH
NAMES = ("a", "b", "c", "d", "e", "apart")
DIMENSIONS = (1, 2, 3, 7, 45, 0)
"""Of the streams; the last has none."""
LAST = (1 << 62) - (1 << 14)
TILE = 1 << 16
REPLICATES = 1 << 10


def keyed(name, dimension, seed=7):
    """Key words of a stream, and its direction numbers."""
    return np.concatenate([random_words.stream_key(seed, f"factor:{name}"), sobol.directions(dimension)])


KEYS = jnp.asarray(np.array([*map(keyed, NAMES, DIMENSIONS)]))


def words(first_path, paths, keys=KEYS):
    """Words of consecutive paths, uint32 [stream, path]."""
    return words_of(SOBOL, keys, first_path, paths)


@functools.cache
def many():
    """Words of many randomisations, uint32 [stream, randomisation, point]."""
    parts = [words(first, TILE) for first in range(0, REPLICATES * SIZE, TILE)]
    return np.concatenate(parts, axis=1).reshape(len(KEYS), REPLICATES, SIZE)


def places():
    """The cell of each point of the streams that have a dimension, of `SIZE` equal ones."""
    return (many()[:-1] >> (32 - DEPTH)).astype(np.int64)


@functools.cache
def scores():
    """Normal scores, float64 [stream, randomisation, point]."""
    return ndtri((many() + 0.5) / 2.0**32)


# ------------------------------------------------------------------------------- points


def unscrambled(dimensions, count=SIZE):
    """Points in these dimensions, in cells, [point, dimension]."""
    digits = jnp.asarray(np.array([sobol.directions(one) for one in dimensions]).T)
    points = sobol.point(jnp.arange(count, dtype=jnp.uint32)[:, None], digits)
    return np.asarray(points >> (32 - DEPTH)).astype(np.int64)


@pytest.mark.parametrize(("digits", "count"), [(1, 5), (4, 1024), (7, 1024), (DEPTH, 1024), (DEPTH, 3)])
def test_unscrambled_points_are_those_of_scipy_as_a_set(digits, count):
    own = unscrambled(range(1, count + 1), 1 << digits)
    theirs = (qmc.Sobol(count, scramble=False).random_base2(digits) * SIZE).astype(np.int64)
    assert_same(own[np.lexsort(own.T[::-1])], theirs[np.lexsort(theirs.T[::-1])])


# degree, coefficients and first numbers of dimensions 2 to 8, from the published file new-joe-kuo-6.21201
PUBLISHED = [
    (1, 0, [1]),
    (2, 1, [1, 3]),
    (3, 1, [1, 3, 1]),
    (3, 2, [1, 1, 1]),
    (4, 1, [1, 1, 3, 3]),
    (4, 4, [1, 3, 5, 13]),
    (5, 2, [1, 1, 5, 5, 17]),
]


def test_direction_numbers_are_those_that_joe_and_kuo_published():
    assert_same(sobol.directions(1), np.array([1 << (31 - k) for k in range(DEPTH)], np.uint32))
    for dimension, (degree, coefficients, first) in enumerate(PUBLISHED, 2):
        v = [m << (31 - k) for k, m in enumerate(first)]
        for k in range(degree, DEPTH):
            v.append(v[k - degree] ^ (v[k - degree] >> degree))
            for j in range(1, degree):
                v[k] ^= ((coefficients >> (degree - 1 - j)) & 1) * v[k - j]
        assert_same(sobol.directions(dimension), np.array(v, np.uint32))


def test_no_other_version_of_scipy_changes_what_a_path_draws():
    table = np.array([sobol.directions(k) for k in range(sobol.DIMENSIONS + 1)])
    assert hashlib.sha256(table.astype("<u4").tobytes()).hexdigest()[:16] == "51cf0bd3bf5cdf86"


# ------------------------------------------------------------------------------- scrambles


def test_every_cell_holds_one_point_of_each_randomisation():
    for first in (0, 1 << 20, (1 << 33) - (1 << 14), 1 << 34, LAST):
        found = words(first, 1 << 14)[:-1].reshape(len(KEYS) - 1, -1, SIZE) >> (32 - DEPTH)
        assert_same(np.sort(found, axis=-1), np.broadcast_to(np.arange(SIZE, dtype=np.uint32), found.shape))


def is_even(one, other, digits):
    """Whether each box of 2^digits by 2^(DEPTH - digits) holds one point, of places [..., point]."""
    box = (one >> (DEPTH - digits) << (DEPTH - digits)) | (other >> digits)
    return np.all(np.sort(box, axis=-1) == np.arange(SIZE), axis=-1)


def test_scrambled_pairs_are_even_in_the_boxes_in_which_they_were():
    found, before = places()[:, :8], unscrambled(DIMENSIONS[:-1]).T
    seen = set()
    for a, b in combinations(range(len(found)), 2):
        for digits in range(DEPTH + 1):
            was = bool(is_even(before[a], before[b], digits))
            assert np.all(is_even(found[a], found[b], digits) == was)
            seen.add(was)
    assert seen == {True, False}
    assert is_even(before[0], before[1], 5), "the first two dimensions are a net of the best kind"


def drawn_words(count):
    """Random words of many scrambles, [word, scramble, 1]."""
    drawn = np.random.default_rng(5).integers(0, 1 << 32, (4, count, 1), dtype=np.uint32)
    return [*jnp.asarray(drawn)]


def scrambles(points, count):
    """Places of some points under many scrambles, int64 [scramble, point]."""
    given = jnp.asarray(np.array(points, np.uint32) << (32 - DEPTH))
    return np.asarray(sobol.scrambled(given, drawn_words(count)) >> (32 - DEPTH)).astype(np.int64)


def test_points_part_where_they_did_and_are_apart_as_in_an_owen_scramble():
    """Two points share the digits that they shared and no more; those after the first that differs are even and
    independent, of each other and of the rest.
    """
    for shared in range(DEPTH):
        one = 0b101101001110 & ~(1 << (DEPTH - 1 - shared))
        other = one ^ (1 << (DEPTH - 1 - shared)) ^ ((1 << (DEPTH - 1 - shared)) - 1)
        found = scrambles([one, other], 1 << 14)
        apart = found[:, 0] ^ found[:, 1]
        assert np.all(apart >> (DEPTH - 1 - shared) == 1)
        below = DEPTH - 1 - shared
        if below:
            differ = apart & ((1 << below) - 1)
            for bit in range(below):
                assert_plausible(((differ >> bit) & 1).mean(), 0.5, 0.5 / 2**7, 0.02)
            # the next digit differs or not, whatever the first place is
            table = np.zeros((16, 2))
            np.add.at(table, (found[:, 0] >> (DEPTH - 4), differ >> (below - 1)), 1)
            assert stats.chi2_contingency(table).pvalue > 1e-6


def test_places_of_two_randomisations_and_of_two_streams_are_independent():
    found = places() >> (DEPTH - 4)
    for point in (0, 1, 1000, SIZE - 1):
        of_point = found[..., point]
        for one, other in ((of_point[0, :-1], of_point[0, 1:]), (of_point[1], of_point[2])):
            table = np.zeros((16, 16))
            np.add.at(table, (one, other), 1)
            statistic = ((table - table.sum() / 256) ** 2).sum() / (table.sum() / 256)
            assert 1e-6 < stats.chi2.sf(statistic, 255) < 1 - 1e-6


def test_no_randomisation_repeats_another():
    first = places()[0]
    assert len(np.unique(first[:, :8], axis=0)) == REPLICATES
    far = words(1 << 33, TILE)[0].reshape(-1, SIZE) >> (32 - DEPTH)
    assert not np.any(np.all(far == first[: len(far)], axis=-1))


def test_below_the_cell_are_the_highest_bits_of_the_random_word_and_all_of_them_without_a_dimension():
    own, random = words(0, 1 << 14), words_of(SAMPLERS["random"], KEYS[:, :2], 0, 1 << 14)
    assert_same(own[:-1] & 0xFFFFF, random[:-1] >> DEPTH)
    assert_same(own[-1], random[-1])


# ------------------------------------------------------------------------------- what they buy


def smooth(z):
    """A smooth function of five normals with interactions, of mean 1."""
    return np.exp(0.2 * z.sum(axis=0) - 0.1) * (1 + 0.1 * z[0] * z[1] - 0.1 * 0.2**2)


def gain(function):
    """Variance of a mean over 4,096 independent paths, in that over as many points."""
    values = function(scores()[:-1])
    return values.var() / SIZE / values.mean(axis=-1).var(ddof=1)


def test_means_of_smooth_functions_are_without_bias_and_vary_much_less():
    means = smooth(scores()[:-1]).mean(axis=-1)
    assert_plausible(means.mean(), 1.0, means.std(ddof=1) / np.sqrt(REPLICATES), 1e-3)
    assert gain(smooth) > 10
