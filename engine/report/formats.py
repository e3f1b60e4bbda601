"""Formats of a report, by the suffix of its file's name: the HTML page, or the page as PDF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.report import printing

FORMATS = ("html", "htm", "pdf")


def refuse(place: Path) -> None:
    """Refuses a file that no report can be written to.

    Raises:
      UserError: its name ends in none of the suffixes, there is no such folder, or no browser that prints a PDF.
    """
    from engine.charts.export import refuse_file  # Altair takes most of a second

    if refuse_file(place, FORMATS) == "pdf":
        printing.browser()


def content(place: Path, make: Callable[[], bytes]) -> bytes:
    """Content for a file: a PDF if its name ends in .pdf, else the HTML page.

    Args:
      make: gives the page.

    Raises:
      UserError: there is no browser that prints, or it fails.
    """
    return printing.pdf(make()) if place.suffix.lower() == ".pdf" else make()
