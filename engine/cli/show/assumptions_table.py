"""A study held against its assumptions: what holds and what flips, then a table for every event and measure, a row a structure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show import screen
from engine.cli.show.input_tables import print_stated
from engine.cli.show.risk_tables import print_flags
from engine.cli.show.rows import Column, print_rows
from engine.risk.as_text import NO_INTERVAL, Cell, cell, shown_in
from engine.risk.rankings import PROBABILITY, STATED, Ranking, Verdict, adjective
from engine.study.assumption_tables import ALL

if TYPE_CHECKING:
    from engine.analyses.assumptions import ByStructure
    from engine.risk.tables import Record

_TITLES = {
    Verdict.HOLDS: "holds in all",
    Verdict.FLIPS: "FLIPS",
    Verdict.OPEN: "never turned round",
    Verdict.UNDECIDED: "undecided in all",
    Verdict.UNKNOWN: "no interval",
}


def print_assumptions(console: Console, answer: ByStructure, full: bool) -> None:
    """The sentence, the assumptions, and the tables.

    Args:
      full: every structure, in place of those where a ranking is another than as stated.
    """
    study = answer.study
    screen.print_words(console, answer.sentence, "bold")
    console.print()
    print_stated(console, answer.study)
    book, marks = _Book(answer), set[str]()
    for variable, measure in dict.fromkeys((r.variable, r.measure) for r in book.own):
        marks |= _print_one(console, book, variable, measure, full)
    text = (
        f"{study.paths:,} futures, the same in every structure. A ranking is clear where the 95 % interval of the paired difference leaves "
        "out zero, each by itself: of many that are truly even, one in twenty looks clear. It flips where it is clear in two structures, "
        "the other way round."
    )
    screen.print_words(console, text, "dim")
    print_flags(console, marks, answer.records, ("mean", "ES99", PROBABILITY))


class _Book:
    """The records of all structures by what they are of."""

    def __init__(self, answer: ByStructure):
        self.answer, self.study = answer, answer.study
        self.own = [r for r in answer.records if "against" not in r.place]
        self._records = {
            (r.place["structure"], r.policy, r.place.get("against", ""), r.variable, r.bare_measure): r
            for r in answer.records
        }

    def rankings(self, variable: str, measure: str) -> list[Ranking]:
        """Of every pair of policies."""
        return [one for one in self.answer.rankings if (one.variable, one.measure) == (variable, measure)]

    def record(self, structure: str, policy: str, against: str, variable: str, measure: str) -> Record:
        """An estimate, or the difference of two policies."""
        return self._records[structure, policy, against, variable, measure]


def _print_one(console: Console, book: _Book, variable: str, measure: str, full: bool) -> set[str]:
    """The table of one measure; gives the marks in it."""
    pairs = book.rankings(variable, measure)
    names = [one.name for one in book.answer.structures]
    shown = names if full or not pairs else [*_worth_showing(names, pairs)]
    outcome = book.study.model.outcomes.get(variable)
    scale, unit = shown_in(measure, outcome.unit if outcome else "1")
    of_gap = shown_in(f"difference_{measure}", unit)[1]
    behind = f" [{of_gap}]" if of_gap != unit else ""
    columns: list[Column] = []
    marks: set[str] = set()

    def add(head: str, cells: Sequence[Cell], group: str) -> None:
        texts = [f"{one.estimate} {one.interval}".strip() + one.mark for one in cells]
        columns.append(Column(head, texts, group=group))
        marks.update(one.mark for one in cells if one.mark)

    for policy in book.study.policy_names:
        own = [cell(book.record(name, policy, "", variable, measure), scale) for name in shown]
        add(
            policy,
            [Cell(one.estimate, mark=one.mark if one.mark != NO_INTERVAL else "") for one in own],
            "own",
        )
    for one in pairs:
        gaps = [book.record(name, one.policy, one.against, variable, measure) for name in shown]
        add(
            f"{one.policy} - {one.against}{behind}",
            [cell(gap, scale) for gap in gaps],
            one.policy + one.against,
        )
        head = f"{adjective(one)} under"
        columns.append(
            Column(head, [_side(one, name) for name in shown], left=True, group=one.policy + one.against)
        )
    title = f"{variable} [{unit}]" if measure == PROBABILITY else f"{measure} of {variable} [{unit}]"
    if len(pairs) == 1:
        title += f": {_TITLES[pairs[0].verdict]}"
    print_rows(console, title, Column("", shown, left=True), columns)
    return marks


def _side(one: Ranking, structure: str) -> str:
    if one.signs[structure] is None:
        return "unknown"
    worse, stated = one.worse(structure), one.worse(STATED)
    return f"{worse} (flips)" if worse and stated and worse != stated else worse or "undecided"


def _worth_showing(names: Sequence[str], pairs: Sequence[Ranking]) -> Iterator[str]:
    """The study as stated, all assumptions together, and whatever ranks otherwise than as stated."""
    for name in names:
        together = name == STATED or name.startswith(f"{ALL} ")
        if together or any(one.signs[name] != one.signs[STATED] for one in pairs):
            yield name
