"""Rows of a CSV file, and one column of numbers of it, checked as they are read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.draws.limits import LARGEST
from engine.errors import UserError, unknown
from engine.formatting import shown

LARGEST_FILE = 64 << 20
"""Most bytes of a data file that is read."""
EMPTY = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none"})
"""Texts (in lower case) that count as an empty cell."""

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUOTED = re.compile(r"[-+\d.,'_:/%$€£¥\s]*\d[-+\d.,'_:/%$€£¥\seE]*|[+-]?inf(inity)?", re.IGNORECASE)
"""What a message may quote of a file: numbers, right or wrong. Any other text may be a secret of the file's owner."""
_COMMA = re.compile(r"[+-]?[\d.' ]*\d,\d[\d,. ]*([eE][+-]?\d+)?")


class Column(NamedTuple):
    """A column as it was read.

    Args:
      values: its numbers in the order of the file, float64, all finite.
      empty: how many cells were left out, because they hold nothing or NaN.
    """

    values: np.ndarray
    empty: int


def column(path: Path | str, name: str) -> Column:
    """The numbers of one column of a CSV file (first line: names; `,`, `;` or tab between cells).

    Cells that are empty or say NaN, NA, N/A, null or none are left out and counted. The
    caller checks whether there are enough numbers.

    Raises:
      UserError: no such file or column, more than 64 MiB, or a cell that is no finite number: the first, with its row.
    """
    path = Path(path)
    names, below = rows_of(path)
    rows = [*below]
    for line, _, fault in rows:
        if fault:
            raise _fault(path, f"line {line} {fault}")
    # columns of text may be secrets of a file that was never meant
    known = (
        [column for column, cell in zip(names, rows[0][1], strict=True) if column and is_number(cell)] if rows else []
    )
    if names.count(name) > 1:
        raise _fault(path, f"has {names.count(name)} columns '{name}', expected one.")
    if name not in names:
        remedy = " The first line must name the columns." * all(map(is_number, known))
        raise _fault(path, unknown("column", name, known) + remedy)
    at = names.index(name)
    cells = [(line, row[at]) for line, row, _ in rows]
    full = [(line, cell) for line, cell in cells if cell.lower() not in EMPTY]
    for line, cell in full:
        if not is_number(cell) or abs(float(cell)) > LARGEST:
            remedy = " Write a point for decimals (1.5 rather than 1,5) and nothing between thousands."
            got = shown(cell) if _QUOTED.fullmatch(cell) else "text"
            text = f"column '{name}', line {line}: expected a finite number, got {got}."
            raise _fault(path, text + (remedy if _COMMA.fullmatch(cell) else ""))
    return Column(np.array([cell for _, cell in full], np.float64), len(cells) - len(full))


@contextmanager
def named(path: Path) -> Iterator[None]:
    """A `with` block in which problems of a file name it."""
    try:
        yield
    except UserError as error:
        raise UserError("", [f"{str(path)!r}: {one.message}" for one in error.problems]) from error


def rows_of(path: Path) -> tuple[list[str], Iterator[tuple[int, list[str], str]]]:
    """The names of the columns of a CSV file, and its rows that are not blank.

    Each row has the line that it ends on, and what is wrong with its number of cells ("" where nothing is).

    Raises:
      UserError: no such file, more than 64 MiB, no text, a cell of more than 128 KiB.
    """
    raw = _content(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _fault(path, f"is not text in UTF-8 (line {line}). Save it as CSV in UTF-8.") from None
    if "\0" in text:
        raise _fault(path, "is not text in UTF-8. Save it as CSV in UTF-8.")
    rows = _rows(path, text)
    first = next(rows, None)
    if first is None:
        raise _fault(path, "is empty.")
    return first[1], rows


def is_number(cell: str) -> bool:
    """Whether a cell is a number: digits without separators, with a point for decimals."""
    return _NUMBER.fullmatch(cell) is not None


def _fault(path: Path, text: str) -> UserError:
    return UserError(path, [text])


def _content(path: Path) -> bytes:
    try:
        if not path.exists():
            raise _fault(path, "no such file.")
        if not path.is_file():
            raise _fault(path, "expected a regular file.")
        if (size := path.stat().st_size) > LARGEST_FILE:
            raise _fault(
                path,
                f"has {size / 2**20:,.0f} MiB, expected at most {LARGEST_FILE >> 20}."
                " Keep only the column that is needed.",
            )
        return path.read_bytes()
    except OSError as error:
        raise _fault(path, f"cannot be read: {error.strerror or error}.") from None


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str], str]]:
    """Rows of a text, stripped cell by cell; the separator is the one that is most frequent in the first line."""
    first = re.sub(r'"[^"]*"', "", text.strip().partition("\n")[0])
    delimiter = max("\t,;", key=first.count)
    reader, width = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), 0
    try:
        for row in reader:
            if len(row) < 2 and not "".join(row).strip():
                continue
            width, fault = width or len(row), ""
            if len(row) != width:
                fault = f"has {len(row)} cells, expected {width} as in the first line."
            if delimiter == "," and len(row) > width:
                fault += " A comma in a text? Put it in quotes. A decimal comma? Write 1.5 rather than 1,5."
            yield reader.line_num, [cell.strip() for cell in row], fault
    except csv.Error as error:
        raise _fault(path, f"line {reader.line_num}: {error}.") from None
