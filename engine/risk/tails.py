"""VaR and expected shortfall of many cells at once, high being worse: values [cell, path] -> arrays [cell].

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

CellPaths = Float[np.ndarray, "cell path"]
LEVELS = (0.95, 0.99, 0.999)
ATOM = 100
"""Paths with the largest value of all, from which on a tail of nothing else is known: it ends there."""

Column = tuple[np.ndarray, ...]
"""Estimate, standard error, low end, high end, these four; `Table` is the same with a last axis over measures."""
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
      exceedances: effective number of them [level, cell]; infinite where all of them are the value that the variable ends at.
      shortfalls: moments of (x - VaR)+, one for each level.
    """

    ascending: CellPaths
    constant: Bool[np.ndarray, "cell"]
    columns: list[Column]
    slope: Float[np.ndarray, "level cell"]
    exceedances: Float[np.ndarray, "level cell"]
    shortfalls: list[Moments]


def quantiles(values: CellPaths, units: Units) -> Quantiles:
    """VaR at every level with its distribution-free interval: ranks of Bin(n effective, 1 - a), scaled to n."""
    cells, n = values.shape
    ascending = np.sort(values, axis=-1)
    constant = ascending[:, 0] == ascending[:, -1]
    ended = (n >= ATOM) & (ascending[:, -min(ATOM, n)] == ascending[:, -1])
    columns: list[Column] = []
    slope, exceedances, shortfalls = [], [], []
    together = _together(values, ascending[:, n - tail_count(n, min(LEVELS))], units)
    for level in LEVELS:
        share = 1 - level
        worst = ascending[:, n - tail_count(n, level) :].astype(np.float64)
        q = worst[:, 0]
        seen, shortfall = _tail_moments(values, worst, together, units)
        count = effective_count(seen, units)
        first, second = tail_ranks(count, share)
        # a rank that rounding has pushed off a whole number must not jump to the next
        down = np.clip(np.ceil(first * n / count - 1e-6), 1, n).astype(np.int64)
        up = np.clip(np.floor(second * n / count + 1e-6), 1, n).astype(np.int64)
        low, high = (ascending[np.arange(cells), n - rank].astype(np.float64) for rank in (down, up))
        alike = ended & (q == worst[:, -1])
        known = (second >= 1) & (first <= count) | (constant | alike) & (units.count > 1)
        low, high = np.where(known, low, np.nan), np.where(known, high, np.nan)
        columns.append((q, (high - low) / (2 * units.reach), low, high))
        slope.append((high - low) * n / np.maximum(down - up, 1))
        # that many replicates agree on a tail makes up for no value in it
        seen_paths = (np.minimum(count, n) if units.replicated else count) * share
        exceedances.append(np.where(alike, np.inf, seen_paths))
        shortfalls.append(shortfall)
    return Quantiles(ascending, constant, columns, np.array(slope), np.array(exceedances), shortfalls)


def risk(mean: Moments, seen: Quantiles) -> Table:
    """Mean, VaR and ES at every level, in this order: arrays [cell, measure], from `moments` and `quantiles` of values."""
    shortfalls = [
        _where(np.isfinite(column[1]), shifted(shortfall, 1 / (1 - level), column[0]))
        for level, column, shortfall in zip(LEVELS, seen.columns, seen.shortfalls, strict=True)
    ]
    return _stacked([shifted(mean, 1.0), *seen.columns, *shortfalls])


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
    cell, unit = np.divmod(np.flatnonzero(over[:, ::2] & over[:, 1::2]), units.count)
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
      table: mean, VaR, ES, P(worse), arrays [cell, measure].
      exceedances: effective number of them in the variable that has fewer [level, cell].
      constant: whether the gap is the same on all paths [cell].
    """

    table: Table
    exceedances: Float[np.ndarray, "level cell"]
    constant: Bool[np.ndarray, "cell"]


def difference(
    values: CellPaths, baseline: CellPaths, one: Quantiles, two: Quantiles, units: Units
) -> Difference:
    """Measures of one variable less another's: the mean of the gap, and the gaps of the influence functions.

    Influence of x on VaR: (1{x > VaR} - (1 - a)) times the quantile's slope; on ES: (x - VaR)+ / (1 - a) + VaR - ES.
    """
    cells = len(values)
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
        at_risk.append((q, error, q - units.reach * error, q + units.reach * error))
        excess = Some(cells, cell, path, np.maximum(over_x, 0) - np.maximum(over_y, 0))
        shortfall = shifted(moments_of_some(excess, units), 1 / (1 - level), q)
        shortfalls.append(_where(np.isfinite(error), shortfall))
    worse = share_of_totals(units.totals(values > baseline), units)
    columns = [shifted(moments(gap, units), 1.0), *at_risk, *shortfalls, worse]
    return Difference(_stacked(columns), np.minimum(one.exceedances, two.exceedances), constant)


def share_of_totals(totals: Float[np.ndarray, "cell unit"], units: Units) -> Column:
    """Shares of paths with Wilson's interval, from how many paths of each unit have the property [cell, unit]."""
    of = moments_of_totals(totals, units)
    low, high = wilson_interval(of.mean, effective_count(of, units))
    certain = (of.mean <= 0) | (of.mean >= 1)
    return of.mean, np.where(certain, (high - low) / (2 * Z), of.error), low, high
