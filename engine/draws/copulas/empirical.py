"""Empirical copula of a table of data: a random row, and within it each member uniform in the cell of its rank."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from engine.draws.copulas.contract import Copula, Implied, Scores, Shared
from engine.draws.random_words import size_exceeded, tails
from engine.errors import refusal

MOST_ROWS = 8192
MOST_RANKS = 65_536
"""Greatest number of rows times members in a study, whose file must contain them."""
_SMALLEST = 2.0**-33
"""Smallest tail probability that a random word can give."""


@dataclass(frozen=True)
class Empirical(Copula):
    """Checkerboard copula of data: U_i = (R_i(K) + V_i) / n, with K a random row shared by all members.

    R_i is the rank of member i in row K, V_i its own uniform; every U_i is exactly uniform (Genest, Neslehova and
    Remillard: Asymptotic behavior of the empirical multilinear copula process, J. Multivariate Anal. 159, 2017,
    doi:10.1016/j.jmva.2017.04.004).

    Args:
      members: in the order of the ranks.
      ranks: [member][row], each member's a permutation of 0 to n - 1.
    """

    members: tuple[str, ...]
    ranks: tuple[tuple[int, ...], ...]

    family = "empirical"
    latents = ("",)

    def parameters(self, dtype: type) -> Any:
        return {"ranks": np.array(self.ranks, np.int32)}

    def scores(self, own: Scores, shared: Shared, parameters: Any) -> Scores:
        n, z = parameters["ranks"].shape[-1], shared[0]
        # counted from the nearer end, where a tail probability is more precise than one minus it
        near = jnp.minimum(jnp.floor(jnp.minimum(*tails(z)) * n).astype(jnp.int32), n - 1)
        row = jax.lax.optimization_barrier(jnp.where(z < 0, near, n - 1 - near))
        joint = {}
        for k, name in enumerate(self.members):
            rank = jnp.take(jnp.asarray(parameters["ranks"])[k], row, mode="clip")
            lower, upper = tails(own[name])
            below, above = (part.astype(z.dtype) for part in (rank, n - 1 - rank))
            joint[name] = _score((below + lower) / n, (above + upper) / n)
        return jax.lax.optimization_barrier(joint)

    def implied(self, members: Sequence[str]) -> Implied:
        """Rank correlations of the checkerboard copula; tail dependence from common rows among the sqrt(n) extremes."""
        from scipy.stats import kendalltau

        ranks = np.array([self.ranks[self.members.index(name)] for name in members], np.float64)
        n = ranks.shape[-1]
        far = max(1, round(np.sqrt(n)))
        middle = (ranks + 0.5) / n - 0.5
        spearman = 12.0 * (middle @ middle.T) / n
        lower, upper = ((side @ side.T) / far for side in (1.0 * (ranks < far), 1.0 * (ranks >= n - far)))
        np.fill_diagonal(spearman, 1.0)
        kendall = np.eye(len(ranks))
        for i, j in itertools.combinations(range(len(ranks)), 2):
            # two draws from the same row are concordant with probability 1/2
            kendall[i, j] = kendall[j, i] = kendalltau(ranks[j], ranks[i]).statistic * (n - 1) / n
        return Implied(kendall, spearman, lower, upper, f"tails: the {far} farthest of {n} rows")

    def describe(self) -> str:
        return f"{len(self.ranks[0])} rows"


def _score(lower: Any, upper: Any) -> Any:
    """Normal score with these probabilities below and above it, computed from the smaller one; within +-`FARTHEST`."""
    tail = jnp.clip(jnp.minimum(lower, upper), _SMALLEST, 0.5)
    size = size_exceeded(tail + tail) if tail.dtype == np.float32 else -jax.scipy.special.ndtri(tail)
    return jnp.where(upper < lower, size, -size)


def refuse_unless_ranks(place: str, ranks: Mapping[str, Sequence[int]]) -> None:
    """Raises a refusal unless each member's ranks are a permutation of 0 to n - 1 and n is within limits."""
    sizes = {len(given) for given in ranks.values()}
    if len(sizes) != 1:
        raise refusal(place, f"expected as many ranks for each member, got {' and '.join(map(str, sorted(sizes)))}.")
    n = sizes.pop()
    if not 2 <= n <= MOST_ROWS or n * len(ranks) > MOST_RANKS:
        most = min(MOST_ROWS, MOST_RANKS // len(ranks))
        raise refusal(place, f"expected 2 to {most} rows of {len(ranks)} members, got {n}. Leave out rows evenly.")
    for name, given in ranks.items():
        if sorted(given) != list(range(n)):
            wrong = next(rank for rank in given if rank not in range(n) or given.count(rank) > 1)
            text = f"expected each of 0 to {n - 1} once for '{name}', got {wrong:g}"
            raise refusal(place, f"{text}{' twice' * (wrong in range(n))}. Count from 0, and break ties at random.")
