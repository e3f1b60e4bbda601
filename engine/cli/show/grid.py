"""Blocks of estimates in columns, in the first arrangement that fits the screen; no number and no name is broken."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from engine.cli.show.screen import padded, print_title, shortened
from engine.risk.estimation.as_text import SPREAD, Cell

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


@dataclass(frozen=True)
class Columns:
    """The columns of a table, which stand side by side where there is room.

    Args:
      names: of the columns.
      gaps: column of a difference -> the column whose difference it is.
      gap: head of differences where each stands behind its own estimate.
    """

    names: Sequence[str]
    gaps: Mapping[int, int] = field(default_factory=dict)
    gap: str = ""


@dataclass(frozen=True)
class _Line:
    """A line of cells behind their labels; names that have no room as labels stand above it, on lines of their own."""

    labels: tuple[str, ...]
    cells: Sequence[Cell]
    strong: bool
    above: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Sheet:
    """Blocks as lines, in one arrangement."""

    heads: Sequence[str]
    blocks: Sequence[tuple[Block, Sequence[_Line]]]

    @property
    def lines(self) -> list[_Line]:
        return [line for _, lines in self.blocks for line in lines]

    def label_widths(self) -> list[int]:
        return [max(map(cell_len, column)) for column in zip(*(line.labels for line in self.lines), strict=True)]

    def column_widths(self) -> list[tuple[int, int, int]]:
        """Widths of the estimates, intervals and verdicts of each column."""
        widths = []
        for k, name in enumerate(self.heads):
            cells = [line.cells[k] for line in self.lines]
            head = max((len(cell.estimate) for cell in cells), default=0)
            interval = max((len(cell.interval) for cell in cells), default=0)
            verdict = max((len(_verdict(cell)) for cell in cells), default=0)
            widths.append((head, max(interval, cell_len(name) - head - 2), verdict))
        return widths

    def width(self) -> int:
        """Most columns of the screen that its longest line takes."""
        indent = max((2 * len(line.above) for line in self.lines), default=0)
        labels = sum(2 + width for width in self.label_widths())
        return indent + labels + sum(map(_width, self.column_widths()))


def print_grid(console: Console, columns: Columns, blocks: Sequence[Block], brief: bool = False) -> set[str]:
    """Prints the blocks in columns that line up down the whole table; gives the marks on their estimates.

    The columns stand side by side where all of them fit. For that a brief table shortens intervals to the wider of
    their sides: first those of estimates, then those of differences. Else each row becomes several lines: with an
    estimate and its difference on each; else with one cell on each; last, with the names on lines above the cells.
    """
    sheets = list(_arranged(columns, blocks, brief))
    sheet = next((sheet for sheet in sheets if sheet.width() <= console.width), sheets[-1])
    _print_sheet(console, sheet)
    cells = [cell for line in sheet.lines for cell in line.cells]
    spread = {SPREAD} if any(cell.interval.startswith(SPREAD) for cell in cells) else set()
    return {cell.mark for cell in cells if cell.mark} | spread


def beside(console: Console, columns: Columns, blocks: Sequence[Block]) -> bool:
    """Whether all columns of a brief table fit side by side."""
    sheets = _arranged(columns, blocks, True)
    return any(sheet.width() <= console.width for sheet in sheets if sheet.heads == columns.names)


def _arranged(columns: Columns, blocks: Sequence[Block], brief: bool) -> Iterator[_Sheet]:
    """Yields the arrangements, the widest first."""

    def sheet(heads: Sequence[str], split: int | None) -> _Sheet:
        return _Sheet(heads, [(block, list(_lines(columns, block, len(heads), split))) for block in blocks])

    yield sheet(columns.names, None)
    for gaps_too in (False, True) if brief else ():
        short = [
            replace(block, rows=[(label, [_short(cell, gaps_too) for cell in cells]) for label, cells in block.rows])
            for block in blocks
        ]
        lines = [(block, list(_lines(columns, block, len(columns.names), None))) for block in short]
        yield _Sheet(columns.names, lines)
    for heads in (("", columns.gap), ("",)) if columns.gaps else (("",),):
        yield from (sheet(heads, split) for split in (2, 1))
    yield sheet(("",), 0)


def _short(cell: Cell, gaps_too: bool) -> Cell:
    return replace(cell, interval=cell.spread) if gaps_too or not cell.verdict else cell


def _lines(columns: Columns, block: Block, across: int, split: int | None) -> Iterator[_Line]:
    """Yields the lines of a block.

    Args:
      across: number of columns side by side.
      split: None where a row is a line; else how many of a line's two names (the row's and the column's) are labels
        beside its cells. The others stand above the line.
    """
    gaps = {own: gap for gap, own in columns.gaps.items()} if across > 1 else {}
    for label, cells in block.rows:
        strong = label in block.strong
        if split is None:
            yield _Line((label,), cells, strong)
            continue
        row = label
        for k, name in enumerate(columns.names):
            beside = [cells[k], *([cells[gaps[k]] if k in gaps else Cell("")] if across > 1 else ())]
            if (across == 1 or k not in columns.gaps) and any(cell.estimate for cell in beside):
                names = row, name
                yield _Line(names[2 - split :] or ("",), beside, strong, names[: 2 - split])
                row = ""


def _print_sheet(console: Console, sheet: _Sheet) -> None:
    print_whole = partial(console.print, no_wrap=True, overflow="ignore", crop=False)
    labels, widths = sheet.label_widths(), sheet.column_widths()
    if any(sheet.heads):
        heads = (f"  {padded(name, _width(width) - 2)}" for name, width in zip(sheet.heads, widths, strict=True))
        indent = " " * sum(2 + width for width in labels)
        print_whole(Text(f"{indent}{''.join(heads)}".rstrip(), style="bold"))
    for block, lines in sheet.blocks:
        if block.title:
            print_title(console, block.title, block.about)
        for line in lines:
            for depth, name in enumerate(line.above):
                if name:
                    indent = "  " * (1 + depth)
                    text = f"{indent}{shortened(name, console.width - len(indent))}"
                    print_whole(Text(text, "bold" if line.strong else ""))
            print_whole(_text(line, labels, widths))


def _width(column: tuple[int, int, int]) -> int:
    head, interval, verdict = column
    return 4 + head + interval + (verdict + 1 if verdict else 0)


def _verdict(cell: Cell) -> str:
    return cell.verdict if cell.verdict in COLOURS else ""


def _text(line: _Line, labels: Sequence[int], widths: Sequence[tuple[int, int, int]]) -> Text:
    indent = "  " * len(line.above)
    text = Text(indent + "".join(f"  {padded(label, width)}" for label, width in zip(line.labels, labels, strict=True)))
    for cell, (head, interval, verdict) in zip(line.cells, widths, strict=True):
        text.append(f"{'':2}{cell.estimate:>{head}}{cell.mark or ' '} {cell.interval:<{interval}}")
        if verdict:
            text.append(f" {_verdict(cell):<{verdict}}", style=COLOURS.get(cell.verdict, ""))
    text.rstrip()
    if line.strong:
        text.stylize("bold")
    return text
