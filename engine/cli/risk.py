"""`rustbelt risk`: questions to a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from engine.cli import options
from engine.cli.run import print_head
from engine.cli.show import screen
from engine.cli.show.conditional_tables import print_conditional, print_yearly
from engine.cli.show.risk_tables import HEADLINE, print_tables

if TYPE_CHECKING:
    from engine.execution.results import Answers
    from engine.risk.tables import Record
    from engine.study.study import Study


@click.command("risk", short_help="Ask a finished run for its risks.")
@options.run
@click.option("--variable", metavar="V", help="One outcome, event or yearly variable.")
@click.option("--level", metavar="L", help="Only the measures at this level, such as 99.")
@click.option(
    "--given", metavar="CONDITION", help='What holds where a condition does: "reemployed_share >= 0.667".'
)
@options.partial
@options.own_model
@options.as_json
@options.debug
def command(
    run: str,
    variable: str | None,
    level: str | None,
    given: str | None,
    partial: bool,
    model: Any,
    as_json: bool,
) -> None:
    """Print the risk of a run: DIR is its folder, its study file, or the beginning of the folder's name.

    With --given, what holds among the paths that meet a condition on outcomes, and among the others.
    """
    from engine.execution import results
    from engine.risk.evidence import MEASURES
    from engine.risk.yearly_tables import yearly_table
    from engine.run_folder.finding import find_run

    folder, asked = find_run(run, model)
    there = results.of_run(folder, asked, partial)
    tree = results.open_cube(folder, partial, model)
    study = there.study
    chosen = _level(level)
    told_by_year = given is None and study.has_yearly and "yearly" in tree["risk"].children
    yearly = getattr(study.model, "yearly", {}) if told_by_year else {}
    of_path = {*study.model.outcomes, *(event.name for event in study.events)}
    _refuse_unknown(variable, {*of_path, *yearly})
    if given is not None:
        _answer_given(there, given, variable, chosen, as_json)
        return
    risk: list[Record] = []
    comparison: list[Record] = []
    by_year = yearly_table(study, tree, variable) if variable is not None and variable in yearly else []
    if variable is None or variable in of_path:
        found = there.tables(None if variable is None else {variable})
        risk, comparison = found.risk, found.comparison
    risk, comparison, by_year = (
        [r for r in part if variable in (None, r.variable) and chosen in (None, r.level)]
        for part in (risk, comparison, by_year)
    )
    if as_json:
        screen.print_records(record.as_dict(study.model.dims) for record in (*risk, *comparison, *by_year))
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
    there: Answers, given: str, variable: str | None, level: float | None, as_json: bool
) -> None:
    from engine.errors import UserError
    from engine.risk.conditional import condition_table, not_kept, parse_condition
    from engine.risk.tallies import unkept

    study = there.study
    condition = parse_condition(given, study.keep.outcomes, unkept(study))
    if variable is not None and variable not in _kept(study):
        raise UserError("--variable", [not_kept(variable, _kept(study))])
    records = [
        r
        for r in condition_table(study, there.paths.stacked(), condition)
        if r.measure == "share" or (variable in (None, r.variable) and level in (None, r.level))
    ]
    if as_json:
        screen.print_records(record.as_dict(study.model.dims) for record in records)
        return
    console = screen.stdout()
    print_head(console, study, there.folder)
    print_conditional(console, study, condition.text, records, _measures(level, ("mean", "ES99")))


def _kept(study: Study) -> tuple[str, ...]:
    """Names of what can be told from the outcomes kept per path."""
    from engine.risk.events import known_events

    return (*study.keep.outcomes, *(event.name for event in known_events(study, study.keep.outcomes)))


def _refuse_unknown(variable: str | None, names: set[str]) -> None:
    from engine.errors import UserError, unknown

    if variable is not None and variable not in names:
        raise UserError("--variable", [unknown("variable", variable, names)])


def _level(text: str | None) -> float | None:
    """The level that "99", "99%" or "0.99" means; others than those that are measured are refused."""
    from engine.errors import UserError
    from engine.risk.tails import LEVELS

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
