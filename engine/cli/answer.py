"""`rustbelt answer`: which policy, how sure, what would change it, on one screen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen

if TYPE_CHECKING:
    from engine.runs.run import Run


@click.command("answer", short_help="Say which policy is better, how sure, and what would change it.")
@options.run_that_is_there
@options.first_outcome
@options.partial
@options.debug
def command(run: Run, variable: str | None) -> None:
    """Print the first screen of the report of RUN.

    It shows which policy is better and by how much, how large the errors are, and what would change the ranking.
    """
    from engine.runs.upkeep import first_screen

    console = screen.stdout()
    if run.study.question:
        screen.print_words(console, run.study.question, "bold")
    for heading, sentences, table in first_screen(run.folder, run.answers.study, run._read_cube, variable):
        console.print()
        screen.print_words(console, heading, "bold")
        for text in sentences:
            screen.print_words(console, text)
        if table:
            names, *numbers = (screen.Column(head, cells) for head, *cells in zip(*table, strict=True))
            screen.print_rows(console, "", replace(names, left=True), numbers, is_followed=False)
