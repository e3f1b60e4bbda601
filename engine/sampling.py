"""Samplers: path numbers -> random words and normals, one per path and stream, all words of the generator used.

A sampler takes the paths of one tile in a lane order of its own, chosen so that no random word is computed twice and
none is thrown away; `path_order` says which path each lane is. What a path draws depends on its number alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt32

from engine import bits

Words = UInt32[Array, "..."]
Key = UInt32[Array, "... 2"]
Counter = tuple[UInt32[Array, ""], UInt32[Array, ""]]


@dataclass(frozen=True)
class Sampler:
    """How path numbers become random words.

    Args:
      name: its name in the study file.
      unit: paths in one independent unit; the second path of two mirrors the first.
      offsets: path number, within the group of paths that share one evaluation of the generator, of each run of lanes:
        those of its first word, those of its second; then their mirrors.
    """

    name: str
    unit: int
    offsets: tuple[int, ...]

    @property
    def group(self) -> int:
        """Paths that share one evaluation of the generator; a tile holds whole groups."""
        return len(self.offsets)

    def words(self, key: Key, first: Counter, tile: int) -> Words:
        """One word per lane: uint32 [*key batch, tile]; the mirror of a word is its complement.

        Args:
          key: stream keys, uint32 [..., 2].
          first: counter of the tile's first group, (low, high) words; a multiple of the groups in a tile.
          tile: lanes.
        """
        return self._mirrored(
            self._drawn(key, first, tile), lambda word, sign: jnp.where(sign > 0, word, ~word)
        )

    def normals(self, key: Key, first: Counter, tile: int, dtype: type = np.float32) -> Float[Array, "..."]:
        """The normal scores of `words`, [*key batch, tile]; the mirror of a score is its negative."""
        scores = jax.lax.optimization_barrier(bits.normal(self._drawn(key, first, tile), dtype))
        return self._mirrored(scores, jnp.multiply)

    def _drawn(self, key: Key, first: Counter, tile: int) -> Words:
        """Words that are not mirrors of others: uint32 [*key batch, word of the generator, group]."""
        lane = jnp.arange(tile // self.group, dtype=jnp.uint32)
        counter = (first[0] | lane, jnp.broadcast_to(first[1], lane.shape))
        pair = bits.paired(*bits.threefry2x32((key[..., 0, None], key[..., 1, None]), counter))
        return bits.parted(jax.lax.optimization_barrier(pair))

    def _mirrored(self, drawn: Array, mirror: Callable[[Array, Array], Array]) -> Array:
        """The lanes [*key batch, tile] of what is drawn and of its mirrors, which `mirror` gives of (drawn, sign -1)."""
        if self.unit == 2:
            sign = jnp.array([1.0, -1.0], jnp.float32)[:, None, None]
            drawn = mirror(drawn[..., None, :, :], sign)
        drawn = jax.lax.optimization_barrier(drawn)
        return drawn.reshape(*drawn.shape[: drawn.ndim - 1 - self.unit], -1)

    def path_order(self, tile: int) -> Int[np.ndarray, "tile"]:
        """Path number within the tile of each lane."""
        group = np.arange(tile // self.group) * self.group
        return np.concatenate([group + offset for offset in self.offsets])

    def first_counter(self, first_path: int) -> int:
        """Counter of the group that begins with this path."""
        return first_path // self.group


SAMPLERS = {
    sampler.name: sampler
    for sampler in (
        Sampler("random", 1, (0, 1)),
        # paths 2k and 2k + 1 mirror each other: every word is complemented, so every normal changes its sign
        Sampler("antithetic", 2, (0, 2, 1, 3)),
    )
}
