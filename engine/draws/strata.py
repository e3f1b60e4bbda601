"""Strata of a Latin hypercube: for each stream and replicate a keyed permutation, computed point by point, with no sort and no table.

Six rounds of x -> a x + c modulo the number of strata, then x ^ (x >> half its bits), each a bijection, with a (odd) and
c from a random word of the round: the multiplication carries differences up, the shift carries them down. The last c alone
makes the stratum of a point even, exactly; the rest makes the strata of two points those of a random permutation, nearly.
The idea: Kensler, Correlated multi-jittered sampling, Pixar Technical Memo 13-01, 2013.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, UInt32

from engine.draws import random_words

ROUNDS = 6
DOMAIN = 0x80000000
"""Set in the high counter word of the words of rounds; no counter of a path reaches it."""

Words = UInt32[Array, "..."]


def round_words(
    key: UInt32[Array, "... 2"], replicate: tuple[Words, Words], rounds: int = ROUNDS
) -> UInt32[Array, "rounds r ..."]:
    """Random words of the rounds, by stream key and number of the replicate, (low, high): uint32 [round, replicate, *key batch].

    Counter 4 r + j of the domain above gives rounds 2 j and 2 j + 1 of replicate r.

    Args:
      rounds: how many, an even number up to 8.
    """
    low, high = (part.reshape(-1, *[1] * (key.ndim - 1)) for part in replicate)
    pair = jnp.arange(rounds // 2, dtype=jnp.uint32).reshape(-1, *[1] * key.ndim)
    counter = (low << 2) | pair, ((high << 2) | (low >> 30) | jnp.uint32(DOMAIN))[None]
    drawn = jnp.broadcast_arrays(*random_words.threefry2x32((key[..., 0], key[..., 1]), counter))
    return jnp.stack(drawn, axis=1).reshape(rounds, *drawn[0].shape[1:])


def permuted(point: Words, words: Words, depth: int) -> Words:
    """The stratum of each point; both stand in the highest bits of a word, all others being zero.

    Args:
      point: numbers of points, times 2^(32 - depth).
      words: those of the rounds [round, ...]; all but the first axis broadcast with the points.
      depth: strata are 2^depth, as many as points.
    """
    highest = jnp.uint32((1 << 32) - (1 << 32 - depth))
    for word in words:
        point = point * (word | 1) + (word & highest)
        point = point ^ ((point >> (depth // 2)) & highest)
    return point
