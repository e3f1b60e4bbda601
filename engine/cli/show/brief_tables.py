"""Risk on one screen: one measure of the headline outcomes, and the events, a line each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from engine.cli.show.grid import Block, Columns, print_grid
from engine.cli.show.risk_tables import (
    MOST_EVENTS,
    MOST_OUTCOMES,
    Book,
    counted,
    print_flags,
    print_more,
    print_reading,
    share_in_words,
)
from engine.cli.show.screen import print_words
from engine.risk.estimation.as_text import Cell, cell

if TYPE_CHECKING:
    from engine.risk.estimation.tables import Record
    from engine.study.study import Study

MOST_POLICIES = 3
"""Policies that one screen has room for."""


def print_brief(
    console: Console,
    study: Study,
    folder: Path,
    records: Sequence[Record],
    measure: str,
    others: str,
    words: Sequence[str] = (),
) -> None:
    """Prints a measure of the headline, the probability of events, and the command that shows what is left out.

    Two policies stand beside their difference; of more policies each is marked as better or worse than the baseline.

    Args:
      others: measures that are left out, in words.
      words: options that the command which shows the rest is to have.
    """
    there = {record.variable for record in records}
    every = [name for name in study.model.outcomes if name in there]
    outcomes = [name for name in study.headline if name in there][:MOST_OUTCOMES]
    events = [name for name in study.events_by_name if name in there]
    policies = study.policy_names[:MOST_POLICIES]
    pair = len(study.policies) <= 2
    book = Book(study, records, () if pair else policies)
    by_unit: dict[str, list[tuple[str, list[Cell]]]] = {}
    for name in outcomes:
        cells = book.row(name, measure, study.loss_of(name))
        by_unit.setdefault(study.unit_of(name), []).append((name, cells))
    blocks = [Block(f"{_called(measure)} [{unit}]", "", rows) for unit, rows in by_unit.items()]
    rows = [(name, book.row(name, "probability")) for name in events[:MOST_EVENTS]]
    points = "differences in points" if pair and len(policies) == 2 else ""
    blocks += [Block("probability of events [%]", points, rows)] if rows else []
    marks = print_grid(console, book.columns(), blocks, brief=True)
    console.print()
    print_reading(console, (), marks)
    print_flags(console, marks, records, (measure,), brief=True)
    left_out = [
        counted(len(study.policies) - len(policies), "policies"), counted(len(events) - MOST_EVENTS, "events"), others,
    ]  # fmt: skip
    print_more(console, study, folder, len(every) - len(outcomes), ", ".join(filter(None, left_out)), *words)


def print_brief_conditional(
    console: Console, study: Study, folder: Path, records: Sequence[Record], measure: str, words: Sequence[str]
) -> None:
    """Prints probabilities of events where a condition holds and where it does not, under the first two policies.

    Where there are none of events, the measure of the headline outcomes in their place.

    Args:
      words: options that the command which shows the rest is to have.
    """
    by_key = {(r.measure, r.policy, r.variable): r for r in records}
    condition, marks = records[0].variable, set[str]()
    events = [name for name in study.events_by_name if any(r.variable == name for r in records)][:MOST_EVENTS]
    names = events or [name for name in study.headline if any(r.variable == name for r in records)]
    measure = "probability" if events else measure
    scale = 100.0 if events else 1.0
    for policy in study.policy_names[:2]:
        rows = []
        for name in names:
            cells = [cell(by_key.get((f"{side}_{measure}", policy, name)), scale) for side in ("given", "otherwise")]
            gap = by_key.get((f"contrast_{measure}", policy, name))
            rows.append((name, [*cells, cell(gap, scale, study.loss_of(name))]))
        print_words(console, share_in_words(by_key["share", policy, condition]), "bold")
        columns = Columns(["given", "otherwise", "given - otherwise"])
        marks |= print_grid(console, columns, [Block("", "", rows)], brief=True)
    console.print()
    shown = "Means" if measure == "mean" else _called(measure)
    what = "Probability of events [%], differences in points." if events else f"{shown}, each in its unit."
    print_words(console, what, "dim")
    print_reading(console, (), marks)
    print_flags(console, marks, records, (measure,), brief=True)
    more = [counted(len(study.policies) - 2, "policies"), "outcomes" if events else "other measures"]
    print_more(console, study, folder, 0, " and ".join(filter(None, more)), *words)


def _called(measure: str) -> str:
    if not measure.startswith("ES"):
        return measure
    return f"{measure}, the mean of the worst {100 - float(measure[2:]):.3g} % of futures"
