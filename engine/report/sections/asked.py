"""An answer to a question that the run was asked: findings, charts and tables, whatever the question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from engine.answers.answer import Answer
from engine.answers.shown import COMMAND, Stack, parts, stacks, text_of
from engine.answers.table import Table
from engine.errors import UserError
from engine.report.charts import Chart
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import minus

Charts = Callable[[RunRecords, Answer], Iterable[Chart]]
"""What an answer's section draws, before its tables."""


SHORTEST = 3
"""Letters of a name that is looked for within a sentence."""


def nothing(run: RunRecords, answer: Answer) -> Iterable[Chart]:
    """No charts."""
    return ()


def section(question: str, charts: Charts = nothing) -> Callable[[RunRecords], Section | None]:
    """What makes the section of a question; None of a run that was not asked, or by a version whose answers have another form."""

    def made(run: RunRecords) -> Section | None:
        kept = run.answers.get(question)
        if kept is None:
            return None
        try:
            answer = Answer.of_tree(kept)
        except UserError:
            return None
        spoken, drawn = _spoken(run, answer), tuple(charts(run, answer))
        markup = render(
            "asked.html",
            findings=[minus(spoken(text)) for text in answer.findings],
            charts=drawn,
            policies=run.study.policy_names,
            tables=[_table(spoken, part) for table in answer.tables for part in parts(table, full=False)],
            basis=spoken(answer.basis),
            reading=answer.reading,
        )
        return Section(question, answer.heading, markup, drawn)

    return made


def _spoken(run: RunRecords, answer: Answer) -> Callable[[str], str]:
    """What puts the words of the study in place of names in a text, where no two names would then be alike."""
    study = run.study
    words = {name: study.title("policies", name) for name in answer.subject.policies}
    named = {
        "outcomes": [*study.model.outcomes], "events": [*study.events_by_name], "yearly": [*study.model.yearly],
        "factors": [one.name for one in study.inputs], "levers": [*study.model.levers],
    }  # fmt: skip
    words |= {
        name: run.words(kind, name) for kind, names in named.items() for name in names if name not in words
    }
    spelt = {study.words(name) for names in named.values() for name in names if "_" in name}
    alike = Counter(words.values())
    words = {name: text for name, text in words.items() if name != text and alike[text] == 1}
    # within a sentence a name of a letter or two may be a word of English
    # what is in words already is left as it is: no name is looked for within it
    known = sorted({name for name in words if len(name) >= SHORTEST} | spelt, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w./])({'|'.join(map(re.escape, known))})(?!\w)" if known else r"(?!)")

    def spoken(text: str) -> str:
        label, bracket, unit = text.partition(" [")
        parts = label.split(", ")
        if any(part in words for part in parts):
            return ", ".join(words.get(part, part) for part in parts) + bracket + unit
        return pattern.sub(lambda found: words.get(found[0], found[0]), text)

    return spoken


def _table(spoken: Callable[[str], str], table: Table) -> tuple[str, list[str], list[list[str]], int]:
    """Title, heads, rows, and how many rows more there are."""
    names, columns = stacks(table, full=False)
    rows = [
        [spoken(name.estimate), *(_cell(spoken, of, k) for of in columns)]
        for k, name in enumerate(names.cells)
    ]
    heads = ["", *(spoken(of.head.replace("\n", ", ")) for of in columns)]
    return spoken(table.title), heads, rows, len(stacks(table)[0].cells) - len(rows)


def _cell(spoken: Callable[[str], str], of: Stack, k: int) -> str:
    text = text_of(of.cells[k])
    return text if of.of.name == COMMAND else minus(spoken(text))
