"""Samplers: path numbers to random words and normal scores, one for each path and stream.

Paths are drawn in groups, of which each word of the generator is used: none is computed twice or thrown away. What a
path draws depends on its number alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, UInt32

from engine.draws import random_words, sobol
from engine.draws.random_words import Floats, Words

Key = UInt32[Array, "word"]
"""The two key words of a stream, followed by the sampler's `directions`."""
Counter = tuple[UInt32[Array, ""], UInt32[Array, ""]]
"""Number of a group of paths, (low, high) words."""


@dataclass(frozen=True)
class Sampler:
    """How path numbers become random words; the words of a path are uniformly distributed and independent.

    Words are the generator's. In units of 2 the second path mirrors the first (antithetic pairs).

    Args:
      name: name in the study file.
      unit: number of paths in an independent unit, a power of two; units consist of consecutive paths.
    """

    name: str
    unit: int

    directions = 0
    """Number of a stream's direction numbers that follow its key words."""

    @property
    def group(self) -> int:
        """Number of consecutive paths that share one evaluation of the generator, which gives two words."""
        return 4 if self.unit == 2 else 2

    def words(self, key: Key, counter: Counter) -> Words:
        """The words of a group of paths in their order; the mirror of a word is its bitwise complement."""
        words = self._drawn(key, counter)
        return jax.lax.optimization_barrier(self._mirrored(words, ~words))

    def normals(self, key: Key, counter: Counter, dtype: type = np.float32) -> Floats:
        """The normal scores of `words`; the mirror of a score is its negative."""
        scores = jax.lax.optimization_barrier(random_words.normal(self._drawn(key, counter), dtype))
        return jax.lax.optimization_barrier(self._mirrored(scores, -scores))

    def _drawn(self, key: Key, counter: Counter) -> Words:
        """Words of a group without mirrors."""
        return jnp.stack(random_words.threefry2x32((key[0], key[1]), counter))

    def _mirrored(self, own: Array, mirrors: Array) -> Array:
        return jnp.stack([own, mirrors], axis=-1).reshape(-1) if self.unit == 2 else own


class Sobol(Sampler):
    """Randomised Sobol' points, one dimension for each stream; streams without one have the words of `random`.

    Path i is point i mod `unit` of randomisation i div `unit`. Below the bits of the point stand the highest bits of
    the word that the path has under `random`.
    """

    directions = sobol.DEPTH

    def _drawn(self, key: Key, counter: Counter) -> Words:
        plain, digits, (low, high) = super()._drawn(key, counter), key[2:], counter
        share = sobol.DEPTH - 1  # binary logarithm of the groups in a randomisation
        words = sobol.scramble_words(key, ((low >> share) | (high << (32 - share)), high >> share))
        # the two paths of a group differ only in the lowest bit of their number
        even = sobol.point(low, digits[1:])
        arranged = sobol.scrambled(jnp.stack([even, even ^ digits[0]]), words) | (plain >> sobol.DEPTH)
        return jnp.where(digits[0] != 0, arranged, plain)


SAMPLERS: dict[str, Sampler] = {
    sampler.name: sampler for sampler in (Sampler("random", 1), Sampler("antithetic", 2), Sobol("sobol", sobol.POINTS))
}
REMOVED = {"latin": "'sobol' (replicates of 4,096 points) or 'antithetic'"}
"""Samplers of earlier versions, and what to take instead."""
