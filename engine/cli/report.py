"""`rustbelt report`: a finished run as one page, in HTML or PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.formatting import size_as_text

if TYPE_CHECKING:
    from engine.runs.run import Run


@click.command("report", short_help="Write a run as one HTML page.")
@options.run_that_is_there
@click.option(
    "-o", "--out", type=options.FILE, metavar="FILE",
    help="A file that ends in .html, or in .pdf, which needs Chromium. Default: report.html in RUN.",
)  # fmt: skip
@options.first_outcome
@click.option("--ask", "asks", is_flag=True, help="Ask all missing questions first.")
@options.partial
@options.quiet
@options.debug
def command(run: Run, out: Path | None, variable: str | None, asks: bool, quiet: bool) -> None:
    """Make one HTML page of RUN.

    Its first two pages are for those who decide: the answer, the numbers, how sure, what turns it. An appendix holds
    the answers of the run. It loads nothing, so that it can be sent as it is. With --ask the questions that the run
    has not answered are asked first.
    """
    from engine.runs import upkeep

    upkeep.refuse_report(out)
    if asks:
        from engine.cli.show.progress import progress
        from engine.runs.missing import ask_missing

        with progress(quiet) as observe:
            ask_missing(run, observe, variable)
    place = run.report(out, variable)
    screen.print_line(screen.stdout(), f"{place}: {size_as_text(place.stat().st_size)}")
