"""Distributions given by values: empirical ones, and categories with weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law, Steps, scores_between

MOST_VALUES = 8192
"""Greatest number of values that an empirical distribution keeps."""


@dataclass(frozen=True)
class Interpolated(Law):
    """Empirical distribution with a piecewise linear quantile function: Q(u) = value with index u (n - 1), from 0.

    Args:
      values: ascending, at least two different ones.
    """

    values: tuple[float, ...]

    def at_score(self, z: Any) -> np.ndarray:
        values, z = np.array(self.values), np.asarray(z, np.float64)
        last = len(values) - 1
        return np.where(
            z < 0,
            np.interp(special.ndtr(z) * last, np.arange(last + 1), values),
            np.interp(special.ndtr(-z) * last, np.arange(last + 1), values[::-1]),
        )

    @property
    def support(self) -> tuple[float, float]:
        return self.values[0], self.values[-1]

    @property
    def breaks(self) -> np.ndarray:
        last = len(self.values) - 1
        lower = np.arange(1, last // 2 + 1) / last
        upper = np.arange(1, last - last // 2) / last
        return np.concatenate([special.ndtri(lower), -special.ndtri(upper)[::-1]])

    def mean(self) -> float:
        values = np.array(self.values)
        return float(0.5 * (values[1:] + values[:-1]).mean())


@dataclass(frozen=True)
class Weighted(Law):
    """Discrete distribution: categories, and resampled data.

    Args:
      values: ascending, all different.
      weights: positive probabilities with sum one.
    """

    values: tuple[float, ...]
    weights: tuple[float, ...]

    def _sums(self) -> tuple[np.ndarray, np.ndarray]:
        """P(X <= value) and P(X > value) for each value."""
        weights = np.array(self.weights)
        below = np.cumsum(weights)
        above = np.append(np.cumsum(weights[::-1])[::-1][1:], 0.0)
        return below, above

    def at_score(self, z: Any) -> np.ndarray:
        values, scores = self.steps
        return values[np.searchsorted(scores, np.asarray(z, np.float64), side="left")]

    def cdf(self, x: Any) -> np.ndarray:
        at = np.searchsorted(self.values, x, side="right")
        return np.concatenate([[0.0], self._sums()[0][:-1], [1.0]])[at]

    def sf(self, x: Any) -> np.ndarray:
        at = np.searchsorted(self.values, x, side="right")
        return np.concatenate([[1.0], self._sums()[1]])[at]

    @property
    def support(self) -> tuple[float, float]:
        return self.values[0], self.values[-1]

    @property
    def steps(self) -> Steps:
        below, above = self._sums()
        return np.array(self.values), scores_between(below[:-1], above[:-1])


def thinned(values: np.ndarray) -> np.ndarray:
    """At most `MOST_VALUES` of the values, ascending and evenly spaced by rank, with the lowest and the highest."""
    ordered = np.sort(np.asarray(values, np.float64))
    if len(ordered) <= MOST_VALUES:
        return ordered
    return ordered[np.round(np.linspace(0, len(ordered) - 1, MOST_VALUES)).astype(np.int64)]
