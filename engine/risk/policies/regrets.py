"""Regret: how much worse a policy does than the best policy on the same future; its mean, quantiles and maximum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.evidence import FEWEST_FOR_VAR
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import Estimate, Units
from engine.risk.estimation.measures import ONE_UNIT, finite_units, regret, single
from engine.risk.estimation.tails import quantiles

Outcomes = Float[np.ndarray, "policy path"]

LEVELS = (0.90, 0.95, 0.99)
"""Levels of the reported quantiles of regret."""
LARGEST = "regret_max"
"""Name of the largest regret in the sample; it grows with the number of paths and has no interval."""


def shortfalls(values: Outcomes, loss: bool) -> Outcomes:
    """How far each policy is from the best policy on the same path, at least 0 [policy, path]."""
    best = values.min(axis=0) if loss else values.max(axis=0)
    return np.abs(values - best)


def regrets(
    values: Outcomes, unit: int | Units, loss: bool, means: Sequence[Estimate] = ()
) -> list[dict[str, Estimate]]:
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
    answer: list[dict[str, Estimate]] = []
    for p, mean in enumerate(means):
        own = {"regret": mean}
        for level, column, many in zip(LEVELS, seen.columns, seen.exceedances, strict=True):
            few = (
                None
                if many[p] >= FEWEST_FOR_VAR or seen.constant[p]
                else Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, float(many[p]), FEWEST_FOR_VAR)
            )
            flag = ONE_UNIT if units.count < 2 else few
            own[f"regret_VaR{100 * level:g}"] = single(tuple(part[p] for part in column)).flagged(lost, flag)
        largest = float(short[p].max())
        own[LARGEST] = Estimate(largest, flags=(Flag(Reason.UNRECORDED),))
        answer.append(own)
    return answer


def least(by_policy: Mapping[str, float]) -> str:
    """Name of the policy with the least regret; the first of several.

    By mean regret it is the choice of the risk neutral, by the largest regret the minimax-regret choice.
    """
    return min(by_policy, key=by_policy.__getitem__)
