"""Whether single precision suffices for a study: its first paths in both precisions, kept for models that ship."""

from __future__ import annotations

import json

import numpy as np

from engine.execution.kept import kept
from engine.program import cache_keys
from engine.program.precision import first_values, in_both
from engine.risk.estimation.rounding import Rounding, judged
from engine.study.study import Study


def first_years(study: Study) -> np.ndarray | None:
    """Yearly values of the first paths, [policy, year, cell, path]; None where they cannot be computed."""
    try:
        return first_values(study)["yearly"]
    except Exception:  # what a run reports as its own failure does not end a check
        return None


def too_coarse(study: Study) -> tuple[Rounding, ...]:
    """The quantities for which single precision is too coarse; empty in double precision, and where the check fails."""
    if study.precision != "float32":
        return ()

    def made() -> bytes:
        return json.dumps([one.as_dict() for one in judged(study, *in_both(study))]).encode()

    try:
        text = kept("rounding", cache_keys.key_of(study, "rounding", study.paths), made)
    except Exception:  # a model may do what double precision has no form of, and a check must not end a run
        return ()
    return tuple(map(Rounding.of_dict, json.loads(text)))
