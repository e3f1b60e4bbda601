"""Median, deviation, VaR and expected shortfall of many cells at once, high being worse: values [cell, path] -> arrays [cell].

`evidence.py` gives them their names, their signs and their flags.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from engine.risk.intervals import (
    PAIR,
    Moments,
    Some,
    Units,
    Z,
    effective_count,
    mean_interval,
    moments,
    moments_of_some,
    moments_of_tail,
    moments_of_totals,
    tail_ranks,
    wilson_interval,
)
from engine.study.study import LEVELS

Cells = Float[np.ndarray, "cell"]
CellPaths = Float[np.ndarray, "cell path"]
ATOM = 100
"""Paths with the largest value of all, from which on a tail of nothing else is known: it ends there."""

Column = tuple[np.ndarray, ...]
"""Estimate, standard error, low end, high end, these four; `Table` is the same with a last axis over measures."""
Table = Column


def tail_count(paths: int, level: float) -> int:
    """How many values the tail of level a holds: ceil(n (1 - a)), at least one."""
    return min(max(int(np.ceil(paths * (1 - level) - 1e-6)), 1), paths)


@dataclass(frozen=True)
class Middle:
    """The median of one variable in many cells: (median, standard error, low, high) [cell]; slope, exceedances as in `Quantiles`."""

    column: Column
    slope: Cells
    exceedances: Cells


@dataclass(frozen=True)
class Quantiles:
    """VaR of one variable in many cells, high being worse, its median, and what the other measures need of them.

    Args:
      levels: of VaR, ascending.
      ascending: the values sorted [cell, path].
      constant: whether all values of a cell are equal [cell].
      middle: the median.
      columns: (VaR, standard error, low, high) [cell], one for each level.
      slope: change of the quantile with the share above it, from the spacing of the interval's ranks [level, cell].
      exceedances: effective number of them [level, cell]; infinite where all of them are the value that the variable ends at.
      shortfalls: moments of (x - VaR)+, one for each level.
    """

    levels: tuple[float, ...]
    ascending: CellPaths
    constant: Bool[np.ndarray, "cell"]
    middle: Middle
    columns: list[Column]
    slope: Float[np.ndarray, "level cell"]
    exceedances: Float[np.ndarray, "level cell"]
    shortfalls: list[Moments]


def quantiles(values: CellPaths, units: Units, levels: tuple[float, ...] = LEVELS) -> Quantiles:
    """Median, and VaR at every level, with distribution-free intervals: ranks of Bin(n effective, 1 - a), scaled to n."""
    n = values.shape[-1]
    ascending = np.sort(values, axis=-1)
    constant = ascending[:, 0] == ascending[:, -1]
    ended = (n >= ATOM) & (ascending[:, -min(ATOM, n)] == ascending[:, -1])
    columns: list[Column] = []
    slope, exceedances, shortfalls = [], [], []
    together = _together(values, ascending[:, n - tail_count(n, min(levels))], units)
    for level in levels:
        worst = ascending[:, n - tail_count(n, level) :].astype(np.float64)
        q = worst[:, 0]
        seen, shortfall = _tail_moments(values, worst, together, units)
        alike = ended & (q == worst[:, -1])
        column, rise, many = _ranked(ascending, q, seen, 1 - level, constant | alike, units)
        columns.append(column)
        slope.append(rise)
        exceedances.append(np.where(alike, np.inf, many))
        shortfalls.append(shortfall)
    middle = _middle(values, ascending, constant, units)
    return Quantiles(
        levels, ascending, constant, middle, columns, np.array(slope), np.array(exceedances), shortfalls
    )


def _middle(values: CellPaths, ascending: CellPaths, constant: np.ndarray, units: Units) -> Middle:
    """The median: the mean of the two values in the middle."""
    n = values.shape[-1]
    q = (ascending[:, (n - 1) // 2].astype(np.float64) + ascending[:, n // 2]) / 2
    if units.size == 1 and units.owner is None:  # their number is all that counts
        seen = Moments(q, q, q, units.count)
    else:
        seen = _moments_above(values > q[:, None], units)
    return Middle(*_ranked(ascending, q, seen, 0.5, constant, units))


def _moments_above(above: Bool[np.ndarray, "cell path"], units: Units) -> Moments:
    """Moments of a share of paths, but for its skewness. Of pairs by counting: sum T^2 = number + 2 pairs wholly above."""
    if units.owner is not None or units.size != PAIR or units.count < 2:
        return moments(above, units)
    # along an axis NumPy counts a seventh as fast
    number, both = (np.array([np.count_nonzero(row) for row in part]) for part in (above, _both(above)))
    mean = number / units.paths
    square = np.maximum(number + 2 * both - units.count * (PAIR * mean) ** 2, 0.0)
    error = np.sqrt(square * units.count / (units.count - 1)) / units.paths
    return Moments(mean, error, np.zeros_like(mean), units.count)


def _both(of: Bool[np.ndarray, "cell path"]) -> Bool[np.ndarray, "cell pair"]:
    """Whether something holds on both paths of each pair: their two bytes looked at as one number."""
    both: np.ndarray = np.ascontiguousarray(of).view(np.uint16) == 0x0101
    return both


def _ranked(
    ascending: CellPaths, q: Cells, seen: Moments, share: float, certain: np.ndarray, units: Units
) -> tuple[Column, Cells, Cells]:
    """A quantile q [cell] with its error and interval; the quantile's slope; the effective number of exceedances.

    Args:
      seen: moments of 1{x > q}.
      share: of the law that is above it.
      certain: where the interval has its ends however few exceed.
    """
    n = ascending.shape[-1]
    count = effective_count(seen, units)
    first, second = tail_ranks(count, share)
    # a rank that rounding has pushed off a whole number must not jump to the next
    down = np.clip(np.ceil(first * n / count - 1e-6), 1, n).astype(np.int64)
    up = np.clip(np.floor(second * n / count + 1e-6), 1, n).astype(np.int64)
    cell = np.arange(len(ascending))
    low, high = (ascending[cell, n - rank].astype(np.float64) for rank in (down, up))
    known = (second >= 1) & (first <= count) | certain & (units.count > 1)
    low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
    # that many replicates agree on a tail makes up for no value in it
    many = (np.minimum(count, n) if units.replicated else count) * share
    return (q, (high - low) / (2 * units.reach), low, high), (high - low) * n / np.maximum(down - up, 1), many


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of one variable in many cells, and what errors need of them.

    Args:
      mean: moments of the values.
      squares: moments of (x - mean)^2.
    """

    mean: Moments
    squares: Moments


