"""A table laid out for people: cells as texts, rounded as standard errors support, under headings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.answers.table import SCALES, Column, Kind, Table
from engine.formatting import rounded, words
from engine.risk.estimation.as_text import Cell, cell
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import record

COMMAND = "command"
"""Name of a column of commands, which are shown as they are, never broken over lines."""
UNIT = "unit"
"""Name of the column of units, which are appended to row labels where labels of a dimension become columns."""
YEAR = "year"
"""Unit of calendar years, which are names rather than amounts."""


@dataclass(frozen=True)
class Stack:
    """A column of texts, as shown.

    Args:
      head: its heading, of one line or two.
      cells: its texts, from top to bottom.
      of: the column of the table that it shows.
    """

    head: str
    cells: tuple[Cell, ...]
    of: Column

    @property
    def is_text(self) -> bool:
        """Whether it is left-aligned, as words, labels, and estimates with their intervals are."""
        return self.of.kind in (Kind.TEXT, Kind.TRUTH, Kind.ESTIMATE)


def head(column: Column) -> str:
    """The heading of a column with its unit, such as `probability [%]`."""
    return with_unit(column.head or words(column.name), column)


def with_unit(text: str, column: Column) -> str:
    """A text followed by the unit of a column in brackets, or alone if the unit is "1"."""
    unit = column.shown or column.unit
    return text if unit == "1" else f"{text} [{unit}]"


def cell_of(column: Column, value: object) -> Cell:
    """One value as a table shows it: rounded, in the unit shown; an estimate with its interval and mark."""
    if isinstance(value, Estimate):
        bare = [flag.reason for flag in value.flags] == [Reason.UNRECORDED]
        made = cell(record(column.name, "", "", value), SCALES[column.shown])
        return Cell(made.estimate, made.interval, mark="" if bare else made.mark, flag=made.flag)
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell("yes" if value else "no")
    if isinstance(value, str):
        return Cell(value)
    if column.unit == YEAR:
        return Cell(f"{value:.0f}")
    scaled = SCALES[column.shown] * float(value)  # type: ignore[arg-type]
    return Cell(f"{value:,}" if isinstance(value, int) and not column.shown else rounded(scaled, None))


def stacks(table: Table, full: bool = True) -> tuple[Stack, list[Stack]]:
    """The row labels, and the columns beside them: one for each column of values.

    With `across`, columns that vary along it become one for each of its labels.

    Args:
      full: also columns and rows that are not brief.
    """
    shown = [column for column in table.columns if full or column.brief]
    rows = list(table.rows())
    kept = [k for k in range(len(rows)) if full or not table.brief or table.brief[k]]
    names = [dim for dim in table.dims if dim != table.across]
    values = [column for column in shown if column.name not in table.dims]
    if table.across:
        return _across(table, names, values, [rows[k] for k in kept])
    called = Column("_".join(names), Kind.TEXT, [_called(rows[k], names) for k in kept], "")
    cells = {column.name: [cell_of(column, rows[k][column.name]) for k in kept] for column in values}
    return _stack("", called, called.values), [
        Stack(head(column), tuple(cells[column.name]), column) for column in values
    ]


def height(table: Table) -> int:
    """How many rows of a table `stacks` gives with `full`."""
    rows = list(table.rows())
    values = [column for column in table.columns if column.name not in table.dims]
    names = [dim for dim in table.dims if dim != table.across]
    return len(_names_across(names, values, rows)) if table.across else len(rows)


def parts(table: Table, full: bool = True) -> list[Table]:
    """A table split for reading: one table for each label of its dimension `apart`.

    Its title has the label and the values that its rows have in common.

    Args:
      full: also labels of which no row is brief.
    """
    if not table.apart:
        return [table]
    alike = [c for c in table.columns if c.over == (table.apart,) and c.kind is not Kind.TEXT]
    made = []
    for label in table.labels(table.apart):
        at = [k for k, own in enumerate(table[table.apart]) if own == label]
        if not full and table.brief and not any(table.brief[k] for k in at):
            continue
        unit = str(table["unit"][at[0]]) if "unit" in table.by_name else "1"
        named = f"{label}{'' if unit == '1' else f' [{unit}]'}"
        facts = [f"{head(c)} {text_of(cell_of(c, c.values[at[0]]))}" for c in alike]
        columns = [
            replace(
                c, values=[c.values[k] for k in at], over=c.over and tuple(dim for dim in c.over if dim != table.apart)
            )
            for c in table.columns
            if c.name != table.apart and c.over != (table.apart,)
        ]
        made.append(
            Table(
                table.name,
                "; ".join([f"{table.title}: {named}", *facts]),
                columns,
                tuple(dim for dim in table.dims if dim != table.apart),
                [table.brief[k] for k in at] if table.brief else (),
                table.across,
            )
        )
    return made


def _across(
    table: Table, names: Sequence[str], values: Sequence[Column], rows: Sequence[Mapping[str, object]]
) -> tuple[Stack, list[Stack]]:
    called = _names_across(names, values, rows)
    labels = list(dict.fromkeys(str(row[table.across]) for row in rows))
    square = called == labels
    by_place = {(_called(row, names), str(row[table.across])): row for row in rows}
    # a column that does not vary along `across` is shown once, before the columns of the labels
    once = [column for column in values if column.over is not None and table.across not in column.over]
    first = {_called(row, names): row for row in reversed(rows)}
    made = [Stack(head(of), tuple(cell_of(of, first[name][of.name]) for name in called), of) for of in once]
    values = [column for column in values if column not in once]
    units = next((of.cells for of in made if of.of.name == UNIT), [Cell("1")] * len(called))
    made = [of for of in made if of.of.name != UNIT]
    named = [
        name if of.estimate in ("", "1") else f"{name} [{of.estimate}]" for name, of in zip(called, units, strict=True)
    ]
    if square:  # there is no room for the same names as rows and as heads: heads are the rows' numbers
        named = [f"{k} {name}" for k, name in enumerate(named, 1)]
    for k, label in enumerate(labels, 1):
        shown = str(k) if square else label
        for column in values:
            above = with_unit(shown, column) if len(values) == 1 else f"{shown}\n{head(column)}"
            cells = (by_place.get((name, label)) for name in called)
            made.append(Stack(above, tuple(cell_of(column, row and row[column.name]) for row in cells), column))
    of = Column("_".join(names), Kind.TEXT, called, "")
    return _stack("", of, named), made


def _names_across(names: Sequence[str], values: Sequence[Column], rows: Sequence[Mapping[str, object]]) -> list[str]:
    held = [row for row in rows if any(row[of.name] not in (None, "") for of in values)] or rows
    return list(dict.fromkeys(_called(row, names) for row in held))


def _called(row: Mapping[str, object], names: Sequence[str]) -> str:
    return ", ".join(str(row[name]) for name in names if row[name] != "")


def _stack(above: str, of: Column, texts: Sequence[object]) -> Stack:
    return Stack(above, tuple(Cell(str(text)) for text in texts), of)


def text_of(one: Cell) -> str:
    """A cell as one text, such as `12.3 [11.9, 12.8]`, its mark behind the number."""
    return f"{one.estimate}{one.mark} {one.interval}".strip()


def aligned(cells: Sequence[Cell]) -> list[str]:
    """Cells as texts of which the estimates are right-aligned, each followed by its mark and interval."""
    width = max((len(one.estimate) for one in cells), default=0)
    return [f"{one.estimate:>{width}}{one.mark or ' '} {one.interval}".rstrip() for one in cells]


def notes(columns: Sequence[Stack]) -> list[str]:
    """What the marks in the columns of a table mean, each mark once."""
    held: dict[str, dict[str, None]] = {}
    for of in columns:
        for one in of.cells:
            if one.mark:
                held.setdefault(one.mark, {})[one.flag] = None
    return [f"{mark} {'; '.join(texts)}" for mark, texts in held.items()]
