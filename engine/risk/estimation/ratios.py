"""Weighted means, shares and quantiles over futures, with 95 % intervals over independent units.

`weighted_measures.py` gives them names and flags. A weighted mean is a ratio of two random sums, sum w x / sum w. To
first order its error is that of the sum of w (x - mean), totalled over units (delta method: Hesterberg 1995,
Technometrics 37, 185-194, doi:10.1080/00401706.1995.10484303). With equal weights these are the estimates of
`tails.py`. Formulas: `docs/method.md`; measured coverage: `benchmarks/README.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Num

from engine.risk.estimation.intervals import Happens, Moments, Paths, Units, dots, moments_of_sums
from engine.risk.estimation.shares import design_count, tail_ranks
from engine.risk.estimation.tails import ATOM, TIED, Column, share_of_moments

NEAR = 1e-6
"""Allowance for rounding in a sum of weights, relative to the mean weight."""


@dataclass(frozen=True)
class Ratio:
    """A weighted mean.

    Args:
      of: its moments; the skewness is that of the sum of residuals.
      values: x.
      residuals: w (x - mean).
    """

    of: Moments
    values: Num[np.ndarray, "path"]
    residuals: Paths

    @property
    def squares(self) -> float:
        """Square of the standard error times the number of paths: the sum of squares behind it."""
        return float(self.of.error * len(self.residuals)) ** 2


@dataclass(frozen=True)
class Quantile:
    """A weighted quantile.

    Args:
      share: share of all weight above it, which defines it.
      column: estimate, standard error, low and high end.
      slope: change of the quantile per unit of the share above it, between the ends of its interval.
      exceedances: effective number of exceedances.
      ended: whether the quantile is the largest value and the variable seems to be bounded by it.
    """

    share: float
    column: Column
    slope: float
    exceedances: float
    ended: bool

    @property
    def value(self) -> float:
        return float(self.column[0])


@dataclass(frozen=True)
class Ranked:
    """Values in descending order with cumulated weights.

    Args:
      values: in the order of the paths.
      descending: from the largest to the smallest.
      down: cumulated weight down to each of `descending`; a path weighs 1 on average.
    """

    values: Paths
    descending: Paths
    down: Paths

    def rank(self, weight: float) -> int:
        """Index in `descending` of the first value with at least this cumulated weight, or else of the last."""
        return min(int(np.searchsorted(self.down, weight - NEAR)), len(self.down) - 1)

    def last(self, weight: float) -> int:
        """Index in `descending` of the last value with at most this cumulated weight; 0 if there is none."""
        return max(int(np.searchsorted(self.down, weight + NEAR, "right")) - 1, 0)

    def places(self, of: Quantile) -> tuple[Paths, Paths]:
        """Distinct values in the quantile's interval, ascending, and the weight at or above each of them."""
        low, high = (float(end) for end in of.column[2:])
        values = np.unique(self.descending[(self.descending >= low) & (self.descending <= high)])
        return values, self.down[self._end(values)]

    def _end(self, values: Paths) -> np.ndarray:
        return np.searchsorted(-self.descending, -values, "right") - 1

    def heaviest_tie(self, of: Quantile) -> float:
        """Largest weight of tied paths between the ends of the quantile's interval; 0 without ties."""
        values, down = self.places(of)
        above = np.searchsorted(-self.descending, -values, "left")
        several = self._end(values) > above
        weight = down - np.where(above > 0, self.down[above - 1], 0.0)
        return float(weight[several].max(initial=0.0))


