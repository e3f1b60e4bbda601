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

from engine.answers import registry
from engine.errors import UserError, unknown
from engine.formatting import printable, titled
from engine.report import chart_library, charts
from engine.report.chart_library import TextCache, uncached
from engine.report.markup import Section, render, static, trusted
from engine.report.run_records import RunRecords, records_of
from engine.report.sections import SECTIONS, any_answer
from engine.run_folder import answer_store, ledger, ownership, provenance
from engine.study.study import Study

NAME = "report.html"
LARGEST = 5_000_000
"""Most bytes of a page that can still be mailed and opened on a phone."""


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
    return page(records(folder, study, tree, variable), kept=kept)


def records(folder: Path, study: Study, tree: xr.DataTree, variable: str | None = None) -> RunRecords:
    """The records that the report is made from; arguments as of `report`.

    Raises:
      UserError: there is no such outcome.
    """
    if variable is not None and variable not in study.model.outcomes:
        raise UserError("variable", [unknown("outcome", variable, study.model.outcomes)])
    runs, versions = provenance.runs(folder), ownership.versions_of(folder)
    held = {question: answer_store.read(folder, question) for question in ledger.answers(folder)}
    answers = {question: answer for question, answer in held.items() if answer is not None}
    return records_of(study, tree, answers, runs=runs, versions=versions, variable=variable)


def page(
    run: RunRecords, sections: Sequence[Callable[[RunRecords], Section | None]] = SECTIONS, kept: TextCache = uncached
) -> bytes:
    """The HTML page of a run's records with these sections, and those of questions that other packages provide."""
    study = run.study
    library = chart_library.library(kept)
    parts = [section for section in (build(run) for build in (*sections, *_outsiders(run))) if section is not None]
    script = static("report.js")
    markup = render(
        "page.html",
        title=titled(study.name),
        paths=run.paths,
        question=study.question or study.title("", study.name),
        meta=facts(run),
        policies=study.policy_names,
        baseline=study.baseline,
        sections=parts,
        style=trusted(static("report.css") + charts.style_sheet(len(study.policies))),
        data=trusted(_embedded(_data(study.policy_names, parts))),
        library=trusted(library),
        script=trusted(script),
        hashes=trusted(" ".join(f"'{_hash(text)}'" for text in (library, script))),
        colophon=(
            f"rustbelt, study {study.name}, fingerprint {study.fingerprint}. This page is one file and loads nothing."
        ),
    )
    return str(markup).encode()


def _outsiders(run: RunRecords) -> list[Callable[[RunRecords], Section | None]]:
    """Sections of answers to questions that other packages provide."""
    return [any_answer.section(question) for question in run.answers if question not in registry.QUESTIONS]


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


def _data(policies: Sequence[str], sections: Sequence[Section]) -> dict[str, Any]:
    drawn = [chart for section in sections for chart in section.charts]
    return {
        "policies": list(policies),
        "charts": {c.anchor: {"spec": c.specification(policies), "columns": c.columns} for c in drawn},
    }


def _embedded(value: Any) -> str:
    """JSON to be embedded in HTML, escaped so that no text in it can end the element."""
    text = json.dumps(_finite(value), separators=(",", ":"), allow_nan=False, ensure_ascii=True)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {key: _finite(part) for key, part in value.items()}
    return [_finite(part) for part in value] if isinstance(value, list | tuple) else value


def _hash(script: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
