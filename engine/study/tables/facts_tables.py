"""What of the figures that were observed a study takes as known: its futures are then those in which these are likely."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.errors import Problems
from engine.study.stated import Tables

KEY = "facts"
FUTURES = 1024
"""Futures of one independent run of moved ones. Fixed for good: it is part of what a path is."""
INDEPENDENT = "random"
"""Sampler of all that moved futures draw anew: points of one sequence would not be independent from move to move."""
LEAST_TAKEN = 0.05
"""Share of steps that is taken, below which a run is stuck."""


@dataclass(frozen=True)
class Moved:
    """The futures of one independent run.

    Args:
      streams: names of the random numbers that were moved.
      scores: these numbers, as a program is fed with them.
      powers: of the likelihood, ascending to 1; shorter where the run got stuck.
      taken: share of the last power's steps that was taken.
      evidence: log of the mean likelihood, as the run estimates it.
    """

    streams: tuple[str, ...]
    scores: Float[np.ndarray, "stream future"]
    powers: tuple[float, ...]
    taken: float
    evidence: float

    @property
    def arrived(self) -> bool:
        """Whether it went all the way, and still moves."""
        return self.powers[-1] == 1.0 and self.taken >= LEAST_TAKEN


@dataclass(frozen=True)
class Facts:
    """What is known.

    Args:
      until: last year whose figures are known.
      policy: the one that was followed.
      held: gives the futures of a run by its number; None where nobody keeps them.
    """

    until: int
    policy: str
    held: Callable[[int], Moved] | None = field(default=None, compare=False)

    @property
    def table(self) -> dict[str, Any]:
        """What a study file says of it."""
        return {"until": self.until, "policy": self.policy}


def read(text: Tables, problems: Problems) -> Facts | None:
    """What is known; None where a study says nothing of it."""
    table = text.get(KEY)
    if table is None:
        return None
    policy = table["policy"] or text["observed"]["policy"]
    if policy:
        problems.knows(f"{KEY}.policy", "policy", policy, text["policies"])
    else:
        problems.add(f"{KEY}.policy", "is missing: name the policy that was followed.")
    return Facts(table["until"], policy)
