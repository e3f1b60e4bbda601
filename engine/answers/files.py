"""Data frames as files for elsewhere: CSV, Parquet, an Excel workbook, Markdown, LaTeX, by how the file's name ends."""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from engine.errors import UserError
from engine.formatting import as_cell, as_latex, as_markdown, is_formula, printable
from engine.run_folder.folder import written


@dataclass(frozen=True)
class Sheet:
    """One table of a file: its numbers whole, and as people read them, rounded, the first columns being names.

    Args:
      names: columns of `texts` that are names; the others are numbers, which end at their right edge.
    """

    numbers: pd.DataFrame
    texts: Callable[[], pd.DataFrame]
    names: int = 1


Sheets = Mapping[str, Sheet]


def joined(sheets: Sequence[Sheet]) -> Sheet:
    """Tables of one kind as one, below each other."""
    return Sheet(
        pd.concat([one.numbers for one in sheets], ignore_index=True),
        lambda: pd.concat([one.texts() for one in sheets], ignore_index=True),
    )


def save(place: Path, about: Mapping[str, object], sheets: Sheets) -> None:
    """Writes tables into one file, whole or not at all.

    `.csv` and `.parquet` hold a row an estimate, with its unit, its interval and in `flag` what must be known of it; `.xlsx` the same, a
    sheet a table, behind a sheet that says what they are of; `.md` and `.tex` the tables as they are printed, rounded.

    Args:
      about: what the tables are of, for the first sheet of a workbook.

    Raises:
      UserError: the name ends in something else, a package that writes it is missing, or the file cannot be written.
    """
    refuse_file(place)
    content = _WRITERS[place.suffix](about, sheets)
    written(place, content)


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


def _csv(about: Mapping[str, object], sheets: Sheets) -> bytes:
    return as_csv(_stacked(sheets))


def as_csv(rows: pd.DataFrame) -> bytes:
    """The rows as a CSV file in which no text is a formula or moves a cursor; numbers are as they are."""
    return _changed(rows, as_cell).to_csv(index=False).encode()


def _changed(rows: pd.DataFrame, changed: Callable[[str], str]) -> pd.DataFrame:
    """The rows with each text, those of the head too, changed."""
    plain = rows.rename(columns=lambda name: changed(name) if isinstance(name, str) else name)
    texts = [name for name in plain if not pd.api.types.is_numeric_dtype(plain[name])]
    held = plain[texts].map(lambda value: changed(value) if isinstance(value, str) else value)
    return plain.assign(**{str(name): held[name] for name in texts})


def _parquet(about: Mapping[str, object], sheets: Sheets) -> bytes:
    buffer = io.BytesIO()
    _stacked(sheets).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _stacked(sheets: Sheets) -> pd.DataFrame:
    parts = [sheet.numbers.assign(table=name) for name, sheet in sheets.items()]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"table": []})
    return whole[["table", *(column for column in whole if column != "table")]]


def _workbook(about: Mapping[str, object], sheets: Sheets) -> bytes:
    from openpyxl.styles import Font

    held = {"about": pd.DataFrame({"what": list(about), "is": list(about.values())})}
    held |= {name: sheet.numbers for name, sheet in sheets.items()}
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for name, rows in held.items():
            _changed(rows, printable).to_excel(writer, sheet_name=name[:31], index=False)
            sheet = writer.sheets[name[:31]]
            sheet.freeze_panes = "A2"
            sheet.auto_filter.ref = sheet.dimensions
            for column in sheet.columns:
                texts = [str(held.value) for held in column if held.value is not None]
                sheet.column_dimensions[column[0].column_letter].width = min(
                    max(map(len, texts), default=8) + 2, 60
                )
                for cell in column:
                    if isinstance(cell.value, str):
                        cell.data_type = "s"  # a label that begins with = is no formula,
                        cell.quotePrefix = is_formula(cell.value)  # also once somebody has edited it
                column[0].font = Font(bold=True)
    return buffer.getvalue()


def _markdown(about: Mapping[str, object], sheets: Sheets) -> bytes:
    parts = []
    for name, sheet in sheets.items():
        head, rows = _lines(sheet)
        escaped = [list(map(as_markdown, row)) for row in (head, *rows)]
        rule = ["---" if k < sheet.names else "---:" for k in range(len(head))]
        lines = [f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:])]
        parts.append("\n".join([f"**{name}**", "", *lines, ""]))
    return "\n".join(parts).encode()


def _latex(about: Mapping[str, object], sheets: Sheets) -> bytes:
    parts = []
    for name, sheet in sheets.items():
        head, rows = _lines(sheet)
        lines = [f"{' & '.join(map(as_latex, row))} \\\\" for row in (head, *rows)]
        body = "\n".join([r"\toprule", lines[0], r"\midrule", *lines[1:], r"\bottomrule"])
        columns = f"{'l' * sheet.names}{'r' * (len(head) - sheet.names)}"
        parts.append(
            f"% {name}; needs the package booktabs\n\\begin{{tabular}}{{{columns}}}\n{body}\n\\end{{tabular}}\n"
        )
    return "\n".join(parts).encode()


def _lines(sheet: Sheet) -> tuple[list[str], list[list[str]]]:
    table = sheet.texts()
    return [str(column) for column in table], table.to_numpy().tolist()


_WRITERS: dict[str, Callable[[Mapping[str, object], Sheets], bytes]] = {
    ".csv": _csv, ".xlsx": _workbook, ".parquet": _parquet, ".md": _markdown, ".tex": _latex,
}  # fmt: skip
_NEEDED = {".xlsx": ("openpyxl", "excel"), ".parquet": ("pyarrow", "parquet")}
"""The package that writes a format, and the extra that brings it."""
