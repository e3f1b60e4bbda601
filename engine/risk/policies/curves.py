"""Exceedance curves of an outcome: probability of passing each of a few dozen levels, with 95 % intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from engine.risk.estimation.intervals import Cells, Paths, PolicyPaths, Units, moments_of_totals
from engine.risk.estimation.measures import finite_units
from engine.risk.estimation.shares import effective_count, share_interval
from engine.risk.policies.together import batched, beyond

Levels = Float[np.ndarray, "level"]
POINTS = 60
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


NOTHING = Curve(*(np.empty(0) for _ in range(4)))


def tail_curve(values: Paths, unit: int, loss: bool) -> Curve:
    """Exceedance curve of an outcome [path]; units with a path that is not finite are left out."""
    (kept,), units, _ = finite_units((values,), unit)
    bad = kept if loss else -kept
    ascending = np.sort(bad)
    levels = ascending
    if bad.size > 2 * FEWEST:
        chances = np.geomspace(0.999, FEWEST / bad.size, POINTS)
        levels = np.quantile(ascending, 1 - chances, method="inverted_cdf")
    levels = np.unique(levels)
    levels = levels[levels < bad.max(initial=-np.inf)]
    if not len(levels):
        return NOTHING
    _, ends = shares_beyond(bad[None], levels, units)
    return Curve(np.asarray(levels if loss else -levels, np.float64), *(end[0] for end in ends))


def shares_beyond(
    losses: PolicyPaths, levels: Levels, units: Units
) -> tuple[Float[np.ndarray, "policy level batch"], tuple[Cells, Cells, Cells]]:
    """Paths of each batch of units beyond each level; their share in all paths, with the 95 % interval of a share.

    The ends are NaN for a single unit of several paths.
    """
    batches = batched(units)
    counts = np.stack([beyond(row, levels, batches)[1:] for row in losses])
    of = replace(moments_of_totals(counts, batches), units=units.count)
    low, high = share_interval(of.mean, effective_count(of, units))
    if units.count < 2 and units.paths > 1:
        low, high = np.full((2, *of.mean.shape), np.nan)
    return counts, (of.mean, low, high)


def curve_of_counts(counts: Int[np.ndarray, "bin"], edges: Float[np.ndarray, "edge"], units: int, loss: bool) -> Curve:
    """Exceedance curve of an outcome of which only a histogram was kept; the shares at the inner bin edges are exact.

    Args:
      counts: paths in each bin.
      edges: edges of the bins, ascending, one more than bins.
      units: number of independent units. The interval counts each unit as one path, and so is never too narrow.
    """
    total = counts.sum()
    if not total or units < 2:
        return NOTHING
    below, levels = np.cumsum(counts)[:-1], edges[1:-1]
    beyond, levels = (total - below, levels) if loss else (below[::-1], levels[::-1])
    share = beyond[beyond > 0] / total
    interval = share_interval(share, np.full_like(share, units))
    return Curve(levels[beyond > 0].astype(np.float64), share, *interval)
