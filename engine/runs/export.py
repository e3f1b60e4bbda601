"""Tables of a run as data frames, and as files for elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from engine.answers import files
from engine.answers.answer import Answer
from engine.risk.as_text import cell, places_of, shown_in
from engine.risk.summaries import STATS
from engine.risk.tables import Record, Tables
from engine.runs.policy_sheet import policy_sheet
from engine.study.study import Study

Named = Mapping[str, Sequence[Record]]
"""Records by the name of their table."""


def save_tables(
    place: Path,
    study: Study,
    tables: Named,
    answers: Sequence[Answer] = (),
    digits: files.Digits = "rounded",
) -> None:
    """Writes tables into one file, whole or not at all: `engine.answers.files.save`; tables `risk` and `comparison` also as its first sheet.

    Args:
      digits: of a CSV file.
      answers: whose tables follow, each named by its question too.

    Raises:
      UserError: the name ends in something else, a package that writes it is missing, or the file cannot be written.
    """
    about = {
        "study": study.name, "question": study.question, "policies": ", ".join(study.policy_names),
        "baseline": study.baseline, "paths": study.paths, "seed": study.seed, "sampler": study.sampler,
        "fingerprint": study.fingerprint, "intervals": "95 %, of the Monte Carlo error",
    }  # fmt: skip
    sheets = {
        name: files.Sheet(frame(study, records), partial(_texts, study, records), 2, _places(records))
        for name, records in tables.items()
        if records
    }
    sheets |= {f"{one.question} {name}": of for one in answers for name, of in one.sheets.items()}
    front = policy_sheet(study, Tables([*tables.get("risk", ())], [*tables.get("comparison", ())]))
    files.save(place, about, sheets, front, digits)


def _places(records: Sequence[Record]) -> dict[str, list[int | None]]:
    held = [places_of(record) for record in records]
    return {stat: held for stat in STATS}


def _texts(study: Study, records: Sequence[Record]) -> pd.DataFrame:
    return side_by_side(study, records).reset_index()


def frame(study: Study, records: Sequence[Record]) -> pd.DataFrame:
    """A row an estimate: measure, level, policy, variable, the model's dimensions, year, unit, the numbers, and `flag`."""
    dims = tuple(study.model.dims)
    rows = pd.DataFrame([record.as_dict(dims) for record in records])
    if not len(rows):
        return rows
    rows = rows.drop(columns="flags")
    rows.insert(4, "unit", [unit_of(study, record) for record in records])
    there = [
        column for column in rows if column not in (*dims, "level", "year") or rows[column].notna().any()
    ]
    return rows[there]


def unit_of(study: Study, record: Record) -> str:
    """The unit of an estimate in the model's words; "1" for a share."""
    if record.measure in ("worse", "share") or record.measure.endswith("probability"):
        return "1"
    values: dict[str, Any] = {**study.model.outcomes, **study.model.yearly}
    return values[record.variable].unit if record.variable in values else "1"


def side_by_side(study: Study, records: Sequence[Record]) -> pd.DataFrame:
    """Rounded texts: a row a variable and measure, a column a policy; shares in percent, their differences in points; a dagger where there is no interval."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for record in records:
        scale, unit = shown_in(record.measure, unit_of(study, record))
        shown = cell(record, scale)
        names = ", ".join(
            [record.variable, *record.place.values(), *([str(record.year)] if record.year else [])]
        )
        row = rows.setdefault((f"{names} [{unit}]", record.measure), {})
        row[record.policy] = f"{shown.estimate} {shown.interval}{shown.mark}".strip()
    index = pd.MultiIndex.from_tuples(rows, names=["variable", "measure"]) if rows else None
    return pd.DataFrame(rows.values(), index).fillna("")
