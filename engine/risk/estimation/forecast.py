"""How many paths a target of precision takes, predicted from a pilot, with the error of that."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

from engine.risk.estimation.intervals import TAIL
from engine.risk.estimation.stopping import OVER, Look, first_look, look, rounded_up
from engine.study.study import Study
from engine.study.tables.stop_tables import Target

GROUPS = 20
"""Parts of a pilot, each of which is left out once."""
ROOM = 1.25
"""By how much a pilot is longer than a run's, so that its parts have what an interval needs too."""


@dataclass(frozen=True)
class Forecast:
    """Paths that a target takes.

    Args:
      look: at the target in the pilot.
      paths: that a run will stop at: 1.05 of what is predicted, and the run's own pilot at least; NaN where nothing can be predicted.
      low, high: 95 % interval of it; NaN where there is none.
    """

    look: Look
    paths: float
    low: float
    high: float


def pilot_paths(study: Study) -> int:
    """Paths of a pilot for the targets of a study."""
    return rounded_up(ROOM * first_look(study.until, study.unit), study.unit)


def forecast(
    study: Study, target: Target, outcomes: Mapping[str, Float[np.ndarray, "policy path"]]
) -> Forecast:
    """The paths that a target takes, n (half-width / wanted)^2 from a pilot of n; its error by leaving out each twentieth of the units.

    With L the logarithm of what is predicted and L_g the same without group g, its standard error is sqrt((G - 1) / G sum_g (L_g - mean)^2),
    the delete-a-group jackknife, which also holds for quantiles where groups are large (Shao and Wu 1989, Ann. Statist. 17, 1176-1197,
    doi:10.1214/aos/1176347263).

    Args:
      outcomes: of the pilot, those that the target is of.
    """
    whole = look(study, target, outcomes)
    units = len(next(iter(outcomes.values()))[0]) // study.unit
    edges = [study.unit * (units * group // GROUPS) for group in range(GROUPS + 1)]
    logs = []
    for first, end in pairwise(edges):
        rest = {name: np.delete(values, slice(first, end), axis=-1) for name, values in outcomes.items()}
        needed = look(study, target, rest).needed
        logs.append(math.log(needed) if needed > 0 else math.nan)
    error = math.sqrt((GROUPS - 1) ** 2 / GROUPS * float(np.var(logs)))
    reach = float(stdtrit(GROUPS - 1, 1 - TAIL)) * error
    least = first_look((target,), study.unit)
    predicted = OVER * whole.needed

    def paths(factor: float) -> float:
        return max(float(least), predicted * factor) if math.isfinite(predicted * factor) else math.nan

    return Forecast(whole, paths(1.0), paths(math.exp(-reach)), paths(math.exp(reach)))
