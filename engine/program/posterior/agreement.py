"""Checks that independent runs of the sequential Monte Carlo agree, and raises an error where they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import Problem, UserError
from engine.program.posterior.sight import Sight
from engine.study.tables.facts import FUTURES, Moved

RUNS = 32
"""Independent runs: as many replicates as a confidence interval over them needs."""
LOOKS = (8, RUNS)
"""Numbers of finished runs after which their agreement is checked."""
APART = 1.0
"""Largest standard deviation over runs of the log of the mean likelihood at which the runs count as agreeing."""


def refuse_disagreement(sight: Sight, runs: Sequence[Moved]) -> None:
    """Raises a UserError where runs of the sequential Monte Carlo failed or disagree.

    Args:
      sight: the observed figures.
      runs: the finished runs; agreement is judged from eight runs on.

    Raises:
      UserError: the figures are not finite on any future; a run got stuck (did not reach power 1, or accepts too few
        steps); or the standard deviation of the log of the mean likelihood is above `APART`. In the last two cases the
        text names the figure that is farthest off.
    """
    stuck = sum(not one.arrived for one in runs)
    if all(len(one.powers) == 1 for one in runs):
        text = (
            f"has no finite value on all of {len(runs) * FUTURES:,} futures. Correct the"
            " model, or leave the figures out."
        )
    else:
        spread = float(np.std([one.evidence for one in runs], ddof=1)) if len(runs) >= LOOKS[0] else 0.0
        if not stuck and spread <= APART:
            return
        how = (
            f"{stuck} of {len(runs)} runs accept too few moves"
            if stuck
            else f"{len(runs)} runs disagree (log of the mean likelihood: sd {spread:.2f})"
        )
        text = (
            f"is too far from all futures: {how}. The farthest is {_farthest(sight, runs)}. State a larger error or"
            " discrepancy, or leave it out."
        )
    raise UserError(sight.study.source, [Problem("observed", text)])


def _farthest(sight: Sight, runs: Sequence[Moved]) -> str:
    figures = sight.of_scores(runs[0].scores)
    away = np.abs(sight.apart(np.nanmedian(figures, axis=1, keepdims=True)))
    row = sight.rows[int(np.argmax(away))]
    return f"{row.name}, {float(away.max()):.1f} of its errors off"
