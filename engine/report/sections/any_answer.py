"""An answer to a question that the run was asked: findings, charts and tables, whatever the question."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable

from engine.answers.answer import Answer
from engine.answers.layout import COMMAND, Stack, head, parts, stacks, text_of
from engine.answers.table import Table
from engine.errors import UserError
from engine.formatting import begun
from engine.report.charts import Chart
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import minus
from engine.study.tables.assumptions import KINDS

Charts = Callable[[RunRecords, Answer], Iterable[Chart]]
"""A function that gives the charts of an answer's section, which are shown before its tables."""


SHORTEST = 3
"""Least number of letters of a name that is replaced within a sentence."""


def nothing(run: RunRecords, answer: Answer) -> Iterable[Chart]:
    """No charts."""
    return ()


def section(question: str, charts: Charts = nothing) -> Callable[[RunRecords], Section | None]:
    """A function that makes the section of a question; it gives None where `answer_of` does."""

    def build(run: RunRecords) -> Section | None:
        answer = answer_of(run, question)
        return None if answer is None else of_answer(run, question, answer, charts)

    return build


def of_answer(run: RunRecords, anchor: str, answer: Answer, charts: Charts = nothing) -> Section:
    """The section of an answer, with names replaced by the labels of the study."""
    said, drawn = spoken(run, answer), tuple(charts(run, answer))
    split = [[_table(said, part) for part in parts(table, full=False)] for table in answer.tables]
    tables = [table for (table, *_) in filter(None, split)]
    markup = render(
        "asked.html",
        findings=[minus(begun(said(text))) for text in answer.findings],
        charts=drawn,
        policies=run.study.policy_names,
        tables=[table for table in tables if table[2]],
        further=[table for (_, *rest) in filter(None, split) for table in rest if table[2]],
        kept=[title for title, _, rows, _ in tables if not rows],
        basis=begun(said(answer.basis)),
        reading=answer.reading,
    )
    return Section(anchor, answer.heading, markup, drawn)


def answer_of(run: RunRecords, question: str) -> Answer | None:
    """The run's answer to a question; None where it was not asked, or answered by a version with another format."""
    if question not in run.found:
        kept = run.answers.get(question)
        try:
            run.found[question] = None if kept is None else Answer.of_tree(kept)
        except UserError:
            run.found[question] = None
    return run.found[question]


def spoken(run: RunRecords, answer: Answer) -> Callable[[str], str]:
    """A function that replaces names in a text by their labels, except for labels that two names share.

    A yearly variable with the same label as something else (an outcome folded from it, say) is marked as yearly, such
    as `yearly layoffs by closures`.
    """
    study = run.study
    named = {
        "policies": answer.subject.policies, "outcomes": study.model.outcomes, "events": study.events_by_name,
        "yearly": study.model.yearly, "factors": [one.name for one in study.inputs], "levers": study.model.levers,
    }  # fmt: skip
    kinds = {name: kind for kind, names in reversed(named.items()) for name in names}
    plain = {name: run.words(kind, name) for name, kind in kinds.items()}
    shared = Counter(plain.values())
    told = {name: f"yearly {text}" for name, text in plain.items() if kinds[name] == "yearly" and shared[text] > 1}
    alike = Counter((plain | told).values())
    words = {name: text for name, text in (plain | told).items() if alike[text] == 1}
    titles = {name: begun(text) if name in told else run.title(kinds[name], name) for name, text in words.items()}
    joined = _joined(run)
    titles = {name: begun(text) for name, text in joined.items()} | titles
    # within a sentence a name of one or two letters may be an English word, and so may a group's name of letters alone
    words = {name: text for name, text in joined.items() if not name.isalpha()} | words
    # a label already in the text matches as a whole and stays as it is, so that no name within it is replaced
    spelt = {study.words(name) for name in words if "_" in name} | {*words.values(), *joined.values()}
    known = sorted({name for name in words if len(name) >= SHORTEST} | spelt, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w./])({'|'.join(map(re.escape, known))})(?!\w)" if known else r"(?!)")

    def within(text: str) -> str:
        return pattern.sub(lambda found: words.get(found[0], found[0]), text)

    def translate(text: str) -> str:
        label, bracket, unit = text.partition(" [")
        first, *others = label.split(", ")
        if first in titles:
            rest = (words.get(part) or within(part) for part in others)
            return ", ".join([titles[first], *rest]) + bracket + within(unit)
        return within(text)

    return translate


def _joined(run: RunRecords) -> dict[str, str]:
    """Name -> words for groups, shocks and assumptions ("off" and "doubled" too), without names of several meanings."""
    study = run.study
    named = {
        "shocks": {*study.model.shocks}.union(*study.shock_streams.values()),
        "groups": {**study.groups, **study.shocks.groups},
        "regimes": study.shocks.regimes,
        "lever_groups": study.lever_groups,
        "assumptions": [one.name for one in study.assumptions],
    }
    called: dict[str, set[str]] = {}
    for kind, names in named.items():
        for name in names:
            called.setdefault(name, set()).add(run.words(kind, name))
    words = {name: text for name, (text, *others) in called.items() if not others}
    return words | {
        f"{one.name} {kind}": f"{run.words('assumptions', one.name)} {kind}"
        for one in study.assumptions
        for kind in KINDS
    }


def _table(said: Callable[[str], str], table: Table) -> tuple[str, list[str], list[list[str]], int]:
    """Title, column heads and rows of a table, and the number of rows left out."""
    names, columns = stacks(table, full=False)
    rows = [[said(name.estimate), *(_cell(said, of, k) for of in columns)] for k, name in enumerate(names.cells)]
    heads = [names.head, *(_head(said, of) for of in columns)]
    return begun(said(table.title)), heads, rows, len(stacks(table)[0].cells) - len(rows)


def _head(said: Callable[[str], str], of: Stack) -> str:
    """Head of a column, with names replaced; a column's own heading is left as it is, even if it equals a name."""
    own = not of.of.head and of.head == head(of.of)
    return of.head if own else said(of.head.replace("\n", ", "))


def _cell(said: Callable[[str], str], of: Stack, k: int) -> str:
    text = text_of(of.cells[k])
    return text if of.of.name == COMMAND else minus(said(text))
