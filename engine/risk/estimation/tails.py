"""Median, standard deviation, VaR and ES of many cells at once, high being worse: [cell, path] -> [cell].

`evidence.py` adds names, signs and flags.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
from jaxtyping import Bool, Float, Int, UInt64

from engine.risk.estimation.intervals import (
    PAIR,
    Levels,
    Moments,
    Units,
    Z,
    dots,
    mean_interval,
    moments,
    moments_of,
    moments_of_some,
    moments_of_tail,
    moments_of_totals,
    power_sums,
)
from engine.risk.estimation.order_statistics import Sorted, ascending_rows, of_rank
from engine.risk.estimation.shares import effective_count, share_interval, tail_ranks
from engine.risk.estimation.sums import Made
from engine.study.study import LEVELS

Cells = Float[np.ndarray, "cell"]
CellPaths = Float[np.ndarray, "cell path"]
Which = Bool[np.ndarray, "cell"]
Counts = Int[np.ndarray, "cell"]
Holds = Callable[[slice], Bool[np.ndarray, "cell path"]]
"""For a slice of the paths, whether each path of each cell has a property."""
Bits = UInt64[np.ndarray, "cell word"]
SLICE = 1 << 18
"""Number of paths of a cell whose property is evaluated at a time, before it is packed into bits."""
FIRST = np.uint64(0x5555555555555555)
"""Mask of the bits of the first path in each pair."""
ATOM = 100
"""Number of paths tied at the largest value from which on it is taken as the variable's upper bound."""
TIED = 0.25
"""Ties are ignored where all paths with one value move a difference of quantiles by less than this many errors."""

Column = tuple[np.ndarray, ...]
"""Estimate, standard error, low and high end of the interval [cell]; a `Table` has a last axis over measures."""
Table = Column


def tail_count(paths: int, level: float) -> int:
    """Number of values in the tail beyond level a: ceil(n (1 - a)), at least one."""
    return min(max(int(np.ceil(paths * (1 - level) - 1e-6)), 1), paths)


@dataclass(frozen=True)
class Ranked:
    """A quantile of one variable in many cells, with the ranks of its interval's ends.

    Args:
      share: share of the distribution above it.
      column: (quantile, standard error, low, high) [cell].
      slope: change of the quantile per unit of the share above it, from the spacing of the interval's ranks [cell].
      exceedances: effective number of exceedances [cell]; infinite where the quantile is the variable's upper bound.
      down, up: ranks of the low and the high end, counted from the largest value [cell].
    """

    share: float
    column: Column
    slope: Cells
    exceedances: Cells
    down: Counts
    up: Counts


@dataclass(frozen=True)
class Quantiles:
    """Median and VaR of one variable in many cells, high being worse, with what other measures derive from them.

    Args:
      levels: levels of VaR, ascending.
      ascending: values of each cell, sorted; for many cells and few paths an array [cell, path].
      constant: whether all values of a cell are equal [cell].
      ranked: the median, then VaR at each level.
      shortfalls: moments of (x - VaR)+ at each level.
    """

    levels: Levels
    ascending: Sorted
    constant: Which
    ranked: list[Ranked]
    shortfalls: list[Moments]

    @property
    def exceedances(self) -> Float[np.ndarray, "quantile cell"]:
        """Effective number of exceedances, as in `Ranked`: of the median, then of VaR at each level."""
        return np.array([of.exceedances for of in self.ranked])


