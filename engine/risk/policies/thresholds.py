"""Exceedance probability of an outcome at any threshold under each policy, each curve with two bands.

The levels lie at quantiles of the pooled values of all policies, evenly spaced in normal score, so that the tails have
levels too. If the threshold of an event is given, the levels extend to it. The narrow band, a share's, holds at one
level at a time; the wide one, by Clopper and Pearson, at all levels and under all policies at once (`simultaneous.py`).
Bands of the difference from the baseline are combined from those of the two probabilities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri

from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import PolicyPaths, Unit, Units
from engine.risk.estimation.measures import correlation, finite_units
from engine.risk.estimation.shares import combined_interval, effective_count, exact_interval, share_interval
from engine.risk.estimation.simultaneous import Together, batched, binned, codes, from_each

POINTS = 61
SHOWN = (0.001, 0.999)
"""Quantiles of the pooled values between which the levels lie, unless the given threshold lies further out."""
Curve = Float[np.ndarray, "policy level"]
Interval = tuple[Curve, Curve]


@dataclass(frozen=True)
class Banded:
    """Estimates by policy and level, with pointwise and simultaneous 95 % intervals.

    Args:
      estimate: the estimates [policy, level].
      low, high: interval that holds at one level.
      lowest, highest: interval that holds at all levels and under all policies at once.
    """

    estimate: Curve
    low: Curve
    high: Curve
    lowest: Curve
    highest: Curve


@dataclass(frozen=True)
class ThresholdCurves:
    """Probability of passing each level, by policy, and its difference from the baseline.

    Args:
      levels: in the outcome's own sign, from the harmless to the bad ones.
      share: probability under each policy.
      gap: probability under each policy less that under the baseline; zero for the baseline itself.
      reach: standard errors that the simultaneous bands reach, for `share` and for `gap`.
      flag: what was left out of the sample.
    """

    levels: Float[np.ndarray, "level"]
    share: Banded
    gap: Banded
    reach: tuple[float, float]
    flag: Flag | None = None

    def clear(self, policy: int, sign: int) -> list[tuple[float, float]]:
        """Ranges of neighbouring levels at which passing is clearly likelier, or less likely, than under the baseline.

        Clear means that the simultaneous band of the difference excludes zero.

        Args:
          policy: index of the policy.
          sign: 1 for likelier, -1 for less likely.
        """
        apart = self.gap.lowest[policy] > 0 if sign > 0 else self.gap.highest[policy] < 0
        edges = np.flatnonzero(np.diff(np.concatenate([[0], apart.astype(np.int8), [0]])))
        return [(float(self.levels[a]), float(self.levels[b - 1])) for a, b in edges.reshape(-1, 2)]


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
    batches = batched(units)
    counts = np.stack([from_each(binned(codes(levels, row), len(levels) + 1, batches))[1:] for row in losses])
    shares, gaps = Together(counts, batches), Together(np.delete(counts - counts[base], base, 0), batches)
    of, reaches = shares.moments, (shares.reach, gaps.reach if len(losses) > 1 else np.nan)
    count = effective_count(replace(of, units=units.count), units)
    alone = share_interval(of.mean, count)
    together, wide = (_far_interval(of.mean, count, z) for z in reaches)
    if units.count < 2 and units.paths > 1:
        alone = (np.full_like(of.mean, np.nan),) * 2
    share, gap = Banded(of.mean, *alone, *together), _gaps(of.mean, (alone, wide), counts, batches, base)
    return ThresholdCurves(sign * levels.astype(np.float64), share, gap, reaches, lost)


def _levels(losses: PolicyPaths, marked: float | None) -> np.ndarray:
    ascending = np.sort(losses, axis=None)
    first, last = ndtri(SHOWN)
    if marked is not None:
        below = np.searchsorted(ascending, ascending.dtype.type(marked), "right") / len(ascending)
        own = ndtri(np.clip(below, 0.5 / len(ascending), 1 - 0.5 / len(ascending)))
        first, last = min(first, own), max(last, own)
    ranks = np.ceil(ndtr(np.linspace(first, last, POINTS)) * len(ascending)).astype(np.int64) - 1
    levels = ascending[ranks]
    return np.unique(levels if marked is None else np.append(levels, levels.dtype.type(marked)))


def drawn(levels: Float[np.ndarray, "level"], threshold: float | None) -> Bool[np.ndarray, "level"]:
    """Which levels an axis shows: finite ones, but no threshold so far off that it would take over half the axis."""
    shown = np.isfinite(levels)
    if threshold is not None and shown.sum() > 2:
        at = int(np.nanargmin(np.abs(levels - threshold)))
        others = np.delete(levels, at)
        least, most = np.nanmin(others), np.nanmax(others)
        shown[at] = max(least - levels[at], levels[at] - most) <= most - least
    return shown


def _far_interval(share: Curve, count: Curve, reach: float) -> Interval:
    """Interval of shares that reaches many standard errors, by the binomial law: the normal law is too narrow there."""
    if not np.isfinite(reach):
        return (np.full_like(share, np.nan),) * 2
    return exact_interval(share, count, float(ndtr(-reach)))


def _gaps(share: Curve, intervals: Sequence[Interval], counts: np.ndarray, batches: Units, base: int) -> Banded:
    """Differences from the baseline, the ends combined from those of the two shares and their correlation."""
    ends = np.zeros((len(intervals), 2, *share.shape))
    residual = counts - batches.sizes * share[..., None]
    for p, k in np.ndindex(*share.shape):
        if p != base:
            related = correlation(residual[p, k], residual[base, k])
            for at, (low, high) in enumerate(intervals):
                one, two = ((float(share[q, k]), float(low[q, k]), float(high[q, k])) for q in (p, base))
                ends[at, :, p, k] = combined_interval(one, two, related)
    return Banded(share - share[base], *ends.reshape(-1, *share.shape))
