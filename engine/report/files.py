"""Content of a report's file by its suffix: the HTML page, the page as PDF, or one slide."""

from __future__ import annotations

from pathlib import Path

import xarray as xr

from engine.report import page, printing
from engine.report.chart_library import TextCache, uncached
from engine.report.formats import PDF, SLIDES
from engine.report.slide import slide_of
from engine.study.study import Study


def content(
    folder: Path, study: Study, tree: xr.DataTree, variable: str | None, place: Path, kept: TextCache = uncached
) -> bytes:
    """Content for a file: a PDF if its name ends in .pdf, a slide if in .png or .svg, else the HTML page.

    Args:
      folder, study, tree, variable, kept: as of `engine.report.page.report`.

    Raises:
      UserError: as of `report`; there is no browser that prints; there is nothing to draw.
    """
    suffix = place.suffix.lower()
    if suffix in SLIDES:
        return slide_of(page.records(folder, study, tree, variable), suffix)
    if suffix in PDF:
        printing.browser()  # refuses, if there is none, before the page is made
        return printing.pdf(page.report(folder, study, tree, variable, kept))
    return page.report(folder, study, tree, variable, kept)
