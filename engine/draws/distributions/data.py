"""Empirical distributions, which are given by values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law

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
        last = len(self.values) - 1
        return np.interp(special.ndtr(z) * last, np.arange(last + 1), self.values)

    @property
    def support(self) -> tuple[float, float]:
        return self.values[0], self.values[-1]

    @property
    def breaks(self) -> np.ndarray:
        last = len(self.values) - 1
        return special.ndtri(np.arange(1, last) / last)


def thinned(values: np.ndarray) -> np.ndarray:
    """At most `MOST_VALUES` of the values, ascending and evenly spaced by rank, with the lowest and the highest."""
    ordered = np.sort(np.asarray(values, np.float64))
    if len(ordered) <= MOST_VALUES:
        return ordered
    return ordered[np.round(np.linspace(0, len(ordered) - 1, MOST_VALUES)).astype(np.int64)]
