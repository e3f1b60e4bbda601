"""The risk of each policy of a run as an answer: over whole futures, by year, and where a condition holds."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import xarray as xr

from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.record_tables import sentence, tables
from engine.errors import UserError, unknown
from engine.risk.estimation.conditional import condition_table, not_kept, parse_condition
from engine.risk.estimation.events import known_events
from engine.risk.estimation.summaries import yearly_table
from engine.risk.estimation.tables import Record
from engine.risk.estimation.tallies import unkept
from engine.study.study import Study

NOTHING = "Nothing is measured at this level: an event has its probability alone."
READING = (
    "Brackets: 95 % intervals of the Monte Carlo error. VaR a: what the worst 100 - a % of futures reach or pass; ES a:"
    " the mean of these. Differences are taken on the same futures."
)


def answer(of: Asked, variable: str | None, level: float | None, condition: str | None) -> Answer:
    """The answer to `risk`; its field `of` holds the records of the estimates.

    Args:
      variable: one outcome, event or yearly variable; all outcomes and events if not given.
      level: only VaR and ES at this level, whether or not the study states it.
      condition: such as "reemployed_share >= 0.667": estimates over the paths that meet it, and over the others.

    Raises:
      UserError: no such variable; a level that yearly estimates do not have; a condition on an outcome that is not kept
        path by path.
    """
    if condition is not None and variable in of.study.model.yearly:
        raise UserError("variable", [f"expected an outcome or event beside a condition, got the yearly '{variable}'."])
    yearly = yearly_names(of.study, of.cube) if condition is None else ()
    refuse_unknown(variable, {*of.study.variables, *yearly})
    at = of.with_level(level)
    if condition is not None:
        records = _conditional(at, condition, variable)
    else:
        of_paths = at.tables(None if variable is None else {variable})
        records = [*of_paths.risk, *of_paths.comparison]
        records += _by_year(of, variable, level) if variable in yearly else []
    kept = [
        one
        for one in records
        if one.measure == "share" or (variable in (None, one.variable) and level in (None, one.level))
    ]
    study = at.study
    basis = f"{study.name}: {study.futures}"
    if any(one.year is not None for one in kept):
        basis += f"; what is by year on the first {min(study.keep.yearly, study.paths):,}"
    return Answer(Subject.of(study), _findings(study, kept), tables(study, kept), basis, READING, kept)


def yearly_names(study: Study, cube: xr.DataTree) -> tuple[str, ...]:
    """The yearly variables that a cube has estimates of."""
    return tuple(study.model.yearly) if study.has_yearly and "yearly" in cube["risk"].children else ()


def refuse_unknown(variable: str | None, names: Collection[str]) -> None:
    """Raises a UserError if a variable is given that is not among `names`."""
    if variable is not None and variable not in names:
        raise UserError("variable", [unknown("variable", variable, names)])


def _findings(study: Study, records: Sequence[Record]) -> tuple[str, ...]:
    """Sentences on the first measure of the headline and its differences; for a condition, on its probability.

    Without estimates of the headline they are on the first record.
    """
    if not records:
        return (NOTHING,)
    main = [one for one in records if one.variable == study.headline[0]]
    first = records[0] if records[0].measure == "share" or not main else main[0]
    groups = (
        [one for one in records if (one.measure, one.variable) == (measure, first.variable)]
        for measure in (first.measure, f"difference_{first.measure}")
    )
    return tuple(sentence(study, own) for own in groups if own)


def _by_year(of: Asked, variable: str, level: float | None) -> list[Record]:
    """Estimates of a yearly variable by policy, year and place, at the study's levels alone."""
    if level is not None and level not in of.study.levels:
        known = ", ".join(f"{100 * known:g}" for known in of.study.levels)
        remedy = f"Add {100 * level:g} to risk.levels in the study, and run it."
        raise UserError("--level", [f"expected one of {known} for what is by year, got {100 * level:g}. {remedy}"])
    return yearly_table(of.study, of.cube, variable)


def _conditional(of: Asked, condition: str, variable: str | None) -> list[Record]:
    """Estimates over the paths that meet a condition, and over the others, of what is stored path by path."""
    study = of.study
    parsed = parse_condition(condition, study.keep.outcomes, unkept(study))
    kept = (*study.keep.outcomes, *(event.name for event in known_events(study, study.keep.outcomes)))
    if variable is not None and variable not in kept:
        raise UserError("variable", [not_kept(variable, kept)])
    return condition_table(study, dict(of.outcomes), parsed)
