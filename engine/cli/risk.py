"""`rustbelt risk`: the risk measures of a finished run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.answers import registry
from engine.answers.question import fields
from engine.cli import options
from engine.cli.ask import option_of
from engine.cli.show import screen
from engine.cli.show.brief_tables import print_brief, print_brief_conditional
from engine.cli.show.conditional_tables import print_conditional, print_yearly
from engine.cli.show.risk_tables import MAIN, OTHERS, print_risk, shown_outcomes

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.runs.run import Run


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for one in reversed(fields(registry.question("risk"))):
        command = option_of(one)(command)
    return command


@click.command("risk", short_help=registry.about("risk"))
@options.run_that_is_there
@_with_options
@options.full
@click.option(
    "-o",
    "--out",
    "--save",
    "out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help=(
        "Save the tables in a file that ends in .csv, .xlsx, .parquet or .md; with --full everything"
        " by year as well, and what the run has answered."
    ),
)
@options.digits
@options.partial
@options.answer_as_json
@options.debug
def command(run: Run, out: Path | None, full: bool, digits: Any, as_json: bool, **asked: Any) -> None:
    """Print the risk of RUN.

    With --given, what holds among the paths that meet a condition on outcomes, and among the others.
    """
    from engine.runs.upkeep import report_note

    if out is not None:
        run.save_tables(out, **asked, full=full, digits=digits)
        screen.print_line(screen.stdout(), "", f"Saved in {out}.", "dim")
        return
    answer = run.ask("risk", **asked)
    if stale := report_note(run.run_folder, run.answers.study.paths):
        click.echo(f"note: {stale}", err=True)
    if as_json:
        screen.print_object(answer.plain())
    else:
        _print(run, answer, full, **asked)


def _print(run: Run, answer: Answer, full: bool, variable: str | None, level: str | None, given: str | None) -> None:
    """Prints the answer's records: policies side by side; with a condition, a table for each policy; years in rows."""
    from engine.risk.estimation.evidence import stated_level

    console, study, chosen = screen.stdout(), run.answers.study, stated_level(level)
    levels = () if chosen is None else (f"VaR{100 * chosen:g}", f"ES{100 * chosen:g}")
    words = [word for key, said in (("given", given), ("level", level)) if said for word in (f"--{key}", said)]
    screen.print_head(console, study, run.folder)
    records = [one for one in answer.of if one.year is None]
    by_year, brief, full = answer.of[len(records) :], not full, full or variable is not None
    if given is not None and not full:
        print_brief_conditional(console, study, run.folder, records, levels[1] if levels else "mean", words)
    elif given is not None:
        print_conditional(console, study, records, levels or MAIN, shown_outcomes(study, records, True))
    elif records and not full:
        others = "" if levels else f"mean, {OTHERS}"
        print_brief(console, study, run.folder, records, levels[1] if levels else "ES99", others, words)
    elif records:
        print_risk(console, study, run.folder, records, True, levels, brief)
    if by_year and variable is not None:
        print_yearly(console, study, variable, by_year, chosen, brief)
        if brief:
            screen.print_command(
                console,
                "Other places and policies",
                "risk",
                run.folder,
                "--variable",
                variable,
                "--full",
                model=study.model_spec,
            )
    if not answer.of:
        console.print(answer.finding)
