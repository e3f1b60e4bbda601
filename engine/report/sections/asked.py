"""An answer to a question that the run was asked: findings and tables, whatever the question."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.answers.answer import Answer
from engine.answers.shown import COMMAND, Stack, stacks, text_of
from engine.answers.table import Column, Table
from engine.errors import UserError
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import minus

KINDS = {
    "outcome": "outcomes", "event": "events", "factor": "factors", "shock": "factors", "input": "factors", "lever": "levers",
    "assumption": "assumptions",
}  # fmt: skip
"""Columns whose labels have words of their own in the study, and the table of it that these stand in."""


def section(question: str) -> Callable[[RunRecords], Section | None]:
    """What makes the section of a question; None of a run that was not asked, or by a version whose answers have another form."""

    def made(run: RunRecords) -> Section | None:
        kept = run.answers.get(question)
        if kept is None:
            return None
        try:
            answer = Answer.of_tree(kept)
        except UserError:
            return None
        markup = render(
            "asked.html",
            findings=[minus(text) for text in answer.findings],
            tables=[_table(run, table) for table in answer.tables],
            basis=answer.basis,
            reading=answer.reading,
        )
        return Section(question, answer.heading, markup)

    return made


def _table(run: RunRecords, table: Table) -> tuple[str, list[str], list[list[str]], int]:
    """Title, heads, rows, and how many rows more there are."""
    names, columns = stacks(
        replace(table, columns=[_in_words(run, one) for one in table.columns]), full=False
    )
    rows = [[name.estimate, *(_cell(of, k) for of in columns)] for k, name in enumerate(names.cells)]
    heads = ["", *(of.head.replace("\n", ", ") for of in columns)]
    return table.title, heads, rows, len(table) - sum(table.brief) if table.brief else 0


def _cell(of: Stack, k: int) -> str:
    text = text_of(of.cells[k])
    return text if of.of.name == COMMAND else minus(text)


def _in_words(run: RunRecords, column: Column) -> Column:
    """The column with its labels in the words of the study, where these tell them apart."""
    if column.name not in KINDS:
        return column
    called = {name: run.words(KINDS[column.name], str(name)) for name in column.values}
    alike = len({*called.values()}) < len(called)
    return column if alike else replace(column, values=[called[name] for name in column.values])
