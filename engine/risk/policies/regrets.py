"""Regret: how much worse a policy does than the best policy on the same future; its mean, quantiles and maximum."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.risk.estimation.evidence import FEWEST_FOR_VAR
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate, PolicyPaths, Unit
from engine.risk.estimation.measures import Estimates, alone, finite_units, regret, single
from engine.risk.estimation.tails import quantiles

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
      means: result of `measures.regret` for the same values; computed if not given.
    """
    kept, units, lost = finite_units(tuple(values), unit)
    means = means or regret(values, unit, loss)
    if not units.count:
        return [{"regret": mean} for mean in means]
    short = shortfalls(np.stack(kept), loss)
    seen = quantiles(short, units, LEVELS)
    answer: list[Estimates] = []
    for p, mean in enumerate(means):
        own = {"regret": mean}
        for level, of in zip(LEVELS, seen.ranked[1:], strict=True):
            many = float(of.exceedances[p])
            few = Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, many, FEWEST_FOR_VAR)
            flag = alone(units) or (few if many < FEWEST_FOR_VAR and not seen.constant[p] else None)
            own[f"regret_VaR{100 * level:g}"] = single(tuple(part[p] for part in of.column)).flagged(lost, flag)
        largest = float(short[p].max())
        own[LARGEST] = Estimate(largest, flags=(Flag(Reason.UNRECORDED),))
        answer.append(own)
    return answer
