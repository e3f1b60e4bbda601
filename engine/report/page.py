"""The HTML page of a report: frame, sections and the data of its charts, in one file without external resources."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from engine.formatting import counted, printable
from engine.report import chart_library
from engine.report.chart_library import TextCache
from engine.report.markup import render, static
from engine.report.pictures import style_sheet
from engine.report.records import RunRecords
from engine.report.sections import SECTIONS, Build, every

NAME = "report.html"
LARGEST = 1_800_000
"""Most bytes of a page that can still be mailed and opened on a phone."""
DIGITS = 6
"""Significant digits of the numbers that a chart draws."""


def page(run: RunRecords, before: Sequence[Build] = SECTIONS, kept: TextCache = lambda _, make: make()) -> bytes:
    """The report of a run as one HTML page: the same run gives the same bytes.

    Args:
      before: the sections before those of the answers.
      kept: as of `chart_library.library`; by default nothing is kept.
    """
    study, parts = run.study, every(run, before)
    library, script = chart_library.library(kept), static("report.js")
    policies = [printable(study.title("policies", name)) for name in study.policy_names]  # as charts write them
    drawn = {one.anchor: one.specification for part in parts for one in part.pictures}
    title = study.title("", study.name)
    markup = render(
        "page.html",
        study=study,
        title=title,
        question=study.question or title,
        paths=study.paths,
        meta=filter(None, _facts(run)),
        policies=policies,
        baseline=study.title("policies", study.baseline),
        sections=parts,
        style=static("report.css") + style_sheet(),
        data=_embedded({"policies": policies, "charts": drawn}),
        library=library,
        script=script,
        hashes=" ".join(f"'{_hash(text)}'" for text in (library, script)),
    )
    return str(markup).encode()


def _facts(run: RunRecords) -> Iterator[str]:
    """Facts below the title: author, date, numbers of futures and policies, years; "" for one that is missing."""
    study, count = run.study, len(run.study.policies)
    yield study.author
    yield _day(run)
    known = f" given figures to {study.facts.until}" if study.facts else ""
    yield f"{counted(study.paths, 'future')}{known}"
    yield f"{count} polic{'y' if count == 1 else 'ies'}"
    yield f"{study.years[0]} to {study.years[-1]}" if study.years else ""


def _day(run: RunRecords) -> str:
    """The day on which the last of the paths were computed, by the run's provenance; "" where that is missing."""
    ended = max((str(past.get("ended") or "") for past in run.runs if past.get("blocks")), default="")
    with suppress(ValueError):  # a record that another program wrote
        day = date.fromisoformat(ended[:10])
        return f"{day.day} {day:%B %Y}"
    return ""


def _embedded(value: Any) -> str:
    """JSON to be embedded in HTML, escaped so that no text in it can end the element."""
    text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    """The value with NaN and infinity as null, and numbers of no more digits than a chart shows."""
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
