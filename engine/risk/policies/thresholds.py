"""Exceedance probability of an outcome at any threshold under each policy, with bands that hold point by point.

The levels lie at quantiles of the pooled values of all policies, evenly spaced in normal score, so that the tails have
levels too. If the threshold of an event is given, the levels extend to it. Each level has the
probability of an event, and its difference from the baseline, as any other event has them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.special import ndtr, ndtri

from engine.risk.estimation.flags import Flag
from engine.risk.estimation.intervals import PolicyPaths, Unit, Units
from engine.risk.estimation.measures import finite_units
from engine.risk.estimation.tails import share, share_gap
from engine.risk.policies.curves import in_parts

POINTS = 61
SHOWN = (0.001, 0.999)
"""Quantiles of the pooled values between which the levels lie, unless the given threshold lies further out."""
Curve = Float[np.ndarray, "policy level"]


@dataclass(frozen=True)
class Banded:
    """Estimates by policy and level, with 95 % intervals that hold at one level.

    Args:
      estimate: the estimates [policy, level].
      low, high: its interval.
    """

    estimate: Curve
    low: Curve
    high: Curve


@dataclass(frozen=True)
class ThresholdCurves:
    """Probability of passing each level, by policy, and its difference from the baseline.

    Args:
      levels: in the outcome's own sign, from the harmless to the bad ones.
      share: probability under each policy.
      gap: probability under each policy less that under the baseline; zero for the baseline itself.
      flag: what was left out of the sample.
    """

    levels: Float[np.ndarray, "level"]
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
    return ThresholdCurves(sign * levels.astype(np.float64), Banded(*own), Banded(*gap), lost)


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
    levels = np.quantile(losses, ndtr(np.linspace(first, last, POINTS)), method="inverted_cdf")
    return np.unique(levels if marked is None else np.append(levels, kind(marked)))


def drawn(levels: Float[np.ndarray, "level"], threshold: float | None) -> Bool[np.ndarray, "level"]:
    """Which levels an axis shows: all but a threshold so far off that it would take over half the axis."""
    shown = np.ones(len(levels), bool)
    if threshold is not None and len(levels) > 2:
        at = np.abs(levels - threshold).argmin()
        others = np.delete(levels, at)
        shown[at] = max(others.min() - levels[at], levels[at] - others.max()) <= np.ptp(others)
    return shown
