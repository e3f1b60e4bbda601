"""Dependence: independent normal scores -> scores that move together inside each group, by an equicorrelated Gaussian copula.

Scores are keyed by name, so for correlation r >= 0 a member added to a group changes no other member's draw. For r < 0 no
common driver exists and each score leans against the sum of the others: then the members are part of the law.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Protocol

import jax
import jax.numpy as jnp


class Members(Protocol):
    """A group: its members and the correlation between any two of them."""

    @property
    def correlation(self) -> float: ...

    @property
    def members(self) -> tuple[str, ...]: ...


def lowest_correlation(n_members: int) -> float:
    """The lowest correlation that n equicorrelated scores can have: -1 / (n - 1)."""
    return -1.0 / max(n_members - 1, 1)


def correlated(
    own: Mapping[str, Any],
    shared: Mapping[str, Any],
    groups: Mapping[str, Members],
    correlation: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Normal scores by factor, equicorrelated inside each group: z_i = sqrt(r+) G + sqrt(1 - r) e_i + b sum_j e_j.

    b = 0 for r >= 0, which leaves the one-factor form; b = (-a + sqrt(a^2 + n r)) / n with a = sqrt(1 - r) for r < 0, the
    symmetric form whose correlation is r without a common driver.

    Args:
      own: factor -> its own independent normal score; all members of all groups, and any others.
      shared: group -> the independent normal score its members share.
      groups: group -> its members and correlation.
      correlation: group -> scalar that stands in for the group's own where given (may be traced).
    """
    scores = dict(own)
    for name, group in groups.items():
        traced = None if correlation is None else correlation.get(name)
        if traced is None:
            common, single, total = _weights(group.correlation, len(group.members))
        else:
            common, single, total = _traced_weights(traced, len(group.members))
        terms = {member: [single * own[member]] for member in group.members}
        if traced is not None or common:
            for member in group.members:
                terms[member].append(common * shared[name])
        if traced is not None or total:
            everyone = sum((own[member] for member in group.members[1:]), start=own[group.members[0]])
            for member in group.members:
                terms[member].append(total * everyone)
        # fenced, because which of two products is fused with their sum differs between programs, and with it the last bit
        terms = jax.lax.optimization_barrier(terms)
        scores |= {member: sum(parts[1:], start=parts[0]) for member, parts in terms.items()}
    return scores


def _weights(r: float, n: int) -> tuple[float, float, float]:
    single = math.sqrt(1.0 - r)
    if r >= 0:
        return math.sqrt(r), single, 0.0
    return 0.0, single, (math.sqrt(max(1.0 + (n - 1) * r, 0.0)) - single) / n


def _traced_weights(r: Any, n: int) -> tuple[Any, Any, Any]:
    single = jnp.sqrt(1.0 - r)
    leaning = (jnp.sqrt(jnp.maximum(1.0 + (n - 1) * r, 0.0)) - single) * (1.0 / n)
    return jnp.sqrt(jnp.maximum(r, 0.0)), single, jnp.where(r < 0, leaning, 0.0)
