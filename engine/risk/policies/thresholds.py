"""Exceedance probabilities of an outcome by level: of one policy, and of all policies at the thresholds of an event.

Intervals hold at one level each. The levels of all policies lie at quantiles of the pooled values, evenly spaced in
normal score, so that the tails have levels too. If the threshold of an event is given, the levels extend to it. Each
level has the probability of an event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri

from engine.risk.estimation.intervals import Paths, PolicyPaths, Unit, Units, finite_units
from engine.risk.estimation.shares import share

Levels = Float[np.ndarray, "level"]
Shares = Float[np.ndarray, "*policy level"]
OF_ONE, OF_ALL = 60, 61
"""Number of levels of the curve of one policy, and of the curves of all policies."""
TOGETHER = 16
"""Number of levels at which all paths are counted, and in memory, at a time."""
FEWEST = 20
"""Paths beyond the last level of the curve of one policy; a sample of up to twice as many has a level at every value.
"""
SHOWN = (0.001, 0.999)
"""Quantiles of the pooled values between which the levels lie, unless the given threshold lies further out."""


@dataclass(frozen=True)
class Curve:
    """Share of paths on which an outcome is worse than a level, [level] or [policy, level].

    Args:
      levels: in the variable's own sign, from the best to the worst.
      share: share of paths that are worse than the level.
      low, high: 95 % interval of the share at one level; NaN where the sample allows none.
    """

    levels: Levels
    share: Shares
    low: Shares
    high: Shares


def tail_curve(values: Paths, unit: int, loss: bool) -> Curve:
    """Exceedance curve of an outcome [path]; units with a path that is not finite are left out."""
    (kept,), units, _ = finite_units((values,), unit)
    bad = kept if loss else -kept
    levels = bad
    if bad.size > 2 * FEWEST:
        chances = np.geomspace(0.999, FEWEST / bad.size, OF_ONE)
        levels = np.quantile(bad, 1 - chances, method="inverted_cdf")
    return _curve(bad, np.unique(levels[levels < bad.max(initial=-np.inf)]), loss, units)


def threshold_curves(values: PolicyPaths, unit: Unit, above: bool, threshold: float | None = None) -> Curve | None:
    """Exceedance curves of an outcome under all policies at the same levels; None where no path is finite.

    Args:
      values: outcome [policy, path].
      unit: paths in an independent unit, or the units themselves.
      above: whether high values are bad.
      threshold: a level to include, however far out.
    """
    kept, units, _ = finite_units(tuple(values), unit)
    if not units.count:
        return None
    losses = np.stack(kept) if above else -np.stack(kept)
    marked = threshold if threshold is None or above else -threshold
    return _curve(losses, _levels(losses, marked), above, units)


def _curve(losses: Float[np.ndarray, "*policy path"], levels: Levels, above: bool, units: Units) -> Curve:
    parts = np.split(levels, range(TOGETHER, len(levels), TOGETHER))
    shares = [share(losses[..., None, :] > some[:, None], units) for some in parts]
    own, _, low, high = np.concatenate(shares, axis=-1)
    return Curve(np.asarray(levels if above else -levels, np.float64), own, low, high)


def _levels(losses: PolicyPaths, marked: float | None) -> np.ndarray:
    size, kind = losses.size, losses.dtype.type
    first, last = ndtri(SHOWN)
    if marked is not None:
        own = ndtri(np.clip(np.mean(losses <= kind(marked)), 0.5 / size, 1 - 0.5 / size))
        first, last = min(first, own), max(last, own)
    levels = np.quantile(losses, ndtr(np.linspace(first, last, OF_ALL)), method="inverted_cdf")
    return np.unique(levels if marked is None else np.append(levels, kind(marked)))


def drawn(levels: Levels, threshold: float | None) -> Bool[np.ndarray, "level"]:
    """Which levels an axis shows: all but a threshold so far off that it would take over half the axis."""
    shown = np.ones(len(levels), bool)
    if threshold is not None and len(levels) > 2:
        at = np.abs(levels - threshold).argmin()
        others = np.delete(levels, at)
        shown[at] = max(others.min() - levels[at], levels[at] - others.max()) <= np.ptp(others)
    return shown
