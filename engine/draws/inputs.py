"""Named inputs: which prior and which group each factor has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.draws.copulas.contract import Copula
from engine.draws.distributions.law import Law
from engine.draws.distributions.prior import Target


@dataclass(frozen=True)
class Input:
    """A factor as the study resolves it.

    Args:
      name: the factor's name, which also keys its random words.
      unit: unit of the draw.
      about: what it means.
      marginal: its law.
      group: name of the group it moves with, None for none.
      source: where the prior comes from.
      targets: what the study wants of the law beside what it has, empty where the study gives its parameters.
      family: what the study calls the law.
      parameters: its parameters in a few words.
      labels: of the categories that it may be, with the value of each; empty for a number.
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


@dataclass(frozen=True)
class Group:
    """Factors, in the order of the study, that move together by a copula; the name keys the random words that they share."""

    name: str
    copula: Copula
    members: tuple[str, ...]

    @property
    def streams(self) -> tuple[str, ...]:
        """Random streams of the scores that the members share."""
        return tuple(f"group:{self.name}{latent}" for latent in self.copula.latents)
