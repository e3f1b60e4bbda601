"""An Excel workbook of tables: unrounded numbers that cell formats display rounded."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from engine.formatting import is_formula, rounded

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

Places = Mapping[str, Sequence[int | None]]
_WIDEST = 60
_MOST_PLACES = 7


def workbook(sheets: Mapping[str, tuple[pd.DataFrame, Places]]) -> bytes:
    """The bytes of a workbook with one sheet per table, given as its rows and its columns' decimals.

    Without a table it has one empty sheet, as a workbook must have a sheet.
    """
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        for name, (rows, places) in (sheets or {"empty": (pd.DataFrame(), {})}).items():
            rows.to_excel(writer, sheet_name=name[:31], index=False, freeze_panes=(1, 0))
            _style(writer.sheets[name[:31]], places)
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


def _style(sheet: Worksheet, places: Places) -> None:
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
