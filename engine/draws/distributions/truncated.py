"""Truncated distributions."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.discrete import stepped
from engine.draws.distributions.law import Law, probability, scores_between
from engine.errors import refusal

LEAST_MASS = 1e-9
"""Least probability that a truncation must keep."""


@dataclass(frozen=True)
class Truncated(Law):
    """Distribution given that the value lies in [low, high]: F(x) = (F0(x) - F0(low-)) / P(low <= X <= high)."""

    base: Law
    low: float
    high: float

    @functools.cached_property
    def _ends(self) -> tuple[float, float]:
        """Scores of the base between which the kept values lie."""
        first, last = self.base.score_of([np.nextafter(self.low, -math.inf), self.high])
        return float(first), float(last)

    @property
    def mass(self) -> float:
        """P(low <= X <= high) of the base, to its own relative precision."""
        return float(probability(*self._ends))

    def at_score(self, z: Any) -> np.ndarray:
        (first, last), z = self._ends, np.asarray(z, np.float64)
        below = special.ndtr(first) + special.ndtr(z) * self.mass
        above = special.ndtr(-last) + special.ndtr(-z) * self.mass
        return np.clip(self.base.at_score(scores_between(below, above)), *self.support)

    def score_of(self, x: Any) -> np.ndarray:
        first, last = self._ends
        score = np.clip(self.base.score_of(x), first, last)
        return scores_between(probability(first, score) / self.mass, probability(score, last) / self.mass)

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.base.support
        return max(low, self.low), min(high, self.high)


def truncated(base: Law, low: float, high: float) -> Law:
    """The distribution given that its value lies in [low, high].

    Raises:
      UserError: low is not below high, or less than `LEAST_MASS` lies between.
    """
    if not low < high:
        raise refusal("truncate.high", f"expected more than low = {low:g}, got {high:g}.")
    law = Truncated(base, low, high)
    if not law.mass >= LEAST_MASS:
        first, last = (float(x) for x in base.at_score([-3.0, 3.0]))
        raise refusal(
            "truncate",
            f"leaves {max(law.mass, 0.0):.2g} of the law's probability, expected at least {LEAST_MASS:g}: "
            f"nearly all of it lies from {first:.4g} to {last:.4g}.",
        )
    if steps := base.steps:
        values = steps[0][(steps[0] >= low) & (steps[0] <= high)]
        return stepped(values, law.score_of(values[:-1]))
    return law
