"""`rustbelt report`: a finished run as one page, or as its PDF."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from engine.cli import options
from engine.cli.show import screen
from engine.errors import Problems
from engine.formatting import size_as_text

if TYPE_CHECKING:
    from engine.runs.run import Run


@click.command("report", short_help="Write a run as one HTML page.")
@options.run_that_is_there
@click.option(
    "-o", "--out", type=options.FILE, metavar="FILE",
    help="A file that ends in .html or .pdf; report.html in the run's folder if not given.",
)  # fmt: skip
@click.option(
    "--pdf", type=options.FILE, metavar="FILE", help="Print the page into a PDF, by a Chromium or Chrome that is there."
)
@click.option(
    "--variable",
    metavar="V",
    shell_complete=options.complete_outcome,
    help="The outcome that the answer speaks of first.",
)
@click.option("--ask", "asks", is_flag=True, help="Ask the run first what the page would lack.")
@options.partial
@options.quiet
@options.debug
def command(run: Run, out: Path | None, pdf: Path | None, variable: str | None, asks: bool, quiet: bool) -> None:
    """Make one HTML page of RUN.

    Its first two pages are for those who decide: the answer, the numbers, how sure, what turns it. An appendix holds
    the answers of the run. It loads nothing, so that it can be sent as it is. With --ask the questions that the run
    has not answered are asked first. With --pdf the page itself is only written where -o names it.
    """
    from engine.runs import upkeep

    problems = Problems()
    for name, place in {"-o": out, "--pdf": pdf}.items():
        if place is not None and name == "--pdf" and place.suffix.lower() != ".pdf":
            problems.add(name, f"expected a name that ends in .pdf, got '{place}'.")
        elif place is not None:
            with problems.within(name):
                upkeep.refuse_report(place)
    problems.refuse("rustbelt report")
    if asks:
        from engine.cli.show.progress import progress
        from engine.runs.missing import ask_missing

        with progress(quiet) as observe:
            ask_missing(run, observe)
    for wanted in (out,) if pdf is None else (pdf,) if out is None else (out, pdf):
        place = run.report(wanted, variable)
        screen.print_line(screen.stdout(), f"{place}: {size_as_text(place.stat().st_size)}")