def quantiles(values: CellPaths, units: Units, levels: Levels = LEVELS) -> Quantiles:
    """Median and VaR at every level, with distribution-free intervals: binomial ranks of n effective, scaled to n."""
    n = values.shape[-1]
    longest, room = tail_count(n, min(levels)), 2 * isqrt(n)
    # both tails and the middle, with room for the ends of intervals
    spans = (0, n // 500 + room), ((n - 1) // 2 - room, n // 2 + room), (n - longest - room, n)
    ascending = ascending_rows(values, spans)
    largest = of_rank(ascending, n - 1)
    constant = of_rank(ascending, 0) == largest
    ended = (n >= ATOM) & (of_rank(ascending, n - min(ATOM, n)) == largest)
    median = (of_rank(ascending, (n - 1) // 2) + of_rank(ascending, n // 2)) / 2
    # where every path is a unit only their number matters
    above_it = Moments(median, median, median, n) if units.alone else _moments_above(above(values, median), units)
    ranked = [_ranked(ascending, median, above_it, 0.5, constant, np.zeros_like(constant), units)]
    shortfalls = []
    together = _together(values, of_rank(ascending, n - longest), units)
    for level in levels:
        excess = np.stack([row[n - tail_count(n, level) :] for row in ascending], dtype=np.float64)
        q = excess[:, 0].copy()
        excess -= q[:, None]
        seen, shortfall = _tail_moments(values, q, excess, together, units)
        ranked.append(_ranked(ascending, q, seen, 1 - level, constant, ended & (q == largest), units))
        shortfalls.append(shortfall)
    return Quantiles(levels, ascending, constant, ranked, shortfalls)


def above(values: CellPaths, limit: Cells) -> Holds:
    """Which values are above their cell's limit, compared in the type of the values so that none is converted."""
    near = limit.astype(values.dtype)
    most = np.where(near > limit, np.nextafter(near, near.dtype.type(-np.inf)), near)
    return lambda paths: values[:, paths] > most[:, None]


def _moments_above(holds: Holds, units: Units) -> Moments:
    """Moments of the share of paths with a property; for single paths and pairs from counts, and without skewness."""
    if not units.small or units.count < 2:
        return moments(holds(slice(None)), units)
    bits = _packed(holds, units)
    share = _counts(bits) / units.paths
    error = np.sqrt(_residual_product(bits, bits, units) * units.count / (units.count - 1)) / units.paths
    return Moments(share, error, np.zeros_like(share), units.count)


def error_of_shares(a: Cells, x: Holds, b: Cells, y: Holds, units: Units) -> Cells:
    """Standard error of the mean of a 1{x} - b 1{y}; for single paths and pairs from counts of both together."""
    if not units.small or units.count < 2:
        of_x, of_y = (units.totals(holds(slice(None))) for holds in (x, y))
        return moments_of_totals(a[:, None] * of_x - b[:, None] * of_y, units).error
    square_x, square_y, cross = residual_products(x, y, units)
    square = a * a * square_x + b * b * square_y - 2 * (a * b * cross)
    return np.sqrt(np.maximum(square, 0.0) * units.count / (units.count - 1)) / units.paths


def residual_products(x: Holds, y: Holds, units: Units) -> tuple[Cells, Cells, Cells]:
    """Sums over units of (X - mean)^2, (Y - mean)^2 and (X - mean)(Y - mean).

    X and Y are the numbers of a unit's paths with the properties x and y.
    """
    if not units.small:
        totals = (units.totals(holds(slice(None))) for holds in (x, y))
        r, s = (of - units.sizes * (of.sum(axis=-1, keepdims=True) / units.paths) for of in totals)
        return dots(r, r), dots(s, s), dots(r, s)
    a, b = (_packed(holds, units) for holds in (x, y))
    return _residual_product(a, a, units), _residual_product(b, b, units), _residual_product(a, b, units)


def _residual_product(x: Bits, y: Bits, units: Units) -> Cells:
    """Sum over units of (X - mean)(Y - mean), as `residual_products`, for units of one path or two.

    For J units it is (J sum X Y - sum X sum Y) / J; all but the division is in integers, so that no digit is lost.
    """
    together = _counts(x & y)
    if units.size == PAIR:
        together = together + _counts(x & ((y >> 1) & FIRST | (y & FIRST) << 1))
    exact = np.int64 if units.count < 1 << 30 else object
    products, of_x, of_y = (part.astype(exact) for part in (together, _counts(x), _counts(y)))
    return ((units.count * products - of_x * of_y) / units.count).astype(np.float64)


def _packed(holds: Holds, units: Units) -> Bits:
    """One bit for each path, with those of a pair next to each other."""
    some = (holds(slice(first, first + SLICE)) for first in range(0, units.paths, SLICE))
    bits = np.concatenate([np.packbits(part, axis=-1, bitorder="little") for part in some], axis=-1)
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, -bits.shape[-1] % 8)))).view(np.uint64)


