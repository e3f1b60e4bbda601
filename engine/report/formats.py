"""Formats of a report, by the suffix of its file's name."""

from __future__ import annotations

from pathlib import Path

from engine.errors import UserError

PAGES, PDF = (".html", ".htm"), (".pdf",)


def refuse(place: Path) -> None:
    """Refuses a file that no report can be written to.

    Raises:
      UserError: its name ends in none of the suffixes, or there is no such folder.
    """
    *most, last = every = (*PAGES, *PDF)
    if place.suffix.lower() not in every:
        raise UserError(str(place), [f"expected a name that ends in {', '.join(most)} or {last}, got '{place}'."])
    if not place.absolute().parent.is_dir():
        raise UserError(str(place), [f"expected a folder that is there, got '{place.parent}'."])
