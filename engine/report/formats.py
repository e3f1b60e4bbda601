"""Formats of a report, by the suffix of its file's name: the HTML page, or the page as PDF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import UserError
from engine.report import printing

PAGES, PDF = (".html", ".htm"), ".pdf"


def refuse(place: Path) -> None:
    """Refuses a file that no report can be written to.

    Raises:
      UserError: its name ends in none of the suffixes, there is no such folder, or no browser that prints a PDF.
    """
    if place.suffix.lower() not in (*PAGES, PDF):
        raise UserError(str(place), [f"expected a name that ends in {', '.join(PAGES)} or {PDF}, got '{place}'."])
    if not place.absolute().parent.is_dir():
        raise UserError(str(place), [f"expected a folder that is there, got '{place.parent}'."])
    if place.suffix.lower() == PDF:
        printing.browser()


def content(place: Path, make: Callable[[], bytes]) -> bytes:
    """Content for a file: a PDF if its name ends in .pdf, else the HTML page.

    Args:
      make: gives the page.

    Raises:
      UserError: there is no browser that prints, or it fails.
    """
    return printing.pdf(make()) if place.suffix.lower() == PDF else make()
