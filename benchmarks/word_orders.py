"""The engine's random words in the orders in which a flaw of the addressing would show, as runs without an end.

Keys are those that the engine feeds the shipped study's program, words those of its sampler: nothing is computed here
but the order. Mirrored paths repeat words by design, so the orders take single paths; the words of the first of each
antithetic pair are the same ones.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from engine import load_study
from engine.draws.sampling import SAMPLERS
from engine.program import arguments

SAMPLER = SAMPLERS["random"]
WORDS_AT_ONCE = 1 << 20
NEIGHBOURS = 16
REVERSED = np.array([int(f"{byte:08b}"[::-1], 2) for byte in range(256)], np.uint8)


@dataclass(frozen=True)
class Order:
    """Path after path, and on each path the words of some streams.

    Args:
      about: the order in words: what follows what.
      keys: seed -> keys of the streams, uint32 [stream, 2].
      starts: first numbers of the ranges of paths that are taken by turns.
      finish: applied to the words at the end.
    """

    about: str
    keys: Callable[[int], np.ndarray]
    starts: tuple[int, ...] = (0,)
    finish: Callable[[np.ndarray], np.ndarray] = np.ascontiguousarray

    def chunks(self, seed: int) -> Iterator[np.ndarray]:
        """Yields the words, uint32, some million at a time."""
        keys = jnp.asarray(self.keys(seed))
        per_path = len(keys) * len(self.starts)
        paths = 1 << (WORDS_AT_ONCE // per_path).bit_length() - 1
        first = 0
        while True:
            parts = [_words(keys, _halves(start + first), paths) for start in self.starts]
            yield self.finish(np.concatenate(parts, axis=1).ravel())
            first += paths


@partial(jax.jit, static_argnums=2)
def _words(keys: jax.Array, first: tuple[jax.Array, jax.Array], paths: int) -> jax.Array:
    """Words of consecutive paths in their order: uint32 [path, stream]."""
    groups = first[0] | jnp.arange(paths // SAMPLER.group, dtype=jnp.uint32)
    of_groups = jax.vmap(lambda key: jax.vmap(lambda low: SAMPLER.words(key, (low, first[1])))(groups))
    return of_groups(keys).reshape(len(keys), paths).T


def _halves(first_path: int) -> tuple[jax.Array, jax.Array]:
    counter = first_path // SAMPLER.group
    return jnp.uint32(counter & 0xFFFFFFFF), jnp.uint32(counter >> 32)


def _program_keys(seed: int) -> dict:
    return arguments.of(replace(load_study("rustbelt"), seed=seed))


def _one_stream(seed: int) -> np.ndarray:
    return _program_keys(seed)["factor_keys"][:1]


def _all_streams_of_a_year(seed: int) -> np.ndarray:
    keys = _program_keys(seed)
    return np.concatenate([keys["factor_keys"], *(law[0] for law in keys["shock_keys"].values())])


def _one_shock_by_year(seed: int) -> np.ndarray:
    return _program_keys(seed)["shock_keys"]["normal"][:, 0]


def _one_stream_of_neighbouring_seeds(seed: int) -> np.ndarray:
    return np.concatenate([_one_stream(seed + k) for k in range(NEIGHBOURS)])


def _two_years_alike(seed: int) -> np.ndarray:
    keys = _one_shock_by_year(seed).copy()
    keys[1] = keys[0]
    return keys


def _bits_reversed(words: np.ndarray) -> np.ndarray:
    return REVERSED[words.view(np.uint8)].view(np.uint32).byteswap()


ORDERS = {
    "path": Order("one stream, path after path", _one_stream),
    "reversed": Order("the same, the bits of each word reversed", _one_stream, finish=_bits_reversed),
    "name": Order("each path: factors, groups, shocks of a year", _all_streams_of_a_year),
    "step": Order("each path: one shock, year after year", _one_shock_by_year),
    "seed": Order(f"each path: one stream under {NEIGHBOURS} neighbouring seeds", _one_stream_of_neighbouring_seeds),
    "high": Order(
        f"one stream, {NEIGHBOURS} path numbers that differ above bit 32 by turns",
        _one_stream,
        starts=tuple(k << 33 for k in range(NEIGHBOURS)),
    ),
}  # fmt: skip
BROKEN = {"broken": Order("as `step`, two of the years under one key: must fail", _two_years_alike)}
"""A broken addressing, which a battery must reject; otherwise its passing the others would mean nothing."""
