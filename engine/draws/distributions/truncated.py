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
    def _sides(self) -> tuple[float, float, float]:
        """P(X < low), P(X > high) and P(low <= X <= high), each accurate to its own relative precision."""
        below, above = float(self.base.below(self.low)), float(self.base.sf(self.high))
        upto, beyond = float(self.base.cdf(self.high)), self._beyond()
        return below, above, beyond - above if below > 0.5 else upto - below

    def at_score(self, z: Any) -> np.ndarray:
        z = np.asarray(z, np.float64)
        below, above, left = self._sides
        lower, upper = below + special.ndtr(z) * left, above + special.ndtr(-z) * left
        score = np.where(lower < upper, special.ndtri(lower), -special.ndtri(upper))
        return np.clip(self.base.at_score(score), *self.support)

    def cdf(self, x: Any) -> np.ndarray:
        below, _, left = self._sides
        # by whichever tail is smaller, so that the difference does not cancel
        upto = self.base.cdf(x) - below if below < 0.5 else self._beyond() - self.base.sf(x)
        return np.clip(upto / left, 0.0, 1.0) * (np.asarray(x) >= self.low)

    def _beyond(self) -> float:
        """P(X0 >= low)."""
        return float(self.base.sf(np.nextafter(self.low, -math.inf)))

    def sf(self, x: Any) -> np.ndarray:
        _, above, left = self._sides
        beyond = self.base.sf(x) - above if above < 0.5 else self.base.cdf(self.high) - self.base.cdf(x)
        inside = np.clip(beyond / left, 0.0, 1.0)
        return np.where(np.asarray(x) < self.low, 1.0, inside)

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
    left = law._sides[2]
    if not left >= LEAST_MASS:
        first, last = (float(x) for x in base.at_score([-3.0, 3.0]))
        raise refusal(
            "truncate",
            f"leaves {max(left, 0.0):.2g} of the law's probability, expected at least {LEAST_MASS:g}: "
            f"nearly all of it lies from {first:.4g} to {last:.4g}.",
        )
    return law
