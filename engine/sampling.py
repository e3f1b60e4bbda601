"""Samplers: path numbers -> random words, one word per path and stream, all words of the generator used.

A sampler takes the paths of one tile in a lane order of its own, chosen so that no random word is computed twice and
none is thrown away; `path_order` says which path each lane is. What a path draws depends on its number alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, UInt32

from engine import bits

Words = UInt32[Array, "..."]
Key = UInt32[Array, "... 2"]


@dataclass(frozen=True)
class Sampler:
    """How path numbers become random words.

    Args:
      name: its name in the study file.
      unit: paths in one independent unit.
      group: paths that share one evaluation of the generator; a tile holds whole groups.
      offsets: path number within the group of each run of lanes.
      spread: the two words of the generator -> the words of the group's paths, in the order of `offsets`.
    """

    name: str
    unit: int
    group: int
    offsets: tuple[int, ...]
    spread: Callable[[Words, Words], tuple[Words, ...]]

    def words(self, key: Key, first: tuple[UInt32[Array, ""], UInt32[Array, ""]], tile: int) -> Words:
        """One word per lane: uint32 [*key batch, tile].

        Args:
          key: stream keys, uint32 [..., 2].
          first: counter of the tile's first group, (low, high) words; a multiple of the groups in a tile.
          tile: lanes.
        """
        lane = jnp.arange(tile // self.group, dtype=jnp.uint32)
        counter = (first[0] | lane, jnp.broadcast_to(first[1], lane.shape))
        pair = bits.threefry2x32((key[..., 0, None], key[..., 1, None]), counter)
        # fenced, because a concatenation computes its parts one number at a time if they are fused into it
        return jnp.concatenate(self.spread(*jax.lax.optimization_barrier(pair)), axis=-1)

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
        Sampler("random", 1, 2, (0, 1), lambda a, b: (a, b)),
        # paths 2k and 2k + 1 mirror each other: every word is complemented, so every normal changes its sign
        Sampler("antithetic", 2, 4, (0, 2, 1, 3), lambda a, b: (a, b, ~a, ~b)),
    )
}
