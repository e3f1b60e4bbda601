"""Regret: how much worse a policy does than the best policy on the same future; its mean, quantiles and maximum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import Evidence
from engine.risk.estimation.intervals import Estimate, PolicyPaths, Unit
from engine.risk.estimation.measures import Estimates, Variables, alone, finite_units
from engine.risk.estimation.tails import Measured

LEVELS = (0.90, 0.95, 0.99)
"""Levels of the reported quantiles of regret."""
LARGEST = "regret_max"
"""Name of the largest regret in the sample; it grows with the number of paths and has no interval."""


def shortfalls(values: PolicyPaths, loss: bool) -> PolicyPaths:
    """How far each policy is from the best policy on the same path, at least 0 [policy, path]."""
    best = values.min(axis=0) if loss else values.max(axis=0)
    return np.abs(values - best)


def regrets(values: PolicyPaths, unit: Unit, loss: bool, means: Sequence[Estimate] = ()) -> list[Estimates]:
    """Regret of each policy: its mean "regret", its quantiles "regret_VaR95" etc. and its largest value "regret_max".

    Quantiles have intervals from order statistics and the flags of a VaR.

    Args:
      values: outcome under every policy on the same paths.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
      means: `measures.Variables.regrets` of the same values; computed if not given.
    """
    kept, units, lost = finite_units(tuple(values), unit)
    means = means or Variables(values, unit, loss).regrets()
    if not units.count:
        return [{"regret": mean} for mean in means]
    short = shortfalls(np.stack(kept), loss)
    names = [f"regret_VaR{100 * level:g}" for level in LEVELS]
    answer: list[Estimates] = []
    for row, mean in zip(short, means, strict=True):
        seen = Measured(row[None], units, LEVELS)
        at_risk = [seen.quantile(level) for level in LEVELS]
        unknown, none = Flag(Reason.FEW_IN_SAMPLE), [None] * len(LEVELS)
        quantiles = Evidence(at_risk, none, bool(seen.constant[0]), alone(units), unknown).in_order(lost)
        largest = Estimate(float(row.max()), flags=(Flag(Reason.UNRECORDED),))
        answer.append({"regret": mean, **dict(zip(names, quantiles, strict=True)), LARGEST: largest})
    return answer
