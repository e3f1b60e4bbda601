"""The effect of raising each lever of a policy by a tenth on ES, or on an event's probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.analyses import variants
from engine.analyses.tail_futures import TailSubject
from engine.program.contract import Program
from engine.risk.estimation.events import happens
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import difference, finite_units, probability_difference

MORE = 0.1
"""Share of its absolute value by which a lever is raised."""


@dataclass(frozen=True)
class Pull:
    """A lever that is raised, and the effect.

    Args:
      value: mean of the lever over years and places, as stated and as raised.
      effect: the measure with the lever raised less that as stated, on the same futures.
    """

    lever: str
    unit: str
    value: tuple[float, float]
    effect: Estimate


def pulls(program: Program, what: TailSubject) -> tuple[tuple[Pull, ...], dict[str, str]]:
    """The effect of every lever of the policy that can be raised, on the first paths; and why the others cannot."""
    study = replace(what.study, paths=min(what.study.paths, variants.PATHS))
    moved, left_out, values = {}, {}, {}
    for name, lever in study.model.levers.items():
        cells = program.inputs["levers"]["levers"][name]
        own = [np.asarray(cell)[:, what.at] for cell in cells]
        more = [np.clip(one + MORE * np.abs(one), lever.low, lever.high).astype(one.dtype) for one in own]
        if any(np.any(weights[:, what.at]) for weights in _lever_weights(program, name)):
            left_out[name] = "is drawn from a factor"
        elif all(np.array_equal(one, other) for one, other in zip(own, more, strict=True)):
            left_out[name] = "is 0" if not any(map(np.any, own)) else "is as high as it may be"
        else:
            moved[name] = program.fed(_with(program.inputs, name, what.at, more))
            values[name] = float(np.mean(own)), float(np.mean(more))
    at = study.places(what.read)
    by_name: dict[str, list[np.ndarray]] = {}
    programs = {"": program, **moved}
    for name, all_outcomes in variants.results(programs.items(), study.blocks()):
        by_name.setdefault(name, []).append(all_outcomes[what.at, at])
    outcomes = {name: np.concatenate(parts, axis=-1) for name, parts in by_name.items()}
    found = [
        Pull(name, study.model.levers[name].unit, values[name], _effect(what, outcomes[name], outcomes[""]))
        for name in moved
    ]
    return tuple(found), left_out


def _lever_weights(program: Program, name: str) -> list[np.ndarray]:
    """Weights of the factors that a lever is drawn from."""
    by_factor = program.inputs["levers"]["drawn"]["levers"].get(name, {})
    return [np.asarray(weights) for cells in by_factor.values() for weights in cells]


def _with(inputs: Mapping[str, Any], name: str, policy: int, values: list[np.ndarray]) -> dict[str, Any]:
    cells = []
    for cell, value in zip(inputs["levers"]["levers"][name], values, strict=True):
        changed = np.array(cell)
        changed[:, policy] = value
        cells.append(changed)
    levers = {**inputs["levers"]["levers"], name: tuple(cells)}
    return {**inputs, "levers": {**inputs["levers"], "levers": levers}}


def _effect(what: TailSubject, moved: np.ndarray, own: np.ndarray) -> Estimate:
    study, level = what.study, what.level
    if level is not None:
        loss = study.is_loss(what.variable)
        return difference(moved[0], own[0], study.unit, loss, (level,))[f"ES{100 * level:g}"]
    assert what.event is not None
    (*arrays,), units, lost = finite_units((*moved, *own), study.unit)
    names, half = what.read, len(what.read)
    here, there = (
        happens(study, what.event, dict(zip(names, part, strict=True))) for part in (arrays[:half], arrays[half:])
    )
    return probability_difference(here, there, units).flagged(lost)
