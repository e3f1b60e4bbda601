"""Mean, median, sd, VaR and ES of values on paths, high being worse, and shares of paths: [cell, path] -> [cell].

"VaR a" is the least of the worst values that together weigh n (1 - a), "ES a" = VaR + mean((x - VaR)+) / (1 - a).
`measures.py` adds names, signs and flags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import bdtr, bdtrik, betaincinv

from engine.risk.estimation.influences import (
    FEWEST_FOR_ES,
    FEWEST_FOR_VAR,
    MEDIAN,
    TIED,
    Column,
    Distribution,
    Measure,
    Table,
    Which,
    deviation,
    of_influence,
)
from engine.risk.estimation.intervals import TAIL, Cells, Levels, Moments, Units, Z, dots
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.row_statistics import Made, Sorted, ascending_rows, of_rank, sums
from engine.study.study import LEVELS

Holds = Bool[np.ndarray, "*cells path"]
Shares = tuple[Any, ...]
"""Estimate, standard error, low and high end of the interval."""
BOTH = np.uint16(0x0101)  # two neighbouring true values, read as one number
FEW_HITS = 3
"""Largest effective number of hits, or of misses, whose end of an interval is exact: for 1,000 paths the least coverage
over all probabilities is 83.8 % for 0, 92.7 % for 3, and 92.9 % for 4 to 6."""


def joint(x: Holds, y: Holds, units: Units) -> Cells:
    """Sum over units of (X - mean)(Y - mean), X and Y being a unit's numbers of paths with the properties x and y.

    For J units of equal weight it is (J sum X Y - sum X sum Y) / J, in integers, so that no digit is lost.
    """
    if not units.small:
        totals = map(units.totals, (x, y))
        r, s = (of - units.sizes * (of.sum(axis=-1, keepdims=True) / units.paths) for of in totals)
        return dots(r, s)
    together, of_x, of_y = (_count(x),) * 3 if x is y else map(_count, (x & y, x, y))
    if units.size > 1:  # and the other path of each pair
        pairs = np.ascontiguousarray(y).view(np.uint16)
        both = 2 * _count(pairs == BOTH) if x is y else _count(x & pairs.byteswap().view(bool))
        together = together + both
    return (units.count * together - of_x * of_y) / units.count


def _above(values: CellPaths, limit: Cells) -> Holds:
    """Which values are above the limit of their cell, compared in their own type so that none is converted."""
    near = limit.astype(values.dtype)
    return values > np.nextafter(near, -np.inf, out=near, where=near > limit)[:, None]


def _count(x: Holds) -> Int[np.ndarray, "*cells"]:
    """Number of paths with a property, cell by cell, as NumPy counts slowly along an axis."""
    counts = [np.count_nonzero(x[cell]) for cell in np.ndindex(x.shape[:-1])]
    return np.array(counts, np.int64).reshape(x.shape[:-1])


def share_moments(x: Holds, units: Units) -> Moments:
    """Moments of the share of paths with a property, without skewness."""
    total = _count(x) if units.weights is None else dots(x, units.weights)
    return _moments_of_share(total, joint(x, x, units), units)


def _moments_of_share(total: Cells, square: Cells, units: Units) -> Moments:
    """Moments from the number of paths with a property and the sum over units of the squared residuals."""
    mean = total / units.paths
    return Moments(mean, error_of(square, units), np.zeros_like(mean), units.count)


def error_of(square: Cells, units: Units) -> Cells:
    """Standard error of a mean, from the sum over units of the squared residuals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.maximum(square, 0.0) * units.count / np.float64(units.count - 1)) / units.paths


