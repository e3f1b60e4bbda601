"""Factors of a study as they are drawn: the prior of each, and groups of dependent ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine.draws.copulas.contract import Copula
from engine.draws.distributions.closed import Marginal
from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import Target


@dataclass(frozen=True)
class Input:
    """A factor with its prior.

    Args:
      name: name of the factor, which is also the key of its random words.
      unit: unit of the draw.
      about: what it means.
      marginal: its distribution.
      group: name of the group of factors that it depends on; None for an independent factor.
      source: where the prior comes from.
      targets: quantiles or moments that the study asks of the distribution; empty where the study gives its parameters.
      family: the study's name for the distribution.
      parameters: its parameters as short text.
      labels: value of each category by its label; empty for a number.
    """

    name: str
    unit: str
    about: str
    marginal: Law
    group: str | None = None
    source: str = ""
    targets: tuple[Target, ...] = ()
    family: str = ""
    parameters: str = ""
    labels: Mapping[str, float] = field(default_factory=dict)

    @property
    def stream(self) -> str:
        """Name of the random stream of its own score."""
        return f"factor:{self.name}"


def with_single_constants(inputs: Sequence[Input]) -> tuple[Input, ...]:
    """Inputs whose fixed numbers are those that single precision has for them."""

    def single(law: Law) -> Law:
        if isinstance(law, Marginal) and law.family == "fixed":
            return Marginal("fixed", (float(np.float32(law.parameters[0])),))
        return law

    return tuple(replace(item, marginal=single(item.marginal)) for item in inputs)


@dataclass(frozen=True)
class Group:
    """Factors that depend on each other by a copula.

    Args:
      name: name of the group, the key of the random words that its members share.
      copula: the copula.
      members: names of the factors, in the order of the study.
    """

    name: str
    copula: Copula
    members: tuple[str, ...]

    @cached_property
    def streams(self) -> tuple[str, ...]:
        """Names of the random streams of the scores that the members share."""
        return tuple(f"group:{self.name}{latent}" for latent in self.copula.latents)


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
