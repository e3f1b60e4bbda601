"""Points of a Sobol' sequence: direction numbers by dimension, which random stream has which dimension, and a scramble by key.

Direction numbers are those of Joe and Kuo (2008), SIAM J. Sci. Comput. 30, 2635-2654, doi:10.1137/070709359, read through SciPy's
points. The scramble is linear (Matousek 1998, J. Complexity 14, 527-556, doi:10.1006/jcom.1998.0489), with a digital shift: variances
are those of Owen's nested uniform scramble (Owen 2003, ACM Trans. Model. Comput. Simul. 13, 363-378, doi:10.1145/945511.945518).
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

DEPTH = 12
POINTS = 1 << DEPTH
"""Points of one randomisation, a unit. Fixed for good: it is part of what a path draws. 32 units are a block."""
DIMENSIONS = 1024
"""Dimensions that are used: in these no two begin with the same digits, further on some do, and a pair of them is worse than random."""
WORDS = 4
"""Random words that a scramble takes."""

Words = UInt32[Array, "..."]


def directions(dimension: int) -> UInt32[np.ndarray, "digit"]:
    """Direction numbers of a dimension, from 1 on, each in the highest bits of a word; zeros for 0, which is none."""
    return _table()[dimension]


@functools.cache
def _table() -> UInt32[np.ndarray, "dimension digit"]:
    from scipy.stats import qmc  # takes long to import, and one sampler alone needs it

    sequence, at = qmc.Sobol(DIMENSIONS, scramble=False), 0
    table = np.zeros((DIMENSIONS + 1, DEPTH), np.uint32)
    for digit in range(DEPTH):
        # SciPy goes by Gray code: the number of this point has one digit alone in it
        number = (2 << digit) - 1
        sequence.fast_forward(number - at)
        table[1:, digit] = (sequence.random(1)[0] * POINTS).astype(np.uint32) << (32 - DEPTH)
        at = number + 1
    return table


def dimensions(
    streams: Iterable[tuple[str, int | None]], stated: Mapping[str, Sequence[int]]
) -> dict[str, tuple[int, ...]]:
    """The dimension of each random stream, of one that is drawn by year those of its years; 0 for ordinary random words.

    What is stated stays. All else takes the dimensions that are left, the first ones first, until there are no more.

    Args:
      streams: name and number of the year, None for one that is drawn once; in the order in which they are given dimensions.
    """
    taken = {dimension for by_year in stated.values() for dimension in by_year}
    left = iter([dimension for dimension in range(1, DIMENSIONS + 1) if dimension not in taken])
    table: dict[str, list[int]] = {}
    for name, year in streams:
        own = stated.get(name, ())
        table.setdefault(name, []).append(own[year or 0] if (year or 0) < len(own) else next(left, 0))
    return {name: tuple(by_year) for name, by_year in table.items()}


def point(index: Words, digits: Sequence[Words] | Words) -> Words:
    """The point of each index, in the highest bits of a word.

    Args:
      index: bit k of it goes with number k of `digits`, which are direction numbers.
    """
    return _sum(index, digits, [1 << k for k in range(len(digits))])


def scrambled(points: Words, words: Sequence[Words]) -> Words:
    """Each digit of the points plus a random sum of those before it, plus a random digit: a bijection, each point even.

    Args:
      points: in the highest bits of a word.
      words: `WORDS` random ones of the stream and randomisation.
    """
    columns, shift = _scramble(words)
    return _sum(points, columns, [1 << (31 - k) for k in range(DEPTH)]) ^ shift


def _scramble(words: Sequence[Words]) -> tuple[list[Words], Words]:
    """What each digit turns over, itself and at random any digit that follows; and what is turned over in all."""
    parts, at, used = [], 0, 0
    for size in (*range(DEPTH - 1, -1, -1), DEPTH):
        if used + size > 32:
            at, used = at + 1, 0
        parts.append((words[at] << used) & _highest(size))
        used += size
    *below, shift = parts
    return [jnp.uint32(1 << (31 - k)) | (part >> (k + 1)) for k, part in enumerate(below)], shift


def _highest(count: int) -> Array:
    return jnp.uint32((1 << 32) - (1 << 32 - count))


def _sum(bits: Words, values: Sequence[Words] | Words, masks: Sequence[int]) -> Words:
    """The exclusive or of the values whose bit is set."""
    total = jnp.zeros((), jnp.uint32)
    for value, mask in zip(values, masks, strict=True):
        total = jnp.where((bits & jnp.uint32(mask)) != 0, total ^ value, total)
    return total
