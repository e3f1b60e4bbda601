"""Dependence: turns independent normal scores into scores that depend on each other within a group, by its copula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.draws.factors import Group


def latent_streams(groups: Mapping[str, Group]) -> list[str]:
    """Names of the random streams that members of a group share, in the order that `correlated` takes."""
    return [stream for group in groups.values() for stream in group.streams]


def correlated(
    own: Mapping[str, Any], shared: Sequence[Any], groups: Mapping[str, Group], parameters: Mapping[str, Any]
) -> dict[str, Any]:
    """Normal scores by name: dependent within each group, unchanged outside of groups.

    Args:
      own: independent normal score of each name [..., lane]: all members of all groups, and any others.
      shared: independent normal scores [..., lane] of `latent_streams`, in that order.
      groups: members and copula of each group by its name.
      parameters: numbers of each group's copula, as from its method `parameters`; they may be traced.
    """
    scores, latent = dict(own), iter(shared)
    for name, group in groups.items():
        members = {member: own[member] for member in group.members}
        scores |= group.copula.scores(members, [next(latent) for _ in group.streams], parameters[name])
    return scores
