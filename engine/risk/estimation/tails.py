"""Mean, median, sd, VaR and ES of values on paths, high being worse: [cell, path] -> [cell].

"VaR a" is the least of the worst values that together weigh n (1 - a), "ES a" = VaR + mean((x - VaR)+) / (1 - a).
`measures.py` adds names, signs and flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.influences import (
    FEWEST_FOR_ES,
    FEWEST_FOR_VAR,
    MEDIAN,
    TIED,
    Distribution,
    Measure,
    Table,
    Which,
    deviation,
    of_influence,
)
from engine.risk.estimation.intervals import Cells, Levels, Moments, Units, dots
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.row_statistics import Made, Sorted, ascending_rows, of_rank, sums
from engine.risk.estimation.shares import Holds, effective_count, moments_of_share, share_moments, tail_ranks
from engine.study.study import LEVELS

CellPaths = Float[np.ndarray, "cell path"]
ATOM = 100
"""Number of paths tied at the largest value from which on it is taken as the variable's upper bound."""
NEAR = 1e-6
"""Allowance for rounding in a sum of weights, relative to the mean weight."""
ROUNDING = 1e-12
"""Relative variation of a difference up to which it counts as constant."""
FIRST = 1024
"""Number of paths that are examined first, as they mostly show already that a difference is not constant."""


def _above(values: CellPaths, limit: Cells) -> Holds:
    """Which values are above the limit of their cell, compared in their own type so that none is converted."""
    near = limit.astype(values.dtype)
    return values > np.nextafter(near, -np.inf, out=near, where=near > limit)[:, None]


def tail_count(paths: int, level: float) -> int:
    """Number of values in the tail beyond level a: ceil(n (1 - a)), at least one."""
    return min(max(int(np.ceil(paths * (1 - level) - NEAR)), 1), paths)


