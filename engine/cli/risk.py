"""`rustbelt risk`: questions to a finished run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.cli.show.conditional_tables import print_conditional, print_yearly
from engine.cli.show.risk_tables import MAIN, OTHERS, print_more, print_tables, shown_outcomes

if TYPE_CHECKING:
    from engine.answers.files import Digits
    from engine.runs.run import Run


@click.command("risk", short_help="Ask a finished run for its risks.")
@options.run_that_is_there
@click.option(
    "--variable", metavar="V", shell_complete=options.complete_variable,
    help="One outcome, event or yearly variable.",
)  # fmt: skip
@click.option("--level", metavar="L", help="Only the measures at this level, such as 97.5.")
@click.option(
    "--given", metavar="CONDITION", help='What holds where a condition does: "reemployed_share >= 0.667".'
)
@options.full
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="Save the tables in a file that ends in .csv, .xlsx, .parquet, .md or .tex; with --full everything by year as well, and what the run has answered.",
)  # fmt: skip
@options.digits
@options.partial
@options.as_json
@options.debug
def command(
    run: Run,
    variable: str | None,
    level: str | None,
    given: str | None,
    out: Path | None,
    full: bool,
    digits: Digits,
    as_json: bool,
) -> None:
    """Print the risk of RUN.

    With --given, what holds among the paths that meet a condition on outcomes, and among the others.
    """
    from engine.risk.evidence import measures, stated_level
    from engine.runs import questions
    from engine.runs.upkeep import report_note

    if out is not None:
        run.save_tables(out, variable, level, given, full, digits)
        screen.print_line(screen.stdout(), "", f"Saved in {out}.", "dim")
        return
    answers, study = run.answers, run.answers.study
    if stale := report_note(run.run_folder, study.paths):
        click.echo(f"note: {stale}", err=True)
    chosen = stated_level(level)
    yearly = questions.yearly_names(study, run.cube) if given is None else ()
    questions.refuse_unknown(variable, {*study.variables, *yearly})
    if given is not None:
        records = questions.given(answers, given, variable, chosen)
        if as_json:
            screen.print_estimates(study, records)
            return
        condition, chosen_measures = " ".join(given.split()), _measures(chosen, MAIN)
        console = screen.stdout()
        screen.print_head(console, study, run.folder)
        outcomes = shown_outcomes(study, records, full or variable is not None)
        print_conditional(console, study, condition, records, chosen_measures, outcomes)
        if variable is None:
            left_out = len(shown_outcomes(study, records, True)) - len(outcomes)
            print_more(console, study, run.folder, left_out, "", "--given", given)
        return
    tables = questions.tables_of(answers, variable, chosen)
    by_year = questions.by_year(answers, run.cube, variable, chosen) if variable in yearly else []
    if as_json:
        screen.print_estimates(study, [*tables.risk, *tables.comparison, *by_year])
        return
    console = screen.stdout()
    screen.print_head(console, study, run.folder)
    if tables.risk:
        outcomes = shown_outcomes(study, tables.risk, full or variable is not None)
        every = measures(study.levels) if full or variable else MAIN
        print_tables(console, study, tables, _measures(chosen, every), outcomes)
        if variable is None and not full:
            left_out = len(shown_outcomes(study, tables.risk, True)) - len(outcomes)
            print_more(console, study, run.folder, left_out, "" if level else OTHERS)
    if by_year and variable is not None:
        print_yearly(console, study, variable, by_year, chosen)
    if not tables.risk and not by_year:
        console.print("Nothing is measured at this level: an event has its probability alone.")


def _measures(level: float | None, otherwise: Sequence[str]) -> tuple[str, ...]:
    return tuple(otherwise) if level is None else (f"VaR{100 * level:g}", f"ES{100 * level:g}")
