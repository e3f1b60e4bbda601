"""What a study changes in yearly shocks: distribution, dependence, memory, jumps, regimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law
from engine.draws.factors import Group


@dataclass(frozen=True)
class Regime:
    """A Markov chain with one state a year on each path, the same under every policy.

    Args:
      name: name, the key of its random words.
      states: names of its states; the model sees their indices, from 0.
      start: probabilities of the states in the first year.
      transition: row k holds the probabilities of next year's states after state k.
    """

    name: str
    states: tuple[str, ...]
    start: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]

    @property
    def stream(self) -> str:
        """Name of its random stream."""
        return f"regime:{self.name}"

    def sums(self) -> np.ndarray:
        """Cumulative probabilities of the states without the last, which is 1, float64 [state before, state].

        An additional last row holds those of the first year.
        """
        rows = np.array([*self.transition, self.start])
        return np.cumsum(rows / rows.sum(axis=1, keepdims=True), axis=1)[:, :-1]


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
      laws: its distribution; with a regime, one for each state in their order; none if it is the state.
      persistence: autocorrelation of the normal score from year to year.
      jumps: jumps that replace a distribution.
      regime: the chain that selects the distribution, or whose state the shock is.
      is_state: whether the shock is the state of its regime.
      about: its distribution, and the study's other settings, each as short text.
    """

    name: str
    streams: tuple[str, ...]
    laws: tuple[Law, ...] = ()
    persistence: float = 0.0
    jumps: Jumps | None = None
    regime: str | None = None
    is_state: bool = False
    about: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Shocks:
    """All settings of a study on shocks.

    Args:
      moving: how each shock is drawn, by name; other shocks have the model's own distribution.
      groups: streams that depend on each other, by name of the group.
      regimes: Markov chains by name.
    """

    moving: Mapping[str, Moving] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)
