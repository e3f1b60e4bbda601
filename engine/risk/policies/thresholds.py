"""Exceedance probabilities of an outcome by level: of one policy, and of all policies at the thresholds of an event.

Intervals hold at one level each. The levels of all policies lie at quantiles of the pooled values, evenly spaced in
normal score, so that the tails have levels too. If the threshold of an event is given, the levels extend to it. Each
level has the probability of an event, and its difference from the baseline, as any other event has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri

from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Paths, PolicyPaths, Unit, Units
from engine.risk.estimation.measures import finite_units
from engine.risk.estimation.tails import share, share_gap

Levels = Float[np.ndarray, "level"]
Banded = Float[np.ndarray, "3 policy level"]
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
        chances = np.geomspace(0.999, FEWEST / bad.size, OF_ONE)
        levels = np.quantile(bad, 1 - chances, method="inverted_cdf")
    levels = np.unique(levels[levels < bad.max(initial=-np.inf)])
    parts = [share(bad > some[:, None], units) for some in in_parts(levels)]
    shares, _, low, high = np.concatenate(parts, axis=-1)
    return Curve(np.asarray(levels if loss else -levels, np.float64), shares, low, high)


def in_parts(levels: Levels) -> list[Levels]:
    """The levels in parts of at most `TOGETHER`."""
    return np.split(levels, range(TOGETHER, len(levels), TOGETHER))


@dataclass(frozen=True)
class ThresholdCurves:
    """Probability of passing each level, by policy, and its difference from the baseline.

    Args:
      levels: in the outcome's own sign, from the harmless to the bad ones.
      share: probability under each policy, and the ends of its 95 % interval at one level [number, policy, level].
      gap: probability under each policy less that under the baseline, likewise; zero for the baseline itself.
      flag: what was left out of the sample.
    """

    levels: Levels
    share: Banded
    gap: Banded
    flag: Flag | None = None


def threshold_curves(
    values: PolicyPaths, unit: Unit, base: int, above: bool, threshold: float | None = None
) -> ThresholdCurves | None:
    """Exceedance curves of an outcome under all policies on the same paths; None where no path is finite.

    Args:
      values: outcome [policy, path].
      unit: paths in an independent unit, or the units themselves.
      base: index of the baseline policy.
      above: whether high values are bad.
      threshold: a level to include, however far out.
    """
    kept, units, lost = finite_units(tuple(values), unit)
    if not units.count:
        return None
    sign = 1.0 if above else -1.0
    losses = np.stack(kept) if above else -np.stack(kept)
    levels = _levels(losses, None if threshold is None else sign * threshold)
    parts = [_passing(losses[:, None] > some[:, None], base, units) for some in in_parts(levels)]
    own, gap = np.concatenate(parts, axis=-1)
    return ThresholdCurves(sign * levels.astype(np.float64), own, gap, lost)


def _passing(
    passes: Bool[np.ndarray, "policy level path"], base: int, units: Units
) -> Float[np.ndarray, "2 3 policy level"]:
    """Share of paths that pass each level, and less that of the baseline, with their intervals.

    The difference is exactly zero where both pass on the same paths.
    """
    own, gap = (np.stack(of)[[0, 2, 3]] for of in (share(passes, units), share_gap(passes, passes[[base]], units)))
    return np.stack([own, np.where((passes == passes[base]).all(axis=-1), 0.0, gap)])


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
