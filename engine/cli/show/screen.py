"""Where tables are printed, stdout, and how text fits there: words wrap, numbers, names and commands do not.

Columns of a table without room go on in a table below; no number and no name is cut.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.cli.show.streams import Screen, results
from engine.formatting import command_line

if TYPE_CHECKING:
    from engine.risk.estimation.rounding import Rounding

WIDTH = 120
"""Width of output that does not go to a terminal [columns]."""
BETWEEN = 3
"""Columns of the screen between two columns of a table."""
FEWEST = 20
"""Least width to which sentences are folded [columns of the screen]; single words may be wider."""
SHORTEST = 16
"""Least width to which names of rows are folded so that all columns fit side by side [columns of the screen]."""
LONGEST = 36
"""Greatest width of names of rows where columns do not fit side by side [columns of the screen]."""


def stdout() -> Console:
    """The console for what commands print: as wide as the terminal; elsewhere as COLUMNS says, or 120 columns."""
    console = Screen(results())
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = WIDTH
    return console


# ---------------------------------------------------------------------------------------------- names, words, lines


def folded(text: str, width: int, indent: str = "", names: bool = False) -> list[str]:
    """The text in lines of at most so many columns, broken between words alone.

    A no-break space within a number or a name keeps it whole, as do brackets of two words and the space before a per
    cent sign.

    Args:
      indent: stands before all lines but the first.
      names: it is a name, which may also be broken behind an underscore, and anywhere if a part is too long.
    """
    whole = re.sub(r"\[[^ \]]* [^ \]]*\]| (?=%)", lambda found: found[0].replace(" ", "\N{NO-BREAK SPACE}"), text)
    lines: list[str] = []
    for word in whole.split(" "):
        parts = re.split("(?<=_)", word) if names else [word]
        chopped = [end for part in parts for end in (chop_cells(part, width) if names else [part])]
        for place, piece in enumerate(chopped):
            space = "" if place else " "
            if lines and cell_len(lines[-1] + space + piece) <= width:
                lines[-1] += space + piece
            else:
                lines.append(indent * bool(lines) + piece)
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in lines]


def print_words(console: Console, text: str, style: str = "") -> None:
    """Prints sentences in as many lines as they need, no word broken."""
    for line in folded(text, console.width):
        print_line(console, line, style)


def print_line(console: Console, text: str | Text, style: str = "", head: str = "") -> None:
    """Prints one line as it is, however long, behind a bold head."""
    console.print(Text.assemble((head, "bold"), text, style=style), soft_wrap=True)


def print_command(console: Console, purpose: str, *words: object, model: str | None = None) -> None:
    """Prints what a command is for, and the command, unbroken; on two lines where both are too long for one."""
    command = command_line(*words, model=model)
    if cell_len(purpose) + 2 + cell_len(command) <= console.width or not console.is_terminal:
        print_line(console, f"{purpose}: {command}")
    else:
        print_words(console, f"{purpose}:")
        print_line(console, f"  {command}")


def print_text(text: str) -> None:
    """Prints text for other programs or for pasting as it is, with a line feed at its end."""
    results().write(text if text.endswith("\n") else f"{text}\n")


def print_labelled(console: Console, lines: Iterable[tuple[str, str]]) -> None:
    """Prints texts beside their labels, a line each; on a terminal in as many lines as each needs."""
    width = console.width if console.is_terminal else sys.maxsize
    for label, text in lines:
        for line in folded(f"{label:<12}{text}", width, " " * 12):
            print_line(console, line[12:], head=line[:12])


def too_coarse(rounding: Collection[Rounding]) -> list[str]:
    """For which values single precision is too coarse, in sentences, then the remedy; none where it is fine enough."""
    from engine.risk.estimation.rounding import REMEDY

    return [*(f"Precision: {one.text}." for one in rounding), REMEDY] if rounding else []


def print_records(records: Iterable[dict[str, Any]]) -> None:
    """Prints one JSON list on stdout, one record a line."""
    lines = ",\n".join(json.dumps(entry, allow_nan=False) for entry in records)
    results().write(f"[\n{lines}\n]\n" if lines else "[]\n")


def print_object(entry: dict[str, Any]) -> None:
    """Prints one JSON object on stdout, in ASCII, so that no text in it acts on a terminal or is changed on its way."""
    results().write(f"{json.dumps(entry, allow_nan=False)}\n")


# ------------------------------------------------------------------------------------------------ tables of rows


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


def print_rows(
    console: Console, title: str, names: Column, columns: Sequence[Column], is_followed: bool = True
) -> None:
    """Prints a table, and an empty line unless nothing follows; nothing where it has no row.

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
    for number, part in enumerate(_packed(columns, console.width - names.width)):
        if number:
            console.print()
        _print_part(console, [names, *_filled(part, console.width - names.width)])
    if is_followed:
        console.print()


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