def spread(values: CellPaths, constant: Bool[np.ndarray, "cell"], units: Units) -> Spread:
    """Mean and deviation of values [cell, path]; no deviation where they are constant."""
    mean = moments(values, units)
    centre = np.where(constant, values[:, 0], mean.mean)[:, None]
    squares = units.totals_of(lambda some: np.square(some - centre), values)
    return Spread(mean, moments_of_totals(squares, units))


def deviation(squares: Moments, paths: int) -> Column:
    """Standard deviation, sqrt(sum (x - mean)^2 / (n - 1)), from moments of (x - mean)^2.

    The ends are the roots of those of the variance, an interval of a mean; the error is that of the variance over 2 sd.
    """
    scale = paths / (paths - 1) if paths > 1 else np.nan
    low, high = (np.sqrt(scale * np.maximum(end, 0.0)) for end in mean_interval(squares))
    estimate = np.sqrt(scale * squares.mean)
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.where(estimate > 0, scale * squares.error / (2 * estimate), scale * squares.error)
    return estimate, error, low, high


def risk(mean: Moments, squares: Moments, seen: Quantiles) -> Table:
    """Mean, median, deviation, VaR and ES at every level, in this order: arrays [cell, measure].

    Args:
      mean: moments of the values; squares: of their squared distance from the mean.
    """
    shortfalls = [
        _where(np.isfinite(column[1]), shifted(shortfall, 1 / (1 - level), column[0]))
        for level, column, shortfall in zip(seen.levels, seen.columns, seen.shortfalls, strict=True)
    ]
    of_spread = deviation(squares, seen.ascending.shape[-1])
    return _stacked([shifted(mean, 1.0), seen.middle.column, of_spread, *seen.columns, *shortfalls])


