"""An answer to a question that the run was asked: findings and tables, whatever the question."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

from engine.answers.answer import Answer
from engine.answers.shown import stacks, text_of
from engine.answers.table import Column, Table
from engine.errors import UserError
from engine.report.charts import Chart
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import minus

KINDS = {
    "outcome": ("outcomes",), "event": ("events",), "factor": ("factors",), "lever": ("levers",),
    "variable": ("outcomes", "events", "yearly"),
}  # fmt: skip
"""Columns whose labels have words of their own in the study, and the tables of it that these stand in."""


def section(
    question: str, charts: Callable[[RunRecords, Answer], Iterable[Chart]] = lambda *_: ()
) -> Callable[[RunRecords], Section | None]:
    """What makes the section of a question; None of a run that was not asked, or by a version whose answers have another form.

    Args:
      charts: of an answer, which stand before its tables.
    """

    def made(run: RunRecords) -> Section | None:
        kept = run.answers.get(question)
        if kept is None:
            return None
        try:
            answer = Answer.of_tree(kept)
        except UserError:
            return None
        named = partial(_named, run)
        drawn = tuple(charts(run, answer))
        markup = render(
            "asked.html",
            findings=[minus(named(text)) for text in answer.findings],
            charts=drawn,
            policies=run.study.policy_names,
            tables=[
                (named(title), *more) for title, *more in (_table(run, table) for table in answer.tables)
            ],
            basis=named(answer.basis),
            reading=answer.reading,
        )
        return Section(question, answer.heading, markup, drawn)

    return made


def _named(run: RunRecords, text: str) -> str:
    """The text with policies under the labels that the study gives them."""
    labels = run.study.labels.get("policies", {})
    known = {name: title for name, title in labels.items() if title in run.study.policy_names}
    names = "|".join(map(re.escape, sorted(known, key=len, reverse=True)))
    return re.sub(rf"(?<!\w)({names})(?!\w)", lambda found: known[found[0]], text) if names else text


def _worded(run: RunRecords, column: Column) -> Column:
    """The column in the words of the study, where no two labels are then alike."""
    held = [run.study.labels.get(kind, {}) for kind in KINDS.get(column.name, ())]
    words = {
        one: next((labels[one] for labels in held if one in labels), run.study.words(one))
        for one in dict.fromkeys(map(str, column.values))
        if held
    }
    if len({*words.values()}) < len(words) or not words:
        return column
    return replace(column, values=[words[str(one)] for one in column.values])


def _table(run: RunRecords, table: Table) -> tuple[str, list[str], list[list[str]], int]:
    """Title, heads, rows, and how many rows more there are."""
    names, columns = stacks(replace(table, columns=[_worded(run, one) for one in table.columns]), full=False)
    rows = [
        [name.estimate, *(minus(text_of(of.cells[k])) for of in columns)]
        for k, name in enumerate(names.cells)
    ]
    heads = ["", *(of.head.replace("\n", ", ") for of in columns)]
    return table.title, heads, rows, len(table) - sum(table.brief) if table.brief else 0
