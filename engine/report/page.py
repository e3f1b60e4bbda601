"""The HTML page of a report: frame, sections and the data of its charts, in one file without external resources."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import xarray as xr

from engine.formatting import printable, titled
from engine.report import chart_library
from engine.report.chart_library import TextCache, uncached
from engine.report.markup import Section, render, static, trusted
from engine.report.pictures import style_sheet
from engine.report.records import RunRecords, stored
from engine.report.sections import SECTIONS, every
from engine.study.study import Study

NAME = "report.html"
LARGEST = 1_800_000
"""Most bytes of a page that can still be mailed and opened on a phone."""
DIGITS = 6
"""Significant digits of the numbers that a chart draws."""


def report(
    folder: Path, study: Study, tree: xr.DataTree, variable: str | None = None, kept: TextCache = uncached
) -> bytes:
    """The report of a run as one HTML file: the same run gives the same bytes.

    Args:
      tree: the run's cube, as `engine.open_cube` gives it.
      variable: the outcome that the answer speaks of first; by default the first of the headline, else one of the first
        event.
      kept: as of `chart_library.library`.

    Raises:
      UserError: there is no such outcome, or the chart library is not installed.
    """
    return page(stored(folder, study, tree, variable), kept=kept)


def page(
    run: RunRecords, before: Sequence[Callable[[RunRecords], Section | None]] = SECTIONS, kept: TextCache = uncached
) -> bytes:
    """The HTML page of a run's records.

    Args:
      before: the sections before those of the answers.
      kept: as of `chart_library.library`.
    """
    study, parts = run.study, every(run, before)
    library, script = chart_library.library(kept), static("report.js")
    policies = [study.title("policies", name) for name in study.policy_names]
    drawn = {one.anchor: one.specification for part in parts for one in part.pictures}
    markup = render(
        "page.html",
        title=titled(study.name),
        paths=run.paths,
        question=study.question or study.title("", study.name),
        meta=facts(run),
        policies=policies,
        baseline=study.title("policies", study.baseline),
        sections=parts,
        style=trusted(static("report.css") + style_sheet()),
        data=trusted(_embedded({"policies": policies, "charts": drawn})),
        library=trusted(library),
        script=trusted(script),
        hashes=trusted(" ".join(f"'{_hash(text)}'" for text in (library, script))),
        colophon=(
            f"rustbelt, study {study.name}, fingerprint {study.fingerprint}. This page is one file and loads nothing."
        ),
    )
    return str(markup).encode()


def facts(run: RunRecords) -> list[str]:
    """Facts below the title: author, date, numbers of futures and policies, years, and the study's fingerprint."""
    study = run.study
    years = [f"{study.years[0]} to {study.years[-1]}"] if study.years else []
    count = len(study.policies)
    known = f" given figures to {study.facts.until}" if study.facts else ""
    return [
        *filter(None, (study.author, _day(run))),
        f"{run.paths:,} future{'s' * (run.paths > 1)}{known}",
        f"{count} polic{'y' if count == 1 else 'ies'}",
        *years,
        f"fingerprint {study.fingerprint}",
    ]


def _day(run: RunRecords) -> str:
    """The day on which the last of the paths were computed, by the run's provenance; "" where that is missing."""
    ended = [str(past.get("ended", "")) for past in run.runs if past.get("blocks")]
    try:
        day = date.fromisoformat(max(ended)[:10]) if ended else None
    except ValueError:  # a record that another program wrote
        day = None
    return f"{day.day} {day:%B %Y}" if day else ""


def _embedded(value: Any) -> str:
    """JSON to be embedded in HTML, escaped so that no text in it can end the element."""
    text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The value with NaN and infinity as null, and numbers of no more digits than a chart shows."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
