"""Exceedance curves of an outcome: probability of passing each of a few dozen levels, with 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.intervals import Paths
from engine.risk.estimation.measures import finite_units
from engine.risk.estimation.shares import share_interval
from engine.risk.estimation.tails import share

Levels = Float[np.ndarray, "level"]
POINTS = 60
TOGETHER = 16
"""Number of levels at which all paths are counted, and in memory, at a time."""
FEWEST = 20
"""Paths beyond the last point of a curve; a sample of up to twice as many has a point at every value."""


@dataclass(frozen=True)
class Curve:
    """Share of paths on which an outcome is worse than a level, [level], from the best level to the worst.

    Args:
      levels: in the variable's own sign.
      share: share of paths that are worse than the level.
      low, high: 95 % interval of the share; NaN where the sample allows none.
    """

    levels: Levels
    share: Levels
    low: Levels
    high: Levels


def tail_curve(values: Paths, unit: int, loss: bool) -> Curve:
    """Exceedance curve of an outcome [path]; units with a path that is not finite are left out."""
    (kept,), units, _ = finite_units((values,), unit)
    bad = kept if loss else -kept
    levels = bad
    if bad.size > 2 * FEWEST:
        chances = np.geomspace(0.999, FEWEST / bad.size, POINTS)
        levels = np.quantile(bad, 1 - chances, method="inverted_cdf")
    levels = np.unique(levels[levels < bad.max(initial=-np.inf)])
    if not len(levels):
        return Curve(*np.empty((4, 0)))
    parts = [share(bad > some[:, None], units) for some in in_parts(levels)]
    shares, _, low, high = np.concatenate(parts, axis=-1)
    return Curve(np.asarray(levels if loss else -levels, np.float64), shares, low, high)


def in_parts(levels: Levels) -> list[Levels]:
    """The levels in parts of at most `TOGETHER`."""
    return np.split(levels, range(TOGETHER, len(levels), TOGETHER))


def curve_of_counts(counts: Int[np.ndarray, "bin"], edges: Float[np.ndarray, "edge"], units: int, loss: bool) -> Curve:
    """Exceedance curve of an outcome of which only a histogram was kept; the shares at the inner bin edges are exact.

    Args:
      counts: paths in each bin.
      edges: edges of the bins, ascending, one more than bins.
      units: number of independent units. The interval counts each unit as one path, and so is never too narrow.
    """
    total = counts.sum()
    if not total or units < 2:
        return Curve(*np.empty((4, 0)))
    below, levels = np.cumsum(counts)[:-1], edges[1:-1]
    beyond, levels = (total - below, levels) if loss else (below[::-1], levels[::-1])
    shares = beyond[beyond > 0] / total
    interval = share_interval(shares, np.full_like(shares, units))
    return Curve(levels[beyond > 0].astype(np.float64), shares, *interval)
