"""Blocks of estimates whose columns line up down the whole table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from rich.console import Console
from rich.text import Text

from engine.risk.as_text import Cell

COLOURS = {"better": "green", "worse": "red"}


@dataclass(frozen=True)
class Block:
    """One variable: a title line, then rows of (label, cells).

    Args:
      title: its name and unit.
      about: what it means, printed dimmer behind the title.
      strong: labels of the rows that matter most.
    """

    title: str
    about: str
    rows: Sequence[tuple[str, Sequence[Cell]]]
    strong: Sequence[str] = ()


def transposed(columns: Sequence[str], block: Block) -> tuple[list[str], Block]:
    """The rows as columns, and the block with the columns as rows."""
    rows = [(name, [cells[k] for _, cells in block.rows]) for k, name in enumerate(columns)]
    return [label for label, _ in block.rows], Block(block.title, block.about, rows)


def print_grid(console: Console, columns: Sequence[str], blocks: Sequence[Block]) -> set[str]:
    """The marks that estimates bear, once the blocks stand under one line of column names."""
    rows = [row for block in blocks for row in block.rows]
    label = max((len(name) for name, _ in rows), default=0)
    widths = []
    for k, name in enumerate(columns):
        cells = [cells[k] for _, cells in rows]
        head = max((len(cell.estimate) for cell in cells), default=0)
        interval = max((len(cell.interval) for cell in cells), default=0)
        verdict = max((len(_verdict(cell)) for cell in cells), default=0)
        widths.append((head, max(interval, len(name) - head - 2), verdict))
    heading = "".join(
        f"{'':2}{name:<{head + 2 + interval + (verdict + 1 if verdict else 0)}}"
        for name, (head, interval, verdict) in zip(columns, widths, strict=True)
    )
    print_whole = partial(console.print, no_wrap=True, overflow="ignore", crop=False)
    if columns != [""]:
        print_whole(Text(f"{'':{label + 2}}{heading}".rstrip(), style="bold"))
    for block in blocks:
        if block.title:
            print_whole(
                Text.assemble((block.title, "bold"), (f"  {block.about}" if block.about else "", "dim"))
            )
        for name, numbers in block.rows:
            print_whole(_line(name, label, numbers, widths, name in block.strong))
    return {cell.mark for _, cells in rows for cell in cells if cell.mark}


def _verdict(cell: Cell) -> str:
    return cell.verdict if cell.verdict in COLOURS else ""


def _line(
    name: str, label: int, cells: Sequence[Cell], widths: Sequence[tuple[int, int, int]], strong: bool
) -> Text:
    line = Text(f"  {name:<{label}}")
    for cell, (head, interval, verdict) in zip(cells, widths, strict=True):
        line.append(f"{'':2}{cell.estimate:>{head}}{cell.mark or ' '} {cell.interval:<{interval}}")
        if verdict:
            line.append(f" {_verdict(cell):<{verdict}}", style=COLOURS.get(cell.verdict, ""))
    line.rstrip()
    if strong:
        line.stylize("bold")
    return line
