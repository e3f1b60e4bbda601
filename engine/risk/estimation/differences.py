"""Differences of the measures of two variables on the same paths, for many cells at once, high being worse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.intervals import Units, moments_of
from engine.risk.estimation.order_statistics import Ascending, Sorted
from engine.risk.estimation.sums import Made
from engine.risk.estimation.tails import (
    TIED,
    CellPaths,
    Column,
    Counts,
    Measured,
    Ranked,
    Table,
    Which,
    above,
    deviation,
    error_of_shares,
    gap_of_deviations,
    share,
    stacked,
)

ROUNDING = 1e-12
"""Relative variation of a difference up to which it counts as constant."""
FIRST = 1024
"""Number of paths that are examined first, as they mostly show already that a difference is not constant."""


@dataclass(frozen=True)
class Difference:
    """Measures of one variable less those of another on the same paths, high being worse.

    Args:
      table: mean, median, standard deviation, VaR, ES and P(worse): arrays [cell, measure].
      exceedances: effective number of exceedances, of the variable that has fewer, of the median and of VaR at each
        level [quantile, cell].
      constant: whether the difference is the same on all paths [cell].
    """

    table: Table
    exceedances: Float[np.ndarray, "quantile cell"]
    constant: Which


def difference(one: Measured, two: Measured, units: Units) -> Difference:
    """Measures of one variable less those of another, with errors from the differences of their influence functions.

    Influence of x on VaR, and on the median: (1{x > VaR} - (1 - a)) times the quantile's slope; on ES: (x - VaR)+ / (1
    - a) + VaR - ES; on the standard deviation: ((x - mean)^2 - sd^2) / (2 sd).
    """
    values, baseline, levels = one.values, two.values, one.quantiles.levels
    constant = _alike_everywhere(values, baseline)
    mean = moments_of(Made.of("difference", values, baseline), units)
    pairs = zip(one.quantiles.ranked, two.quantiles.ranked, strict=True)
    ranked = [_gap_of_quantiles(one, two, *pair, constant, units) for pair in pairs]
    excesses = [moments_of(one.beyond_less(two, at), units) for at in range(len(levels))]
    worse = share(lambda paths: values[:, paths] > baseline[:, paths], units)
    x, y = (deviation(part.squares, units.paths)[0] for part in (one, two))
    spread = gap_of_deviations(moments_of(one.squared_less(two), units), x - y, constant)
    table = stacked(mean, ranked, spread, levels, excesses, worse)
    return Difference(table, np.minimum(one.quantiles.exceedances, two.quantiles.exceedances), constant)


def _alike_everywhere(values: CellPaths, baseline: CellPaths) -> Which:
    """Whether the difference is the same on all paths, up to rounding; the first paths mostly show that it is not."""
    constant = np.ones(len(values), bool)
    for paths in (slice(FIRST), slice(None)):
        cells = np.flatnonzero(constant)
        if len(cells):
            gap = np.subtract(values[cells, paths], baseline[cells, paths], dtype=np.float64)
            lowest, highest = gap.min(axis=-1), gap.max(axis=-1)
            constant[cells] = highest - lowest <= ROUNDING * np.abs(highest)
    return constant


def _gap_of_quantiles(
    one: Measured, two: Measured, of_x: Ranked, of_y: Ranked, constant: Which, units: Units
) -> Column:
    """Difference of two quantiles, with a normal interval by influence functions; none where values are tied."""
    sides = (one, of_x), (two, of_y)
    over_x, over_y = (above(part.values, of.column[0]) for part, of in sides)
    error = np.where(constant, 0.0, error_of_shares(of_x.slope, over_x, of_y.slope, over_y, units))
    # where units happen to be all alike, they are worth the most that `effective_count` takes
    for cell in np.flatnonzero((error == 0) & ~constant).tolist():
        x, y = (of.slope[cell] * over(slice(None))[cell] for of, over in ((of_x, over_x), (of_y, over_y)))
        error[cell] = np.std(x - y) / np.sqrt(units.paths * units.count)
    q = of_x.column[0] - of_y.column[0]
    low, high = q - units.reach * error, q + units.reach * error
    alike = np.array([_alike(part.quantiles.ascending, of) * of.slope for part, of in sides])
    # where both variables pass their quantiles on the same paths and by the same steps, their difference is exact
    # despite ties
    tied = (alike > TIED * units.paths * error).any(axis=0) & (error > 0)
    return q, error, np.where(tied, np.nan, low), np.where(tied, np.nan, high)


def _alike(ascending: Sorted, of: Ranked) -> Counts:
    """Most paths tied at a value between the ends of a quantile's interval; 0 without ties."""
    most = []
    for row, down, up in zip(ascending, of.down, of.up, strict=True):
        n = len(row)
        first = _firsts(row, n - down, n - up)
        end = row.searchsorted(row[n - up], "right")
        most.append(int(np.diff(first, append=end).max()))
    return np.where(np.array(most) > 1, most, 0)


def _firsts(row: Ascending, low: int, high: int) -> Int[np.ndarray, "value"]:
    """Position in sorted values at which each distinct value between two positions begins."""
    window = row[low : high + 1]
    later = low + 1 + np.flatnonzero(window[1:] != window[:-1])
    return np.concatenate([[row.searchsorted(row[low])], later])
