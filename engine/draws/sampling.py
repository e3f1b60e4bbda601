"""Samplers: path numbers to random words and normal scores, one for each path and stream.

A sampler orders the paths of a tile in lanes so that no word of the generator is computed twice or thrown away;
`path_order` gives the path of each lane. What a path draws depends on its number alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt32

from engine.draws import random_words, sobol
from engine.draws.random_words import Floats, Words

Key = UInt32[Array, "... word"]
"""The two key words of a stream, followed by the sampler's `directions`."""
Counter = tuple[UInt32[Array, ""], UInt32[Array, ""]]


@dataclass(frozen=True)
class Sampler:
    """How path numbers become random words; the words of a path are uniformly distributed and independent.

    Words are the generator's. In units of 2 the second path mirrors the first (antithetic pairs).

    Args:
      name: name in the study file.
      unit: number of paths in an independent unit, a power of two; units consist of consecutive paths.
      offsets: for each run of lanes, the path's number within its group: of the paths with the generator's first word,
        then its second word; then of their mirrors.
    """

    name: str
    unit: int
    offsets: tuple[int, ...] = (0, 1)

    directions = 0
    """Number of a stream's direction numbers that follow its key words."""

    @property
    def group(self) -> int:
        """Number of paths that share one evaluation of the generator; a tile holds whole groups."""
        return len(self.offsets)

    def words(self, key: Key, first: Counter, tile: int) -> Words:
        """One word per lane: uint32 [*key batch, tile].

        Args:
          first: counter of the tile's first group, (low, high) words; a multiple of the groups in a tile.
        """
        return self._mirrored(self._arranged(key, first, tile)).reshape(*key.shape[:-1], tile)

    def normals(self, key: Key, first: Counter, tile: int, dtype: type = np.float32) -> Floats:
        """The normal scores of `words`, [*key batch, tile]."""
        scores = random_words.normal(self._arranged(key, first, tile), dtype)
        return self._mirrored(scores).reshape(*key.shape[:-1], tile)

    def _arranged(self, key: Key, first: Counter, tile: int) -> Words:
        """Words without mirrors: uint32 [*key batch, word of the generator, group]."""
        lane = jnp.arange(tile // self.group, dtype=jnp.uint32)
        counter = (first[0] | lane, jnp.broadcast_to(first[1], lane.shape))
        return jnp.stack(random_words.threefry2x32((key[..., 0, None], key[..., 1, None]), counter), axis=-2)

    def _mirrored(self, numbers: Array) -> Array:
        """Words or scores with their mirrors, if there are any, along a new axis in front of the last two.

        The mirror of a word is its bitwise complement, that of a score its negative.
        """
        if self.unit == 2:
            sign = jnp.array([1.0, -1.0], jnp.float32)[:, None, None]
            if numbers.dtype == np.uint32:
                own = numbers[..., None, :, :]
                numbers = jnp.where(sign > 0, own, ~own)
            else:
                numbers = jax.lax.optimization_barrier(numbers)[..., None, :, :] * sign
        return jax.lax.optimization_barrier(numbers)


def path_order(sampler: Sampler, tile: int) -> Int[np.ndarray, "tile"]:
    """Path number within the tile of each lane."""
    group = np.arange(tile // sampler.group) * sampler.group
    return np.concatenate([group + offset for offset in sampler.offsets])


class Sobol(Sampler):
    """Randomised Sobol' points, one dimension for each stream; streams without one have the words of `random`.

    Path i is point i mod `unit` of randomisation i div `unit`. Below the bits of the point stand the highest bits of
    the word that the path has under `random`.
    """

    directions = sobol.DEPTH

    def _arranged(self, key: Key, first: Counter, tile: int) -> Words:
        plain = super()._arranged(key, first, tile)
        replicates = max(1, tile // self.unit)
        drawn = plain.reshape(*plain.shape[:-1], replicates, -1)
        # counters of a replicate, as a power of two, as each belongs to a group of two paths
        share = sobol.DEPTH - 1
        low = ((first[0] >> share) | (first[1] << (32 - share))) + jnp.arange(replicates, dtype=jnp.uint32)
        words = sobol.scramble_words(key, (low, jnp.broadcast_to(first[1] >> share, low.shape)))
        counter = first[0] | jnp.arange(drawn.shape[-1], dtype=jnp.uint32)
        digits = [key[..., 2 + k, None, None, None] for k in range(sobol.DEPTH)]
        # the two paths of a group differ only in the lowest bit of their number
        even = sobol.point(counter, digits[1:])
        points = jnp.concatenate([even, even ^ digits[0]], axis=-3)
        arranged = sobol.scrambled(points, list(words)) | (drawn >> sobol.DEPTH)
        return jnp.where(digits[0] != 0, arranged, drawn)


SAMPLERS: dict[str, Sampler] = {
    sampler.name: sampler
    for sampler in (
        Sampler("random", 1),
        # paths 2k and 2k + 1 mirror each other: every word is complemented, so every normal changes its sign
        Sampler("antithetic", 2, (0, 2, 1, 3)),
        Sobol("sobol", sobol.POINTS),
    )
}
REMOVED = {"latin": "'sobol' (replicates of 4,096 points) or 'antithetic'"}
"""Samplers of earlier versions, and what to take instead."""
