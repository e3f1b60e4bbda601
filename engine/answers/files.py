"""Tables for other programs: as data frames, and in files of CSV, Parquet, Excel or Markdown, by the file's suffix.

Each row stays a row; in a data frame an estimate takes several columns, its numbers and its flags.
"""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from engine.answers.as_text import places_of
from engine.answers.layout import YEAR, stacks, text_of
from engine.answers.table import Kind, Table
from engine.errors import UserError, install
from engine.formatting import as_cell, as_markdown, is_formula, printable, rounded
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.summaries import STATS
from engine.run_folder.folder import written

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

WIDTH = 80
"""Width of a terminal, in characters."""
_DTYPES = {Kind.NUMBER: "float64", Kind.COUNT: "int64", Kind.TRUTH: "bool", Kind.TEXT: "object"}
_WIDEST = 60
"""Greatest width of a column of a sheet [characters]."""
_MOST_PLACES = 7


def frame(table: Table) -> pd.DataFrame:
    """The rows of a table, numbers unrounded.

    An estimate `x` takes the columns `x`, `x_standard_error`, `x_low`, `x_high` (95 % interval) and `x_flag`, its flags
    in words. One that is called `estimate` takes `estimate`, `standard_error`, `low`, `high` and `flag`.
    """
    columns: dict[str, pd.Series] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            parts = {stat: ("float64", None) for stat in STATS} | {"flag": ("object", "")}
            for part, (dtype, missing) in parts.items():
                values = [getattr(one, part, missing) for one in column.values]
                columns[called(column.name, part)] = pd.Series(values, dtype=dtype)
        else:
            columns[column.name] = pd.Series(list(column.values), dtype=_DTYPES[column.kind])
    return pd.DataFrame(columns)


def called(column: str, stat: str) -> str:
    """Name of the column with one number of an estimate: `low` for the estimate called `estimate`, `x_low` for `x`."""
    return column if stat == "estimate" else stat if column == "estimate" else f"{column}_{stat}"


def places(table: Table) -> dict[str, list[int | None]]:
    """Decimals of each row by numeric column of `frame`, as standard errors support; None for four significant digits.

    Labels, levels and calendar years are left out.
    """
    held: dict[str, list[int | None]] = {}
    for column in table.columns:
        if column.kind is Kind.ESTIMATE:
            own = [places_of(one) if isinstance(one, Estimate) else None for one in column.values]
            held |= {called(column.name, stat): own for stat in STATS}
        elif column.kind is Kind.NUMBER and column.name not in (*table.dims, "level") and column.unit != YEAR:
            held[column.name] = [None] * len(table)
    return held


def texts(table: Table, full: bool = True) -> pd.DataFrame:
    """The table as rounded texts for people; the first column holds what each row is called."""
    names, columns = stacks(table, full)
    held = [[one.estimate for one in names.cells], *([text_of(one) for one in of.cells] for of in columns)]
    heads = [f"{table.title} {names.head}".rstrip(), *(of.head.replace("\n", ", ") for of in columns)]
    return pd.DataFrame(list(zip(*held, strict=True)), columns=heads)


def printed(table: Table) -> pd.DataFrame:
    """The brief rows and columns as texts, indexed by what each row is called; all of them if no row is brief.

    The labels of `across` become columns. If those are wider than a terminal, the labels become rows where that is
    narrower; a single label becomes the name of the index.
    """
    wide = _indexed(table)
    if not table.across or _width(wide) <= WIDTH:
        return wide
    if len(alone := table.labels(table.across)) == 1:
        heads = [str(head).removeprefix(f"{alone[0]}, ") for head in wide.columns]
        return wide.set_axis(heads, axis="columns").rename_axis(index=str(alone[0]))
    return min(wide, _indexed(replace(table, across="")), key=_width)


def _indexed(table: Table) -> pd.DataFrame:
    rows = texts(table, full=False)
    rows = texts(table) if rows.empty else rows
    return rows.set_index(rows.columns[0]).rename_axis(index=None)


def _width(rows: pd.DataFrame) -> int:
    return max(map(len, rows.to_string().splitlines()))


# ------------------------------------------------------------------------------------------------ files


def save(place: Path, tables: Sequence[Table]) -> None:
    """Writes tables into one file, whole or not at all; the suffix of its name chooses the format.

    `.csv` and `.parquet` stack all tables, named in the column `table`; an estimate takes several columns: its number,
    standard error, interval and flags. `.xlsx` has the same, one sheet per table.
    `.md` has the tables as they are printed, rounded; all other files have all digits (Excel displays them rounded).

    Raises:
      UserError: as `refuse_file`, or the file cannot be written.
    """
    refuse_file(place)
    written(place, _WRITERS[place.suffix](tables))