@dataclass(frozen=True)
class Measured(Distribution):
    """Values of one variable on paths, all finite; where the paths have weights, of a single cell.

    Args:
      values: high being worse.
      units: independent units of the paths, with their weights.
      levels: levels of VaR and ES, ascending.
    """

    values: CellPaths
    units: Units
    levels: Levels = LEVELS

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.values[0], kind="stable")

    @cached_property
    def ascending(self) -> Sorted:
        """The values of each cell in ascending order."""
        if self.units.weights is not None:
            return self.values[:, self._order]
        n = self.values.shape[-1]
        room = 2 * isqrt(n)
        # both tails and the middle, with room for the ends of intervals
        low, high = (0, n // 500 + room), (n - tail_count(n, min(self.levels)) - room, n)
        return ascending_rows(self.values, (low, ((n - 1) // 2 - room, n // 2 + room), high))

    @cached_property
    def _down(self) -> np.ndarray:
        """Total weight of the values down to each one, from the largest."""
        weights = self.units.weights
        return np.cumsum(weights[self._order[::-1]] if weights is not None else 1.0)

    def _at(self, weight: Cells | float, last: bool = False) -> tuple[Cells, Cells]:
        """First value of each cell down to which values weigh as much, and what they weigh; or the last that does not.

        Args:
          weight: of the largest values; paths weigh 1 on average.
          last: whether the last value is wanted down to which they weigh at most as much.
        """
        n = self.units.paths
        if self.units.weights is None:
            rank = np.floor(weight + NEAR) if last else np.ceil(weight - NEAR)
            rank = np.clip(rank, 1, n).astype(np.int64)
            return of_rank(self.ascending, n - rank), rank
        low, high = (np.searchsorted(self._down, weight + near) for near in (-NEAR, NEAR))
        at = high - 1 if last else low
        at = np.clip(np.atleast_1d(at), 0, n - 1)
        return self.ascending[0][n - 1 - at].astype(np.float64), self._down[at]

    @cached_property
    def _largest(self) -> Cells:
        return of_rank(self.ascending, self.units.paths - 1)

    @cached_property
    def constant(self) -> Which:
        """Whether all values of a cell are equal."""
        return of_rank(self.ascending, 0) == self._largest

    @cached_property
    def _bounded(self) -> Which:
        """Whether so many paths share the largest value that it is taken as the variable's upper bound."""
        n, weights = self.units.paths, self.units.weights
        if weights is None:
            return (n >= ATOM) & (of_rank(self.ascending, n - min(ATOM, n)) == self._largest)
        top = weights[self.values[0] == self._largest]
        return np.array([top.sum() ** 2 >= ATOM * dots(top, top)])

    @cached_property
    def mean(self) -> Measure:
        return of_influence(Made.of("difference", self.values), self.units, kind="mean")

    @cached_property
    def scatter(self) -> Measure:
        """Mean of the squared distances from the mean; exactly zero where all values of a cell are equal."""
        centre = np.where(self.constant, self.values[:, 0], self.mean.value)
        return of_influence(Made.of("squares", self.values, centre), self.units)

    @cached_property
    def deviation(self) -> Measure:
        """Standard deviation."""
        of = self.scatter.of
        size = 2 * np.sqrt(of.mean)
        scale = np.divide(1.0, size, out=np.zeros_like(size), where=size > 0)
        influence = Made.of("squares", self.values, self.scatter.influence.numbers[:, 1], scale)
        return Measure(deviation(of, self.units.kish), influence, of)

    @cached_property
    def median(self) -> Measure:
        """Of an even number of values the middle between two of them, which VaR at `MEDIAN` is not."""
        weight = self.units.paths * (1 - MEDIAN)
        upper, lower = (self._at(at)[0] for at in (weight, weight + 2 * NEAR))
        return self._ranked((upper + lower) / 2, 1 - MEDIAN)

    def quantile(self, level: float) -> Measure:
        """VaR at one of the levels."""
        return self._quantiles[level]

    @cached_property
    def _quantiles(self) -> dict[float, Measure]:
        shares = {level: 1 - level for level in self.levels}
        return {level: self._ranked(self._at(self.units.paths * share)[0], share) for level, share in shares.items()}

    def shortfall(self, level: float) -> Measure:
        """ES at a level."""
        var = self.quantile(level)
        influence = Made.of("beyond", self.values, var.value, 1 / (1 - level))
        known = np.isfinite(var.column[1])
        return of_influence(influence, self.units, var.value, known, exceedances=var.exceedances, needed=FEWEST_FOR_ES)

    @cached_property
    def points(self) -> CellPaths:
        """The values in double precision, for measures whose influences `row_statistics.Made` does not have."""
        return self.values.astype(np.float64)

    def totals(self, of_points: CellPaths) -> CellPaths:
        """Sum over each unit of a function of the points."""
        return self.units.totals(of_points)

    def _ranked(self, q: Cells, share: float) -> Measure:
        """The quantile q with this share of the distribution above it.

        Its interval is distribution-free: binomial ranks of the effective number of paths, scaled to all of them
        (Woodruff 1952, J. Am. Statist. Assoc. 47, 635-646, doi:10.1080/01621459.1952.10483443). It has ends however few
        values exceed the quantile where all values are equal, and where the quantile is the variable's upper bound.
        """
        units, n = self.units, self.units.paths
        of = self._share_above(q)
        count = effective_count(of, units)
        first, second = tail_ranks(count, share)
        (low, down), (high, up) = self._at(first * n / count), self._at(second * n / count, last=True)
        ended = self._bounded & (q == self._largest)
        known = (second >= 1) & (first <= count) | (self.constant | ended) & (units.count > 1)
        low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
        slope = (high - low) * n / np.where(down > up, down - up, 1)
        # small variation between replicates, or of weights, does not make up for few values in the tail
        many = (np.minimum(count, n) if units.replicated else count) * share
        if units.weights is not None:
            many = np.minimum(many, units.kish).round(11)  # rounding must not leave a little less than is needed
        column = q, (high - low) / (2 * units.reach), low, high
        heaviest = 1 if units.weights is None else units.weights.max()
        around = np.maximum(TIED / 2 * (first - second) * n / count, heaviest)
        tied = (high > low) & np.any([self._at(n * share + away)[0] == q for away in (-around, around)], axis=0)
        many = np.where(ended, np.inf, many)
        return Measure(column, Made.of("above", self.values, q, slope), of, many, FEWEST_FOR_VAR, tied, kind="quantile")

    def _share_above(self, q: Cells) -> Moments:
        """Moments of the share of paths above the quantile q, without skewness."""
        units = self.units
        if not (units.small and self.values.dtype.kind == "f"):
            return share_moments(_above(self.values, q), units)
        total, square, _ = sums(Made.of("above", self.values, q), units.size, units.count, np.zeros_like(q))
        return moments_of_share(total, square - total * total / units.count, units)

    def gaps(self, other: Measured) -> tuple[list[Measure], Which]:
        """Each measure less that of another sample on the same paths; whether values differ by a constant."""
        constant = _alike(self.values, other.values)
        pairs = zip(self.measures, other.measures, strict=True)
        return [one.less(two, self.units, constant) for one, two in pairs], constant


def _alike(values: CellPaths, baseline: CellPaths, paths: slice = slice(FIRST)) -> Which:
    """Whether the difference is the same on all paths, up to rounding; the first paths mostly show that it is not."""
    gap = np.subtract(values[:, paths], baseline[:, paths], dtype=np.float64)
    lowest, highest = gap.min(axis=-1), gap.max(axis=-1)
    constant = highest - lowest <= ROUNDING * np.abs(highest)
    return constant & _alike(values, baseline, slice(None)) if paths.stop and constant.any() else constant


def table(measures: Sequence[Measure], constant: Which) -> Table:
    """Several measures of many cells [cell, measure]; ends are NaN where exceedances are too few in a cell that varies.

    Tails are not judged for heaviness, which has to be done cell by cell.
    """
    columns = zip(*(one.column for one in measures), strict=True)
    estimate, error, low, high = (np.stack(parts, axis=-1) for parts in columns)
    few = np.stack([(one.exceedances < one.needed) & ~constant for one in measures], axis=-1)
    return estimate, error, np.where(few, np.nan, low), np.where(few, np.nan, high)
