"""Observed figures divided into known and later ones; and a study reduced to the outcomes that figures need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.errors import Problems
from engine.modelling.folds import at_year
from engine.modelling.identity import altered
from engine.modelling.records import Outcome
from engine.study.components import Keep, Policy
from engine.study.study import Study
from engine.study.tables.challenge import Challenge
from engine.study.tables.observed import Observation


def why_apart(study: Study, row: Observation, imposed: Sequence[str] = ()) -> str:
    """Why a figure is neither scored nor taken as known; "" where it can be."""
    if not is_within(study, row):
        return "known before the study begins" if row.first < study.years[0] else "beyond the study's years"
    if row.variable in imposed:
        return "imposed"
    if row.seen in study.observed.seen:
        return f"seen by {row.seen}"
    return "" if row.confidence == "read" else row.confidence


def is_within(study: Study, row: Observation) -> bool:
    """Whether the study has the years of a figure."""
    return not study.years or (row.first >= study.years[0] and row.time <= study.years[-1])


def known_and_later(study: Study, until: int | None) -> tuple[tuple[Observation, ...], tuple[Observation, ...]]:
    """Figures up to a year, and figures after it; only those that can be scored (`why_apart`), in the first reading.

    Args:
      until: the last year; all years if not given.
    """
    names = ("", study.observed.readings[0])
    usable = [row for row in study.observed.rows if row.reading in names and not why_apart(study, row)]
    rows = tuple(row for row in usable if until is None or row.time <= until)
    return rows, tuple(row for row in usable if row not in rows)


def check_known(study: Study, until: int | None, place: str, problems: Problems) -> None:
    """Adds a problem where no figure is known up to a year, or one has no error, so that no future would match it.

    Args:
      place: the place at which the study states that year.
    """
    rows, _ = known_and_later(study, until)
    if not rows:
        at, of = ("observed", "in the study's years") if until is None else (place, f"until {until}")
        problems.add(
            at,
            f"nothing can be taken as known {of}: no figure that was read in its source and that nothing here has"
            " seen. Take a later year, or state figures.",
        )
    for row in rows:
        if not study.observed.error(row):
            remedy = f"Give it a standard_error, or say what the model leaves out: observed.discrepancy.{row.variable}."
            problems.add(f"observed: {row.name}", f"has no error, so that no future can equal it. {remedy}")


def watching(study: Study, rows: Sequence[Observation]) -> tuple[Study, list[list[int]]]:
    """The study with the yearly values behind some figures as its only outcomes; and each figure's, by index.

    It ends with the last year of a figure; until then its futures equal the study's to the bit. A static model stays
    as it is.
    """
    if not study.years:
        return study, [[place] for place in study.places(row.variable for row in rows)]
    outcomes, places = dict[str, Outcome](), list[list[int]]()
    for row in rows:
        places.append([])
        at = ", ".join(f"{dim}={label}" for dim, label in row.at.items())
        over = {dim: (label,) for dim, label in row.at.items()}
        for year in range(row.first, row.time + 1):
            name = f"{row.variable}[{at}] {row.across} {year}"
            fold = at_year(row.variable, year, over, row.across or "sum")
            outcomes.setdefault(name, Outcome(row.unit, fold))
            places[-1].append([*outcomes].index(name))
    years = tuple(year for year in study.years if year <= max(row.time for row in rows))
    short = replace(
        study,
        model=altered(study.model, outcomes=outcomes),
        years=years,
        policies=tuple(_until(policy, len(years)) for policy in study.policies),
        headline=(),
        events=(),
        challenge=Challenge(),
        assumptions=(),
        gates={},
        keep=Keep((), 0, 0),
    )
    return short, places


def _until(policy: Policy, years: int) -> Policy:
    """A policy cut to its first `years` years."""
    before = policy.before and _until(policy.before, years)
    levers = {name: np.asarray(values)[:years] for name, values in policy.levers.items()}
    drawn = {
        lever: {factor: np.asarray(weights)[:years] for factor, weights in by_factor.items()}
        for lever, by_factor in policy.drawn.items()
    }
    return replace(policy, levers=levers, drawn=drawn, before=before)
