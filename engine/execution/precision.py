"""A pilot of a few paths in NumPy, before anything is compiled.

It tells whether single precision suffices, and which values lie on bounds.
"""

from __future__ import annotations

import json

from engine.modelling import code_digests
from engine.program.running import cache_keys, compilation_cache
from engine.program.running.pilot import Pilot, pilot
from engine.risk.estimation.rounding import Rounding, judged
from engine.study.study import Study


def piloted(study: Study) -> Pilot | None:
    """The study's pilot paths in both precisions, in a fraction of a second; None where NumPy cannot compute them."""
    try:
        return pilot(study)
    except Exception:
        return None  # a model may do what NumPy cannot, and a pilot must not end a run


def too_coarse(study: Study, both: Pilot | None = None) -> tuple[Rounding, ...]:
    """The quantities for which single precision is too coarse; empty in double precision, and where the pilot fails.

    Args:
      both: the study's pilot, in both precisions; computed here if not given.
    """
    if study.precision != "float32":
        return ()
    code = None if both else code_digests.code_of(study.model, __name__)
    key = cache_keys.key_of(study, code, "rounding", study.paths)
    kept = compilation_cache.held("rounding", key) if key is not None else None
    if kept is not None:
        return tuple(map(Rounding.of_dict, json.loads(kept)))
    both = both or piloted(study)
    try:
        answer = () if both is None else judged(study, vars(both.single), vars(both.double))
    except Exception:
        return ()
    if both is not None and key is not None:
        compilation_cache.keep("rounding", key, json.dumps([one.as_dict() for one in answer]).encode())
    return answer
