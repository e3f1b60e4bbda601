"""What it is worth to know inputs before the policy is chosen (EVPI, EVPPI)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.analyses.futures import Futures
from engine.analyses.independent_inputs import independent_inputs
from engine.analyses.indices import Row
from engine.analyses.variables import LEVEL, MEAN, SHORTFALL, Values
from engine.risk.drivers.indices import NOTHING
from engine.risk.drivers.information import Decision, gains, normal_scores
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.tables import THREADS

EVERYTHING, FACTORS = "everything", "all factors"


def worths(futures: Futures, outcomes: Sequence[str], own: Values, good: np.ndarray) -> Iterator[Row]:
    """Rows of the value of information for the choice by mean and by ES of each outcome; none if only one policy runs.

    "everything" is perfect information about the whole path, shocks included (EVPI); then follow all factors and each
    input (EVPPI), without a value for shocks and regimes, which cannot be known in advance.

    Args:
      outcomes: those of which high or low values are worse.
      own: the outcomes on the study's paths [policy, path].
      good: mask of the paths that are used.
    """
    study, inputs = futures.study, independent_inputs(futures.study)
    if len(study.policies) < 2 or not outcomes:
        return
    units = as_units(study.paths, study.unit).take(good)
    drawn = dict(zip((item.name for item in study.inputs), futures.draws()[:, good], strict=True))
    scores = {
        one.name: [normal_scores(drawn[name]) for name in one.members] for one in inputs if one.is_known_in_advance
    }
    if scores:
        scores = {FACTORS: [x for some in scores.values() for x in some], **scores}
    losses = {name: own[name][:, good].astype(np.float64) * (1 if study.is_loss(name) else -1) for name in outcomes}
    choices = [(name, level) for name in outcomes for level in (None, LEVEL)]
    decisions = [Decision(losses[name], units, level) for name, level in choices]
    with ThreadPoolExecutor(THREADS) as threads:
        every = dict(zip(scores, threads.map(lambda some: gains(some, decisions), scores.values()), strict=True))
    for k, ((outcome, level), decision) in enumerate(zip(choices, decisions, strict=True)):
        measure, choice = MEAN if level is None else SHORTFALL, study.policy_names[decision.unread]
        # of perfect information: the best policy on every path
        values: dict[str, Estimate | None] = {EVERYTHING: decision.gain(decision.losses.min(axis=0)), FACTORS: NOTHING}
        values |= dict.fromkeys((one.name for one in inputs), None)
        values |= {name: of[k] for name, of in every.items()}
        for name, worth in values.items():
            yield {
                "decision": f"{measure} of {outcome}, {choice} picked without knowing", "knowing": name,
                "outcome": outcome, "measure": measure, "choice": choice, "unit": study.unit_of(outcome),
                "worth": worth,
            }  # fmt: skip
