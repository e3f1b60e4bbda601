"""Tables written to files for other programs: CSV, Parquet, Excel or Markdown, by the file's suffix."""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import pandas as pd

from engine.answers.frames import frame, places, texts
from engine.answers.table import Table
from engine.answers.workbook import Places, workbook
from engine.errors import UserError, install
from engine.formatting import as_cell, as_markdown, printable, rounded
from engine.run_folder.folder import written

Digits = Literal["rounded", "full"]
"""Digits of numbers in a CSV file: rounded to what the standard errors support, or all."""


def save(place: Path, tables: Sequence[Table], digits: Digits = "rounded") -> None:
    """Writes tables into one file, whole or not at all; the suffix of its name chooses the format.

    `.csv` and `.parquet` stack all tables, named in the column `table`; an estimate takes several columns: its number,
    standard error, interval and flags. `.xlsx` has the same, one sheet per table.
    `.md` has the tables as they are printed. Numbers are unrounded in `.parquet` and `.xlsx` (Excel displays them
    rounded); `.csv` has the digits that standard errors support.

    Args:
      digits: "full" for all digits in `.csv` too.

    Raises:
      UserError: as `refuse_file`, or the file cannot be written.
    """
    refuse_file(place)
    written(place, _WRITERS[place.suffix](tables, digits))


def refuse_file(place: Path) -> None:
    """Raises a UserError if no table can be written there: no such folder, an unknown suffix, or a missing package."""
    if not place.absolute().parent.is_dir():
        raise UserError(place, [f"expected a folder that is there, got '{place.parent}'."])
    if place.suffix not in _WRITERS:
        *most, last = _WRITERS
        raise UserError(place, [f"expected a file that ends in {', '.join(most)} or {last}."])
    package, extra = _NEEDED.get(place.suffix, ("pandas", ""))
    if importlib.util.find_spec(package) is None:
        raise UserError(place, [f"is written by {package}: {install(extra)}"])


def _csv(tables: Sequence[Table], digits: Digits) -> bytes:
    parts = {}
    for table in tables:
        rows = _escaped(frame(table), as_cell)
        parts[as_cell(table.name)] = _rounded(rows, places(table)) if digits == "rounded" else rows
    text: str = _stacked(parts).to_csv(index=False)
    return text.encode()


def _rounded(rows: pd.DataFrame, places: Places) -> pd.DataFrame:
    """The rows with numbers as texts of so many decimals, without separators of thousands."""

    def text(value: float, own: int | None) -> str | None:
        return None if math.isnan(value) else rounded(value, own).replace(",", "")

    return rows.assign(**{name: [*map(text, rows[name], own)] for name, own in places.items()})


def _escaped(rows: pd.DataFrame, escape: Callable[[str], str]) -> pd.DataFrame:
    """The rows with every text and the names of columns escaped."""

    def plain(value: object) -> object:
        return escape(value) if isinstance(value, str) else value

    texts = rows.select_dtypes(exclude=["number", "bool"])
    return rows.assign(**{str(name): texts[name].map(plain) for name in texts}).rename(columns=plain)


def _parquet(tables: Sequence[Table], digits: Digits) -> bytes:
    buffer = io.BytesIO()
    _stacked({table.name: frame(table) for table in tables}).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _stacked(sheets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of all tables, with the name of their table in the first column."""
    parts = [rows.assign(table=name) for name, rows in sheets.items()] or [pd.DataFrame({"table": []})]
    return pd.concat(parts, ignore_index=True).set_index("table").reset_index()


def _workbook(tables: Sequence[Table], digits: Digits) -> bytes:
    return workbook({table.name: (_escaped(frame(table), printable), places(table)) for table in tables})


def _markdown(tables: Sequence[Table], digits: Digits) -> bytes:
    lines = []
    for table in tables:
        rows = texts(table)
        head, *body = ([as_markdown(str(one)) for one in row] for row in (rows.columns, *rows.to_numpy()))
        rule = ["---", *["---:"] * (len(head) - 1)]
        every = head, rule, *body
        lines += [f"**{table.name}**", "", *(f"| {' | '.join(row)} |" for row in every), ""]
    return "\n".join([*lines, ""]).encode()


_WRITERS: dict[str, Callable[[Sequence[Table], Digits], bytes]] = {
    ".csv": _csv, ".xlsx": _workbook, ".parquet": _parquet, ".md": _markdown,
}  # fmt: skip
_NEEDED = {".xlsx": ("openpyxl", "excel"), ".parquet": ("pyarrow", "parquet")}
"""The package that writes a format, and the optional extra of this package that installs it."""