def _stacked(columns: list[Column]) -> Table:
    return tuple(np.stack(parts, axis=-1) for parts in zip(*columns, strict=True))


def _where(known: np.ndarray, column: Column) -> Column:
    """The column without error and interval where so few exceed that they show none."""
    estimate, *rest = column
    return estimate, *(np.where(known, part, np.nan) for part in rest)


@dataclass(frozen=True)
class Together:
    """The pairs with both values over a threshold: the cell of each, and its values [pair, member]."""

    cell: Int[np.ndarray, "pair"]
    value: Float[np.ndarray, "pair member"]


def _together(values: CellPaths, threshold: Float[np.ndarray, "cell"], units: Units) -> Together:
    """Pairs with both values over the threshold [cell]; none where units are no pairs."""
    if units.owner is not None or units.size != PAIR:
        return Together(np.zeros(0, np.int64), np.zeros((0, units.size)))
    over = values > threshold[:, None]
    cell, unit = np.divmod(np.flatnonzero(_both(over)), units.count)
    return Together(cell, values.reshape(len(values), units.count, units.size)[cell, unit].astype(np.float64))


def _tail_moments(
    values: CellPaths, worst: Float[np.ndarray, "cell rank"], together: Together, units: Units
) -> tuple[Moments, Moments]:
    """Moments of 1{x > q} and of (x - q)+ over all paths, with q the smallest of the worst values [cell, rank]."""
    q = worst[:, :1]
    if units.owner is not None or units.replicated:
        cell, path = np.divmod(np.flatnonzero(values > q), values.shape[-1])
        excess = Some(len(values), cell, path, values[cell, path] - q[cell, 0])
        seen = replace(excess, value=np.ones(len(path)))
        return moments_of_some(seen, units), moments_of_some(excess, units)
    own, joint = worst - q, np.maximum(together.value - q[together.cell], 0.0)
    return (
        moments_of_tail(np.sign(own), together.cell, np.sign(joint), units),
        moments_of_tail(own, together.cell, joint, units),
    )


def shifted(of: Moments, scale: float, shift: np.ndarray | float = 0.0) -> Column:
    """A mean with its interval, times `scale` plus `shift`."""
    low, high = mean_interval(of)
    return scale * of.mean + shift, scale * of.error, scale * low + shift, scale * high + shift


@dataclass(frozen=True)
class Difference:
    """One variable less another on the same paths, high being worse.

    Args:
      table: mean, median, deviation, VaR, ES, P(worse), arrays [cell, measure].
      exceedances: effective number of them in the variable that has fewer [level, cell].
      middle: as many of the median [cell].
      constant: whether the gap is the same on all paths [cell].
    """

    table: Table
    exceedances: Float[np.ndarray, "level cell"]
    middle: Cells
    constant: Bool[np.ndarray, "cell"]


@dataclass(frozen=True)
class Measured:
    """Values [cell, path] of one variable, high being worse, with their quantiles and their spread."""

    values: CellPaths
    quantiles: Quantiles
    spread: Spread

    @staticmethod
    def of(values: CellPaths, units: Units, levels: tuple[float, ...] = LEVELS) -> Measured:
        """Those of values."""
        seen = quantiles(values, units, levels)
        return Measured(values, seen, spread(values, seen.constant, units))

    def risk(self) -> Table:
        """As `risk`."""
        return risk(self.spread.mean, self.spread.squares, self.quantiles)

    def squared(self, values: CellPaths) -> CellPaths:
        """The influence of some values on the deviation, (x - mean)^2 / (2 sd), float64 [cell, path]; zero where nothing varies."""
        away = values - self.spread.mean.mean[:, None]
        away *= away
        size = 2 * np.sqrt(self.spread.squares.mean)[:, None]
        away /= np.where(size > 0, size, np.inf)
        return away


