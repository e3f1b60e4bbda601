"""Where tables are printed, stdout, and how text fits there: words wrap, numbers, names and commands do not."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from engine.cli.show.streams import Screen, results
from engine.formatting import command_line

if TYPE_CHECKING:
    from engine.risk.estimation.rounding import Rounding

WIDTH = 120
"""Width of output that does not go to a terminal [columns]."""


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


def print_words(console: Console, text: str, style: str = "", indent: str = "") -> None:
    """Prints sentences in as many lines as they need, no word broken."""
    for line in folded(text, console.width, indent):
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
