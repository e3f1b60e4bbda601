"""A study that gives nothing but figures that can be observed, and lives no longer than these need."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.modelling.executed import WRITTEN, as_written
from engine.modelling.folds import at_year
from engine.modelling.records import Outcome
from engine.study.challenge_tables import Challenge
from engine.study.observed_tables import Observation
from engine.study.study import Keep, Policy, Study


def watching(study: Study, rows: Sequence[Observation]) -> tuple[Study, list[list[int]]]:
    """The study whose outcomes are the yearly values that figures are folded from, to the last of their years; and places of each figure's.

    Its futures are those of the study to the bit as far as they go. A model without time keeps its outcomes.
    """
    if not study.years:
        names = [*study.model.outcomes]
        return study, [[names.index(row.variable)] for row in rows]
    outcomes: dict[str, Outcome] = {}
    places = []
    for row in rows:
        own = []
        for year in range(row.first, row.time + 1):
            at = ", ".join(row.at.values())
            name = f"{row.variable}[{at}] {row.across} {year}"
            over = {dim: (label,) for dim, label in row.at.items()}
            fold = at_year(row.variable, year, over, row.across or "sum")
            outcomes.setdefault(name, Outcome(row.unit, fold))
            own.append([*outcomes].index(name))
        places.append(own)
    years = tuple(year for year in study.years if year <= max(row.time for row in rows))
    model = copy.copy(study.model)
    for field, value in {"outcomes": outcomes, WRITTEN: as_written(study.model)}.items():
        object.__setattr__(model, field, value)
    whole = replace(
        study, model=model, years=years, policies=tuple(_until(policy, len(years)) for policy in study.policies),
        headline=(), events=(), challenge=Challenge(), assumptions=(), gates=(), keep=Keep((), 0, 0),
    )  # fmt: skip
    return whole, places


def _until(policy: Policy, years: int) -> Policy:
    """A policy in its first so many years."""
    before = None if policy.before is None else _until(policy.before, years)
    levers = {name: np.asarray(values)[:years] for name, values in policy.levers.items()}
    drawn = {
        lever: {factor: np.asarray(weights)[:years] for factor, weights in by_factor.items()}
        for lever, by_factor in policy.drawn.items()
    }
    return replace(policy, levers=levers, drawn=drawn, before=before)
