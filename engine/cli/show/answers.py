"""An answer on the screen: findings, tables, how to read them; and where it is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.answers.layout import COMMAND, Stack, aligned, notes, parts, stacks
from engine.answers.table import Kind, Table
from engine.cli.show import screen
from engine.cli.show.rows import BETWEEN, Column, print_rows
from engine.risk.estimation.as_text import BINNED, HEAVY, NO_INTERVAL

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.run_folder.folder import RunFolder


LINES = 24
"""Lines that an answer without --full may take, its commands aside."""
LEFT = 10
"""Lines of these that are kept for tables: the last sentences are dropped for that, but never the first one."""
ROWS, FEWEST = 5, 3
"""Most rows of each of several tables there, and the fewest to which a longer table is cut."""
MARKED = {NO_INTERVAL: "no interval", HEAVY: "interval perhaps too narrow", BINNED: "from a histogram"}
REST = "All tables and how to read them: --full"
WORDS = 30
"""A column with a text of more characters than this may be folded between words."""


def print_place(console: Console, folder: RunFolder, place: Path | None) -> None:
    """Prints how to open an answer stored beside the cube; for a study that has not been run, the command to run it."""
    from engine.run_folder.finding import is_run

    if place is not None:
        opened = f'xarray.open_datatree({str(place)!r}, engine="zarr")'
        screen.print_line(console, "", f"Everything, labelled, beside the cube: {opened}")
    elif not is_run(folder.path):
        study, purpose = folder.study, "Kept beside the cube once the study has been run"
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
    for table in answer.tables:
        for part in parts(table):
            _print_table(console, part)
    if answer.reading:
        screen.print_words(console, answer.reading, "dim")


def _print_findings(console: Console, findings: Sequence[str], basis: str) -> None:
    for k, text in enumerate(findings):
        screen.print_words(console, text, "" if k else "bold")
    screen.print_words(console, basis)
    console.print()


def _print_screen(console: Console, answer: Answer) -> None:
    """Prints the sentences, then the first brief tables that have room below: first rows, and columns that fit.

    A table with a dimension `apart` is shown by its first part. Last come the option that shows the rest, and the first
    command of each table of commands.
    """
    findings = list(answer.findings)
    while _lines(console, _print_findings, findings, answer.basis) > LINES - LEFT and len(findings) > 1:
        findings.pop()
    _print_findings(console, findings, answer.basis)
    left = LINES - _lines(console, _print_findings, findings, answer.basis)
    brief = [next(iter(parts(table, full=False)), table) for table in answer.tables]
    brief = [part for part in brief if len(part) and (not part.brief or any(part.brief))]
    marks: dict[str, None] = {}
    for part in brief:
        names, columns = stacks(part, full=False)
        if [one.of.name for one in columns] == [COMMAND]:
            continue
        for rows in range(ROWS if len(brief) > 1 else LINES, 0, -1):
            shown = [replace(one, cells=one.cells[:rows]) for one in (names, *columns)]
            more = f" (the first {rows} of {len(names.cells)})" if rows < len(names.cells) else ""
            height = _lines(console, _print_beside, f"{part.title}{more}", shown)
            if height < left and (rows >= FEWEST or rows >= len(names.cells)):
                left -= height
                marks |= dict.fromkeys(_print_beside(console, f"{part.title}{more}", shown))
                break
    text = " ".join([*(f"{mark} {MARKED[mark]}." for mark in marks), REST])
    screen.print_line(console, "", text, "dim")
    for part in brief:
        _, columns = stacks(part, full=False)
        if [one.of.name for one in columns] == [COMMAND]:
            screen.print_line(console, "", f"{part.title}: {columns[0].cells[0].estimate}")


def _lines(console: Console, show: Callable[..., object], *given: object) -> int:
    """Number of lines that `show` prints."""
    with console.capture() as held:
        show(console, *given)
    return held.get().count("\n")


def _print_beside(console: Console, title: str, held: Sequence[Stack]) -> list[str]:
    """Prints a table of the first columns that fit side by side; gives the marks in it."""
    names, *columns = held
    called = Column("", [one.estimate for one in names.cells], left=True)
    room = console.width - called.width
    shown: list[Column] = []
    for one in columns:
        column = _column(one)
        room -= BETWEEN + column.least
        if shown and room < 0:
            break
        shown.append(column)
    screen.print_line(console, screen.shortened(title, console.width))
    print_rows(console, "", called, shown)
    return [cell.mark for one in columns[: len(shown)] for cell in one.cells if cell.mark]


def _print_table(console: Console, table: Table) -> None:
    names, columns = stacks(table)
    screen.print_line(console, screen.shortened(table.title, console.width))
    if [one.of.name for one in columns] == [COMMAND]:
        for one in columns[0].cells:
            screen.print_line(console, "", one.estimate)
        console.print()
        return
    print_rows(console, "", Column("", [one.estimate for one in names.cells], left=True), list(map(_column, columns)))
    marks = notes(columns)
    for text in marks:
        screen.print_words(console, text, "dim")
    if marks:
        console.print()


def _column(of: Stack) -> Column:
    cells = aligned(of.cells) if of.of.kind is Kind.ESTIMATE else [one.estimate for one in of.cells]
    return Column(
        of.head, cells, left=of.is_text, words=of.of.kind is Kind.TEXT and max(map(len, cells), default=0) > WORDS
    )
