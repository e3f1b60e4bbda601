"""Whether independent runs of moved futures agree; what is said where they do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.errors import Problem, UserError
from engine.program.moving.sight import Sight
from engine.study.tables.facts_tables import FUTURES, Moved

RUNS = 32
"""Independent runs, as many as an interval over replicates asks for."""
LOOKS = (8, RUNS)
"""First runs after which it is looked at whether they agree."""
APART = 1.0
"""How far the log of the mean likelihood may differ between runs (standard deviation) before they are taken to disagree."""


def refuse_disagreement(sight: Sight, runs: Sequence[Moved]) -> None:
    """Raises a UserError where runs got stuck, or, of eight or more, do not agree: with the figure that is farthest off and what would help."""
    stuck, source = sum(not one.arrived for one in runs), sight.study.source
    if all(len(one.powers) == 1 for one in runs):
        text = f"is impossible on all of {len(runs) * FUTURES:,} futures: their values there are no numbers. Mend the model, or leave the figures out."
        raise UserError(source, [Problem("observed", text)])
    spread = float(np.std([one.evidence for one in runs], ddof=1)) if len(runs) >= LOOKS[0] else 0.0
    if stuck or spread > APART:
        how = (
            f"{stuck} of {len(runs)} runs got stuck"
            if stuck
            else f"{len(runs)} runs disagree (log of the mean likelihood: sd {spread:.2f})"
        )
        text = f"is too far from all futures: {how}. Farthest is {_farthest(sight, runs)}. State a larger error or discrepancy, or leave it out."
        raise UserError(source, [Problem("observed", text)])


def _farthest(sight: Sight, runs: Sequence[Moved]) -> str:
    figures = sight.of_scores(runs[0].scores)
    away = np.abs(np.nanmedian(figures, axis=1) - sight.observed) / sight.errors
    row = sight.rows[int(np.argmax(away))]
    return f"{row.name}, {float(away.max()):.1f} of its errors off"
