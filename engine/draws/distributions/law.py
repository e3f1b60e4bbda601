"""Interface of a distribution: quantile function of the normal score, and probabilities on either side of a value.

All in float64 and NumPy. Expectations are integrated here over whole arrays of scores: `scipy.integrate.quad_vec`
evaluates one score per call, and takes 9 to 70 times as long.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

Function = Callable[[np.ndarray], np.ndarray]
Steps = tuple[np.ndarray, np.ndarray]
_FAR = 37.0
"""Scores beyond this have probability zero in double precision."""
_PANELS, _MOST_PANELS, _HALVINGS = 400, 1 << 17, 40
"""Panels with which the quadrature of an expectation starts, most panels open at a time, and most halvings."""


class Law(ABC):
    """Distribution of one number, the interface of all marginals.

    Quantiles are functions of the normal score z instead of the probability Phi(z), which cannot distinguish values of
    the upper tail: near 1 doubles are 1e-16 apart.
    """

    @abstractmethod
    def at_score(self, z: Any) -> np.ndarray:
        """The Phi(z)-quantile: the lowest x with cdf(x) >= Phi(z)."""

    def score_of(self, x: Any) -> np.ndarray:
        """Highest score whose value is at most x, -inf if there is none; by bisection unless a class knows better."""
        x = np.asarray(x, np.float64)
        low, high = np.full(x.shape, -38.5), np.full(x.shape, 38.5)
        for _ in range(64):
            middle = 0.5 * (low + high)
            over = self.at_score(middle) > x
            low, high = np.where(over, low, middle), np.where(over, middle, high)
        middle = 0.5 * (low + high)
        return np.where(middle <= -38.4, -math.inf, np.where(middle >= 38.4, math.inf, middle))

    def cdf(self, x: Any) -> np.ndarray:
        """P(X <= x)."""
        return special.ndtr(self.score_of(x))

    def sf(self, x: Any) -> np.ndarray:
        """P(X > x), with full relative precision where it is small."""
        return special.ndtr(-self.score_of(x))

    def below(self, x: Any) -> np.ndarray:
        """P(X < x)."""
        return self.cdf(np.nextafter(np.asarray(x, np.float64), -math.inf))

    def share_below(self, x: Any) -> np.ndarray:
        """P(X < x) + P(X = x) / 2: the mid-distribution function, equal to the cdf of a continuous distribution."""
        return 0.5 * (self.cdf(x) + self.below(x))

    def quantile(self, u: Any) -> np.ndarray:
        """The u-quantile."""
        return self.at_score(special.ndtri(np.asarray(u, np.float64)))

    def lowest(self, z: np.ndarray, low: Any, high: Any) -> np.ndarray:
        """Lowest doubles from `low` to `high` that have scores of at least z; `high` where none has.

        By bisection over the doubles in their order: at most 65 steps whatever the range.
        """
        below, above = (_turned(np.full(z.shape, end, np.float64).view(np.int64)) // 2 for end in (low, high))
        below = below - 1
        for _ in range(65):
            if np.all(above - below <= 1):
                break
            middle = below + (above - below) // 2
            reached = self.score_of(_turned(middle * 2).view(np.float64)) >= z
            above, below = np.where(reached, middle, above), np.where(reached, below, middle)
        return _turned(above * 2).view(np.float64)

    @property
    @abstractmethod
    def support(self) -> tuple[float, float]:
        """Lowest and highest value; infinite where unbounded."""

    @property
    def steps(self) -> Steps | None:
        """Ascending values of a discrete distribution, and for each but the last the highest score that gives it.

        Values beyond the farthest scores are left out. None for a distribution that is not discrete.
        """
        return None

    @property
    def breaks(self) -> np.ndarray:
        """Scores at which the quantile function is known not to be smooth."""
        return np.zeros(0)

    def mean(self) -> float:
        """Expectation; infinite where one tail diverges, NaN where both do."""
        return self.expectation(lambda x: x)

    def sd(self) -> float:
        """Standard deviation; infinite or NaN where it does not exist."""
        centre = self.mean()
        if not math.isfinite(centre):
            return math.nan
        return math.sqrt(self.expectation(lambda x: (x - centre) ** 2))

    def expectation(self, function: Function) -> float:
        """E f(X) by quadrature over the normal score: infinite or NaN where it diverges, as `endless` says."""
        endless = self.endless(function)
        if endless:
            return endless
        # Boole's rule; panels where it differs from Simpson's are halved, as the integrand may jump anywhere
        left, width, total = np.linspace(-_FAR, _FAR, _PANELS + 1)[:-1], 2 * _FAR / _PANELS, 0.0
        for halving in range(_HALVINGS):
            values = self._weighted(function, left[:, None] + width * np.linspace(0.0, 1.0, 5))
            if halving == 0:
                scale = float(np.sum(np.abs(values[:, 2])) * width)
            boole = values @ np.array([7.0, 32.0, 12.0, 32.0, 7.0]) * (width / 90)
            simpson = values @ np.array([1.0, 0.0, 4.0, 0.0, 1.0]) * (width / 6)
            open_ = np.abs(boole - simpson) > 1e-11 * scale
            total += float(np.sum(boole[~open_]))
            if not open_.any() or open_.sum() > _MOST_PANELS:
                break
            width *= 0.5
            left = np.concatenate([left[open_], left[open_] + width])
        return total + float(np.sum(boole[open_]))

    def endless(self, function: Function) -> float:
        """0 where E f(X) is finite; infinite if it diverges in a tail, NaN if in both with opposite signs."""
        signs = set()
        for side in (-1.0, 1.0):
            far = self._weighted(function, side * np.linspace(30.0, _FAR, 15))
            nearer = self._weighted(function, side * np.linspace(20.0, 24.0, 15))
            size = np.abs(far)
            if not np.all(np.isfinite(far)) or size.max() > max(np.abs(nearer).max(), 1e-200):
                signs.add(float(np.sign(far[-1])))
        if not signs:
            return 0.0
        return signs.pop() * math.inf if len(signs) == 1 else math.nan

    def _weighted(self, function: Function, z: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            return function(self.at_score(z)) * np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def scores_between(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Normal scores with these probabilities below and above, from the smaller, more precise one."""
    return np.where(below < 0.5, special.ndtri(below), -special.ndtri(above))


def probability(low: Any, high: Any) -> np.ndarray:
    """Probability that a normal score lies between two, from the smaller, more precise tails."""
    return np.where(low > 0, special.ndtr(-low) - special.ndtr(-high), special.ndtr(high) - special.ndtr(low))


def _turned(bits: np.ndarray) -> np.ndarray:
    """The bits of doubles as integers in the order of the doubles, and back; differences overflow unless halved."""
    return np.where(bits < 0, np.int64(-(2**63)) - np.minimum(bits, 0), bits)
