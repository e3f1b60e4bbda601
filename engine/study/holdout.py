"""Observed figures as known and later ones; studies of the outcomes that they need, and with values imposed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from engine.errors import Problems, unknown
from engine.modelling.folds import at_year
from engine.modelling.identity import altered
from engine.modelling.imposing import PREFIX
from engine.modelling.records import Lever, Outcome
from engine.study.components import Keep, Policy
from engine.study.study import Study
from engine.study.tables.observed import Observation
from engine.study.values import Names


def why_apart(study: Study, row: Observation, imposed: Names = ()) -> str:
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
    return not study.years or (row.first in study.years and row.time in study.years)


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
            f"no figure can be conditioned on {of}: expected one that was read in its source and not used by the study."
            " Use a later year, or add figures.",
        )
    for row in rows:
        if not study.observed.error(row):
            problems.add(
                f"observed: {row.name}",
                "has no error, so no future can equal it. "
                f"State a standard_error, or the error of the model: observed.discrepancy.{row.variable}.",
            )


def watching(study: Study, rows: Sequence[Observation]) -> tuple[Study, list[list[int]]]:
    """The study with the yearly values behind some figures as its only outcomes; and each figure's, by index.

    It ends with the last year of a figure; until then its futures equal the study's to the bit. A static model stays
    as it is.
    """
    if not study.years:
        return study, [[place] for place in study.places(row.variable for row in rows)]
    outcomes, names = dict[str, Outcome](), list[list[str]]()
    for row in rows:
        over = {dim: (label,) for dim, label in row.at.items()}
        of_row = {
            f"{row.variable} {over} {row.across} {year}": at_year(row.variable, year, over, row.across or "sum")
            for year in range(row.first, row.time + 1)
        }
        outcomes |= {name: Outcome(row.unit, fold) for name, fold in of_row.items()}
        names.append([*of_row])
    years = study.years[: study.years.index(max(row.time for row in rows)) + 1]
    short = replace(
        study,
        model=altered(study.model, outcomes=outcomes),
        years=years,
        policies=tuple(_until(policy, len(years)) for policy in study.policies),
        headline=(),
        events=(),
        keep=Keep((), 0, 0),
    )
    return short, [short.places(of_row) for of_row in names]


def _until(policy: Policy, years: int) -> Policy:
    """A policy cut to its first `years` years."""

    def cut(values: Any) -> Any:
        if isinstance(values, Mapping):
            return {name: cut(inner) for name, inner in values.items()}
        return np.asarray(values)[:years]

    return replace(
        policy,
        levers=cut(policy.levers),
        drawn=cut(policy.drawn),
        before=policy.before and _until(policy.before, years),
    )


def check_imposed(study: Study, names: Names, until: int | None, problems: Problems) -> None:
    """Adds a problem for each variable that cannot be imposed: unknown, not allowed by the model, or never observed.

    Args:
      until: last year whose observations count; all if None.
    """
    allowed = study.model.imposable
    for name in names:
        if name not in study.model.yearly:
            problems.add("--impose", unknown("yearly variable", name, allowed or study.model.yearly))
        elif name not in allowed:
            may = f"It allows: {', '.join(allowed)}." if allowed else "It allows none."
            problems.add("--impose", f"the model does not let '{name}' be imposed. {may}")
        elif not any(_imposes(study, row, name) for row in study.observed.rows if until is None or row.time <= until):
            problems.add(
                "--impose",
                f"nothing was observed of '{name}' in these years."
                " Add it: a row a year and place, without 'across' and 'fold'.",
            )


def imposing(study: Study, names: Names, rows: Sequence[Observation]) -> Study:
    """The study with observed values of some yearly variables, by year and cell, and the model's own elsewhere."""
    if not names:
        return study
    given, levers = {}, dict(study.model.levers)
    for name in names:
        one, labels = study.model.yearly[name], study.model.dims
        # by year and place, no number where nothing is imposed
        values = np.full((len(study.years), *(len(labels[dim]) for dim in one.dims)), np.nan)
        for row in rows:
            if _imposes(study, row, name):
                values[study.years.index(row.time), *(labels[dim].index(row.at[dim]) for dim in one.dims)] = row.value
        given[PREFIX + name], levers[PREFIX + name] = values, Lever(one.unit, math.nan, one.dims)

    def imposed(policy: Policy) -> Policy:
        return replace(policy, levers={**policy.levers, **given}, before=policy.before and imposed(policy.before))

    return replace(study, model=altered(study.model, levers=levers), policies=tuple(map(imposed, study.policies)))


def _imposes(study: Study, row: Observation, name: str) -> bool:
    return row.variable == name and not row.across and not row.fold and row.time in study.years