def difference(one: Measured, two: Measured, units: Units) -> Difference:
    """Measures of one variable less another's: the mean of the gap, and the gaps of the influence functions.

    Influence of x on VaR, and on the median: (1{x > VaR} - (1 - a)) times the quantile's slope; on ES: (x - VaR)+ / (1 - a)
    + VaR - ES; on the deviation: ((x - mean)^2 - sd^2) / (2 sd).
    """
    values, baseline = one.values, two.values
    x_seen, y_seen = one.quantiles, two.quantiles
    cells = len(values)
    gap: np.ndarray = np.subtract(values, baseline, dtype=np.float64)
    constant = gap.min(axis=-1) == gap.max(axis=-1)
    at_risk: list[Column] = []
    shortfalls: list[Column] = []
    above = (values > x_seen.columns[0][0][:, None]) | (baseline > y_seen.columns[0][0][:, None])
    cell, path = np.divmod(np.flatnonzero(above), values.shape[-1])
    x, y = values[cell, path].astype(np.float64), baseline[cell, path].astype(np.float64)
    for i, level in enumerate(x_seen.levels):
        var_x, var_y = x_seen.columns[i][0], y_seen.columns[i][0]
        kept = (x > var_x[cell]) | (y > var_y[cell])
        cell, path, x, y = (part[kept] for part in (cell, path, x, y))
        over_x, over_y = x - var_x[cell], y - var_y[cell]
        influence = x_seen.slope[i][cell] * (over_x > 0) - y_seen.slope[i][cell] * (over_y > 0)
        q = var_x - var_y
        error = np.where(constant, 0.0, moments_of_some(Some(cells, cell, path, influence), units).error)
        at_risk.append((q, error, q - units.reach * error, q + units.reach * error))
        excess = Some(cells, cell, path, np.maximum(over_x, 0) - np.maximum(over_y, 0))
        shortfall = shifted(moments_of_some(excess, units), 1 / (1 - level), q)
        shortfalls.append(_where(np.isfinite(error), shortfall))
    worse = share_of_totals(units.totals(values > baseline), units)
    middles = _gap_of_medians(one, two, constant, units)
    of_spread = _gap_of_deviations(one, two, constant, units)
    columns = [shifted(moments(gap, units), 1.0), middles, of_spread, *at_risk, *shortfalls, worse]
    fewer = np.minimum(x_seen.exceedances, y_seen.exceedances)
    middle = np.minimum(x_seen.middle.exceedances, y_seen.middle.exceedances)
    return Difference(_stacked(columns), fewer, middle, constant)


def _gap_of_medians(one: Measured, two: Measured, constant: np.ndarray, units: Units) -> Column:
    x, y = (units.totals(part.values > part.quantiles.middle.column[0][:, None]) for part in (one, two))
    x *= one.quantiles.middle.slope[:, None]
    y *= two.quantiles.middle.slope[:, None]
    x -= y
    q = one.quantiles.middle.column[0] - two.quantiles.middle.column[0]
    error = np.where(constant, 0.0, moments_of_totals(x, units).error)
    return q, error, q - units.reach * error, q + units.reach * error


def _gap_of_deviations(one: Measured, two: Measured, constant: np.ndarray, units: Units) -> Column:
    x, y = (deviation(part.spread.squares, units.paths)[0] for part in (one, two))
    totals = units.totals_of(lambda a, b: one.squared(a) - two.squared(b), one.values, two.values)
    of = moments_of_totals(totals, units)
    still = np.where(constant, 0.0, 1.0)
    of = replace(of, error=still * of.error, skewness=still * of.skewness)
    return shifted(of, 1.0, (x - y) - of.mean)


def share_of_totals(totals: Float[np.ndarray, "cell unit"], units: Units) -> Column:
    """Shares of paths with Wilson's interval, from how many paths of each unit have the property [cell, unit]."""
    of = moments_of_totals(totals, units)
    low, high = wilson_interval(of.mean, effective_count(of, units))
    certain = (of.mean <= 0) | (of.mean >= 1)
    return of.mean, np.where(certain, (high - low) / (2 * Z), of.error), low, high
