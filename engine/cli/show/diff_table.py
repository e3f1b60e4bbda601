"""Two runs side by side: what differs in their studies, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from engine.cli.show import screen
from engine.cli.show.grid import Block, Columns, print_grid
from engine.cli.show.risk_tables import print_flags, print_reading
from engine.formatting import shown
from engine.risk.estimation.as_text import SPREAD, cell, shown_in

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.runs.run import Run
    from engine.runs.two_runs import Comparison, Pair
    from engine.study.study import Study

MEASURES = ("mean", "ES99", "probability")
MOST_STATEMENTS, FEW_STATEMENTS = 20, 2
MOST_ROWS = 5
"""Most numbers that are shown without --full."""


def print_comparison(console: Console, runs: Sequence[Run], answer: Answer, full: bool) -> None:
    """Prints the two runs, what their studies state differently, then a block for each outcome and event.

    Args:
      full: print all of it; else the few numbers of the headline and of events that differ by most standard errors.
    """
    comparison: Comparison = answer.of
    for mark, run in zip("AB", runs, strict=True):
        study = run.answers.study
        facts = f"{mark}  {study.name}: {study.futures}; in {run.folder}"
        screen.print_words(console, facts, indent="   ")
    console.print()
    _print_statements(console, comparison, MOST_STATEMENTS if full else FEW_STATEMENTS)
    blocks = []
    stated = runs[0].study
    pairs = comparison.pairs if full else _largest(stated, comparison.pairs)
    for name in dict.fromkeys(pair.first.variable for pair in pairs):
        loss, scale, unit = stated.loss_of(name), 1.0, stated.unit_of(name)
        if name not in stated.model.outcomes:
            scale, unit = shown_in("probability")
            unit += f"; B - A in {shown_in('difference_probability')[1]}"
        rows = [
            (
                f"{pair.first.policy} {pair.first.measure}",
                [cell(pair.first, scale), cell(pair.second, scale), cell(pair.gap, scale, loss)],
            )
            for pair in pairs
            if pair.first.variable == name and pair.first.measure in MEASURES
        ]
        blocks.append(Block(f"{name} [{unit}]", "", rows))
    marks = print_grid(console, Columns(["A", "B", "B - A"], {2: 1}, "less A"), blocks, brief=not full)
    console.print()
    screen.print_words(console, answer.reading, "dim")
    flagged = [record for pair in pairs for record in (pair.first, pair.second, pair.gap)]
    if SPREAD in marks:
        print_reading(console, (), marks)
    print_flags(console, marks, flagged, MEASURES, brief=not full)
    if not full:
        words = "diff", *(run.folder for run in runs), "--full"
        screen.print_command(console, "All outcomes and events", *words, model=stated.model_spec)


def _largest(study: Study, pairs: Sequence[Pair]) -> list[Pair]:
    """The numbers of the headline (ES99) and of events that differ by most standard errors, the largest first."""
    shown = {(name, "ES99") for name in study.headline} | {(event.name, "probability") for event in study.events}
    own = [pair for pair in pairs if (pair.first.variable, pair.first.measure) in shown]

    def weight(pair: Pair) -> float:
        gap = pair.gap
        return abs(gap.estimate) / gap.standard_error if gap.standard_error > 0 else 0.0

    return sorted(own, key=weight, reverse=True)[:MOST_ROWS]


def _print_statements(console: Console, comparison: Comparison, most: int) -> None:
    stated = [*comparison.statements.items()]
    head = "Their studies state differently" if stated else "Their studies state the same"
    screen.print_line(console, head)
    at = max((len(place) for place, _ in stated[:most]), default=0)
    room = max((console.width - at - 8) // 2, 12)
    for place, values in stated[:most]:
        first, second = (_value_as_text(value, room) for value in values)
        screen.print_line(console, "", f"  {place:<{at}}  {first} -> {second}")
    if (more := len(stated) - most) > 0:
        screen.print_line(console, "", f"  and {more:,} more", "dim")
    console.print()


def _value_as_text(value: Any, room: int) -> str:
    if value is None:
        return "nothing"
    text = f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else shown(value)
    return text if len(text) <= room else f"{text[: room - 3]}..."
