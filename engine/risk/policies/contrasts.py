"""Weighted sums of one measure of many variables on the same paths, with intervals over units: means, probabilities, ES.

Each measure is the mean over paths of an influence: of a mean the value, of a probability whether the event happens, of ES
VaR + (x - VaR)+ / (1 - a), with each variable's own VaR. So a weighted sum of measures is the mean of the weighted sum of influences, and has
its interval: as `measures.difference` has it for one variable less another. Variables come some at a time; in memory are
the sums alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.estimation.evidence import FEWEST_FOR_ES_DIFFERENCE
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, tail_flag, tails_flag
from engine.risk.estimation.intervals import Estimate, Units, Z, moments_of_totals
from engine.risk.estimation.measures import ONE_UNIT, correlation, single
from engine.risk.estimation.shares import combined_interval, effective_count, wilson_interval
from engine.risk.estimation.tails import quantiles, shifted

Happens = Bool[np.ndarray, "path"]

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


def of_mean(values: Values, sound: Happens) -> Influence:
    """Of the mean: the values, and so of a probability from whether the event happens.

    Args:
      sound: paths that are not left out.
    """
    return Influence(np.where(sound, values, np.nan))


def of_shortfall(values: Values, sound: Happens, units: Units, level: float, loss: bool) -> Influence:
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

    def estimates(self, sound: Happens, units: Units, is_share: bool = False) -> list[Estimate]:
        """Each sum with its 95 % interval; flags as those of a difference.

        Student's with Hall's correction for skewness; of probabilities as `_of_shares`.

        Args:
          sound: paths that are not left out.
          units: of these.
          is_share: whether they are of probabilities, the weights of a sum no larger than 1 together on either side.
        """
        return [self._estimate(self._row(row)[sound], units, is_share) for row in range(len(self._sums))]

    def largest(
        self,
        rows: Sequence[int],
        sign: float,
        sound: Happens,
        units: Units,
        is_share: bool = False,
    ) -> list[int]:
        """Which of some sums, times `sign`, is the largest, and those that are not told from it: the interval of the gap holds zero."""
        values = [sign * self._row(row)[sound] for row in rows]
        first = int(np.argmax([row.mean() for row in values]))
        others = (k for k in range(len(values)) if k != first)
        # halved, a gap of two sums has weights like one of them; an interval that is not there tells nothing apart
        gaps = {k: self._estimate((values[first] - values[k]) / 2, units, is_share) for k in others}
        return [first, *(k for k, gap in gaps.items() if not gap.low > 0)]

    def _row(self, row: int) -> Float[np.ndarray, "path"]:
        """A sum on every path; zero where it is the rounding of terms that cancel."""
        values = self._sums[row]
        return np.where(np.abs(values) <= ROUNDING * self._sizes, 0.0, values)

    def _estimate(self, values: Float[np.ndarray, "path"], units: Units, is_share: bool) -> Estimate:
        of = moments_of_totals(units.totals(values), units)
        own = single(shifted(of, 1.0))
        if units.count < 2:
            return own.flagged(ONE_UNIT)
        if is_share:
            low, high = _of_shares(values, units)
            return Estimate(own.estimate, own.standard_error or (high - low) / (2 * Z), low, high)
        if not own.standard_error > 0:
            return own
        few = [
            Flag(reason, have, needed)
            for reason, have, needed in (
                (Reason.FEW_REPLICATES, units.count, units.needed),
                (Reason.FEW_EFFECTIVE_EXCEEDANCES, self._exceedances, FEWEST_FOR_ES_DIFFERENCE),
            )
            if have < needed
        ]
        looks = self._heavy or np.isinf(self._exceedances)
        tail = (
            tails_flag(
                Extremes.of(np.positive, values), own.estimate, (own.standard_error * units.paths) ** 2
            )
            if looks
            else None
        )
        return own.flagged(tail, *few)


def _of_shares(values: Float[np.ndarray, "path"], units: Units) -> tuple[float, float]:
    """Interval of a weighted sum of probabilities, from what each path adds to it, -1 to 1.

    What adds and what takes away are two means of values from 0 to 1, each with Wilson's interval for as many paths as its own variance
    amounts to; the ends of their difference are combined from these as those of two probabilities. So what was seen on few paths, or on none,
    is not taken for what there is.
    """
    # a value between 0 and 1 varies less than its mean says of what is 0 or 1, and every path of its own is no exception
    seen = replace(units, owner=np.arange(units.paths)) if units.alone else units
    totals = [units.totals(np.maximum(side, 0.0)) for side in (values, -values)]
    ends = []
    for part in totals:
        of = moments_of_totals(part, units)
        low, high = wilson_interval(of.mean, effective_count(of, seen))
        ends.append((float(of.mean), float(low), float(high)))
    up, down = (part - units.sizes * mean for part, (mean, _, _) in zip(totals, ends, strict=True))
    return combined_interval(ends[0], ends[1], correlation(up, down))
