"""Empirical distributions, which are given by values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from engine.draws.distributions.law import Law


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
