"""Strata of a Latin hypercube: a keyed random permutation for each stream and replicate, computed point by point.

Six rounds of x -> a x + c modulo the number of strata, then x ^ (x >> half its bits), each a bijection, with a (odd)
and c from a random word of the round; multiplication spreads differences to higher bits, the shift to lower ones. The
last c alone makes the stratum of a point exactly uniform; the rest makes the strata of two points nearly those of a
random permutation. No sort or table is needed. The idea: Kensler, Correlated multi-jittered sampling, Pixar Technical
Memo 13-01, 2013.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, UInt32

from engine.draws import random_words
from engine.draws.random_words import Words

ROUNDS = 6
DOMAIN = 0x80000000
"""Bit set in the high counter word for the words of rounds, which no path's counter has."""


def round_words(
    key: UInt32[Array, "... 2"], replicate: tuple[Words, Words], rounds: int
) -> UInt32[Array, "rounds r ..."]:
    """Random words of the rounds for each stream and replicate: uint32 [round, replicate, *key batch].

    Counter 4 r + j, with `DOMAIN` set, gives rounds 2 j and 2 j + 1 of replicate r.

    Args:
      key: keys of the streams.
      replicate: number of each replicate, (low, high) words.
      rounds: number of rounds, even and at most 8.
    """
    low, high = (part.reshape(-1, *[1] * (key.ndim - 1)) for part in replicate)
    pair = jnp.arange(rounds // 2, dtype=jnp.uint32).reshape(-1, *[1] * key.ndim)
    counter = (low << 2) | pair, ((high << 2) | (low >> 30) | jnp.uint32(DOMAIN))[None]
    drawn = jnp.broadcast_arrays(*random_words.threefry2x32((key[..., 0], key[..., 1]), counter))
    return jnp.stack(drawn, axis=1).reshape(rounds, *drawn[0].shape[1:])


def permuted(point: Words, words: Words, depth: int) -> Words:
    """Stratum of each point. Points and strata stand in the highest bits of a word, with the other bits zero.

    Args:
      point: numbers of points, times 2^(32 - depth).
      words: words of the rounds [round, ...]; the other axes are broadcast with the points.
      depth: binary logarithm of the number of strata, which equals that of points.
    """
    highest = jnp.uint32((1 << 32) - (1 << 32 - depth))
    for word in words:
        point = point * (word | 1) + (word & highest)
        point = point ^ ((point >> (depth // 2)) & highest)
    return point
