"""Differences of one variable from many others on the same paths; what depends on it alone is computed once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.risk.estimation.intervals import Paths, Unit, as_units
from engine.risk.estimation.measures import Estimates, Sample, difference


class HeldAgainst:
    """A variable to be compared with others, with the results of `engine.risk.estimation.measures.difference`.

    Args:
      values: of the variable.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
      levels: levels of VaR and ES.
    """

    def __init__(self, values: Paths, unit: Unit, loss: bool, levels: Sequence[float]):
        self._units, self._loss, self._levels = as_units(len(values), unit), loss, tuple(levels)
        self._own = self._sampled(values)

    def less(self, other: Paths) -> Estimates:
        """Measures of this variable less those of `other`, by name."""
        return self._gap(self._own, self._sampled(other))

    def from_(self, other: Paths) -> Estimates:
        """Measures of `other` less those of this variable, by name."""
        return self._gap(self._sampled(other), self._own)

    def _sampled(self, values: Paths) -> tuple[Paths, Sample | None]:
        """The values, and their sample if they are finite."""
        with np.errstate(invalid="ignore"):
            finite = len(values) and np.isfinite(values.sum(dtype=np.float64))
        return values, Sample(values if self._loss else -values, self._units, self._levels) if finite else None

    def _gap(self, one: tuple[Paths, Sample | None], two: tuple[Paths, Sample | None]) -> Estimates:
        (values, mine), (baseline, other) = one, two
        if mine and other:
            return mine.less(other).estimates(self._loss)
        return difference(values, baseline, self._units, self._loss, self._levels)
