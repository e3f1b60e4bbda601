"""Facts: observed figures that a study takes as known; its futures are then drawn from the posterior given these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.errors import Problems
from engine.study.tables.record import Field, Table
from engine.study.values import Tables

FUTURES = 1024
"""Futures in one independent run of moved futures. It never changes, as the numbers of a path depend on it."""
INDEPENDENT = "random"
"""Sampler of the draws of moved futures: points of one sequence would not be independent from move to move."""
LEAST_TAKEN = 0.05
"""Acceptance rate of Markov chain steps below which a run counts as stuck."""


@dataclass(frozen=True)
class Moved:
    """The futures of one independent run of sequential Monte Carlo.

    Args:
      streams: names of the random streams that were moved.
      scores: their values, as they are fed to a program.
      powers: powers of the likelihood (tempering), ascending to 1; they end earlier where the run got stuck.
      taken: acceptance rate of the steps at the last power.
      evidence: the run's estimate of the log of the mean likelihood under the prior.
    """

    streams: tuple[str, ...]
    scores: Float[np.ndarray, "stream future"]
    powers: tuple[float, ...]
    taken: float
    evidence: float

    @property
    def arrived(self) -> bool:
        """Whether the run reached power 1, with an acceptance rate of at least `LEAST_TAKEN`."""
        return self.powers[-1] == 1.0 and self.taken >= LEAST_TAKEN


class FactsTable(Table):
    """Observed figures that are known: futures are drawn from the posterior given these, in runs of 1,024."""

    until: int
    """last year whose figures are known"""
    policy: str = ""
    """policy that was followed; it need not be among those that run"""


class Facts(FactsTable):
    """The facts of a study.

    Args:
      held: gives the moved futures of a run by its number; None where they are not stored.
    """

    held: Callable[[int], Moved] | None = Field(None, exclude=True)
    """moved futures by run"""


def read(text: Tables, problems: Problems) -> Facts | None:
    """The facts that a study's tables state; None where there is no such table. Problems are added."""
    table = text.get("facts")
    if table is None:
        return None
    policy = table["policy"] or text["observed"]["policy"]
    if policy:
        problems.knows("facts.policy", "policy", policy, text["policies"])
    else:
        problems.add("facts.policy", "is missing: name the policy that was followed.")
    return Facts(until=table["until"], policy=policy)
