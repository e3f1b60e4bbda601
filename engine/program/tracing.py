"""Traces a study's path functions to nests of loops, once for all programs of a process."""

from __future__ import annotations

import threading
from typing import Any

import jax
import numpy as np

from engine.lanes import nest
from engine.lanes.llvm import NoMachineForm
from engine.lanes.nest import Traced
from engine.lanes.operations import NoScalarForm
from engine.program import arguments
from engine.program.path import PathFunctions
from engine.study.study import Study

_MOST = 8
"""Traces that are kept, each with its study, whose identity is part of the key."""
_TRACED: dict[tuple[int, type, bool, int], tuple[Study, Traced | str]] = {}
_TRACING = threading.Lock()


def shared_of(inputs: Any, high: int = 0) -> dict[str, Any]:
    """The shared inputs of a path function; `high` is the high word of the number of a group of paths."""
    return {"inputs": inputs, "high": np.uint32(high)}


def traced(study: Study, dtype: type, given: bool = False, policies: int | None = None) -> Traced | str:
    """The path function of a study, traced and lowered; or, as text, what in it cannot be written in scalars.

    Args:
      dtype: type of all numbers but the random words.
      given: whether the random numbers of a path are given, in place of drawn.
      policies: number of policies; the study's own if not given.
    """
    count = policies or len(study.policies)
    key = id(study), dtype, given, count
    with _TRACING:
        if key not in _TRACED:
            if len(_TRACED) == _MOST:
                del _TRACED[next(iter(_TRACED))]
            _TRACED[key] = study, _trace(study, dtype, given, count)
        return _TRACED[key][1]


def _trace(study: Study, dtype: type, given: bool, policies: int) -> Traced | str:
    inputs, functions = arguments.of(study, dtype), PathFunctions(study, dtype)
    rows = np.arange(policies) % len(study.policies)
    shared = shared_of(inputs | {"levers": jax.tree.map(lambda leaf: leaf[..., rows], inputs["levers"])})
    scores = jax.ShapeDtypeStruct((len(arguments.streams(study)),), dtype)
    with jax.enable_x64(dtype == np.float64):
        try:
            return nest.trace(functions.given, shared, scores) if given else nest.trace(functions.group, shared)
        except (NoScalarForm, NoMachineForm) as missing:
            return str(missing)