def _counts(bits: Bits) -> Counts:
    return np.bitwise_count(bits).sum(axis=-1, dtype=np.int64)


def _ranked(
    ascending: Sorted, q: Cells, seen: Moments, share: float, constant: np.ndarray, ended: np.ndarray, units: Units
) -> Ranked:
    """A quantile q [cell] with its error and interval.

    Args:
      seen: moments of 1{x > q}.
      share: share of the distribution above the quantile.
      constant, ended: where all values are equal, and where the quantile is the variable's upper bound; there the
        interval has ends however few values exceed the quantile.
    """
    n = units.paths
    count = effective_count(seen, units)
    first, second = tail_ranks(count, share)
    # a rank that rounding has pushed off a whole number must not jump to the next
    down = np.clip(np.ceil(first * n / count - 1e-6), 1, n).astype(np.int64)
    up = np.clip(np.floor(second * n / count + 1e-6), 1, n).astype(np.int64)
    low, high = (of_rank(ascending, n - rank) for rank in (down, up))
    known = (second >= 1) & (first <= count) | (constant | ended) & (units.count > 1)
    low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
    # small variation between replicates does not make up for few values in the tail
    many = (np.minimum(count, n) if units.replicated else count) * share
    column = q, (high - low) / (2 * units.reach), low, high
    slope = (high - low) * n / np.maximum(down - up, 1)
    return Ranked(share, column, slope, np.where(ended, np.inf, many), down, up)


