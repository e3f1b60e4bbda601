"""A table laid out for people: cells rounded as standard errors support, under headings with units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from engine.answers.as_text import Cell, cell
from engine.answers.table import SCALES, Column, Kind, Table
from engine.formatting import rounded, words
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import record

COMMAND = "command"
"""Name of a column of commands, which are shown as they are, never broken over lines."""
UNIT = "unit"
"""Name of the column of each row's unit, which is appended to the label of the row."""
VERDICT = "verdict"
"""Name of a column with "better" or "worse", which stands in the cell of the estimate before it."""
YEAR = "year"
"""Unit of calendar years, which are names rather than amounts."""
Line = tuple[str, Mapping[str, Mapping[str, object]]]


@dataclass(frozen=True)
class Stack:
    """A column of cells, as shown.

    Args:
      head: its heading, of one line or two; of row labels the unit of all other columns, where they share one.
      cells: from top to bottom.
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
    return f"{column.head or words(column.name)} {_unit(column)}".rstrip()


def _unit(column: Column) -> str:
    unit = column.shown or column.unit
    return "" if unit == "1" else f"[{unit}]"


def cell_of(column: Column, value: object) -> Cell:
    """One value as a table shows it: rounded, in the unit shown; an estimate with its interval and mark."""
    if isinstance(value, Estimate):
        shown = cell(record(column.name, "", "", value), SCALES[column.shown])
        is_bare = [flag.reason for flag in value.flags] == [Reason.UNRECORDED]
        return replace(shown, mark="") if is_bare else shown
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
    """The row labels, and the columns beside them: one for each column of values that has any.

    With `across`, columns that vary along it become one for each of its labels, the others stand before these.

    Args:
      full: also columns and rows that are not brief.
    """
    values = [c for c in table.columns if c.name not in (*table.dims, UNIT) and (full or c.brief)]
    lines = _lines(table, values, full)
    judged = [
        first.name for first, second in pairwise(values) if first.kind is Kind.ESTIMATE and second.name == VERDICT
    ]
    values = [column for column in values if column.name != VERDICT or not judged]

    def stack(above: str, column: Column, label: str = "") -> Stack:
        rows = (by_label.get(label) if label else next(iter(by_label.values())) for _, by_label in lines)
        return Stack(above, tuple(_cell(column, row, column.name in judged) for row in rows), column)

    names, labels = [name for name, _ in lines], _labels(table, lines)
    fixed = [c for c in values if not labels or (c.over is not None and table.across not in c.over)]
    varying = [column for column in values if column not in fixed]
    columns = [stack(head(column), column) for column in fixed]
    square = names == labels  # there is no room for the same names as rows and as heads: heads are the rows' numbers
    for k, label in enumerate(labels, 1):
        above = str(k) if square else label
        columns += [stack(above if len(varying) == 1 else f"{above}\n{head(c)}", c, label) for c in varying]
    shown = tuple(Cell(f"{k} {name}" if square else name) for k, name in enumerate(names, 1))
    corner = _unit(varying[0]) if len(varying) == 1 else ""
    called = Stack(corner, shown, Column("row", Kind.TEXT, names, "label of the row"))
    return called, [one for one in columns if any(map(text_of, one.cells))]


def _lines(table: Table, values: Sequence[Column], full: bool) -> list[Line]:
    """The rows of a table as shown: label, and the row at each label of `across`, or at "" without it."""
    kept = [row for row, brief in zip(table.rows(), table.brief, strict=True) if full or brief]
    own = [dim for dim in table.dims if dim != table.across]
    if not table.across:
        return [(_called(row, own), {"": row}) for row in kept]
    lines: dict[str, dict[str, Mapping[str, object]]] = {}
    for row in [row for row in kept if any(row[of.name] not in (None, "") for of in values)] or kept:
        lines.setdefault(_called(row, own), {})[str(row[table.across])] = row
    return [*lines.items()]


def _labels(table: Table, lines: Sequence[Line]) -> list[str]:
    """The labels of `across` that the lines have, in the order of the table."""
    every = dict.fromkeys(map(str, table[table.across])) if table.across else ()
    return [label for label in every if any(label in rows for _, rows in lines)]


def _called(row: Mapping[str, object], names: Sequence[str]) -> str:
    unit = row.get(UNIT) or "1"
    return ", ".join(str(row[name]) for name in names if row[name] != "") + (f" [{unit}]" if unit != "1" else "")


def _cell(column: Column, row: Mapping[str, object] | None, is_judged: bool) -> Cell:
    if row is None:
        return Cell("")
    made = cell_of(column, row[column.name])
    return replace(made, verdict=str(row[VERDICT])) if is_judged and row[VERDICT] in ("better", "worse") else made


def parts(table: Table, full: bool = True) -> list[Table]:
    """A table split for reading: one table for each label of its dimension `apart`.

    Its title has the label and the values that its rows have in common.

    Args:
      full: also labels of which no row is brief.
    """
    if not table.apart:
        return [table]
    alike = [c for c in table.columns if c.over == (table.apart,)]
    dims = tuple(dim for dim in table.dims if dim != table.apart)
    made = []
    for label in table.labels(table.apart):
        at = [k for k, one in enumerate(table[table.apart]) if one == label]
        brief = [table.brief[k] for k in at]
        if not full and not any(brief):
            continue
        facts = [f"{head(c)} {text_of(cell_of(c, c.values[at[0]]))}" for c in alike if c.kind is not Kind.TEXT]
        called = _called(next(table.where(**{table.apart: label})), [table.apart])
        columns = [
            replace(c, values=[c.values[k] for k in at], over=c.over and tuple(dim for dim in c.over if dim in dims))
            for c in table.columns
            if c.name != table.apart and c not in alike
        ]
        title = "; ".join([f"{table.title}: {called}", *facts])
        made.append(replace(table, title=title, columns=columns, dims=dims, brief=brief, apart=""))
    return made


def text_of(one: Cell) -> str:
    """A cell as one text, such as `12.3 [11.9, 12.8] worse`, its mark behind the number."""
    return " ".join(filter(None, (f"{one.estimate}{one.mark}", one.interval, one.verdict)))


def notes(columns: Sequence[Stack]) -> list[str]:
    """What the marks in the columns of a table mean, each mark once: of a missing interval what withholds it."""
    held: dict[str, dict[str, None]] = {}
    for one in (one for of in columns for one in of.cells):
        if one.mark and one.record:
            held.setdefault(one.mark, {})[one.record.withheld or one.record.flag] = None
    return [f"{mark} {'; '.join(texts)}" for mark, texts in held.items()]
