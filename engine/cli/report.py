"""`rustbelt report`: a finished run as one page, as its PDF, as one slide."""

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

ENDINGS = {"--pdf": (".pdf",), "--slide": (".png", ".svg")}
"""What the names of these files end in."""


@click.command("report", short_help="Write a run as one HTML page.")
@options.run_that_is_there
@click.option(
    "-o", "--out", type=click.Path(path_type=Path), metavar="FILE",
    help="A file that ends in .html, .pdf, .png or .svg; report.html in the run's folder if not given.",
)  # fmt: skip
@click.option(
    "--pdf",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Print the page into a PDF, by a Chromium or Chrome that is there.",
)
@click.option(
    "--slide", type=click.Path(path_type=Path), metavar="FILE", help="One slide, 16:9, that ends in .png or .svg."
)
@click.option(
    "--variable",
    metavar="V",
    shell_complete=options.complete_outcome,
    help="The outcome that the answer speaks of first.",
)
@options.partial
@options.debug
def command(run: Run, out: Path | None, pdf: Path | None, slide: Path | None, variable: str | None) -> None:
    """Make one HTML page of RUN.

    Its first two pages are for those who decide: the answer, what gets worse, the numbers, how sure, what turns it. An
    appendix holds the rest. It loads nothing, so that it can be sent as it is. With --pdf or --slide the page itself is
    only written where -o names it.
    """
    from engine.report import formats

    problems = Problems()
    for name, place in {"-o": out, "--pdf": pdf, "--slide": slide}.items():
        if place is not None and name in ENDINGS and place.suffix.lower() not in ENDINGS[name]:
            problems.add(name, f"expected a name that ends in {' or '.join(ENDINGS[name])}, got '{place}'.")
        elif place is not None:
            with problems.within(name):
                formats.refuse(place)
    problems.refuse("rustbelt report")
    others = [place for place in (pdf, slide) if place is not None]
    for wanted in others if others and out is None else (out, *others):
        place = run.report(wanted, variable)
        screen.print_line(screen.stdout(), "", f"{place}: {size_as_text(place.stat().st_size)}")