@dataclass(frozen=True)
class Weights:
    """Positive weights of paths with mean 1, and the paths' independent units."""

    each: Paths
    units: Units

    @staticmethod
    def of(weights: Paths, units: Units) -> Weights:
        """Weights in any scale, rescaled to mean 1."""
        each = weights.astype(np.float64) / weights.max()  # equal ones are exactly 1
        return Weights(each / each.mean(), units)

    @cached_property
    def totals(self) -> Float[np.ndarray, "unit"]:
        """Total weight of each unit."""
        return self.units.totals(self.each)

    @property
    def kish(self) -> float:
        """Kish's effective sample size (sum w)^2 / sum w^2: equally weighted independent paths with the same error."""
        return float(self.units.paths**2 / dots(self.each, self.each))

    def mean(self, values: Num[np.ndarray, "path"]) -> Ratio:
        """Weighted mean of the values."""
        units = self.units
        mean = np.asarray(units.totals(self.each * values).sum() / units.paths)
        residuals = self.each * (values - mean)
        totals = units.totals(residuals)
        square = totals * totals
        size = np.abs(mean) * np.sqrt(dots(self.totals, self.totals) / max(units.count, 1))
        of = moments_of_sums(mean, square.sum(), dots(square, totals), size, units.count, units.paths, units.needed)
        return Ratio(of, values, residuals)

    def share(self, holds: Happens) -> Column:
        """Weighted share of futures with a property, with its interval."""
        of = self.mean(holds).of
        return share_of_moments(of, self.count(of))

    def count(self, share: Moments) -> np.ndarray:
        """Number of independent, equally weighted paths that would give a share the same standard error.

        Where no path, or every path, has the property, the heaviest path stands in for the exception not seen.
        """
        units = self.units
        unseen = max(units.count, units.paths - units.count) / float(self.each.max())
        return design_count(share, units, unseen)

    def ranked(self, values: Paths) -> Ranked:
        """The values in descending order with cumulated weights."""
        order = np.argsort(values, kind="stable")[::-1]
        return Ranked(values, values[order], np.cumsum(self.each[order]))

    def median(self, ranked: Ranked) -> Quantile:
        """Mean of the least value with half of the weight at or below it and the largest with half above or at it."""
        half, down = self.units.paths / 2, ranked.down
        beyond = min(int(np.searchsorted(down, half + NEAR, "right")), len(down) - 1)
        return self._at(float(ranked.descending[[ranked.rank(half), beyond]].mean()), ranked, 0.5)

    def quantile(self, ranked: Ranked, share: float) -> Quantile:
        """Largest value with at least `share` of the total weight at or above it."""
        return self._at(float(ranked.descending[ranked.rank(self.units.paths * share)]), ranked, share)

    def _at(self, q: float, ranked: Ranked, share: float) -> Quantile:
        """The quantile with value q, with an interval from that of the share above it.

        Source: Woodruff (1952), J. Am. Statist. Assoc. 47, 635-646, doi:10.1080/01621459.1952.10483443, by binomial
        ranks of the effective number of paths.
        """
        units, n, descending = self.units, self.units.paths, ranked.descending
        count = float(self.count(self.mean(ranked.values > q).of))
        first, second = (float(rank) for rank in tail_ranks(np.asarray(count), share))
        down, up = ranked.rank(first * n / count), ranked.last(second * n / count)
        low, high = descending[[down, up]].tolist()
        top = self.each[ranked.values == descending[0]]
        ended = q == descending[0] and float(top.sum()) ** 2 >= ATOM * float(dots(top, top))
        certain = (ended or descending[0] == descending[-1]) and units.count > 1
        if not ((second >= 1 and first <= count) or certain):
            low = high = np.nan
        most, fewest = ranked.down[[down, up]].tolist()
        slope = (high - low) * n / (most - fewest) if down > up else high - low
        column = tuple(np.asarray(part) for part in (q, (high - low) / (2 * units.reach), low, high))
        # where few paths hold all weight, the errors of shares near 0 and 1 are underestimated
        many = min((min(count, n) if units.replicated else count) * share, self.kish)
        many = round(many, 11)  # rounding must not leave a little less than is needed
        return Quantile(share, column, slope, many, bool(ended))

    def gap(self, x: Ranked, y: Ranked, of_x: Quantile, of_y: Quantile) -> Column:
        """Difference of two quantiles on the same paths, by influence functions; no interval where values are tied."""
        above = of_x.slope * (x.values > of_x.value) - of_y.slope * (y.values > of_y.value)
        error = float(self.mean(above).of.error)
        gap, reach = of_x.value - of_y.value, self.units.reach
        most = max(side.heaviest_tie(of) * of.slope for side, of in ((x, of_x), (y, of_y)))
        if error > 0 and most > TIED * self.units.paths * error:
            reach = np.nan
        return tuple(np.asarray(part) for part in (gap, error, gap - reach * error, gap + reach * error))
