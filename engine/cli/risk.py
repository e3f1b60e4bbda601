"""`rustbelt risk`: questions to a finished run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options, screen
from engine.cli.answers import print_conditional, print_yearly
from engine.cli.run import print_head
from engine.cli.tables import HEADLINE, print_tables

if TYPE_CHECKING:
    from engine.analyses.compare import Record
    from engine.study import Study


@click.command("risk", short_help="Ask a finished run for its risks.")
@click.argument("run", metavar="DIR")
@click.option("--variable", metavar="V", help="One outcome, event or yearly variable.")
@click.option("--level", metavar="L", help="Only the measures at this level, such as 99.")
@click.option(
    "--given", metavar="CONDITION", help='What holds where a condition does: "reemployed_share >= 0.667".'
)
@options.own_model
@options.as_json
@options.debug
def command(
    run: str, variable: str | None, level: str | None, given: str | None, model: Any, as_json: bool
) -> None:
    """Print the risk of a finished run: DIR is its folder, its study file, or the beginning of the folder's name.

    With --given, what holds among the paths that meet a condition on outcomes, and among the others.
    """
    from engine import cube
    from engine.analyses.yearly import yearly_table
    from engine.job import find_run, tables
    from engine.measures import MEASURES

    folder, study = find_run(run, model)
    tree = cube.open_cube(folder)
    chosen = _level(level)
    yearly = getattr(study.model, "yearly", {}) if given is None else {}
    _refuse_unknown(study, variable, yearly)
    if given is not None:
        _answer_given(study, folder, given, variable, chosen, as_json)
        return
    risk: list[Record] = []
    comparison: list[Record] = []
    by_year = yearly_table(study, tree, variable) if variable is not None and variable in yearly else []
    if variable is None or variable in _kept(study):
        _, risk, comparison = tables(folder, _narrowed(study, variable))
    risk, comparison, by_year = (
        [r for r in part if variable in (None, r.variable) and chosen in (None, r.level)]
        for part in (risk, comparison, by_year)
    )
    if as_json:
        screen.print_records(record.as_dict() for record in (*risk, *comparison, *by_year))
        return
    console = screen.stdout()
    print_head(console, study, folder)
    if risk:
        print_tables(console, study, risk, comparison, _measures(chosen, MEASURES if variable else HEADLINE))
    if by_year and variable is not None:
        print_yearly(console, study, variable, by_year, chosen)
    if not risk and not by_year:
        console.print("Nothing is measured at this level: an event has its probability alone.")


def _answer_given(
    study: Study, folder: Path, given: str, variable: str | None, level: float | None, as_json: bool
) -> None:
    from engine.analyses.condition import condition_table, parse_condition
    from engine.job import outcome_array

    condition = parse_condition(given, study.keep.outcomes)
    records = [
        r
        for r in condition_table(study, outcome_array(folder, study), condition)
        if r.measure == "share" or (variable in (None, r.variable) and level in (None, r.level))
    ]
    if as_json:
        screen.print_records(record.as_dict() for record in records)
        return
    console = screen.stdout()
    print_head(console, study, folder)
    print_conditional(console, study, condition.text, records, _measures(level, ("mean", "ES99")))


def _kept(study: Study) -> set[str]:
    """Names of what can be told from the outcomes kept per path."""
    from engine.analyses.compare import known_events

    return {*study.keep.outcomes, *(event.name for event in known_events(study, study.keep.outcomes))}


def _refuse_unknown(study: Study, variable: str | None, yearly: Any) -> None:
    from engine.errors import UserError, unknown

    if variable is not None and variable not in _kept(study) and variable not in yearly:
        raise UserError("--variable", [unknown("variable", variable, {*_kept(study), *yearly})])


def _level(text: str | None) -> float | None:
    """The level that "99", "99%" or "0.99" means; others than those that are measured are refused."""
    from engine.errors import UserError
    from engine.tails import LEVELS

    if text is None:
        return None
    try:
        number = float(text.strip().rstrip("%"))
    except ValueError:
        number = float("nan")
    for level in LEVELS:
        if abs(number - level) < 1e-9 or abs(number - 100 * level) < 1e-7:
            return level
    known = ", ".join(f"{100 * level:g}" for level in LEVELS)
    raise UserError("--level", [f"expected one of {known}, got '{text}'."])


def _measures(level: float | None, otherwise: Sequence[str]) -> tuple[str, ...]:
    return tuple(otherwise) if level is None else (f"VaR{100 * level:g}", f"ES{100 * level:g}")


def _narrowed(study: Study, variable: str | None) -> Study:
    """The study with no more than the outcomes and events that a question about one variable needs."""
    from engine.analyses.compare import event_outcomes

    if variable is None:
        return study
    outcomes, events = {variable}, []
    for event in study.events:
        if event.name == variable:
            outcomes = event_outcomes(study, event)
            events = [event, *(other for other in study.events if other.name in event.all_of)]
    kept = tuple(name for name in study.keep.outcomes if name in outcomes)
    return dataclasses.replace(
        study, keep=dataclasses.replace(study.keep, outcomes=kept), events=tuple(events)
    )
