"""Differences of one variable from many others on the same paths; what depends on it alone is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import Sample, difference

Paths = Float[np.ndarray, "path"]


class HeldAgainst:
    """A variable to be compared with others, with the results of `engine.risk.estimation.measures.difference`.

    Args:
      values: of the variable.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
      levels: levels of VaR and ES.
    """

    def __init__(self, values: Paths, unit: int | Units, loss: bool, levels: Sequence[float]):
        self._values, self._units = values, as_units(len(values), unit)
        self._loss, self._levels = loss, tuple(levels)
        self._sample = self._of(values) if _is_finite(values) else None

    def less(self, other: Paths) -> dict[str, Estimate]:
        """Measures of this variable less those of `other`, by name."""
        if self._sample is None or not _is_finite(other):
            return difference(self._values, other, self._units, self._loss, self._levels)
        return self._sample.less(self._of(other)).estimates(self._loss)

    def from_(self, other: Paths) -> dict[str, Estimate]:
        """Measures of `other` less those of this variable, by name."""
        if self._sample is None or not _is_finite(other):
            return difference(other, self._values, self._units, self._loss, self._levels)
        return self._of(other).less(self._sample).estimates(self._loss)

    def _of(self, values: Paths) -> Sample:
        return Sample(values if self._loss else -values, self._units, self._levels)


def _is_finite(values: Paths) -> bool:
    with np.errstate(invalid="ignore"):
        return len(values) > 0 and bool(np.isfinite(values.sum(dtype=np.float64)))
