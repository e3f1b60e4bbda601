"""An answer in the words of its study: names in sentences and tables are replaced by labels."""

from __future__ import annotations

import functools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from engine.answers.answer import Answer
from engine.answers.layout import COMMAND
from engine.answers.table import Column, Kind, Table
from engine.charts.labels import minus
from engine.formatting import begun
from engine.study.study import Study
from engine.study.tables.assumptions import KINDS

SHORTEST = 3
"""Least number of letters of a name that is replaced within a sentence."""


def told(study: Study, answer: Answer) -> Answer:
    """The answer with the labels of the study in place of names; commands stay as they are."""
    say = translator(study, answer.subject.policies)
    findings = tuple(minus(begun(say(text))) for text in answer.findings)
    tables = tuple(_table(say, table) for table in answer.tables)
    subject = replace(answer.subject, policies=tuple(map(say, answer.subject.policies)))
    return replace(answer, subject=subject, findings=findings, tables=tables, basis=begun(say(answer.basis)))


def _table(say: Callable[[str], str], table: Table) -> Table:
    """The table in words; with its own labels where two of them would read alike."""
    titled = replace(table, title=begun(say(table.title)))
    with suppress(ValueError):
        return replace(titled, columns=[_column(say, one) for one in table.columns])
    return titled


def _column(say: Callable[[str], str], column: Column) -> Column:
    if column.kind is not Kind.TEXT or column.name == COMMAND:
        return column
    return replace(column, values=[minus(say(str(value))) for value in column.values])


def translator(study: Study, policies: Sequence[str]) -> Callable[[str], str]:
    """A function that replaces names in a text by their labels, except for labels that two names share.

    Args:
      policies: names of policies that the text may hold, which need not be those that run.
    """
    words, joined = _words(study, policies), _joined(study)
    alone = joined | words
    # within a sentence a name of one or two letters may be an English word, and so may a group's name of letters alone
    inside = {name: text for name, text in alone.items() if name in words or not name.isalpha()}
    # a label already in the text matches as a whole and stays as it is, so that no name within it is replaced
    spelt = {study.words(name) for name in inside if "_" in name} | {*alone.values()}
    known = sorted({name for name in inside if len(name) >= SHORTEST} | spelt, key=len, reverse=True)
    pattern = re.compile(rf"(?<![\w./])({'|'.join(map(re.escape, known))})(?!\w)" if known else r"(?!)")

    def within(text: str) -> str:
        return pattern.sub(lambda found: inside.get(found[0], found[0]), text)

    @functools.cache
    def translate(text: str) -> str:
        if text in policies and text in words:
            return study.title("policies", text)
        label, bracket, unit = text.partition(" [")
        first, *others = label.split(", ")
        if first not in alone:
            return within(text)
        rest = (inside.get(part) or within(part) for part in others)
        return ", ".join([begun(alone[first]), *rest]) + bracket + within(unit)

    return translate


def _words(study: Study, policies: Sequence[str]) -> dict[str, str]:
    """Name -> words for policies and variables, without names that would read alike.

    A yearly variable with the same label as something else (an outcome folded from it, say) is marked as yearly, such
    as `yearly layoffs by closures`.
    """
    named = {
        "policies": policies, "outcomes": study.model.outcomes, "events": study.events_by_name,
        "yearly": study.model.yearly, "factors": [one.name for one in study.inputs], "levers": study.model.levers,
    }  # fmt: skip
    kinds = {name: kind for kind, names in reversed(named.items()) for name in names}
    words = {name: study.phrase(kind, name) for name, kind in kinds.items()}
    shared = Counter(words.values())
    words |= {n: f"yearly {text}" for n, text in words.items() if kinds[n] == "yearly" and shared[text] > 1}
    alike = Counter(words.values())
    return {name: text for name, text in words.items() if alike[text] == 1}


def _joined(study: Study) -> dict[str, str]:
    """Name -> words for groups, shocks and assumptions ("off" and "doubled" too), without names of several meanings."""
    named = {
        "shocks": {*study.model.shocks}.union(*study.shock_streams.values()),
        "groups": {**study.groups, **study.shocks.groups},
        "lever_groups": study.lever_groups,
        "assumptions": [one.name for one in study.assumptions],
    }
    called = defaultdict[str, set[str]](set)
    for kind, names in named.items():
        for name in names:
            called[name].add(study.phrase(kind, name))
    words = {name: text for name, (text, *others) in called.items() if not others}
    turned = {f"{one.name} {kind}": f"{study.phrase('assumptions', one.name)} {kind}"
              for one in study.assumptions for kind in KINDS}  # fmt: skip
    return words | turned
