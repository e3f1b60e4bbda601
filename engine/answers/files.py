"""Tables written to files for other programs: CSV, Parquet, Excel, Markdown or LaTeX, by the file's suffix."""

from __future__ import annotations

import importlib.util
import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pandas as pd

from engine.answers.workbook import Front, workbook
from engine.errors import UserError, install
from engine.formatting import as_cell, as_latex, as_markdown, printable, rounded
from engine.run_folder.folder import written

Digits = Literal["rounded", "full"]
"""Digits of numbers in a CSV file: rounded to what the standard errors support, or all."""


@dataclass(frozen=True)
class Sheet:
    """One table of a file, twice: `numbers` unrounded, and `texts` rounded for people, made when it is called.

    Args:
      names: how many leading columns of `texts` are labels, which are left-aligned; the others are right-aligned.
      places: by column of `numbers` that is shown rounded, the decimals of each row; None for four significant digits.
    """

    numbers: pd.DataFrame
    texts: Callable[[], pd.DataFrame]
    names: int = 1
    places: Mapping[str, Sequence[int | None]] = field(default_factory=dict)


Sheets = Mapping[str, Sheet]


def joined(sheets: Sequence[Sheet]) -> Sheet:
    """Tables with the same columns as one table, stacked vertically."""
    return Sheet(
        pd.concat([one.numbers for one in sheets], ignore_index=True),
        lambda: pd.concat([one.texts() for one in sheets], ignore_index=True),
        places={name: [own for one in sheets for own in one.places[name]] for name in sheets[0].places},
    )


@dataclass(frozen=True)
class _Book:
    about: Mapping[str, object]
    sheets: Sheets
    front: Front | None
    digits: Digits


def save(
    place: Path, about: Mapping[str, object], sheets: Sheets, front: Front | None = None, digits: Digits = "rounded"
) -> None:
    """Writes tables into one file, whole or not at all; the suffix of its name chooses the format.

    `.csv` and `.parquet` stack all tables, named in the column `table`; an estimate takes several columns: its number,
    standard error, interval and flags. `.xlsx` has the same, one sheet per table, behind a sheet `about`.
    `.md` and `.tex` have the tables as they are printed. Numbers are unrounded in `.parquet` and `.xlsx` (Excel
    displays them rounded); `.csv` has the digits that standard errors support.

    Args:
      about: facts about the tables, by label, for the sheet `about` of a workbook; other formats leave it out.
      front: the first sheet of a workbook; other formats leave it out.
      digits: "full" for all digits in `.csv` too.

    Raises:
      UserError: as `refuse_file`, or the file cannot be written.
    """
    refuse_file(place)
    content = _WRITERS[place.suffix](_Book(about, sheets, front, digits))
    written(place, content)


def refuse_file(place: Path) -> None:
    """Raises a UserError if no table can be written there: no such folder, an unknown suffix, or a missing package."""
    if not place.absolute().parent.is_dir():
        raise UserError(str(place), [f"expected a folder that is there, got '{place.parent}'."])
    if place.suffix not in _WRITERS:
        *most, last = _WRITERS
        raise UserError(str(place), [f"expected a file that ends in {', '.join(most)} or {last}."])
    package, extra = _NEEDED.get(place.suffix, ("pandas", ""))
    if importlib.util.find_spec(package) is None:
        raise UserError(str(place), [f"is written by {package}: {install(extra)}"])


def _csv(book: _Book) -> bytes:
    parts = {as_cell(name): _changed(sheet.numbers, as_cell) for name, sheet in book.sheets.items()}
    if book.digits == "rounded":
        held = zip(parts.items(), book.sheets.values(), strict=True)
        parts = {name: _short(rows, sheet.places) for (name, rows), sheet in held}
    return _as_csv(_stacked(parts))


def _short(rows: pd.DataFrame, places: Mapping[str, Sequence[int | None]]) -> pd.DataFrame:
    """The rows with numbers as texts of so many decimals, without separators of thousands."""
    texts = {
        name: [_bare(value, own) for value, own in zip(rows[name], of, strict=True)] for name, of in places.items()
    }
    return rows.assign(**{name: pd.Series(held, rows.index, dtype=object) for name, held in texts.items()})


def _bare(value: float | None, places: int | None) -> str | None:
    return None if value is None or math.isnan(value) else rounded(value, places).replace(",", "")


def as_csv(rows: pd.DataFrame) -> bytes:
    """The rows as a CSV file with unrounded numbers, in which no text can act as a formula or control a terminal."""
    return _as_csv(_changed(rows, as_cell))


def _as_csv(rows: pd.DataFrame) -> bytes:
    text: str = rows.to_csv(index=False)
    return text.encode()


def _changed(rows: pd.DataFrame, changed: Callable[[str], str]) -> pd.DataFrame:
    """The rows with `changed` applied to every text and to the names of columns."""
    plain = rows.rename(columns=lambda name: changed(name) if isinstance(name, str) else name)
    texts = [name for name in plain if not pd.api.types.is_numeric_dtype(plain[name])]
    held = plain[texts].map(lambda value: changed(value) if isinstance(value, str) else value)
    return plain.assign(**{str(name): held[name] for name in texts})


def _parquet(book: _Book) -> bytes:
    buffer = io.BytesIO()
    _stacked({name: sheet.numbers for name, sheet in book.sheets.items()}).to_parquet(buffer, index=False)
    return buffer.getvalue()


def _stacked(sheets: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    parts = [rows.assign(table=name) for name, rows in sheets.items()]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"table": []})
    return whole[["table", *(column for column in whole if column != "table")]]


def _workbook(book: _Book) -> bytes:
    about = pd.DataFrame({"what": list(book.about), "is": list(book.about.values())})
    sheets = {name: (_changed(one.numbers, printable), one.places) for name, one in book.sheets.items()}
    return workbook({"about": (_changed(about, printable), {}), **sheets}, book.front)


def _markdown(book: _Book) -> bytes:
    parts = []
    for name, sheet in book.sheets.items():
        head, rows = _lines(sheet)
        escaped = [list(map(as_markdown, row)) for row in (head, *rows)]
        rule = ["---" if k < sheet.names else "---:" for k in range(len(head))]
        lines = [f"| {' | '.join(row)} |" for row in (escaped[0], rule, *escaped[1:])]
        parts.append("\n".join([f"**{name}**", "", *lines, ""]))
    return "\n".join(parts).encode()


def _latex(book: _Book) -> bytes:
    parts = []
    for name, sheet in book.sheets.items():
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


_WRITERS: dict[str, Callable[[_Book], bytes]] = {
    ".csv": _csv, ".xlsx": _workbook, ".parquet": _parquet, ".md": _markdown, ".tex": _latex,
}  # fmt: skip
_NEEDED = {".xlsx": ("openpyxl", "excel"), ".parquet": ("pyarrow", "parquet")}
"""The package that writes a format, and the optional extra of this package that installs it."""
