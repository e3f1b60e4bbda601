"""Tables of a run as files for elsewhere: CSV, Parquet, an Excel workbook, Markdown, LaTeX, by how the file's name ends."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from engine.errors import UserError
from engine.formatting import as_cell, as_latex, as_markdown, is_formula, printable
from engine.modelling.records import Outcome, Yearly
from engine.risk.as_text import cell, shown_in
from engine.risk.tables import Record
from engine.storage.files import write_atomically, writing
from engine.study.study import Study

Named = Mapping[str, Sequence[Record]]
"""Records by the name of their table."""


def save_tables(place: Path, study: Study, tables: Named) -> None:
    """Writes tables into one file, whole or not at all.

    `.csv` and `.parquet` hold a row an estimate, with its unit, its interval and in `flag` what must be known of it; `.xlsx` the same, a
    sheet a table, behind a sheet that says what they are of; `.md` and `.tex` a row for each variable and measure, a column for each policy,
    rounded as the printed tables are.

    Raises:
      UserError: the name ends in something else, a package that writes it is missing, or the file cannot be written.
    """
    refuse_file(place)
    content = _WRITERS[place.suffix](study, {name: records for name, records in tables.items() if records})
    with writing(place.parent):
        write_atomically(place, content)


def refuse_file(place: Path) -> None:
    """Raises a UserError where no table can be written into a file of that name: its ending, its folder, a missing package."""
    if not place.absolute().parent.is_dir():
        raise UserError(str(place), [f"expected a folder that is there, got '{place.parent}'."])
    if place.suffix not in _WRITERS:
        *most, last = _WRITERS
        raise UserError(str(place), [f"expected a file that ends in {', '.join(most)} or {last}."])
    package, extra = _NEEDED.get(place.suffix, ("pandas", ""))
    if importlib.util.find_spec(package) is None:
        raise UserError(str(place), [f"is written by {package}: pip install 'rustbelt[{extra}]'"])


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
    values: dict[str, Outcome | Yearly] = {**study.model.outcomes, **study.model.yearly}
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


def _csv(study: Study, tables: Named) -> bytes:
    return as_csv(_stacked(study, tables))


def as_csv(rows: pd.DataFrame) -> bytes:
    """The rows as a CSV file in which no text is a formula or moves a cursor; numbers are as they are."""
    return _texts(rows, as_cell).to_csv(index=False).encode()


def _texts(rows: pd.DataFrame, changed: Callable[[str], str]) -> pd.DataFrame:
    """The rows with each text, those of the head too, changed."""
    plain = rows.rename(columns=lambda name: changed(name) if isinstance(name, str) else name)
    texts = [name for name in plain if not pd.api.types.is_numeric_dtype(plain[name])]
    held = plain[texts].map(lambda value: changed(value) if isinstance(value, str) else value)
    return plain.assign(**{str(name): held[name] for name in texts})


def _parquet(study: Study, tables: Named) -> bytes:
    buffer = io.BytesIO()
    _stacked(study, tables).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _stacked(study: Study, tables: Named) -> pd.DataFrame:
    parts = [frame(study, records).assign(table=name) for name, records in tables.items()]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"table": []})
    return whole[["table", *(column for column in whole if column != "table")]]


def _workbook(study: Study, tables: Named) -> bytes:
    from openpyxl.styles import Font

    about = {
        "study": study.name, "question": study.question, "policies": ", ".join(study.policy_names),
        "baseline": study.baseline, "paths": study.paths, "seed": study.seed, "sampler": study.sampler,
        "fingerprint": study.fingerprint, "intervals": "95 %, of the Monte Carlo error",
    }  # fmt: skip
    sheets = {"about": pd.DataFrame({"what": list(about), "is": list(about.values())})}
    sheets |= {name: frame(study, records) for name, records in tables.items()}
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for name, rows in sheets.items():
            _texts(rows, printable).to_excel(writer, sheet_name=name, index=False)
            sheet = writer.sheets[name]
            sheet.freeze_panes = "A2"
            sheet.auto_filter.ref = sheet.dimensions
            for column in sheet.columns:
                texts = [str(held.value) for held in column if held.value is not None]
                sheet.column_dimensions[column[0].column_letter].width = min(
                    max(map(len, texts), default=8) + 2, 60
                )
                for held in column:
                    if isinstance(held.value, str):
                        held.data_type = "s"  # a label that begins with = is no formula,
                        held.quotePrefix = is_formula(held.value)  # also once somebody has edited it
                column[0].font = Font(bold=True)
    return buffer.getvalue()


def _markdown(study: Study, tables: Named) -> bytes:
    parts = []
    for name, records in tables.items():
        head, rows = _lines(study, records)
        escaped = [list(map(as_markdown, row)) for row in (head, *rows)]
        rule = ["---" if k < 2 else "---:" for k in range(len(head))]
        lines = [f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:])]
        parts.append("\n".join([f"**{name}**", "", *lines, ""]))
    return "\n".join(parts).encode()


def _latex(study: Study, tables: Named) -> bytes:
    parts = []
    for name, records in tables.items():
        head, rows = _lines(study, records)
        lines = [f"{' & '.join(map(as_latex, row))} \\\\" for row in (head, *rows)]
        body = "\n".join([r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"])
        columns = f"ll{'r' * (len(head) - 2)}"
        parts.append(
            f"% {name}; needs the package booktabs\n\\begin{{tabular}}{{{columns}}}\n{body}\n\\end{{tabular}}\n"
        )
    return "\n".join(parts).encode()


def _lines(study: Study, records: Sequence[Record]) -> tuple[list[str], list[list[str]]]:
    table = side_by_side(study, records).reset_index()
    return [str(column) for column in table], table.to_numpy().tolist()


_WRITERS: dict[str, Callable[[Study, Named], bytes]] = {
    ".csv": _csv, ".xlsx": _workbook, ".parquet": _parquet, ".md": _markdown, ".tex": _latex,
}  # fmt: skip
_NEEDED = {".xlsx": ("openpyxl", "excel"), ".parquet": ("pyarrow", "parquet")}
"""The package that writes a format, and the extra that brings it."""
