"""VaR and expected shortfall of many cells at once, high being worse: values [cell, path] -> arrays [cell].

`measures.py` says what they are and gives them their names, their signs and their flags.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.intervals import (
    Moments,
    Some,
    Units,
    Z,
    effective_count,
    mean_interval,
    moments,
    moments_of_some,
    tail_ranks,
    wilson_interval,
)

LEVELS = (0.95, 0.99, 0.999)

Column = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Estimate, standard error, low end, high end; `Table` is the same with a last axis over measures."""
Table = Column


def tail_count(paths: int, level: float) -> int:
    """How many values the tail of level a holds: ceil(n (1 - a)), at least one."""
    return min(max(int(np.ceil(paths * (1 - level) - 1e-6)), 1), paths)


@dataclass(frozen=True)
class Quantiles:
    """VaR of one variable in many cells, high being worse, and what the other measures need of it.

    Args:
      ascending: the values sorted [cell, path].
      constant: whether all values of a cell are equal [cell].
      columns: (VaR, standard error, low, high) [cell], one for each level.
      slope: change of the quantile with the share above it, from the spacing of the interval's ranks [level, cell].
      exceedances: effective number of them [level, cell].
      excesses: (x - VaR)+ where it is not zero, one for each level.
    """

    ascending: np.ndarray
    constant: np.ndarray
    columns: list[Column]
    slope: np.ndarray
    exceedances: np.ndarray
    excesses: list[Some]


def quantiles(values: np.ndarray, units: Units) -> Quantiles:
    """VaR at every level with its distribution-free interval: ranks of Bin(n effective, 1 - a), scaled to n."""
    cells, n = values.shape
    ascending = np.sort(values, axis=-1)
    constant = ascending[:, 0] == ascending[:, -1]
    columns: list[Column] = []
    slope, exceedances, excesses = [], [], []
    tail = _exceeding(values, ascending[:, n - tail_count(n, min(LEVELS))])
    for level in LEVELS:
        share = 1 - level
        threshold = ascending[:, n - tail_count(n, level)]
        tail = _chosen(tail, tail.value > threshold[tail.cell])
        seen = moments_of_some(Some(cells, tail.cell, tail.path, np.ones(len(tail.value))), units)
        count = effective_count(seen, units)
        first, second = tail_ranks(count, share)
        down = np.clip(np.ceil(first * n / count), 1, n).astype(np.int64)
        up = np.clip(np.floor(second * n / count), 1, n).astype(np.int64)
        low, high = (ascending[np.arange(cells), n - rank].astype(np.float64) for rank in (down, up))
        known = (second >= 1) & (first <= count) | constant & (units.count > 1)
        low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
        q = threshold.astype(np.float64)
        columns.append((q, (high - low) / (2 * Z), low, high))
        slope.append((high - low) * n / np.maximum(down - up, 1))
        exceedances.append(count * share)
        excesses.append(Some(cells, tail.cell, tail.path, tail.value.astype(np.float64) - q[tail.cell]))
    return Quantiles(ascending, constant, columns, np.array(slope), np.array(exceedances), excesses)


def risk(values: np.ndarray, units: Units) -> tuple[Table, Quantiles]:
    """Mean, VaR and ES at every level, in this order: arrays [cell, measure]; and the quantiles behind them."""
    found = quantiles(values, units)
    shortfalls = [
        _where(np.isfinite(column[1]), shifted(moments_of_some(excess, units), 1 / (1 - level), column[0]))
        for level, column, excess in zip(LEVELS, found.columns, found.excesses, strict=True)
    ]
    columns = [shifted(moments(values, units), 1.0), *found.columns, *shortfalls]
    return _stacked(columns), found


def _stacked(columns: list[Column]) -> Table:
    estimate, error, low, high = (np.stack(parts, axis=-1) for parts in zip(*columns, strict=True))
    return estimate, error, low, high


def _where(known: np.ndarray, column: Column) -> Column:
    """The column without error and interval where so few exceed that they show none."""
    estimate, *rest = column
    error, low, high = (np.where(known, part, np.nan) for part in rest)
    return estimate, error, low, high


def _exceeding(values: np.ndarray, threshold: np.ndarray) -> Some:
    cell, path = np.divmod(np.flatnonzero(values > threshold[:, None]), values.shape[-1])
    return Some(len(values), cell, path, values[cell, path])


def _chosen(some: Some, mask: np.ndarray) -> Some:
    return Some(some.cells, some.cell[mask], some.path[mask], some.value[mask])


def shifted(of: Moments, scale: float, shift: np.ndarray | float = 0.0) -> Column:
    """A mean with its interval, times `scale` plus `shift`."""
    low, high = mean_interval(of)
    return scale * of.mean + shift, scale * of.error, scale * low + shift, scale * high + shift


@dataclass(frozen=True)
class Difference:
    """One variable less another on the same paths, high being worse: arrays [cell, measure]: mean, VaR, ES, P(worse)."""

    table: Table
    one: Quantiles
    two: Quantiles
    constant: np.ndarray

    @property
    def exceedances(self) -> np.ndarray:
        """Effective number of exceedances of the variable that has fewer [level, cell]."""
        return np.minimum(self.one.exceedances, self.two.exceedances)


def difference(values: np.ndarray, baseline: np.ndarray, units: Units) -> Difference:
    """Measures of one variable less another's: the mean of the gap, and the gaps of the influence functions.

    Influence of x on VaR: (1{x > VaR} - (1 - a)) times the quantile's slope; on ES: (x - VaR)+ / (1 - a) + VaR - ES.
    """
    cells = len(values)
    one, two = quantiles(values, units), quantiles(baseline, units)
    gap = values.astype(np.float64) - baseline
    constant = gap.min(axis=-1) == gap.max(axis=-1)
    at_risk: list[Column] = []
    shortfalls: list[Column] = []
    above = (values > one.columns[0][0][:, None]) | (baseline > two.columns[0][0][:, None])
    cell, path = np.divmod(np.flatnonzero(above), values.shape[-1])
    x, y = values[cell, path].astype(np.float64), baseline[cell, path].astype(np.float64)
    for i, level in enumerate(LEVELS):
        var_x, var_y = one.columns[i][0], two.columns[i][0]
        kept = (x > var_x[cell]) | (y > var_y[cell])
        cell, path, x, y = (part[kept] for part in (cell, path, x, y))
        over_x, over_y = x - var_x[cell], y - var_y[cell]
        influence = one.slope[i][cell] * (over_x > 0) - two.slope[i][cell] * (over_y > 0)
        q = var_x - var_y
        error = np.where(constant, 0.0, moments_of_some(Some(cells, cell, path, influence), units).error)
        at_risk.append((q, error, q - Z * error, q + Z * error))
        excess = Some(cells, cell, path, np.maximum(over_x, 0) - np.maximum(over_y, 0))
        shortfall = shifted(moments_of_some(excess, units), 1 / (1 - level), q)
        shortfalls.append(_where(np.isfinite(error), shortfall))
    columns = [shifted(moments(gap, units), 1.0), *at_risk, *shortfalls, share_of(gap > 0, units)]
    return Difference(_stacked(columns), one, two, constant)


def share_of(indicator: np.ndarray, units: Units) -> Column:
    """Shares of paths with Wilson's interval: indicator bool [cell, path]."""
    of = moments(indicator, units)
    low, high = wilson_interval(of.mean, effective_count(of, units))
    certain = (of.mean <= 0) | (of.mean >= 1)
    return of.mean, np.where(certain, (high - low) / (2 * Z), of.error), low, high
