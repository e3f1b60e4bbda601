"""An answer on the screen: findings, tables, how to read them; and where it is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from engine.answers.as_text import BINNED, HEAVY, NO_INTERVAL, SPREAD, Cell
from engine.answers.layout import COMMAND, Stack, notes, parts, stacks
from engine.answers.table import Kind
from engine.cli.show import screen
from engine.cli.show.screen import Column

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.run_folder.folder import RunFolder


Laid = tuple[str, Stack, list[Stack]]
"""A table as it is laid out: its title, the names of its rows, and its columns."""
Shown = tuple[str, Stack, list[Stack], bool]
"""The same, and whether an empty line follows."""
LINES = 24
"""Lines that an answer without --full may take, its commands aside."""
LEFT = 11
"""Lines of these that are kept for tables: the last sentences are dropped for that, but never the first one."""
ROWS, FEWEST, SPARED = 5, 3, 2
"""Most rows of a table before the last, fewest to which a longer table is cut, and most that are never cut off."""
MARKED = {
    SPREAD: "wider side of 95 % interval",
    NO_INTERVAL: "no interval",
    HEAVY: "perhaps too narrow",
    BINNED: "from a histogram",
}
REST = "More: --full"
WORDS = 30
"""A column with a text of more characters than this may be folded between words."""
COLOURS = {"better": "green", "worse": "red"}


def print_place(console: Console, folder: RunFolder, place: Path | None) -> None:
    """Prints how to open an answer stored beside the cube; for a study that has not been run, the command to run it."""
    from engine.run_folder.finding import is_run

    if place is not None:
        opened = f'xarray.open_datatree({str(place)!r}, engine="zarr")'
        screen.print_line(console, f"All tables are stored beside the cube: {opened}")
    elif not is_run(folder.path):
        study, purpose = folder.study, "To store this answer beside a cube, run the study first"
        screen.print_command(console, purpose, "run", study.source, model=study.model_spec)


def print_answer(console: Console, answer: Answer, full: bool) -> None:
    """Prints the answer in sentences, what it rests on, and its tables.

    Args:
      full: print every row and column, what marks mean and how to read all of it; else what one screen holds.
    """
    if not full:
        _print_screen(console, answer)
        return
    _print_findings(console, answer.findings, answer.basis)
    marks: set[str] = set()
    for part in [part for table in answer.shown or answer.tables for part in parts(table)]:
        names, columns = stacks(part)
        marks.update(_print_table(console, part.title, names, columns))
        texts = notes(columns)
        for text in texts:
            screen.print_words(console, text, "dim")
        if texts:
            console.print()
    if said := " ".join(f"{mark} {MARKED[mark]}." for mark in (SPREAD, NO_INTERVAL) if mark in marks):
        screen.print_words(console, said, "dim")
    if answer.reading:
        screen.print_words(console, answer.reading, "dim")


def _print_findings(console: Console, findings: Sequence[str], basis: str) -> None:
    for k, text in enumerate(findings):
        screen.print_words(console, text, "" if k else "bold")
    screen.print_words(console, basis)
    console.print()


def _print_screen(console: Console, answer: Answer) -> None:
    """Prints the sentences, then the first brief tables that have room below, each with its first rows and columns.

    A table with a dimension `apart` is shown by its first part. Last come the option that shows the rest, and the first
    command of each table of commands.
    """
    findings = list(answer.findings)
    while _lines(console, _print_findings, findings, answer.basis) > LINES - LEFT and len(findings) > 1:
        findings.pop()
    _print_findings(console, findings, answer.basis)
    left = LINES - _lines(console, _print_findings, findings, answer.basis)
    brief = [next(iter(parts(table, full=False)), table) for table in answer.shown or answer.tables]
    laid = [(part.title, *stacks(part, full=False)) for part in brief if any(part.brief)]
    tables = [one for one in laid if not _is_commands(one[2])]
    shown = _fitting(console, tables, left)
    marks = dict.fromkeys(mark for one in shown for mark in _print_table(console, *one))
    text = " ".join([*(f"{mark} {MARKED[mark]}." for mark in marks), REST])
    screen.print_words(console, text, "dim")
    for title, _, columns in laid:
        if _is_commands(columns):
            screen.print_line(console, f"{title}: {columns[0].cells[0].estimate}")


def _fitting(console: Console, tables: Sequence[Laid], left: int) -> list[Shown]:
    """The tables that fit into so many lines, each with its first rows and columns, and whether an empty line follows.

    The last of them has as many rows as there is room for. The empty line gives way to its last row.
    """
    fitting: list[Shown] = []
    for title, names, columns in tables:
        for shown in _shorter(title, names, columns, ROWS):
            height = _lines(console, _print_table, *shown)
            if height < left:
                left -= height
                fitting.append((*shown, True))
                last = title, names, columns[: len(shown[2])]
                break
    if fitting:
        left += _lines(console, _print_table, *fitting.pop())
        longer = [(*shown, True) for shown in _shorter(*last, LINES)]
        longer.insert(1, (*last, False))
        fitting.append(next(one for one in longer if _lines(console, _print_table, *one) < left))
    return fitting


def _shorter(title: str, names: Stack, columns: Sequence[Stack], most: int) -> Iterator[Laid]:
    """Yields a table with fewer and fewer of its first rows, then with fewer of its first columns.

    Args:
      most: rows to begin with, unless that leaves out at most `SPARED` rows; then all.
    """
    count = len(names.cells)
    most = count if count <= most + SPARED else most
    for width in range(len(columns), 0, -1):
        for rows in range(most, min(FEWEST, count) - 1, -1):
            first, *others = [replace(one, cells=one.cells[:rows]) for one in (names, *columns[:width])]
            yield title + (f" (the first {rows} of {count})" if rows < count else ""), first, others


def _is_commands(columns: Sequence[Stack]) -> bool:
    return [one.of.name for one in columns] == [COMMAND]


def _lines(console: Console, show: Callable[..., object], *given: object) -> int:
    """Number of lines that `show` prints."""
    with console.capture() as held:
        show(console, *given)
    return held.get().count("\n")


def _print_table(
    console: Console, title: str, names: Stack, columns: Sequence[Stack], is_followed: bool = True
) -> list[str]:
    """Prints a table, intervals shortened to their wider sides where it has no room for brackets; gives its marks."""
    if _is_commands(columns):
        for text in (title, *(one.estimate for one in columns[0].cells), ""):
            screen.print_line(console, text)
        return []
    called = Column(names.head, [one.estimate for one in names.cells], left=True)
    wide, short = ([_column(one, spread) for one in columns] for spread in (False, True))
    in_brackets = screen.fits(console, called, wide)
    screen.print_rows(console, title, called, wide if in_brackets else short, is_followed)
    cells = [cell for one in columns for cell in one.cells]
    spread = [] if in_brackets or not any(cell.spread for cell in cells) else [SPREAD]
    return [*spread, *(cell.mark for cell in cells if cell.mark)]


def _column(of: Stack, spread: bool) -> Column:
    if of.of.kind is Kind.ESTIMATE:
        return Column(of.head, _aligned(of.cells, spread), left=True)
    cells = [one.estimate for one in of.cells]
    is_long = of.of.kind is Kind.TEXT and max(map(len, cells), default=0) > WORDS
    return Column(of.head, cells, left=of.is_text, words=is_long)


def _aligned(cells: Sequence[Cell], spread: bool) -> list[Text]:
    """Cells as texts of which the estimates are right-aligned, each followed by its mark, interval and verdict."""
    ends = [one.spread if spread else one.interval for one in cells]
    width, room = (max(map(len, texts), default=0) for texts in ([one.estimate for one in cells], ends))
    texts = []
    for one, end in zip(cells, ends, strict=True):
        text = Text(f"{one.estimate:>{width}}{one.mark or ' '} {end:<{room}} ")
        texts.append(text.append(one.verdict, COLOURS.get(one.verdict)))
        text.rstrip()
    return texts
