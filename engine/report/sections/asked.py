"""An answer to a question that the run was asked: findings and tables, whatever the question."""

from __future__ import annotations

from collections.abc import Callable

from engine.answers.answer import Answer
from engine.answers.shown import parts, stacks, text_of
from engine.answers.table import Table
from engine.errors import UserError
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import minus

KINDS = {
    "outcome": "outcomes",
    "event": "events",
    "factor": "factors",
    "lever": "levers",
    "input": "factors",
    "knowing": "factors",
}
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
            tables=[_table(run, part) for table in answer.tables for part in parts(table, full=False)],
            basis=answer.basis,
            reading=answer.reading,
        )
        return Section(question, answer.heading, markup)

    return made


def _table(run: RunRecords, table: Table) -> tuple[str, list[str], list[list[str]], int]:
    """Title, heads, rows, and how many rows more there are."""
    names, columns = stacks(table, full=False)
    along = [dim for dim in table.dims if dim != table.across]
    kind = KINDS.get(along[0]) if len(along) == 1 else None
    called = [run.words(kind, one.estimate) if kind else one.estimate for one in names.cells]
    rows = [[name, *(minus(text_of(of.cells[k])) for of in columns)] for k, name in enumerate(called)]
    heads = ["", *(of.head.replace("\n", ", ") for of in columns)]
    return table.title, heads, rows, len(stacks(table)[0].cells) - len(called)
