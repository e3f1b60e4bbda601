"""Truncated distributions."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law, Steps
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
    def _ends(self) -> tuple[float, float, float, float]:
        """P(X < low), P(X >= low), P(X <= high) and P(X > high) of the base."""
        before = np.nextafter(self.low, -math.inf)
        ends = self.base.cdf(before), self.base.sf(before), self.base.cdf(self.high), self.base.sf(self.high)
        below, from_low, to_high, above = map(float, ends)
        return below, from_low, to_high, above

    @property
    def mass(self) -> float:
        """P(low <= X <= high) of the base, to its own relative precision."""
        below, from_low, to_high, above = self._ends
        return from_low - above if below > 0.5 else to_high - below

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        below, _, _, above = self._ends
        lower, upper = below + special.ndtr(z) * self.mass, above + special.ndtr(-z) * self.mass
        score = np.where(lower < upper, special.ndtri(lower), -special.ndtri(upper))
        return np.clip(self.base.at_score(score), *self.support)

    def cdf(self, x: Any) -> np.ndarray:
        below, from_low, _, _ = self._ends
        # by whichever tail is smaller, so that the difference does not cancel
        inside = self.base.cdf(x) - below if below < 0.5 else from_low - self.base.sf(x)
        return np.clip(inside / self.mass, 0.0, 1.0) * (np.asarray(x) >= self.low)

    def sf(self, x: Any) -> np.ndarray:
        _, _, to_high, above = self._ends
        inside = self.base.sf(x) - above if above < 0.5 else to_high - self.base.cdf(x)
        return np.where(np.asarray(x) < self.low, 1.0, np.clip(inside / self.mass, 0.0, 1.0))

    @property
    def support(self) -> tuple[float, float]:
        low, high = self.base.support
        return max(low, self.low), min(high, self.high)

    @property
    def steps(self) -> Steps | None:
        if not (steps := self.base.steps):
            return None
        values, _ = steps
        return self.stepping(values[(values >= self.low) & (values <= self.high)])


def truncated(base: Law, low: float, high: float) -> Truncated:
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
    return law
