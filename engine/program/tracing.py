"""Traces a study's path functions to nests of loops, once for all programs of a process."""

from __future__ import annotations

import threading
import weakref
from collections.abc import MutableMapping
from typing import Any

import jax
import numpy as np

from engine.lanes import nest
from engine.lanes.llvm import NoMachineForm
from engine.lanes.nest import Traced
from engine.lanes.operations import NoScalarForm
from engine.program import arguments
from engine.program.path import PathFunctions
from engine.program.rules import Rules, rules_of
from engine.study.study import Study

_TRACED: MutableMapping[Rules, dict[tuple[bool, int], Traced | str]] = weakref.WeakKeyDictionary()
_TRACING = threading.RLock()


def shared_of(inputs: Any, high: int = 0) -> dict[str, Any]:
    """The shared inputs of a path function; `high` is the high word of the number of a group of paths."""
    return {"inputs": inputs, "high": np.uint32(high)}


def traced(study: Study, dtype: type, inputs: Any = None, given: bool = False) -> Traced | str:
    """The path function of a study, traced and lowered; or, as text, what in it cannot be written in scalars.

    Args:
      dtype: type of all numbers but the random words.
      inputs: as `arguments.of` gives them, the study's own if not given; only their shapes and types are used.
      given: whether the random numbers of a path are given, in place of drawn.
    """
    inputs = arguments.of(study, dtype) if inputs is None else inputs
    rules, kind = rules_of(study, dtype), (given, inputs["levers"]["start"].shape[-1])
    with _TRACING:
        held = _TRACED.setdefault(rules, {})
        if kind not in held:
            functions = PathFunctions(rules)
            scores = jax.ShapeDtypeStruct((len(arguments.streams(study)),), dtype)
            with jax.enable_x64(dtype == np.float64):
                try:
                    held[kind] = nest.trace(
                        functions.given if given else functions.group, shared_of(inputs), scores if given else None
                    )
                except (NoScalarForm, NoMachineForm) as missing:
                    held[kind] = str(missing)
        return held[kind]
