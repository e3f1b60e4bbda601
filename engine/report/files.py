"""Content of a report's file by its suffix: the HTML page, or the page as PDF."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from engine.report import page, printing
from engine.report.chart_library import TextCache, uncached
from engine.report.formats import PDF
from engine.study.study import Study


def content(
    folder: Path, study: Study, tree: xr.DataTree, variable: str | None, place: Path, kept: TextCache = uncached
) -> bytes:
    """Content for a file: a PDF if its name ends in .pdf, else the HTML page.

    Args:
      folder, study, tree, variable, kept: as of `engine.report.page.report`.

    Raises:
      UserError: as of `report`; there is no browser that prints.
    """
    if place.suffix.lower() in PDF:
        printing.browser()  # refuses, if there is none, before the page is made
        return printing.pdf(page.report(folder, study, tree, variable, kept))
    return page.report(folder, study, tree, variable, kept)
