"""An Excel workbook of tables: unrounded numbers that cell formats display rounded; and a first sheet for people."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from engine.formatting import is_formula, printable, rounded

if TYPE_CHECKING:
    from openpyxl.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

Places = Mapping[str, Sequence[int | None]]
_WIDEST = 60
_MOST_PLACES = 7
_COLOURS = {"better": "1F5FA8", "worse": "B45309"}


@dataclass(frozen=True)
class Number:
    """A number of the first sheet.

    Args:
      value: unrounded; NaN is an empty cell.
      places: decimals that are displayed; None for four significant digits.
      shown: "%" for a share that is shown in per cent, "points" for a difference of such.
    """

    value: float
    places: int | None
    shown: Literal["", "%", "points"] = ""


@dataclass(frozen=True)
class Front:
    """The first sheet.

    Args:
      name: of its tab.
      title, basis: lines above the table: what it answers, and what the numbers rest on.
      groups: headings that span several columns, left to right, and how many columns each spans.
      heads: heading of each column.
      rows: texts and numbers.
      notes: lines below the table on how to read it.
      fixed: how many columns at the left stay in view when the sheet is scrolled.
    """

    name: str
    title: str
    basis: str
    groups: Sequence[tuple[str, int]]
    heads: Sequence[str]
    rows: Sequence[Sequence[str | Number]]
    notes: Sequence[str]
    fixed: int


def workbook(sheets: Mapping[str, tuple[pd.DataFrame, Places]], front: Front | None = None) -> bytes:
    """The bytes of a workbook: `front`, then one sheet per table, given as its rows and its columns' decimals."""
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        if front is not None:
            _write_front(writer.book.create_sheet(front.name), front)
        for name, (rows, places) in sheets.items():
            rows.to_excel(writer, sheet_name=name[:31], index=False)
            _style(writer.sheets[name[:31]], places)
    return buffer.getvalue()


def number_format(value: float, places: int | None, shown: str = "") -> str:
    """Excel's format for a number with so many decimals: "#,##0.00", "#,##0.0%" for a share, "0.00E+00" if extreme."""
    if not math.isfinite(value):
        return "General"
    if places is None:
        places = max(3 - math.floor(math.log10(abs(value))), 0) if value else 0
    places -= 2 if shown else 0
    if places > _MOST_PLACES or abs(value) >= 1e9:
        return "0.00E+00"
    digits = f"#,##0{'.' if places > 0 else ''}{'0' * places}"
    return f"{digits}%" if shown == "%" else f'{digits}%"-points"' if shown else digits


def _style(sheet: Worksheet, places: Places) -> None:
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = sheet.dimensions
    for column in sheet.columns:
        head, *cells = column
        for cell in cells:
            if cell.value == "":
                cell.value = None  # a missing value is an empty cell, not an empty text
        for cell, own in zip(cells, places.get(str(head.value), ()), strict=False):
            if isinstance(cell.value, int | float):
                cell.number_format = number_format(cell.value, own)
        _fit(sheet, head.column_letter, column)
        _guard(column)
    _head(next(sheet.rows))


def _write_front(sheet: Worksheet, front: Front) -> None:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    for text in (front.title, front.basis):
        sheet.append([printable(text)])
    sheet["A1"].font = Font(bold=True, size=14)
    above = [text if k == 0 else None for text, count in front.groups for k in range(count)]
    sheet.append([text and printable(text) for text in above])
    sheet.append([printable(text) for text in front.heads])
    first = 1
    for _, count in front.groups:
        sheet.merge_cells(start_row=3, end_row=3, start_column=first, end_column=first + count - 1)
        sheet.cell(3, first).alignment = Alignment(horizontal="center")
        first += count
    for row in front.rows:
        sheet.append([_plain(value) for value in row])
        for cell, value in zip(sheet[sheet.max_row], row, strict=True):
            if isinstance(value, Number):
                cell.number_format = number_format(value.value, value.places, value.shown)
            elif value in _COLOURS:
                cell.font = Font(color=_COLOURS[value])
    last = sheet.max_row
    for k in range(1, len(front.heads) + 1):
        letter = get_column_letter(k)
        _fit(sheet, letter, [sheet.cell(row, k) for row in range(4, last + 1)])
    sheet.append([])
    for note in front.notes:
        sheet.append([printable(note)])
    for at in (3, 4):
        _head(sheet[at])
    sheet.freeze_panes = sheet.cell(5, front.fixed + 1)
    for row in sheet.rows:
        _guard(row)


def _plain(value: str | Number) -> str | float | None:
    if isinstance(value, Number):
        return value.value if math.isfinite(value.value) else None
    return printable(value) or None


def _fit(sheet: Worksheet, letter: str, cells: Iterable[Any]) -> None:
    """Makes a column as wide as what its cells show."""
    widest = max(map(_width, cells), default=8)
    sheet.column_dimensions[letter].width = min(widest + 2, _WIDEST)


def _width(cell: Cell) -> int:
    value, shown = cell.value, cell.number_format
    if not isinstance(value, float) or shown == "General":
        return len(str("" if value is None else value))
    digits, percent, unit = shown.replace('"', "").partition("%")
    scaled = 100 * value if percent else value
    text = f"{value:.2e}" if "E" in digits else rounded(scaled, len(digits.partition(".")[2]))
    return len(text + percent + unit)


def _head(cells: Iterable[Any]) -> None:
    from openpyxl.styles import Border, Font, PatternFill, Side

    for cell in cells:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", start_color="E7EAEE")
        cell.border = Border(bottom=Side("thin", color="8A94A0"))


def _guard(cells: Iterable[Any]) -> None:
    """Marks every text as text, so that none becomes a formula, even after somebody has edited it."""
    for cell in cells:
        if isinstance(cell.value, str):
            cell.data_type = "s"
            cell.quotePrefix = is_formula(cell.value)
