"""Tables of rows that fit the screen: columns without room go on in a table below; no number and no name is cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.cli.show.screen import folded, print_words

BETWEEN = 3
"""Columns of the screen between two columns of a table."""
FEWEST = 20
"""Least width to which sentences are folded [columns of the screen]; single words may be wider."""
SHORTEST = 16
"""Least width to which names of rows are folded so that all columns fit side by side [columns of the screen]."""
LONGEST = 36
"""Greatest width of names of rows where columns do not fit side by side [columns of the screen]."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Args:
      head: what stands above it, in one line or more; it may be folded between words.
      cells: what stands in it.
      left: whether it begins at its left edge: names and words do, numbers end at the right one.
      words: whether its cells may be folded between words.
    """

    head: str
    cells: Sequence[str | Text]
    left: bool = False
    words: bool = False

    @property
    def width(self) -> int:
        """Columns of the screen that it takes with no line folded."""
        return max(cell_len(line) for text in (self.head, *self.cells) for line in str(text).split("\n"))

    @property
    def least(self) -> int:
        """Columns of the screen that it needs, where its heading is folded, and its cells if they are words."""
        return self.within(FEWEST).width

    def within(self, width: int, names: bool = False) -> Column:
        """The column at that width: its heading folded, and its cells where they are words or names."""
        head = [line for text in self.head.split("\n") for line in folded(text, width, names=True)]
        texts = (_items(str(text)) if self.words else str(text) for text in self.cells)
        cells = ["\n".join(folded(text, width, names=names)) for text in texts]
        return replace(self, head="\n".join(head), cells=cells if self.words or names else self.cells)


def _items(text: str) -> str:
    """The text with no-break spaces within the short items of a list, such as `p50 2.2 (2.19)`."""
    items = text.split(", ")
    return ", ".join(one.replace(" ", "\N{NO-BREAK SPACE}") if cell_len(one) < FEWEST else one for one in items)


def print_rows(console: Console, title: str, names: Column, columns: Sequence[Column]) -> None:
    """Prints a table and an empty line; nothing where it has no row.

    Args:
      names: the names of the rows, folded where the columns need their room; first column of each table into which the
        columns are split.
    """
    if not names.cells:
        return
    room = console.width - _least_width(columns)
    if room < min(names.width, SHORTEST):  # the columns do not fit side by side
        widest = max((column.least for column in columns), default=0)
        room = max(min(LONGEST, console.width - BETWEEN - widest), SHORTEST)
    names = names.within(min(names.width, room), names=True)
    if title:
        print_words(console, title)
    for part in _packed(columns, console.width - names.width):
        _print_part(console, [names, *_filled(part, console.width - names.width)])


def fits(console: Console, names: Column, columns: Sequence[Column]) -> bool:
    """Whether the columns stand side by side beside the names of the rows, of which none is folded."""
    return names.width + _least_width(columns) <= console.width


def _packed(columns: Sequence[Column], room: int) -> list[list[Column]]:
    """Columns in tables of at most that width."""
    parts: list[list[Column]] = [[]]
    for column in columns:
        if parts[-1] and _least_width([*parts[-1], column]) > room:
            parts.append([])
        parts[-1].append(column)
    return parts


def _least_width(columns: Sequence[Column]) -> int:
    return sum(BETWEEN + column.least for column in columns)


def _filled(columns: Sequence[Column], room: int) -> list[Column]:
    """The columns at widths that use the room: the first ones get the spare room, so the last ones are folded most."""
    spare = max(0, room - _least_width(columns))
    filled = []
    for column in columns:
        width = min(column.width, column.least + spare)
        spare -= max(0, width - column.least)
        filled.append(column.within(width))
    return filled


def _print_part(console: Console, columns: Sequence[Column]) -> None:
    shown = Table(box=None, padding=(0, BETWEEN, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        justify: Literal["left", "right"] = "left" if column.left else "right"
        shown.add_column(Text(column.head), justify=justify, no_wrap=True, min_width=column.width)
    for row in zip(*(column.cells for column in columns), strict=True):
        shown.add_row(*(Text(one) if isinstance(one, str) else one for one in row))
    width = sum(column.width + BETWEEN for column in columns)
    console.print(shown, width=max(width, console.width), crop=False, no_wrap=True)
    console.print()
