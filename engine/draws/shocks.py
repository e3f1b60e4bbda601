"""What a study changes in yearly shocks: distribution, dependence, memory, jumps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law
from engine.draws.factors import Group


@dataclass(frozen=True)
class Jumps:
    """Sum of the jumps in a year: at most one (`probability`) or a Poisson number (`rate`), of independent sizes.

    Args:
      kind: "probability" or "rate".
      chance: the probability or rate, or the name of the factor that is.
      size: distribution of one jump.
      most: largest number of jumps in a year that is simulated; more have a probability below 1e-10.
    """

    kind: str
    chance: float | str
    size: Law
    most: int

    def tails(self) -> np.ndarray:
        """P(N >= k) of the number N of jumps for k = 1 ... `most`; the chance must not be a factor's."""
        return (
            np.array([self.chance]) if self.kind == "probability" else special.pdtrc(np.arange(self.most), self.chance)
        )


@dataclass(frozen=True)
class Moving:
    """How one shock of the model is drawn, each of its streams separately.

    Args:
      name: the shock.
      streams: its random streams, `name` or `name[label]`.
      law: its distribution; None where jumps replace it.
      persistence: autocorrelation of the normal score from year to year.
      jumps: jumps that replace a distribution.
      about: its distribution, and the study's other settings, each as short text.
    """

    name: str
    streams: tuple[str, ...]
    law: Law | None = None
    persistence: float = 0.0
    jumps: Jumps | None = None
    about: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Shocks:
    """All settings of a study on shocks.

    Args:
      moving: how each shock is drawn, by name; other shocks have the model's own distribution.
      groups: streams that depend on each other, by name of the group.
    """

    moving: Mapping[str, Moving] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
