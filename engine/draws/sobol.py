"""Sobol' points: direction numbers, assignment of dimensions to random streams, and scrambling by random words.

Direction numbers are those of Joe and Kuo (2008), SIAM J. Sci. Comput. 30, 2635-2654, doi:10.1137/070709359, recovered
from SciPy's points. The scramble is linear (Matousek 1998, J. Complexity 14, 527-556, doi:10.1006/jcom.1998.0489) with
a digital shift; its variances are those of Owen's nested uniform scramble (Owen 2003, ACM Trans. Model. Comput. Simul.
13, 363-378, doi:10.1145/945511.945518).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from engine.draws.random_words import Words, threefry2x32

DEPTH = 12
POINTS = 1 << DEPTH
"""Points of one randomisation, which is a unit; 32 units are a block. It must not change, as draws depend on it."""
DIMENSIONS = 1024
"""Number of dimensions in use.

No two of them have the same leading digits; some further dimensions do, and a pair of such is worse than random.
"""
DOMAIN = 0x80000000
"""Bit set in the high counter word for the words of scrambles, which no path's counter has."""


def directions(dimension: int) -> UInt32[np.ndarray, "digit"]:
    """Direction numbers of a dimension, from 1 on, in the highest bits of words; zeros for 0, no dimension."""
    return _table()[dimension]


@functools.cache
def _table() -> UInt32[np.ndarray, "dimension digit"]:
    from scipy.stats import qmc  # takes long to import, and one sampler alone needs it

    # SciPy uses Gray code, in which the number of each of these points has a single digit set
    points = qmc.Sobol(DIMENSIONS, scramble=False).random(POINTS)[(2 << np.arange(DEPTH)) - 1]
    table = np.zeros((DIMENSIONS + 1, DEPTH), np.uint32)
    table[1:] = (points.T * POINTS).astype(np.uint32) << (32 - DEPTH)
    return table


def dimensions(
    streams: Iterable[tuple[str, int | None]], stated: Mapping[str, Sequence[int]]
) -> dict[str, tuple[int, ...]]:
    """Dimensions of each random stream: one, or one for each year; 0 means ordinary random words.

    Stated dimensions are kept. The other streams take the remaining dimensions in ascending order until none is left.

    Args:
      streams: name, and index of the year or None for a stream drawn once; in the order in which they take dimensions.
      stated: dimensions already assigned, by name.
    """
    taken = {dimension for by_year in stated.values() for dimension in by_year}
    left = iter([dimension for dimension in range(1, DIMENSIONS + 1) if dimension not in taken])
    table: dict[str, list[int]] = {}
    for name, year in streams:
        own = stated.get(name, ())
        table.setdefault(name, []).append(own[year or 0] if (year or 0) < len(own) else next(left, 0))
    return {name: tuple(by_year) for name, by_year in table.items()}


def point(index: Words, digits: Sequence[Words] | Words) -> Words:
    """Sobol' point of each index, in the highest bits of a word.

    Args:
      index: numbers of the points.
      digits: direction numbers; the k-th belongs to bit k of the index.
    """
    return _sum(index, digits, [1 << k for k in range(len(digits))])


def scramble_words(
    key: UInt32[Array, "... word"], replicate: tuple[Words, Words]
) -> UInt32[Array, "4 ... 1 replicate 1"]:
    """The four random words of each stream's scramble in each replicate.

    They are the words of counters 4 r and 4 r + 1 of replicate r, with `DOMAIN` set.

    Args:
      key: keys of the streams.
      replicate: number of each replicate, (low, high) words.
    """
    low, high = (part[:, None] for part in replicate)
    pair = jnp.arange(2, dtype=jnp.uint32).reshape(2, *[1] * (key.ndim + 2))
    counter = (low << 2) | pair, (high << 2) | (low >> 30) | jnp.uint32(DOMAIN)
    words = threefry2x32((key[..., 0, None, None, None], key[..., 1, None, None, None]), counter)
    return jnp.stack(words, axis=1).reshape(4, *words[0].shape[1:])


def scrambled(points: Words, words: Sequence[Words]) -> Words:
    """Scrambled points: each digit plus a random sum, modulo 2, of the digits before it and a random bit.

    The scramble is a bijection, and each scrambled point is uniformly distributed.

    Args:
      points: in the highest bits of a word.
      words: the four random words of the stream and randomisation, from `scramble_words`.
    """
    parts, at, used = [], 0, 0
    for size in (*range(DEPTH - 1, -1, -1), DEPTH):
        if used + size > 32:
            at, used = at + 1, 0
        parts.append((words[at] << used) & jnp.uint32((1 << 32) - (1 << 32 - size)))
        used += size
    *below, shift = parts
    masks = [1 << (31 - k) for k in range(DEPTH)]
    # a digit that is set inverts itself and random digits after it
    columns = [jnp.uint32(mask) | (part >> (k + 1)) for k, (mask, part) in enumerate(zip(masks, below, strict=True))]
    return _sum(points, columns, masks) ^ shift


def _sum(bits: Words, values: Sequence[Words] | Words, masks: Sequence[int]) -> Words:
    """Exclusive or of the values whose mask bit is set in `bits`."""
    total = jnp.zeros((), jnp.uint32)
    for value, mask in zip(values, masks, strict=True):
        total = jnp.where((bits & jnp.uint32(mask)) != 0, total ^ value, total)
    return total