def refuse_file(place: Path) -> None:
    """Raises a UserError if no table can be written there: no such folder, an unknown suffix, or a missing package."""
    if not place.absolute().parent.is_dir():
        raise UserError(place, [f"expected an existing folder, got '{place.parent}'."])
    if place.suffix not in _WRITERS:
        *most, last = _WRITERS
        raise UserError(place, [f"expected a file that ends in {', '.join(most)} or {last}."])
    package, extra = _NEEDED.get(place.suffix, ("pandas", ""))
    if importlib.util.find_spec(package) is None:
        raise UserError(place, [f"is written by {package}: {install(extra)}"])


def _csv(tables: Sequence[Table]) -> bytes:
    parts = {as_cell(table.name): _escaped(frame(table), as_cell) for table in tables}
    text: str = _stacked(parts).to_csv(index=False)
    return text.encode()


def _escaped(rows: pd.DataFrame, escape: Callable[[str], str]) -> pd.DataFrame:
    """The rows with every text and the names of columns escaped."""

    def plain(value: object) -> object:
        return escape(value) if isinstance(value, str) else value

    texts = rows.select_dtypes(exclude=["number", "bool"])
    return rows.assign(**{str(name): texts[name].map(plain) for name in texts}).rename(columns=plain)


def _parquet(tables: Sequence[Table]) -> bytes:
    buffer = io.BytesIO()
    _stacked({table.name: frame(table) for table in tables}).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _stacked(sheets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Rows of all tables, with the name of their table in the first column."""
    parts = [rows.assign(table=name) for name, rows in sheets.items()] or [pd.DataFrame({"table": []})]
    return pd.concat(parts, ignore_index=True).set_index("table").reset_index()


def _markdown(tables: Sequence[Table]) -> bytes:
    lines = []
    for table in tables:
        rows = texts(table)
        head, *body = ([as_markdown(str(one)) for one in row] for row in (rows.columns, *rows.to_numpy()))
        rule = ["---", *["---:"] * (len(head) - 1)]
        every = head, rule, *body
        lines += [f"**{table.name}**", "", *(f"| {' | '.join(row)} |" for row in every), ""]
    return "\n".join([*lines, ""]).encode()


def _workbook(tables: Sequence[Table]) -> bytes:
    """A workbook with one sheet per table: unrounded numbers that cell formats display rounded.

    Without a table it has one empty sheet, as a workbook must have a sheet.
    """
    buffer = io.BytesIO()
    sheets = {table.name: (_escaped(frame(table), printable), places(table)) for table in tables}
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for name, (rows, decimals) in (sheets or {"empty": (pd.DataFrame(), {})}).items():
            rows.to_excel(writer, sheet_name=name[:31], index=False, freeze_panes=(1, 0))
            _style(writer.sheets[name[:31]], decimals)
    return buffer.getvalue()


def number_format(value: float, places: int | None) -> str:
    """Excel's format for a number with so many decimals: "#,##0.00", or "0.00E+00" if it is very large or small."""
    if not math.isfinite(value):
        return "General"
    if places is None:
        places = max(3 - math.floor(math.log10(abs(value))), 0) if value else 0
    if places > _MOST_PLACES or abs(value) >= 1e9:
        return "0.00E+00"
    return f"#,##0{'.' if places > 0 else ''}{'0' * places}"


def _style(sheet: Worksheet, places: Mapping[str, Sequence[int | None]]) -> None:
    """Formats numbers, makes columns as wide as their texts, and marks every text as text.

    So no text becomes a formula, even after somebody has edited it.
    """
    from openpyxl.styles import Font

    sheet.auto_filter.ref = sheet.dimensions
    for column in sheet.columns:
        head, *cells = column
        widest = len(str(head.value))
        decimals = places.get(str(head.value), [None] * len(cells))
        for cell, own in zip(cells, decimals, strict=True):
            if cell.value == "":
                cell.value = None  # a missing value is an empty cell, not an empty text
            elif isinstance(cell.value, int | float) and head.value in places:
                cell.number_format = number_format(cell.value, own)
                widest = max(widest, len(rounded(cell.value, own)))
            else:
                widest = max(widest, len(str(cell.value or "")))
        for cell in column:
            if isinstance(cell.value, str):
                cell.data_type = "s"
                cell.quotePrefix = is_formula(cell.value)
        head.font = Font(bold=True)
        sheet.column_dimensions[head.column_letter].width = min(widest + 2, _WIDEST)


_WRITERS: dict[str, Callable[[Sequence[Table]], bytes]] = {
    ".csv": _csv, ".xlsx": _workbook, ".parquet": _parquet, ".md": _markdown,
}  # fmt: skip
_NEEDED = {".xlsx": ("openpyxl", "excel"), ".parquet": ("pyarrow", "parquet")}
"""The package that writes a format, and the optional extra of this package that installs it."""
