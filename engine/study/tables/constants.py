"""A model's constants as a study changes them: replaced by its own numbers, or drawn from a prior like factors."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

from engine.errors import Problems, look_up, refusal
from engine.modelling.identity import altered, as_written
from engine.modelling.records import Constant, Factor, Model
from engine.study.values import Tables


def settled(text: Tables, model: Model, problems: Problems) -> Model:
    """The model with the study's numbers as its constants; a constant for which the study has a prior becomes a factor.

    Args:
      model: as its author wrote it.
      problems: unknown constants, and those stated twice, are added here.
    """
    given, drawn = text["constants"], [name for name in model.constants if name in text["factors"]]
    for name in given:
        with problems.within(f"constants.{name}"):
            if name in model.factors:
                problems.close(f"factors.{name}")
                raise refusal("", f"is no constant but a factor. Give it a prior, in [factors.{name}].")
            look_up("constant", name, model.constants)
            if name in drawn:
                raise refusal("", f"has a prior too, in [factors.{name}]. Keep one of the two.")
    if not given and not drawn:
        return model
    values = {name: given.get(name, one.value) for name, one in model.constants.items() if name not in drawn}
    factors = {name: Factor(model.constants[name].unit, model.constants[name].about) for name in drawn}
    bounded = {}
    for name, one in model.yearly.items():
        if one.between:
            low, high = one.between
            low_end = values.get(low, -math.inf) if low else one.low
            bounded[name] = replace(one, low=low_end, high=values.get(high, math.inf) if high else one.high)
    with problems.within("constants"):
        return altered(
            model,
            constants={name: replace(model.constants[name], value=value) for name, value in values.items()},
            factors={**model.factors, **factors},
            yearly={**model.yearly, **bounded},
        )
    return model


def written(model: Model) -> Mapping[str, Constant]:
    """Constants as the model's author wrote them, including those that a study draws."""
    return as_written(model).constants


def stated(model: Model) -> dict[str, float]:
    """The study's numbers by constant, for those constants that differ from what the model's author wrote."""
    own = written(model)
    return {name: float(one.value) for name, one in model.constants.items() if one.value != own[name].value}
