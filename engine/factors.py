"""Named inputs: which prior and which group each factor has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.distributions import Marginal


@dataclass(frozen=True)
class Input:
    """A factor as the study resolves it.

    Args:
      name: the factor's name, which also keys its random words.
      unit: unit of the draw.
      about: what it means.
      marginal: its prior.
      group: name of the group it moves with, None for none.
      source: where the prior comes from.
      asked: quantiles that the study asked for (probability -> value), empty where it gave parameters.
    """

    name: str
    unit: str
    about: str
    marginal: Marginal
    group: str | None = None
    source: str = ""
    asked: Mapping[float, float] = field(default_factory=dict)

    def fitted(self) -> dict[float, float]:
        """What the prior gives at the probabilities that were asked for: probability -> value, to read beside `asked`."""
        return {p: float(self.marginal.quantile(p)) for p in self.asked}


@dataclass(frozen=True)
class Group:
    """Factors that move together: a Gaussian copula with one correlation between any two members.

    Args:
      name: its name, which keys the random words its members share.
      correlation: between the normal scores of any two members.
      members: factor names, in the order of the study.
    """

    name: str
    correlation: float
    members: tuple[str, ...]
