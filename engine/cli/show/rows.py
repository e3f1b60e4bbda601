"""Tables of rows that fit the screen: columns without room go on in a table below; no number and no name is broken."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.cli.show.screen import folded, print_line, shortened

BETWEEN = 3
"""Columns of the screen between two columns of a table."""
FEWEST = 20
"""Least width to which sentences are folded [columns of the screen]; single words may be wider."""
SHORTEST = 12
"""Least width to which names of rows are shortened [columns of the screen]."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
      head: what stands above it, in one line or more.
      cells: what stands in it.
      left: whether it begins at its left edge: names and words do, numbers end at the right one.
      words: whether it may be folded between words.
      group: consecutive columns of one group stay in one table where it can hold them.
    """

    head: str
    cells: Sequence[str]
    left: bool = False
    words: bool = False
    group: str = ""

    @property
    def texts(self) -> list[str]:
        return [line for text in (self.head, *self.cells) for line in text.split("\n")]

    @property
    def width(self) -> int:
        """Columns of the screen that it takes in one line."""
        return max(map(cell_len, self.texts))

    @property
    def least(self) -> int:
        """Columns of the screen that it needs: its longest word, where it may be folded."""
        if not self.words:
            return self.width
        lines = [line for text in self.texts for line in folded(text, FEWEST)]
        return max(map(cell_len, lines))

    def within(self, width: int) -> Column:
        """The column at that width: words folded, names shortened."""
        cells = ["\n".join(self._lines(text, width)) for text in self.cells]
        head = "\n".join(line for text in self.head.split("\n") for line in self._lines(text, width))
        return replace(self, head=head, cells=cells)

    def _lines(self, text: str, width: int) -> list[str]:
        return [shortened(line, width) for line in (folded(text, width) if self.words else [text])]


def columns_of(
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: Collection[str] = (),
    words: Collection[str] = (),
    together: Collection[str] = (),
) -> list[Column]:
    """Rows as columns.

    Args:
      left: heads of left-aligned columns; those in `words` are, too.
      words: heads of columns that may be folded.
      together: heads of columns that stay in one table where it can hold them.
    """
    cells = list(zip(*rows, strict=True)) or [()] * len(heads)
    return [
        Column(head, part, head in left or head in words, head in words, "together" if head in together else "")
        for head, part in zip(heads, cells, strict=True)
    ]


def print_rows(console: Console, title: str, names: Column, columns: Sequence[Column]) -> None:
    """Prints a table and an empty line; nothing where it has no row.

    Args:
      names: the names of the rows; first column of each table into which the columns are split.
    """
    if not names.cells:
        return
    widest = max((column.least for column in columns), default=-BETWEEN)
    names = names.within(max(SHORTEST, min(names.width, console.width - BETWEEN - widest)))
    for k, part in enumerate(_packed(columns, console.width - names.width)):
        _print_part(console, "" if k else title, [names, *_filled(part, console.width - names.width)])


def print_named(
    console: Console,
    title: str,
    kind: str,
    names: Sequence[str],
    heads: Sequence[str],
    rows: Sequence[Sequence[str]],
    left: Collection[str] = (),
    words: Collection[str] = (),
    together: Collection[str] = (),
) -> None:
    """Prints a table of named rows, as `print_rows` does.

    Args:
      kind: head of the names.
      left, words, together: as of `columns_of`.
    """
    columns = columns_of(heads, rows, left, words, together)
    print_rows(console, title, Column(kind, names, left=True), columns)


def _packed(columns: Sequence[Column], room: int) -> list[list[Column]]:
    """Columns in tables of at most that width; a group stays together where a table can hold it."""
    groups: list[list[Column]] = []
    for column in columns:
        if groups and column.group and groups[-1][-1].group == column.group:
            groups[-1].append(column)
        else:
            groups.append([column])
    parts: list[list[Column]] = [[]]
    left = room
    for group in groups:
        if parts[-1] and _least_width(group) > left:
            parts.append([])
            left = room
        for column in group:
            if parts[-1] and _least_width([column]) > left:
                parts.append([])
                left = room
            parts[-1].append(column)
            left -= _least_width([column])
    return parts


def _least_width(columns: Sequence[Column]) -> int:
    return sum(BETWEEN + column.least for column in columns)


def _filled(columns: Sequence[Column], room: int) -> list[Column]:
    """The columns at widths that use the room: the first ones get the spare room, so the last ones are folded most."""
    spare = room - _least_width(columns)
    filled = []
    for column in columns:
        width = min(column.width, column.least + max(0, spare))
        spare -= width - column.least
        filled.append(column.within(width))
    return filled


def _print_part(console: Console, title: str, columns: Sequence[Column]) -> None:
    if title:
        print_line(console, shortened(title, console.width))
    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    deepest = max(column.head.count("\n") for column in columns)
    for k, column in enumerate(columns):
        lower = "\n" * (deepest - column.head.count("\n")) if column.left or not k else ""
        justify: Literal["left", "right"] = "left" if column.left else "right"
        shown.add_column(Text(lower + column.head), justify=justify, no_wrap=True, min_width=column.width)
    for row in zip(*(column.cells for column in columns), strict=True):
        shown.add_row(*map(Text, row))
    width = sum(column.width + BETWEEN for column in columns)
    console.print(shown, width=max(width, console.width), crop=False, no_wrap=True)
    console.print()
