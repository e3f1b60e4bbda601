"""What a study says of yearly shocks beyond the model's own law: another law, dependence, memory, jumps, regimes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from engine.draws.distributions.law import Law
from engine.draws.inputs import Group


@dataclass(frozen=True)
class Regime:
    """A Markov chain with one state a year on each path, the same for every policy.

    Args:
      name: its name, which keys its random words.
      states: names of its states; the model sees their numbers, from 0.
      start: probabilities of the states in the first year.
      transition: row k holds the probabilities of next year's states after state k.
    """

    name: str
    states: tuple[str, ...]
    start: tuple[float, ...]
    transition: tuple[tuple[float, ...], ...]

    @property
    def stream(self) -> str:
        """Its random stream."""
        return f"regime:{self.name}"

    def sums(self) -> np.ndarray:
        """Cumulative probabilities but the last, float64 [state before, state]; the last row is that of the first year."""
        rows = np.array([*self.transition, self.start])
        return np.cumsum(rows / rows.sum(axis=1, keepdims=True), axis=1)[:, :-1]


@dataclass(frozen=True)
class Jumps:
    """Jumps within a year: whether one comes (`probability`), or how many (`rate`, Poisson), each of a size of its own; their sum.

    Args:
      kind: "probability" or "rate".
      chance: the number, or the name of the factor that is.
      size: law of one.
      most: jumps in a year that are counted; more have a probability below 1e-10.
    """

    kind: str
    chance: float | str
    size: Law
    most: int


@dataclass(frozen=True)
class Moving:
    """How one shock of the model is drawn, each of its streams for itself.

    Args:
      name: the shock.
      streams: its random streams, `name` or `name[label]`.
      laws: its law; with a regime one for each state, in their order.
      persistence: autocorrelation of the normal score from year to year.
      jumps: in place of a law.
      regime: the chain that chooses among laws, or whose state the shock is.
      is_state: whether the shock is the state of its regime itself.
      about: its law, and the rest that the study says of it, each in a few words.
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
    """All that a study says of shocks.

    Args:
      moving: shock -> how it is drawn; shocks that are not in it have the model's own law.
      groups: group -> the streams that move together.
      regimes: by name.
    """

    moving: Mapping[str, Moving] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    regimes: Mapping[str, Regime] = field(default_factory=dict)
