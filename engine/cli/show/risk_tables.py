"""The tables of a run: records of `engine.risk` -> blocks of estimates on the screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from engine.cli.show.grid import Block, print_grid, transposed
from engine.risk.as_text import BINNED, NO_INTERVAL, Cell, cell, reasons

if TYPE_CHECKING:
    from engine.risk.tables import Record, Tables
    from engine.study.study import Study

HEADLINE = ("mean", "VaR99", "ES99")
SIDE_BY_SIDE = 2
"""Policies that fit beside each other with their differences; more of them go below each other."""


class Book:
    """Records of a run by measure, policy and variable, and the blocks that they fill."""

    def __init__(self, study: Study, tables: Tables):
        self.study = study
        self.records = {(r.measure, r.policy, r.variable): r for r in (*tables.risk, *tables.comparison)}
        self.others = [name for name in study.policy_names if name != study.baseline]
        self.columns = [*study.policy_names, *(f"{name} - {study.baseline}" for name in self.others)]

    def row(self, variable: str, measure: str, loss: bool = True) -> list[Cell]:
        """A measure of a variable under every policy, then its differences from the baseline."""
        own = [self.own(variable, measure, policy) for policy in self.study.policy_names]
        return own + [self.gap(variable, measure, policy, loss) for policy in self.others]

    def own(self, variable: str, measure: str, policy: str) -> Cell:
        """A measure of a variable under a policy; a probability in percent."""
        return cell(self.records.get((measure, policy, variable)), _scale(measure))

    def gap(self, variable: str, measure: str, policy: str, loss: bool = True) -> Cell:
        """The difference of a measure from the baseline, with its verdict: of a loss, less is better."""
        return cell(self.records.get((f"difference_{measure}", policy, variable)), _scale(measure), loss)

    def print(self, console: Console, blocks: Sequence[Block]) -> set[str]:
        """The marks that estimates bear, once the blocks are printed: policies side by side, or below each other where there are many."""
        columns = self.columns
        if len(self.study.policies) > SIDE_BY_SIDE:
            turned = [transposed(columns, block) for block in blocks]
            columns, blocks = turned[0][0], [block for _, block in turned]
        return print_grid(console, columns, blocks)


def _scale(measure: str) -> float:
    return 100.0 if measure == "probability" else 1.0


def print_tables(console: Console, study: Study, tables: Tables, measures: Sequence[str] = HEADLINE) -> None:
    """Measures of every outcome in the records, then the probability of every event, with differences from the baseline."""
    book = Book(study, tables)
    there = {record.variable for record in tables.risk}
    strong = next((name for name in reversed(measures) if name in ("ES99", *measures[-1:])), "")
    blocks = []
    for name, outcome in study.model.outcomes.items():
        if name in there:
            worse = "high is worse" if outcome.loss else "low is worse"
            about = f"{outcome.about}; {worse}" if outcome.about else worse
            rows = [(measure, book.row(name, measure, outcome.loss)) for measure in measures]
            blocks.append(Block(f"{name} [{outcome.unit}]", about, rows, (strong,)))
    marks = book.print(console, blocks) if blocks else set()
    events = [event.name for event in study.events if event.name in there]
    if blocks and events:
        console.print()
    if events:
        marks |= _print_events(console, book, events)
    console.print()
    _print_reading(console, measures if blocks else ())
    print_flags(console, marks, [*tables.risk, *tables.comparison], measures)


def _print_events(console: Console, book: Book, names: Sequence[str]) -> set[str]:
    measure, policies = "probability", book.study.policy_names
    if len(policies) <= SIDE_BY_SIDE:
        rows = [(name, book.row(name, measure)) for name in names]
        return book.print(console, [Block("probability of events [%]", "", rows)])
    blocks = []
    for name in names:
        rows = [(p, [book.own(name, measure, p), book.gap(name, measure, p)]) for p in policies]
        blocks.append(Block(f"{name} [%]", "", rows))
    return print_grid(console, [measure, f"less {book.study.baseline}"], blocks)


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
    """The sentences that the marks on a table stand for, the dagger's with the reasons that the records give; and who is left out."""
    from engine.risk.exclusion import notice
    from engine.risk.flags import Reason

    records = list(records)
    out = [flag for r in records for flag in r.flags if flag.reason is Reason.NOT_FINITE]
    if out:
        most = max(out, key=lambda flag: flag.got)
        console.print(Text(f"{notice(int(most.got), int(most.limit))}.", "dim"))
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
