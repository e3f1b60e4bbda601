"""Constants of a model as a study has them: its own numbers in their place, and those that it draws among the factors."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from engine.errors import Problems, unknown
from engine.modelling.records import Factor, Model

KEY = "constants"


def settled(text: Mapping[str, Any], model: Model, problems: Problems) -> Model:
    """The model with this study's numbers in place of its constants; a constant that has a prior is one of its factors.

    Args:
      problems: constants that there are not, and those stated twice, are added here.
    """
    given, drawn = text[KEY], [name for name in text["factors"] if name in model.constants]
    for name, value in given.items():
        place = f"{KEY}.{name}"
        if name not in model.constants:
            problems.add(place, unknown("constant", name, model.constants))
        elif name in drawn:
            problems.add(place, f"has a prior too, in [factors.{name}]. Keep one of the two.")
        elif not math.isfinite(value):
            problems.add(place, f"expected a finite number, got {value!r}.")
    if not given and not drawn:
        return model
    held = {name: one for name, one in model.constants.items() if name not in drawn}
    own: Any = copy.copy(model)
    own.constants = {name: replace(one, value=given.get(name, one.value)) for name, one in held.items()}
    own.factors = {
        **model.factors,
        **{name: Factor(model.constants[name].unit, model.constants[name].about) for name in drawn},
    }
    return own
