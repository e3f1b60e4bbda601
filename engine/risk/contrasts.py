"""Weighted sums of one measure of many variables on the same paths, with intervals over units: means, probabilities, ES.

Each measure is the mean over paths of an influence: of a mean the value, of a probability whether the event happens, of ES
VaR + (x - VaR)+ / (1 - a), with each variable's own VaR. So a weighted sum of measures is the mean of the weighted sum of influences, and has
its interval: as `measures.difference` has it for one variable less another. Variables come some at a time; in memory are
the sums alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.evidence import FEWEST_FOR_ES_DIFFERENCE
from engine.risk.flags import Flag, Reason
from engine.risk.heaviness import gravest, tail_flag, tails_flag
from engine.risk.intervals import Estimate, Units, Z, effective_count, moments_of_totals, wilson_interval
from engine.risk.measures import ONE_UNIT
from engine.risk.tails import quantiles, shifted

ROUNDING = 2.0**-48
"""Share of the sizes of its terms below which a sum in double precision is rounding."""
Values = Float[np.ndarray, "variable path"]


@dataclass(frozen=True)
class Influence:
    """What each path adds to a measure of some variables, in their own sign.

    Args:
      values: their means over all paths are the measure [variable, path]; NaN on paths that are left out.
      exceedances: fewest effective ones that the measure of any of the variables rests on; infinite where it needs none.
      heavy: whether the bad tail of any of them may be too heavy.
    """

    values: Values
    exceedances: float = np.inf
    heavy: bool = False


def of_mean(values: Values, sound: Bool[np.ndarray, "path"]) -> Influence:
    """Of the mean: the values, and so of a probability from whether the event happens.

    Args:
      sound: paths that are not left out.
    """
    return Influence(np.where(sound, values, np.nan))


def of_shortfall(
    values: Values, sound: Bool[np.ndarray, "path"], units: Units, level: float, loss: bool
) -> Influence:
    """Of ES at a level, high being worse if it is a loss.

    Args:
      sound: paths that are not left out.
      units: of the paths that are not.
    """
    sign = 1.0 if loss else -1.0
    losses = sign * values[:, sound]
    seen = quantiles(losses, units, (level,))
    var = seen.columns[0][0][:, None]
    influence = np.full(values.shape, np.nan)
    influence[:, sound] = sign * (var + np.maximum(losses - var, 0.0) / (1 - level))
    many = np.where(seen.constant, np.inf, seen.exceedances[0])
    heavy = any(tail_flag(ascending) is not None for ascending in seen.ascending)
    return Influence(influence, float(many.min()), heavy)


class Contrasts:
    """Weighted sums of a measure of many variables, which come some at a time.

    Args:
      weights: of each sum [sum, variable].
      paths: how many there are.
    """

    def __init__(self, weights: Float[np.ndarray, "sum variable"], paths: int):
        self._weights = weights
        self._sums = np.zeros((len(weights), paths))
        self._sizes = np.zeros(paths)
        self._exceedances, self._heavy = np.inf, False

    def add(self, which: slice, influence: Influence) -> None:
        """Takes in some of the variables."""
        values = influence.values.astype(np.float64, copy=False)
        self._sums += self._weights[:, which] @ values
        self._sizes += np.abs(values).sum(axis=0)
        self._exceedances = min(self._exceedances, influence.exceedances)
        self._heavy |= influence.heavy

    def estimates(
        self, sound: Bool[np.ndarray, "path"], units: Units, is_share: bool = False
    ) -> list[Estimate]:
        """Each sum with its 95 % interval, Student's with Hall's correction for skewness; flags as those of a difference.

        Args:
          sound: paths that are not left out.
          units: of these.
          is_share: whether they are of probabilities. Where no path has any weight in one its ends are those of Wilson's interval for
            none of so many paths: that it was never seen does not say that it never is.
        """
        return [self._estimate(self._row(row)[sound], units, is_share) for row in range(len(self._sums))]

    def largest(
        self, rows: Sequence[int], sign: float, sound: Bool[np.ndarray, "path"], units: Units
    ) -> list[int]:
        """Which of some sums, times `sign`, is the largest, and those that are not told from it: the interval of the gap holds zero."""
        values = [sign * self._row(row)[sound] for row in rows]
        first = int(np.argmax([row.mean() for row in values]))
        ahead = [first]
        for k, row in enumerate(values):
            gap = self._estimate(values[first] - row, units, False)
            if k != first and not gap.low > 0:  # an interval that is not there tells nothing apart
                ahead.append(k)
        return [first, *sorted(ahead[1:])]

    def _row(self, row: int) -> Float[np.ndarray, "path"]:
        """A sum on every path; zero where it is the rounding of terms that cancel."""
        values = self._sums[row]
        return np.where(np.abs(values) <= ROUNDING * self._sizes, 0.0, values)

    def _estimate(self, values: Float[np.ndarray, "path"], units: Units, is_share: bool) -> Estimate:
        totals = units.totals(values)
        of = moments_of_totals(totals, units)
        estimate, error, low, high = map(float, shifted(of, 1.0))
        if units.count < 2:
            return Estimate(estimate, error, low, high).flagged(ONE_UNIT)
        if is_share and not error > 0:
            none = moments_of_totals(np.zeros_like(totals), units)
            reach = float(wilson_interval(np.zeros(()), effective_count(none, units))[1])
            return Estimate(estimate, reach / Z, estimate - reach, estimate + reach)
        varies = error > 0
        scarce = (
            Flag(Reason.FEW_REPLICATES, units.count, units.needed) if units.count < units.needed else None
        )
        few = (
            Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, self._exceedances, FEWEST_FOR_ES_DIFFERENCE)
            if self._exceedances < FEWEST_FOR_ES_DIFFERENCE
            else None
        )
        looks = varies and not is_share and (self._heavy or np.isinf(self._exceedances))
        squares = (error * units.paths) ** 2
        tail = tails_flag(np.sort(values), estimate, squares) if looks else None
        flag = gravest((tail, scarce if varies else None))
        return Estimate(estimate, error, low, high).flagged(flag, few if varies else None)
