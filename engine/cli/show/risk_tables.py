"""The tables of a run: records of `engine.risk` -> blocks of estimates on the screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from engine.cli.show.grid import Block, print_grid, transposed
from engine.risk.as_text import BINNED, NO_INTERVAL, cell, reasons

if TYPE_CHECKING:
    from engine.risk.tables import Record
    from engine.study.study import Study

HEADLINE = ("mean", "VaR99", "ES99")
SIDE_BY_SIDE = 2
"""Policies that fit beside each other with their differences; more of them go below each other."""


class Book:
    """Records of a run by measure, policy and variable, and the blocks that they fill."""

    def __init__(self, study: Study, risk: Iterable[Record], comparison: Iterable[Record]):
        self.study = study
        self.risk = {(r.measure, r.policy, r.variable): r for r in risk}
        self.comparison = {(r.measure, r.policy, r.variable): r for r in comparison}
        self.others = [name for name in study.policy_names if name != study.baseline]
        self.columns = [*study.policy_names, *(f"{name} - {study.baseline}" for name in self.others)]

    def block(
        self,
        variable: str,
        title: str,
        about: str,
        rows: Sequence[tuple[str, str, float]],
        loss: bool,
        strong: str = "",
    ) -> Block:
        """A variable's block: rows of (label, measure, scale) against policies and differences."""
        return Block(
            title, about, [(label, self._cells(variable, m, s, loss)) for label, m, s in rows], (strong,)
        )

    def _cells(self, variable: str, measure: str, scale: float, loss: bool) -> list:
        own = [cell(self.risk.get((measure, name, variable)), scale) for name in self.study.policy_names]
        gap = f"difference_{measure}"
        return own + [cell(self.comparison.get((gap, name, variable)), scale, loss) for name in self.others]

    def print(self, console: Console, blocks: Sequence[Block]) -> set[str]:
        """The marks that estimates bear, once the blocks are printed: policies side by side, or below each other where there are many."""
        columns = self.columns
        if len(self.study.policies) > SIDE_BY_SIDE:
            turned = [transposed(columns, block) for block in blocks]
            columns, blocks = turned[0][0], [block for _, block in turned]
        return print_grid(console, columns, blocks)


def print_tables(
    console: Console,
    study: Study,
    risk: Sequence[Record],
    comparison: Sequence[Record],
    measures: Sequence[str] = HEADLINE,
) -> None:
    """Measures of every outcome in the records, then the probability of every event, with differences from the baseline."""
    book = Book(study, risk, comparison)
    there = {record.variable for record in risk}
    strong = next((name for name in reversed(measures) if name in ("ES99", *measures[-1:])), "")
    blocks = []
    for name, outcome in study.model.outcomes.items():
        if name in there:
            worse = "high is worse" if outcome.loss else "low is worse"
            about = f"{outcome.about}; {worse}" if outcome.about else worse
            rows = [(measure, measure, 1.0) for measure in measures]
            blocks.append(book.block(name, f"{name} [{outcome.unit}]", about, rows, outcome.loss, strong))
    marks: set[str] = set()
    if blocks:
        marks = book.print(console, blocks)
    events = [event for event in study.events if event.name in there]
    if events:
        if blocks:
            console.print()
        marks |= _print_events(console, book, [event.name for event in events])
    console.print()
    _print_reading(console, measures if blocks else ())
    print_flags(console, marks, [*risk, *comparison], measures)


def _print_events(console: Console, book: Book, names: Sequence[str]) -> set[str]:
    title = "probability of events [%]"
    if len(book.study.policies) <= SIDE_BY_SIDE:
        blocks = [book.block(name, "", "", [(name, "probability", 100.0)], True) for name in names]
        return book.print(console, [Block(title, "", [row for block in blocks for row in block.rows])])
    columns = ["probability", f"less {book.study.baseline}"]
    blocks = []
    for name in names:
        rows = [
            (
                policy,
                [
                    cell(book.risk.get(("probability", policy, name)), 100.0),
                    cell(book.comparison.get(("difference_probability", policy, name)), 100.0, True),
                ],
            )
            for policy in book.study.policy_names
        ]
        blocks.append(Block(f"{name} [%]", "", rows))
    return print_grid(console, columns, blocks)


def _print_reading(console: Console, measures: Sequence[str]) -> None:
    levels = dict.fromkeys(measure.lstrip("VaRES") for measure in measures if measure != "mean")
    sentences = ["Brackets: 95 % intervals of the Monte Carlo error."]
    if len(levels) == 1:
        (level,) = levels
        share = f"{100 - float(level):.3g} %"
        sentences.append(
            f"VaR{level}: what the worst {share} of futures reach or pass; ES{level}: the mean of these."
        )
    elif levels:
        sentences.append("VaR a: what the worst 100 - a % of futures reach or pass; ES a: the mean of these.")
    console.print(Text(" ".join(sentences), style="dim"))


def print_flags(
    console: Console, marks: set[str], records: Iterable[Record], measures: Sequence[str]
) -> None:
    """The sentences that the marks on a table stand for, the dagger's with the reasons that the records give."""
    if NO_INTERVAL in marks:
        shown = {*measures, "probability"}
        flagged = [
            r.flag for r in records if r.flag and math.isnan(r.low) and r.measure.rpartition("_")[2] in shown
        ]
        why = f" ({reasons(flagged, ', in --json')})" if flagged else ""
        sentence = f"No interval: too few paths, or too heavy a tail, for one that could be trusted{why}."
        console.print(Text(f"{NO_INTERVAL} {sentence}", "dim"))
    if BINNED in marks:
        sentence = (
            "From a histogram, because the outcome is not kept path by path (keep.outcomes): the interval holds what "
            "its bins leave open."
        )
        console.print(Text(f"{BINNED} {sentence}", "dim"))