def effective_count(share: Moments, units: Units, unseen: float | None = None) -> Cells:
    """How many independent paths would give this share of paths the error it has: n over the design effect.

    share (1 - share) / error^2, held between 1 and n J; from replicates less, by (1.96 / their `reach`)^2. Where all or
    no path has the property the design effect is unknown: the number of units stands in for it, or n - J for
    replicates, which are never worse than one path less each (Owen 1997, SIAM J. Numer. Anal. 34, 1884-1910), over the
    weight of the heaviest path. Source: Korn and Graubard (1998), Survey Methodology 24, 193-201.

    Args:
      unseen: the number where all paths or none have the property, if paths have other weights than those of the units.
    """
    if unseen is None:
        if units.alone:
            return np.full_like(share.mean, float(units.paths))
        heaviest = 1.0 if units.weights is None else float(units.weights.max())
        unseen = max(units.count, units.paths - units.count) / heaviest
    if units.count < 2:
        return np.ones_like(share.mean)
    variance = share.error**2 * (units.count - 1) / units.count
    spread = share.mean * (1 - share.mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.clip(spread / variance, 1.0, float(units.paths) * units.count)
    if units.replicated:
        count = np.maximum(count * (Z / units.reach) ** 2, 1.0)
    return np.where(spread > 0, count, unseen)


def tail_ranks(count: Cells, share: float, risk: float = TAIL) -> tuple[Cells, Cells]:
    """Ranks from the top between which the quantile with `share` above it lies, each end missed with `risk`.

    Of `count` independent values, the low end is the `first`-th largest and the high end the `second`-th largest, with
    P(Bin(count, share) >= first) <= risk and P(Bin(count, share) < second) <= risk; second = 0: no value is high
    enough. Source: David and Nagaraja (2003), Order Statistics, 3rd ed., section 7.1, doi:10.1002/0471722162.
    """
    counts, place = np.unique(np.rint(count), return_inverse=True)
    first, second = (_binomial_quantile(at, counts, share)[place].reshape(np.shape(count)) for at in (1 - risk, risk))
    return first + 1, second


def _binomial_quantile(probability: float, count: np.ndarray, share: float) -> np.ndarray:
    """Smallest k with P(Bin(count, share) <= k) >= probability, searched upwards from just below its real root."""
    whole, k = count.astype(np.int64), np.maximum(np.floor(bdtrik(probability, count, share)) - 1, 0)
    while np.any(short := bdtr(k, whole, share) < probability):
        k = k + short
    return k


def exact_interval(share: Cells, count: Cells) -> tuple[Cells, Cells]:
    """Interval of a probability from the binomial law itself, each end missed with probability at most `TAIL`.

    For small counts and for extreme confidence levels. Source: Clopper and Pearson (1934), Biometrika 26, 404-413,
    doi:10.1093/biomet/26.4.404, with an effective count as in `effective_count`.
    """
    hits = share * count
    misses = count - hits
    low = np.where(share > 0, betaincinv(np.maximum(hits, 1e-300), misses + 1, TAIL), 0.0)
    high = np.where(share < 1, betaincinv(hits + 1, np.maximum(misses, 1e-300), 1 - TAIL), 1.0)
    return np.minimum(low, share), np.maximum(high, share)


def share_interval(share: Cells, count: Cells, z: float = Z) -> tuple[Cells, Cells]:
    """95 % interval of a probability with an effective count: Wilson's score, with exact ends for few hits or misses.

    With `FEW_HITS` hits or fewer, rounded, the lower end is that of `exact_interval`, and with as few misses the upper
    end. Wilson's lower end for a single hit lies above the probability in up to 16 % of samples.

    Args:
      z: how many standard errors it reaches; that of the normal law if not given.

    Source: Wilson (1927), J. Am. Statist. Assoc. 22, 209-212, doi:10.1080/01621459.1927.10502953.
    """
    extra = z**2 / count
    centre = (share + extra / 2) / (1 + extra)
    half = np.sqrt(extra * share * (1 - share) + extra**2 / 4) / (1 + extra)
    # at the ends the score interval closes exactly; rounding must not open or overshoot it
    low = np.where(share <= 0, 0.0, np.minimum(centre - half, share))
    high = np.where(share >= 1, 1.0, np.maximum(centre + half, share))
    reached = count * (Z / z) ** 2
    exact = exact_interval(share, reached)
    low, high = (
        np.where(np.rint(part * reached) <= FEW_HITS, *ends)
        for part, ends in ((share, (exact[0], low)), (1 - share, (exact[1], high)))
    )
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def combined_difference(first: Shares, second: Shares, error: Cells | float, correlation: Cells | float) -> Shares:
    """`first` - `second`, with the error of the difference, from their own intervals and the correlation of the two.

    The interval is asymmetric as its parts are, so that it stays honest for probabilities near 0 or 1; where no error
    was seen, the error is that of a normal interval as wide.
    Source: Newcombe (1998), Statist. Med. 17, 2635-2650 (method 10),
    doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.
    """
    (a, _, a_low, a_high), (b, _, b_low, b_high) = first, second

    def reach(one: Cells, two: Cells) -> Cells:
        return np.sqrt(np.maximum(one * one - 2 * correlation * one * two + two * two, 0.0))

    low, high = a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)
    return a - b, np.where(error == 0, (high - low) / (2 * Z), error), low, high


CellPaths = Float[np.ndarray, "cell path"]
ATOM = 100
"""Number of paths tied at the largest value from which on it is taken as the variable's upper bound."""
NEAR = 1e-6
"""Allowance for rounding in a sum of weights, relative to the mean weight."""
ROUNDING = 1e-12
"""Relative variation of a difference up to which it counts as constant."""
FIRST = 1024
"""Number of paths that are examined first, as they mostly show already that a difference is not constant."""


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
        return _moments_of_share(total, square - total * total / units.count, units)

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


def share(holds: Bool[np.ndarray, "*cells path"], units: Units) -> Column:
    """Shares of paths with a property, with their intervals."""
    of = share_moments(holds, units)
    column = share_of_moments(of, effective_count(of, units))
    return column if units.count > 1 or units.paths == 1 else (of.mean, *np.full((3, *of.mean.shape), np.nan))


def share_of_moments(of: Moments, count: Cells, reach: float = Z) -> Column:
    """Shares with their intervals, from their moments and the effective number of paths."""
    low, high = share_interval(of.mean, count, reach)
    certain = (of.mean <= 0) | (of.mean >= 1)
    return of.mean, np.where(certain, (high - low) / (2 * Z), of.error), low, high


def share_gap(x: Bool[np.ndarray, "*cells path"], y: Bool[np.ndarray, "*cells path"], units: Units) -> Column:
    """Shares of paths with one property less those with another, on the same paths, with their intervals."""
    one, two = share(x, units), share(y, units)
    square, other, product = (joint(*pair, units) for pair in ((x, x), (y, y), (x, y)))
    error, scale = error_of(square + other - 2 * product, units), np.sqrt(np.maximum(square * other, 0.0))
    correlated = np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0)
    return combined_difference(one, two, error, correlated)
