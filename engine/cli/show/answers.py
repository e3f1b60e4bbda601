"""An answer on the screen: findings, tables, how to read them; and where it is kept."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.answers.shown import COMMAND, Stack, aligned, notes, parts, stacks
from engine.answers.table import Kind, Table
from engine.cli.show import screen
from engine.cli.show.rows import Column, print_rows

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.run_folder.folder import RunFolder


WORDS = 30
"""Characters from which a text is taken for words, which may be folded."""


def print_place(console: Console, folder: RunFolder, place: Path | None) -> None:
    """How the answer is opened that is kept at a place beside the cube; or, of a study that has not been run, what it takes to keep it."""
    from engine.run_folder.finding import is_run

    if place is not None:
        opened = f'xarray.open_datatree({str(place)!r}, engine="zarr")'
        screen.print_line(console, "", f"Everything, labelled, beside the cube: {opened}")
    elif not is_run(folder.path):
        study, purpose = folder.study, "Kept beside the cube once the study has been run"
        screen.print_command(console, purpose, "run", study.source, model=study.model_spec)


def print_answer(console: Console, answer: Answer, full: bool) -> None:
    """The answer in a sentence, what it rests on, every table, what its marks mean, and how to read it.

    Args:
      full: also the rows and columns that are not brief.
    """
    for k, text in enumerate(answer.findings):
        screen.print_words(console, text, "" if k else "bold")
    screen.print_words(console, answer.basis)
    console.print()
    for table in answer.tables:
        for part in parts(table, full):
            _print_table(console, part, full)
    if answer.reading:
        screen.print_words(console, answer.reading, "dim")


def _print_table(console: Console, table: Table, full: bool) -> None:
    names, columns = stacks(table, full)
    hidden = len(stacks(table)[0].cells) - len(names.cells)
    more = f"{hidden} more: --full" if hidden else ""
    screen.print_title(console, table.title, more)
    if not names.cells:
        return
    if [one.of.name for one in columns] == [COMMAND]:
        for one in columns[0].cells:
            screen.print_line(console, "", one.estimate)
        console.print()
        return
    print_rows(
        console, "", Column("", [one.estimate for one in names.cells], left=True), list(map(_column, columns))
    )
    marks = notes(columns)
    for text in marks:
        screen.print_words(console, text, "dim")
    if marks:
        console.print()


def _column(of: Stack) -> Column:
    cells = aligned(of.cells) if of.of.kind is Kind.ESTIMATE else [one.estimate for one in of.cells]
    return Column(
        of.head,
        cells,
        left=of.is_text,
        words=of.of.kind is Kind.TEXT and max(map(len, cells), default=0) > WORDS,
    )
