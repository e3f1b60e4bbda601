"""Regret: how much worse a policy does than the best policy on the same future; its quantiles and maximum."""

from __future__ import annotations

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import judged
from engine.risk.estimation.intervals import Estimate, PolicyPaths, Unit
from engine.risk.estimation.measures import Estimates, finite_units
from engine.risk.estimation.tails import Measured

LEVELS = (0.90, 0.95, 0.99)
"""Levels of the reported quantiles of regret."""
NAMES = [f"regret_VaR{100 * level:g}" for level in LEVELS]
LARGEST = "regret_max"
"""Name of the largest regret in the sample; it grows with the number of paths and has no interval."""


def regrets(values: PolicyPaths, unit: Unit, loss: bool) -> list[Estimates]:
    """Of each policy's regret the quantiles "regret_VaR95" etc. and the largest value "regret_max"; {} without paths.

    Quantiles have intervals from order statistics and the flags of a VaR. The mean is `measures.Variables.regrets`.

    Args:
      values: outcome under every policy on the same paths.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
    """
    kept, units, lost = finite_units(tuple(values), unit)
    if not units.count:
        return [{} for _ in values]
    every = np.stack(kept)
    best = every.min(axis=0) if loss else every.max(axis=0)
    found = []
    for row in np.abs(every - best):
        seen = Measured(row[None], units, LEVELS)
        at_risk = [seen.quantile(level) for level in LEVELS]
        own = dict(zip(NAMES, judged(at_risk, [None] * len(LEVELS), seen.constant, units, lost), strict=True))
        found.append(own | {LARGEST: Estimate(float(row.max()), flags=(Flag(Reason.UNRECORDED),))})
    return found