def deviation(squares: Moments, paths: float) -> Column:
    """Standard deviation, sqrt(sum (x - mean)^2 / (n - 1)), from moments of (x - mean)^2.

    The ends are the square roots of those of the variance's interval; the error is the variance's over 2 sd.
    """
    scale = paths / (paths - 1) if paths > 1 else np.nan
    low, high = (np.sqrt(scale * np.maximum(end, 0.0)) for end in mean_interval(squares))
    estimate = np.sqrt(scale * squares.mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(estimate > 0, scale * squares.error / (2 * estimate), scale * squares.error)
    return estimate, error, low, high


def gap_of_deviations(of: Moments, gap: np.ndarray, constant: np.ndarray | bool) -> Column:
    """Difference of two standard deviations.

    Args:
      of: moments of the difference of the influences on them.
      gap: the difference itself.
      constant: where the two variables differ by the same amount on all paths; there its error is zero.
    """
    still = np.where(constant, 0.0, 1.0)
    return shifted(replace(of, error=still * of.error, skewness=still * of.skewness), 1.0, gap - of.mean)


def stacked(
    mean: Moments,
    ranked: Sequence[Column],
    spread: Column,
    levels: Sequence[float],
    excesses: Sequence[Moments],
    *more: Column,
) -> Table:
    """Measures of variables, or differences of two, in the order of `evidence.measures`: arrays [..., measure].

    Args:
      mean: moments of the mean.
      ranked: the median, then VaR at each level.
      spread: standard deviation.
      levels: the levels.
      excesses: moments of the mean excess over VaR at each level.
      more: further columns.
    """
    middle, *at_risk = ranked
    columns = [shifted(mean, 1.0), middle, spread, *at_risk]
    for level, var, excess in zip(levels, at_risk, excesses, strict=True):
        shortfall, *known = shifted(excess, 1 / (1 - level), var[0])
        columns.append((shortfall, *(np.where(np.isfinite(var[1]), part, np.nan) for part in known)))
    return tuple(np.stack(parts, axis=-1) for parts in zip(*columns, *more, strict=True))


Together = tuple[Int[np.ndarray, "pair"], Float[np.ndarray, "pair member"]]
"""Pairs with both values over a threshold: the cell of each, and its values [pair, member]."""


def _together(values: CellPaths, threshold: Cells, units: Units) -> Together:
    """Pairs with both values over the threshold [cell]; empty where units are not pairs."""
    if units.owner is not None or units.size != PAIR:
        return np.zeros(0, np.int64), np.zeros((0, units.size))
    over = np.ascontiguousarray(above(values, threshold)(slice(None)))
    # the two bytes of a pair are compared as one number
    cell, unit = np.divmod(np.flatnonzero(over.view(np.uint16) == 0x0101), units.count)
    return cell, values.reshape(len(values), units.count, units.size)[cell, unit].astype(np.float64)


def _tail_moments(
    values: CellPaths, q: Cells, excess: Float[np.ndarray, "cell rank"], together: Together, units: Units
) -> tuple[Moments, Moments]:
    """Moments of 1{x > q} and of (x - q)+ over all paths; `excess` holds x - q for all values from q on."""
    if not units.small:
        cell, path = np.divmod(np.flatnonzero(values > q[:, None]), values.shape[-1])
        of = functools.partial(moments_of_some, len(values), cell, path, units=units)
        return of(np.ones(len(path))), of(values[cell, path] - q[cell])
    number = np.count_nonzero(excess > 0, axis=-1).astype(np.float64)
    cell, value = together
    joint = np.maximum(value - q[cell, None], 0.0)
    return (
        moments_of_tail((number, number, number), cell, np.sign(joint), units),
        moments_of_tail(power_sums(excess), cell, joint, units),
    )


def shifted(of: Moments, scale: float, shift: np.ndarray | float = 0.0) -> Column:
    """The mean and its interval, times `scale` plus `shift`, as a column."""
    low, high = mean_interval(of)
    return scale * of.mean + shift, scale * of.error, scale * low + shift, scale * high + shift


@dataclass(frozen=True)
class Measured:
    """Values of one variable [cell, path], high being worse, and what its measures derive from them.

    Args:
      quantiles: their median and VaR.
      mean: moments of the values.
      squares: moments of their squared distances from the mean, exactly zero where all values of a cell are equal.
    """

    values: CellPaths
    quantiles: Quantiles
    mean: Moments
    squares: Moments

    @staticmethod
    def of(values: CellPaths, units: Units, levels: Levels = LEVELS) -> Measured:
        """Quantiles and moments of the values."""
        seen, mean = quantiles(values, units, levels), moments(values, units)
        centre = np.where(seen.constant, values[:, 0], mean.mean)
        return Measured(values, seen, mean, moments_of(Made.of("squares", values, at=centre), units))

    def risk(self) -> Table:
        """Mean, median, standard deviation, VaR and ES at every level, in this order: arrays [cell, measure]."""
        seen, spread = self.quantiles, deviation(self.squares, self.values.shape[-1])
        return stacked(self.mean, [of.column for of in seen.ranked], spread, seen.levels, seen.shortfalls)

    @property
    def scale(self) -> Cells:
        """1 / (2 sd), the factor of (x - mean)^2 in the influence on the standard deviation; zero if sd is zero."""
        size = 2 * np.sqrt(self.squares.mean)
        return np.where(size > 0, 1 / np.where(size > 0, size, 1.0), 0.0)

    def beyond_less(self, other: Measured, at: int) -> Made:
        """Difference of the excesses over the two VaRs at the level with index `at`: (x - VaR)+ less the same of y."""
        var, vars = (part.quantiles.ranked[1 + at].column[0] for part in (self, other))
        return Made.of("beyond", self.values, other.values, var, at_y=vars)

    def squared_less(self, other: Measured) -> Made:
        """Difference of the influences on the two standard deviations: (x - mean)^2 / (2 sd) less the same of y."""
        means = self.mean.mean, self.scale, other.mean.mean, other.scale
        return Made.of("squares", self.values, other.values, *means)


def share(holds: Holds, units: Units) -> Column:
    """Shares of paths with their intervals, from which paths have the property."""
    of = _moments_above(holds, units)
    return share_of_moments(of, effective_count(of, units))


def share_of_moments(of: Moments, count: Cells) -> Column:
    """Shares with their intervals, from their moments and the effective number of paths."""
    low, high = share_interval(of.mean, count)
    certain = (of.mean <= 0) | (of.mean >= 1)
    return of.mean, np.where(certain, (high - low) / (2 * Z), of.error), low, high
