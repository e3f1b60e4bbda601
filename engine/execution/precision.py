"""What a few paths, computed by NumPy before anything is compiled, tell of a study: whether single precision will do, and which values stand on bounds."""

from __future__ import annotations

import numpy as np

from engine.program.pilot import Pilot, pilot
from engine.program.rules import traced
from engine.risk.rounding import Rounding, judged
from engine.study.study import Study


def piloted(study: Study) -> Pilot | None:
    """The study's pilot, in a fraction of a second; None where it cannot be computed so."""
    try:
        return pilot(study, traced(study, np.float32))
    except Exception:
        return None  # a model may do what NumPy cannot, and an opinion on a run must not end it


def too_coarse(study: Study, both: Pilot | None = None) -> tuple[Rounding, ...]:
    """What single precision is too coarse for; nothing where the study asks for double precision, or cannot be told.

    Args:
      both: the study's pilot, computed here if not given.
    """
    if study.precision != "float32":
        return ()
    both = both or piloted(study)
    try:
        return () if both is None else judged(study, vars(both.single), vars(both.double))
    except Exception:
        return ()
