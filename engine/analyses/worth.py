"""Value of information: what it is worth to know an input before the policy is chosen (EVPI, EVPPI)."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from engine.analyses.futures import Futures
from engine.analyses.independent_inputs import IndependentInput
from engine.analyses.variables import LEVEL, MEAN, SHORTFALL, Values
from engine.risk.drivers.indices import NOTHING
from engine.risk.drivers.information import Decision, gains, normal_scores
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.tables import THREADS


@dataclass(frozen=True)
class Worth:
    """The value of information for the choice of the policy with the least of a measure (the most where low is worse).

    Args:
      outcome, measure: what policies are chosen by.
      choice: the policy that is chosen without information.
      everything: value of perfect information about the whole path, shocks included (EVPI), in the unit of the outcome.
      known: value of knowing all factors.
      inputs: value of knowing each input (EVPPI); None for shocks and regimes, which cannot be known in advance.
    """

    outcome: str
    measure: str
    choice: str
    everything: Estimate
    known: Estimate
    inputs: tuple[Estimate | None, ...]


def worths(
    futures: Futures, inputs: Sequence[IndependentInput], outcomes: Sequence[str], own: Values, good: np.ndarray
) -> list[Worth]:
    """The value of information for the choice by mean and by ES of each outcome; empty if only one policy runs.

    Args:
      own: the outcomes on the study's paths [policy, path].
      good: mask of the paths that are used.
    """
    study = futures.study
    if len(study.policies) < 2 or not outcomes:
        return []
    units = as_units(study.paths, study.unit).take(good)
    drawn = futures.draws()[:, good]
    row = {item.name: k for k, item in enumerate(study.inputs)}
    known = [one for one in inputs if one.is_known_in_advance]
    scores = {one.name: [normal_scores(drawn[row[member]]) for member in one.members] for one in known}
    losses = {name: own[name][:, good].astype(np.float64) * (1 if study.is_loss(name) else -1) for name in outcomes}
    decisions = [Decision(losses[name], units, level) for name in outcomes for level in (None, LEVEL)]

    of_known = gains([x for some in scores.values() for x in some], decisions) if scores else []
    with ThreadPoolExecutor(THREADS) as threads:
        of_each = dict(zip(scores, threads.map(lambda some: gains(some, decisions), scores.values()), strict=True))
    return [
        Worth(
            name,
            MEAN if of.level is None else SHORTFALL,
            study.policy_names[of.unread],
            of.gain(of.losses.min(axis=0)),  # of perfect information: the best policy on every path
            of_known[k] if of_known else NOTHING,
            tuple(of_each[one.name][k] if one.name in of_each else None for one in inputs),
        )
        for k, (name, of) in enumerate(zip([name for name in outcomes for _ in range(2)], decisions, strict=True))
    ]
