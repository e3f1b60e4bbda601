"""Number of paths that a precision target needs, predicted from a pilot sample, with the error of the prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.risk.estimation.intervals import PolicyPaths, student
from engine.risk.estimation.stopping import OVER, Look, first_look, look, rounded_up
from engine.study.study import Study
from engine.study.tables.stops import Target

GROUPS = 20
"""Groups of the pilot that the jackknife leaves out in turn."""
ROOM = 1.25
"""Factor by which a forecast's pilot is longer than a run's, so that it still suffices with a group left out."""


@dataclass(frozen=True)
class Forecast:
    """Paths that a precision target needs.

    Args:
      look: the target's state in the pilot.
      paths: number of paths at which a run will stop: 1.05 times the prediction, at least the run's own pilot; NaN
        where nothing can be predicted.
      low, high: 95 % interval of `paths`; NaN where there is none.
    """

    look: Look
    paths: float
    low: float
    high: float


def pilot_paths(study: Study) -> int:
    """Number of paths in a forecast's pilot for the targets of a study."""
    return rounded_up(ROOM * first_look(study.until, study.unit), study.unit)


def forecast(study: Study, target: Target, outcomes: Mapping[str, PolicyPaths]) -> Forecast:
    """Number of paths that a target needs, n (half-width / wanted)^2 from a pilot of n paths, with its error.

    The error comes from the delete-a-group jackknife: with L_g the logarithm of the prediction without group g of G,
    the standard error of the logarithm is sqrt((G - 1) / G sum_g (L_g - mean)^2). It also holds for quantiles where
    groups are large (Shao and Wu 1989, Ann. Statist. 17, 1176-1197, doi:10.1214/aos/1176347263).

    Args:
      outcomes: values on the pilot, by name, of the outcomes that the target depends on.
    """
    whole = look(study, target, outcomes)
    edges = study.unit * (whole.paths // study.unit * np.arange(GROUPS + 1) // GROUPS)
    needed = []
    for first, end in pairwise(edges):
        rest = {name: np.delete(values, slice(first, end), axis=-1) for name, values in outcomes.items()}
        needed.append(look(study, target, rest).needed)
    logs = np.log(np.where(np.greater(needed, 0), needed, np.nan))
    reach = student(GROUPS) * np.sqrt((GROUPS - 1) * np.var(logs))
    predicted = OVER * whole.needed * np.exp([0.0, -reach, reach])
    return Forecast(whole, *np.maximum(predicted, first_look((target,), study.unit)).tolist())
