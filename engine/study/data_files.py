"""One column of numbers from a CSV or Parquet file, checked as it is read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.draws.limits import LARGEST
from engine.errors import UserError, install, unknown

LARGEST_FILE = 64 << 20
"""Most bytes of a data file that is read."""
MOST_ROWS = LARGEST_FILE // 2
"""Most rows of a data file: as many as a CSV file of `LARGEST_FILE` bytes can hold."""
EMPTY = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none"})
"""Texts (in lower case) that count as an empty cell."""

_DELIMITERS = "\t,;"
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_QUOTED = re.compile(r"[-+\d.,'_:/%$€£¥\s]*\d[-+\d.,'_:/%$€£¥\seE]*|[+-]?inf(inity)?", re.IGNORECASE)
"""What a message may quote of a file: numbers, right or wrong. Any other text may be a secret of the file's owner."""
_COMMA = re.compile(r"[+-]?[\d.' ]*\d,\d[\d,. ]*([eE][+-]?\d+)?")
_OTHERS = {
    b"PK\x03\x04": "a spreadsheet or an archive",
    b"\x1f\x8b": "compressed",
    b"\xd0\xcf\x11\xe0": "a spreadsheet",
}
_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Column(NamedTuple):
    """A column as it was read.

    Args:
      values: its numbers in the order of the file, float64, all finite.
      empty: how many cells were left out, because they hold nothing or NaN.
    """

    values: np.ndarray
    empty: int


def column(path: Path | str, name: str) -> Column:
    """The numbers of one column of a CSV file (first line: names; `,`, `;` or tab between cells) or a Parquet file.

    Cells that are empty or say NaN, NA, N/A, null or none are left out and counted. The
    caller checks whether there are enough numbers.

    Raises:
      UserError: no such file or column, more than 64 MiB, or a cell that is no finite number: the first, with its row.
    """
    path = Path(path)
    with _raising_faults(path):
        return _parquet(path, name) if _checked(path) == b"PAR1" else _csv(path, name)


@contextmanager
def named(path: Path, place: str = "") -> Iterator[None]:
    """A `with` block in which problems of a file are moved to a place, and name it."""
    try:
        yield
    except UserError as error:
        problems = [replace(one, place=place, message=f"{str(path)!r}: {one.message}") for one in error.problems]
        raise UserError("", problems) from error


def text_of(path: Path) -> str:
    """The text of a file in UTF-8.

    Raises:
      UserError: no such file, more than 64 MiB, or no text.
    """
    with _raising_faults(path):
        _checked(path)
        return _text(path)


