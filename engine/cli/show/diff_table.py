"""Two runs side by side: what differs in their studies, and their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

from engine.cli.show import screen
from engine.cli.show.grid import Block, Columns, print_grid
from engine.cli.show.risk_tables import print_flags
from engine.formatting import shown
from engine.risk.as_text import cell, shown_in

if TYPE_CHECKING:
    from engine.answers.answer import Answer
    from engine.runs.run import Run
    from engine.runs.two_runs import Comparison

MEASURES = ("mean", "ES99", "probability")
MOST_STATEMENTS = 20


def print_comparison(console: Console, runs: Sequence[Run], answer: Answer) -> None:
    """The two runs, what their studies state differently, then a block for each outcome and event."""
    comparison: Comparison = answer.of
    for mark, run in zip("AB", runs, strict=True):
        study = run.answers.study
        facts = f"{mark}  {study.name}: {study.paths:,} paths, seed {study.seed}; in {run.folder}"
        screen.print_words(console, facts, indent="   ")
    console.print()
    _print_statements(console, comparison)
    blocks = []
    stated = runs[0].study
    for name in dict.fromkeys(pair.first.variable for pair in comparison.pairs):
        loss, scale, unit = stated.is_loss(name), 1.0, stated.unit_of(name)
        if name not in stated.model.outcomes:
            scale, unit = shown_in("probability")
            unit += f"; B - A in {shown_in('difference_probability')[1]}"
        rows = [
            (
                f"{pair.first.policy} {pair.first.measure}",
                [cell(pair.first, scale), cell(pair.second, scale), cell(pair.gap, scale, loss)],
            )
            for pair in comparison.pairs
            if pair.first.variable == name and pair.first.measure in MEASURES
        ]
        blocks.append(Block(f"{name} [{unit}]", "", rows))
    marks = print_grid(console, Columns(["A", "B", "B - A"], {2: 1}, "less A"), blocks)
    console.print()
    screen.print_words(console, answer.reading, "dim")
    flagged = [record for pair in comparison.pairs for record in (pair.first, pair.second, pair.gap)]
    print_flags(console, marks, flagged, MEASURES)


def _print_statements(console: Console, comparison: Comparison) -> None:
    stated = [*comparison.statements.items()]
    head = "Their studies state differently" if stated else "Their studies state the same"
    screen.print_line(console, head)
    at = max((len(place) for place, _ in stated[:MOST_STATEMENTS]), default=0)
    room = max((console.width - at - 8) // 2, 12)
    for place, values in stated[:MOST_STATEMENTS]:
        first, second = (_stated(value, room) for value in values)
        screen.print_line(console, "", f"  {place:<{at}}  {first} -> {second}")
    if (more := len(stated) - MOST_STATEMENTS) > 0:
        screen.print_line(console, "", f"  and {more:,} more", "dim")
    console.print()


def _stated(value: Any, room: int) -> str:
    if value is None:
        return "nothing"
    text = f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else shown(value)
    return text if len(text) <= room else f"{text[: room - 3]}..."
