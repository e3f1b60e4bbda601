"""Weighted sums of one measure over many variables on the same paths, with 95 % intervals.

The measure is a mean, a probability or ES. Each is the mean over paths of an influence: for a mean the value itself,
for a probability the indicator of the event, for ES VaR + (x - VaR)+ / (1 - a) at level a, with each variable's own
VaR. A weighted sum of measures is thus the mean of the weighted sum of influences, and its interval follows from the
variation of that sum over independent units, as in `measures.difference`. Variables are added a few at a time; only the
sums per path are kept in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.evidence import FEWEST_FOR_ES_DIFFERENCE
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import Extremes, tail_flag, tails_flag
from engine.risk.estimation.intervals import Estimate, Happens, Paths, Units, Z, moments_of_totals
from engine.risk.estimation.measures import alone, correlation, estimated, few_replicates, nothing
from engine.risk.estimation.shares import combined_interval, effective_count, share_interval
from engine.risk.estimation.tails import quantiles

ROUNDING = 2.0**-48
"""A sum smaller than this share of the total size of its terms counts as rounding error in double precision."""
Values = Float[np.ndarray, "variable path"]


@dataclass(frozen=True)
class Influence:
    """What each path contributes to a measure of some variables, in the variables' own sign.

    Args:
      values: contributions, whose mean over all paths is the measure [variable, path]; NaN on paths that are left out.
      exceedances: least effective number of exceedances behind the measure among the variables; infinite where the
        measure needs none.
      heavy: whether the bad tail of any of the variables is flagged as possibly too heavy.
    """

    values: Values
    exceedances: float = np.inf
    heavy: bool = False


def of_mean(values: Values, sound: Happens) -> Influence:
    """Influence of the mean: the values themselves; given an event's indicator, the influence of its probability.

    Args:
      sound: which paths are kept; the influence is NaN on the others.
    """
    return Influence(np.where(sound, values, np.nan))


def of_shortfall(values: Values, sound: Happens, units: Units, level: float, loss: bool) -> Influence:
    """Influence of ES at a level; high values are worse if `loss`, low values otherwise.

    Args:
      sound: which paths are kept; the influence is NaN on the others.
      units: independent units of the kept paths.
    """
    if not units.paths:
        return of_mean(values, sound)
    sign = 1.0 if loss else -1.0
    losses = sign * values[:, sound]
    seen = quantiles(losses, units, (level,))
    var = seen.ranked[1].column[0][:, None]
    influence = np.full(values.shape, np.nan)
    influence[:, sound] = sign * (var + np.maximum(losses - var, 0.0) / (1 - level))
    many = np.where(seen.constant, np.inf, seen.exceedances[1])
    heavy = any(tail_flag(ascending) is not None for ascending in seen.ascending)
    return Influence(influence, float(many.min()), heavy)


class Contrasts:
    """Weighted sums of one measure over many variables, accumulated a few variables at a time.

    Args:
      weights: weight of each variable in each sum [sum, variable].
      paths: number of paths.
    """

    def __init__(self, weights: Float[np.ndarray, "sum variable"], paths: int):
        self._weights = weights
        self._sums = np.zeros((len(weights), paths))
        self._sizes = np.zeros(paths)
        self._exceedances, self._heavy = np.inf, False

    def add(self, which: slice, influence: Influence) -> None:
        """Adds the influences of some of the variables; `which` is their slice of the variable axis."""
        values = influence.values.astype(np.float64, copy=False)
        self._sums += self._weights[:, which] @ values
        self._sizes += np.abs(values).sum(axis=0)
        self._exceedances = min(self._exceedances, influence.exceedances)
        self._heavy |= influence.heavy

    def estimates(self, sound: Happens, units: Units, is_share: bool = False) -> list[Estimate]:
        """Each sum with its 95 % interval and the flags that a difference of two measures would have.

        The interval is Student's with Hall's correction for skewness, or that of `_of_shares` for probabilities.

        Args:
          sound: which paths are kept.
          units: independent units of the kept paths.
          is_share: whether the measure is a probability; the positive and the negative weights of each sum must then
            each add up to at most 1.
        """
        return [self._estimate(self._row(row)[sound], units, is_share) for row in range(len(self._sums))]

    def largest(
        self, rows: Sequence[int], sign: float, sound: Happens, units: Units, is_share: bool = False
    ) -> list[int]:
        """Position in `rows` of the largest sum times `sign`, then those of the sums not distinguishable from it.

        Two sums are not distinguishable where the 95 % interval of their difference holds zero or does not exist.
        """
        values = [sign * self._row(row)[sound] for row in rows]
        first = int(np.argmax([row.mean() for row in values]))

        def alike(other: Paths) -> bool:
            # halved, so that the weights of a difference of two sums are bounded as those of one sum
            return not self._estimate((values[first] - other) / 2, units, is_share).low > 0

        return [first, *(k for k, other in enumerate(values) if k != first and alike(other))]

    def _row(self, row: int) -> Paths:
        """A sum on every path; zero where the terms cancel up to rounding."""
        values = self._sums[row]
        return np.where(np.abs(values) <= ROUNDING * self._sizes, 0.0, values)

    def _estimate(self, values: Paths, units: Units, is_share: bool) -> Estimate:
        if not units.paths:
            return nothing(None)
        of = moments_of_totals(units.totals(values), units)
        own = estimated(of)
        if units.count < 2:
            return own.flagged(alone(units))
        if is_share:
            low, high = _of_shares(values, units)
            return Estimate(own.estimate, own.standard_error or (high - low) / (2 * Z), low, high)
        if not own.standard_error > 0:
            return own
        tail = few = None
        if self._heavy or np.isinf(self._exceedances):
            squares = (own.standard_error * units.paths) ** 2
            tail = tails_flag(Extremes.of(np.positive, values), own.estimate, squares)
        if self._exceedances < FEWEST_FOR_ES_DIFFERENCE:
            few = Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, self._exceedances, FEWEST_FOR_ES_DIFFERENCE)
        return own.flagged(tail, few_replicates(units), few)


def _of_shares(values: Paths, units: Units) -> tuple[float, float]:
    """Interval of a weighted sum of probabilities, from what each path adds to it, -1 to 1.

    The positive and the negative contributions are two means of values between 0 and 1. Each has the interval of a
    share, with the number of paths that its own variance amounts to; the ends of the difference are combined from both
    as for two probabilities. So an event seen on few paths, or on none, still has an interval of positive width.
    """
    # values between 0 and 1 vary less than an indicator of the same mean, so the actual variance is used for single
    # paths too
    seen = replace(units, owner=np.arange(units.paths)) if units.alone else units
    totals = np.stack([units.totals(np.maximum(side, 0.0)) for side in (values, -values)])
    of = moments_of_totals(totals, units)
    ends = of.mean, *share_interval(of.mean, effective_count(of, seen))
    up, down = zip(*(end.tolist() for end in ends), strict=True)
    return combined_interval(up, down, correlation(*(totals - units.sizes * of.mean[:, None])))
