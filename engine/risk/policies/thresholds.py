"""How likely each level of an outcome is passed under each policy, wherever somebody puts the threshold: curves with two bands each.

The levels lie at quantiles of all policies together, evenly on the scale of a normal score, so that tails have levels too; with the threshold of an event
added, the curves reach out to it through what lies between. The narrow band holds at one level, the wide one at all levels and under all policies at once: `simultaneous.py`. The narrow one is Wilson's, the wide
one Clopper and Pearson's; those of a difference from the baseline are combined from two of them, as of two probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri

from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.measures import correlation, finite_units
from engine.risk.estimation.shares import combined_interval, effective_count, exact_interval, wilson_interval
from engine.risk.estimation.simultaneous import Together, batched, binned, codes, from_each

POINTS = 61
SHOWN = (0.001, 0.999)
"""Quantiles between which the levels lie, unless the threshold lies further out."""
Curve = Float[np.ndarray, "policy level"]


@dataclass(frozen=True)
class Banded:
    """Numbers by policy and level: the estimate, its 95 % interval alone, and the ends that hold all of them at once."""

    estimate: Curve
    low: Curve
    high: Curve
    lowest: Curve
    highest: Curve


@dataclass(frozen=True)
class ThresholdCurves:
    """The chance to pass each level.

    Args:
      levels: in the outcome's own sign, from the harmless to the bad ones.
      above: whether beyond is above.
      share: of each policy; gap: of each less that of the baseline, whose own row is zero.
      reach: standard errors that the wide bands reach, of shares and of gaps.
      flag: what is left out.
    """

    levels: Float[np.ndarray, "level"]
    above: bool
    share: Banded
    gap: Banded
    reach: tuple[float, float]
    flag: Flag | None = None

    def clear(self, policy: int, sign: int) -> list[tuple[float, float]]:
        """Ranges of neighbouring levels at which passing is clearly likelier than with the baseline, or less likely: by the wide band.

        Args:
          policy: its number.
          sign: 1 for likelier, -1 for less likely.
        """
        apart = self.gap.lowest[policy] > 0 if sign > 0 else self.gap.highest[policy] < 0
        edges = np.flatnonzero(np.diff(np.concatenate([[0], apart.astype(np.int8), [0]])))
        return [(float(self.levels[a]), float(self.levels[b - 1])) for a, b in edges.reshape(-1, 2)]


def threshold_curves(
    values: Float[np.ndarray, "policy path"],
    unit: int | Units,
    base: int,
    above: bool,
    threshold: float | None = None,
) -> ThresholdCurves | None:
    """The curves of an outcome under all policies on the same paths; None where no path is finite.

    Args:
      base: number of the policy that the others are compared with.
      above: whether the bad side is above.
      threshold: a level that is one of them, however far off.
    """
    kept, units, lost = finite_units(tuple(values), unit)
    if not units.count:
        return None
    losses = np.stack(kept) if above else -np.stack(kept)
    marked = None if threshold is None else threshold if above else -threshold
    levels = _levels(losses, marked)
    batches = batched(units)
    counts = np.stack([_beyond(codes(levels, row), len(levels), batches) for row in losses])
    shares, gaps = Together(counts, batches), Together(np.delete(counts - counts[base], base, 0), batches)
    of, reaches = shares.moments, (shares.reach, gaps.reach if len(losses) > 1 else np.nan)
    count = effective_count(replace(of, units=units.count), units)
    alone = wilson_interval(of.mean, count)
    together, wide = (_far_interval(of.mean, count, z) for z in reaches)
    if units.count < 2 and units.paths > 1:
        alone = together = wide = (np.full_like(of.mean, np.nan),) * 2
    share = Banded(of.mean, *alone, *together)
    bands = share, Banded(of.mean, *alone, *wide)
    sign = 1.0 if above else -1.0
    return ThresholdCurves(
        sign * levels.astype(np.float64), above, share, _gaps(bands, counts, batches, base), reaches, lost
    )


def _levels(losses: Float[np.ndarray, "policy path"], marked: float | None) -> np.ndarray:
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
    """Which levels an axis has room for: all, but for a threshold so far off that the others would fill less than half of it."""
    shown = np.isfinite(levels)
    if threshold is not None and shown.sum() > 2:
        at = int(np.nanargmin(np.abs(levels - threshold)))
        others = np.delete(levels, at)
        least, most = np.nanmin(others), np.nanmax(others)
        shown[at] = max(least - levels[at], levels[at] - most) <= most - least
    return shown


def _far_interval(share: Curve, count: Curve, reach: float) -> tuple[Curve, Curve]:
    """Interval of shares that reaches many standard errors: there the score's normal law is too light, and the binomial itself is asked."""
    if not np.isfinite(reach):
        return np.full_like(share, np.nan), np.full_like(share, np.nan)
    return exact_interval(share, count, float(ndtr(-reach)))


def _beyond(code: np.ndarray, levels: int, batches: Units) -> Float[np.ndarray, "level batch"]:
    """Paths of each batch beyond each level."""
    return from_each(binned(code, levels + 1, batches))[1:]


def _gaps(bands: tuple[Banded, Banded], counts: np.ndarray, batches: Units, base: int) -> Banded:
    """Differences from the baseline, the ends combined from those of the two shares and their correlation."""
    alone, wide = bands
    estimate = alone.estimate - alone.estimate[base]
    ends = np.zeros((4, *estimate.shape))
    residual = counts - batches.sizes * alone.estimate[..., None]
    for p, k in np.ndindex(*estimate.shape):
        if p != base:
            related = correlation(residual[p, k], residual[base, k])
            for at, (low, high) in ((0, (alone.low, alone.high)), (2, (wide.lowest, wide.highest))):
                one, two = (
                    (float(alone.estimate[q, k]), float(low[q, k]), float(high[q, k])) for q in (p, base)
                )
                ends[at : at + 2, p, k] = combined_interval(one, two, related)
    return Banded(estimate, *ends)
