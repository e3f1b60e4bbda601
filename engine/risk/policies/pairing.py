"""Gain from running every policy on the same futures: how much less the difference of two policies varies."""

from __future__ import annotations

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate, Paths, Unit
from engine.risk.estimation.measures import Sample, finite_units


def variance_ratio(one: Paths, two: Paths, unit: Unit) -> Estimate:
    """Variance of a difference with independent draws over that on common paths: (Var X + Var Y) / Var(X - Y).

    With independent draws this many times as many paths would be needed for the same standard error of the mean
    difference. The interval is that of the ratio's logarithm, by influence functions. NaN where the two differ by the
    same amount, perhaps zero, on every path.
    """
    (x, y), units, lost = finite_units((one, two), unit)
    nothing = Estimate(np.nan)
    if units.paths < 2:
        return nothing.flagged(lost, Flag(Reason.NO_PATHS, units.paths, 2))
    x, y = (part.astype(np.float64) - part.mean(dtype=np.float64) for part in (x, y))
    single, gap = x * x + y * y, (x - y) ** 2
    apart, paired = float(single.mean()), float(gap.mean())
    if paired <= 1e-14 * apart or apart == 0:
        return nothing.flagged(lost, Flag(Reason.UNRECORDED))
    ratio, influence = apart / paired, single / apart - gap / paired
    sample = Sample(influence[None], units)
    of = sample.mean
    error = of.of.error.item()
    low, high = (ratio * np.exp(side * units.reach * error) for side in (-1, 1))
    return Estimate(ratio, ratio * error, low, high).flagged(lost, units.scarce, sample.flag(of))
