"""Regret: what a policy gives away against the best policy of the same future; its mean, its quantiles, its largest."""

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
"""Of the quantiles of regret."""
LARGEST = "regret_max"
"""The largest regret on the paths that there are: it grows with them, and has no interval."""


def shortfalls(values: Outcomes, loss: bool) -> Outcomes:
    """What each policy lacks of the best policy on the same path, never below zero."""
    best = values.min(axis=0) if loss else values.max(axis=0)
    return np.abs(values - best)


def regrets(
    values: Outcomes,
    unit: int | Units,
    loss: bool,
    means: Sequence[Estimate] = (),
) -> list[dict[str, Estimate]]:
    """Of each policy: "regret", its mean; "regret_VaR95", what the worst 5 % of futures reach or pass; "regret_max".

    Quantiles have the order statistics' intervals, flagged as any VaR's.

    Args:
      means: what `measures.regret` gives of the same values; made here if not given.
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
    """The policy with the least regret: by its mean who bears risk, by its largest who shuns it most (minimax regret); the first of several."""
    return min(by_policy, key=by_policy.__getitem__)
