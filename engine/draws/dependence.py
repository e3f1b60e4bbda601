"""Dependence: independent normal scores -> scores that move together inside each group, by its copula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.draws.inputs import Group


def latent_streams(groups: Mapping[str, Group]) -> list[str]:
    """Random streams of all scores that members of a group share, in the order in which `correlated` takes them."""
    return [stream for group in groups.values() for stream in group.streams]


def correlated(
    own: Mapping[str, Any],
    shared: Sequence[Any],
    groups: Mapping[str, Group],
    parameters: Mapping[str, Any],
) -> dict[str, Any]:
    """Normal scores by name: those of a group's members moving together, the others as they are.

    Args:
      own: name -> its own independent normal score [..., lane]; all members of all groups, and any others.
      shared: independent normal scores [..., lane] of `latent_streams`, in that order.
      groups: group -> its members and copula.
      parameters: group -> the numbers of its copula, as its `parameters` gives them; they may be traced.
    """
    scores, begin = dict(own), 0
    for name, group in groups.items():
        end = begin + len(group.streams)
        members = {member: own[member] for member in group.members}
        scores |= group.copula.scores(members, shared[begin:end], parameters[name])
        begin = end
    return scores
