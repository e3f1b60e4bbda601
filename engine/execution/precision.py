"""Whether a study should be computed in double precision: its pilot, judged."""

from __future__ import annotations

from engine.program.pilot import pilot
from engine.program.rules import traced
from engine.risk.rounding import Rounding, judged
from engine.study.study import Study


def too_coarse(study: Study) -> tuple[Rounding, ...]:
    """What single precision is too coarse for; nothing where the study asks for double precision, or cannot be told.

    Takes a fraction of a second: nothing is compiled.
    """
    if study.precision != "float32":
        return ()
    try:
        both = pilot(study, traced(study, study.dtype))
    except Exception:
        return ()  # a model may do what NumPy cannot, and an opinion on a run must not end it
    return () if both is None else judged(study, vars(both.single), vars(both.double))