def rows_of(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows of a CSV file that are not blank, each with the line that it ends on; first the names of its columns.

    Raises:
      UserError: as of `text_of`, or a cell of more than 128 KiB.
    """
    with _raising_faults(path):
        text = text_of(path)
        yield from _rows(text, _delimiter(text))


def is_number(cell: str) -> bool:
    """Whether a cell is a number: digits without separators, with a point for decimals."""
    return _NUMBER.fullmatch(cell) is not None


class _Fault(Exception):
    """What is wrong with the file."""


@contextmanager
def _raising_faults(path: Path) -> Iterator[None]:
    """A `with` block in which faults of a file are raised as a `UserError`."""
    try:
        yield
    except (_Fault, OSError) as fault:
        message = str(fault) if isinstance(fault, _Fault) else f"cannot be read: {fault.strerror or fault}."
        raise UserError(str(path), [message]) from None


def _checked(path: Path) -> bytes:
    """The first four bytes of a file that can be read."""
    if not path.exists():
        raise _Fault("no such file.")
    if not path.is_file():
        raise _Fault("is no file; expected a regular one.")
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise _Fault(
            f"has {size / 2**20:,.0f} MiB, expected at most {LARGEST_FILE >> 20}. Keep only the column that is needed."
        )
    with path.open("rb") as file:
        head = file.read(4)
    for mark, kind in _OTHERS.items():
        if head.startswith(mark):
            raise _Fault(f"is {kind}; expected CSV or Parquet. Unpack it, or save it as CSV.")
    if path.suffix.lower() in (".parquet", ".pq") and head != b"PAR1":
        raise _Fault("is no Parquet file, whatever its name says.")
    return head


def _text(path: Path) -> str:
    raw = path.read_bytes()
    if not raw.strip():
        raise _Fault("is empty.")
    if raw.startswith(_WIDE) or b"\0" in raw:
        raise _Fault("is no text in UTF-8. Save it in UTF-8.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise _Fault(f"is no text in UTF-8 (line {line}). Save it in UTF-8.") from None


def _csv(path: Path, name: str) -> Column:
    text = _text(path)
    delimiter = _delimiter(text)
    rows = _rows(text, delimiter)
    names = [cell.strip() for cell in next(rows, (0, [""]))[1]]
    below = [*islice(rows, 1)]
    columns = _columns_of_numbers(names, below[0][1] if below else [])
    nameless = not columns or all(map(_QUOTED.fullmatch, columns))
    at = _place(name, names, columns, " The first line must name the columns." if nameless else "")
    cells, empty = [], 0
    for line, row in chain(below, rows):
        if len(row) != len(names):
            cut = delimiter == "," and len(row) > len(names)
            comma = " A decimal comma? Write 1.5 rather than 1,5." if cut else ""
            raise _Fault(f"line {line} has {len(row)} cells, expected {len(names)} as in the first line.{comma}")
        cell = row[at].strip()
        if cell.lower() in EMPTY:
            empty += 1
        else:
            cells.append((cell, line))
    return Column(np.array([_number(*cell, name) for cell in cells], np.float64), empty)


def _delimiter(text: str) -> str:
    """The separator of the cells of the first line that is not blank: `,`, `;` or a tab."""
    first = re.search(r".*\S.*", text)
    bare = re.sub(r'"[^"]*"', "", first[0] if first else "")
    return max(_DELIMITERS, key=bare.count)


def _rows(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with the number of the line that it ends on."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for row in reader:
            if len(row) > 1 or (row and row[0].strip()):
                yield reader.line_num, row
    except csv.Error as error:
        raise _Fault(f"line {reader.line_num}: {error}.") from None


def _columns_of_numbers(names: list[str], row: list[str]) -> list[str]:
    """The columns that a message may name: those that hold numbers, so that no line of any other file is shown."""
    return [
        name
        for name, cell in zip(names, [*row, *[""] * len(names)], strict=False)
        if name and (_QUOTED.fullmatch(name) or _NUMBER.fullmatch(cell.strip()))
    ]


def _place(name: str, names: list[str], known: list[str], hint: str = "") -> int:
    """Index of a column; `known` names and the hint go into the message where there is no such column."""
    if names.count(name) > 1:
        raise _Fault(f"has {names.count(name)} columns '{name}', expected one.")
    if name not in names:
        raise _Fault(unknown("column", name, known) + hint)
    return names.index(name)


def _number(cell: str, line: int, name: str) -> float:
    if is_number(cell) and abs(value := float(cell)) <= LARGEST:
        return value
    shown = "text" if not _QUOTED.fullmatch(cell) else f"'{cell if len(cell) <= 40 else cell[:37] + '...'}'"
    remedy = ""
    if _COMMA.fullmatch(cell):
        remedy = " Write a point for decimals (1.5 rather than 1,5) and nothing between thousands."
    raise _Fault(f"column '{name}', line {line}: expected a finite number, got {shown}.{remedy}")


def _parquet(path: Path, name: str) -> Column:
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise _Fault(
            f"is a Parquet file, and pyarrow is not installed. Install it ({install('parquet')}), or save the file as"
            " CSV."
        ) from None
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            at = _place(name, names, names)
            kind, types = file.schema_arrow.field(at).type, arrow.types
            if not (types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)):
                raise _Fault(f"column '{name}': expected numbers, got {kind}.")
            if file.metadata.num_rows > MOST_ROWS:
                raise _Fault(f"has {file.metadata.num_rows:,} rows, expected at most {MOST_ROWS:,}.")
            held: Any = file.read(columns=[name]).column(0)
    except (arrow.ArrowInvalid, arrow.ArrowException, OSError) as error:
        raise _Fault(f"is a broken Parquet file: {str(error).splitlines()[0]}") from None
    values = held.cast(arrow.float64(), safe=False).to_numpy()
    values = values[~np.isnan(values)]
    if len(far := values[np.abs(values) > LARGEST]):
        raise _Fault(f"column '{name}': expected finite numbers, got {far[0]}.")
    return Column(np.ascontiguousarray(values, dtype=np.float64), len(held) - values.size)
