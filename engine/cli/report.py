"""`rustbelt report`: a finished run as one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.formatting import size_as_text

if TYPE_CHECKING:
    from engine.runs.run import Run


@click.command("report", short_help="Make one HTML page of a finished run.")
@options.run_that_is_there
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="The file; report.html in the run's folder if not given.",
)
@click.option(
    "--variable",
    metavar="V",
    shell_complete=options.complete_outcome,
    help="The outcome that the answer speaks of first.",
)
@options.partial
@options.debug
def command(run: Run, out: Path | None, variable: str | None) -> None:
    """Make one HTML page of RUN.

    The page holds the answer in three sentences, tables, charts, what was assumed and how it was computed. It loads
    nothing, so that it can be sent as it is.
    """
    place = run.report(out, variable)
    screen.print_line(screen.stdout(), "", f"{place}: {size_as_text(place.stat().st_size)}")
