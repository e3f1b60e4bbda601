"""`rustbelt risk`: the risk measures of a finished run."""

from __future__ import annotations

from collections.abc import Callable
from inspect import cleandoc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from engine.answers import registry
from engine.answers.question import fields
from engine.cli import options
from engine.cli.ask import option_of
from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.runs.run import Run


def _with_options(command: Callable[..., None]) -> Callable[..., None]:
    for one in reversed(fields(registry.question("risk"))):
        command = option_of(one)(command)
    return command


@click.command("risk", help=cleandoc(registry.question("risk").__doc__), short_help=registry.about("risk"))
@options.run_that_is_there
@_with_options
@options.full
@click.option(
    "-o",
    "--out",
    "--save",
    "out",
    type=options.FILE,
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
    """Prints or saves the answer to `risk`."""
    from engine.cli.show.answers import print_answer
    from engine.runs.upkeep import report_note

    if out is not None:
        run.save_tables(out, **asked, full=full, digits=digits)
        screen.print_line(screen.stdout(), f"Saved in {out}.", "dim")
        return
    answer = run._ask("risk", **asked)
    if stale := report_note(run.run_folder, run.answers.study.paths):
        click.echo(f"note: {stale}", err=True)
    if as_json:
        screen.print_object(answer.plain())
    else:
        print_answer(screen.stdout(), answer, full)
