"""The constants of a model on the screen: their values and sources, and how to change them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from engine.cli.show.rows import BETWEEN, FEWEST, print_named
from engine.cli.show.screen import folded, print_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from engine.answers.answer import Answer

MOST_ROWS = 12
"""Most constants that are shown without --full."""
HEAD = "[unit; known] what it is"
CHANGE = "Another number: --set constants.NAME=VALUE. One that is drawn: a prior, [factors.NAME], in the study."


def print_constants(console: Console, answer: Answer, full: bool) -> None:
    """Prints how many there are, a row for each, and how to change one.

    Args:
      full: print all of them with their sources, not only the first `MOST_ROWS`.
    """
    for text in answer.findings:
        print_words(console, text)
    console.print()
    every = [*answer["constants"].rows()]
    shown = every if full else every[:MOST_ROWS]
    names, values = [row["constant"] for row in shown], [_value(row) for row in shown]
    meaning = [_meaning(row, full) for row in shown]
    if not full:
        room = console.width - sum(max(map(cell_len, texts)) + BETWEEN for texts in (names, values))
        meaning = [_begun(text, max(room, FEWEST)) for text in meaning]
    rows = [*zip(values, meaning, strict=True)]
    print_named(console, "Constants", "constant", names, ("value", HEAD), rows, words=(HEAD,))
    if len(shown) < len(every):
        print_words(console, f"{len(every) - len(shown)} more.", "dim")
    print_words(console, CHANGE)


def _value(row: Mapping[str, Any]) -> str:
    if row["whose"] == "drawn":
        return f"drawn (not {row['stated']:.6g})"
    return f"{row['value']:.6g}" + (f" (not {row['stated']:.6g})" if row["whose"] == "study" else "")


def _meaning(row: Mapping[str, Any], full: bool) -> str:
    known = row["confidence"] if row["unit"] == "1" else f"{row['unit']}; {row['confidence']}"
    return f"[{known}] {row['about']}" + (f" ({row['source']})" if full else "")


def _begun(text: str, width: int) -> str:
    """The text if it is at most so many columns wide, else its first words and an ellipsis."""
    first, *rest = folded(text, width) if cell_len(text) <= width else folded(text, width - 2)
    return f"{first} …" if rest else first
