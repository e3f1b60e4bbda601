"""Which inputs the answer hangs on: a sentence that claims no more than its intervals, then shares, what knowing is worth, and swings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from engine.analyses.futures import SHORTFALL, Quantity
from engine.analyses.sensitivity_sentence import sentence
from engine.cli.show.risk_tables import print_flags
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.screen import print_title, print_words
from engine.risk.as_text import Cell, cell, shown_in
from engine.risk.tables import Record, record

if TYPE_CHECKING:
    from engine.analyses.given_data import GivenData
    from engine.analyses.indices import Shares
    from engine.analyses.members import Within
    from engine.analyses.sensitivity import Sensitivity
    from engine.analyses.worth import Worth
    from engine.risk.intervals import Estimate

MOST = 8
"""Rows of a table that is not asked for in full."""
READING = (
    "Shares are in % of the variance: of the outcome on a path, of what a path adds to ES, of whether the event happens. share: an input's "
    "part, what inputs do together shared out evenly (its Shapley effect): all parts add up to 100. alone: what goes if the input is known "
    "(Sobol' first index). total: what is left if all others are known. worth: how much better the measure gets if the policy is picked by "
    "a rule that reads the input; a lower bound. Brackets: 95 % intervals."
)


def print_sensitivity(console: Console, given: Sensitivity, named: Sequence[str] | None, full: bool) -> None:
    """The finding, shares by quantity, what knowing is worth, the swings, how to read them, and what must be known of their numbers."""
    study = given.study
    print_words(console, sentence(given, named), "bold")
    count = len(given.inputs)
    print_words(
        console,
        f"{study.name}: {study.paths:,} paths, seed {study.seed}, {count} inputs that are drawn apart",
    )
    console.print()
    marks: set[str] = set()
    flagged: list[Record] = []
    for variable, measure in dict.fromkeys((s.quantity.variable, s.quantity.measure) for s in given.shares):
        among = [s for s in given.shares if (s.quantity.variable, s.quantity.measure) == (variable, measure)]
        _print_shares(console, given, among, full, marks, flagged)
    if given.worths:
        _print_worths(console, given, full, marks, flagged)
    for at, quantity in enumerate(given.swung):
        if full or quantity.measure != SHORTFALL:
            _print_swings(console, given, at, full, marks, flagged)
    for group in dict.fromkeys(mine.group for mine in given.within):
        _print_members(console, [mine for mine in given.within if mine.group == group], marks, flagged)
    for data in given.given_data:
        _print_given_data(console, data, full)
    print_words(console, READING, "dim")
    print_flags(console, marks, flagged, sorted({one.measure for one in flagged}))


def _print_shares(
    console: Console,
    given: Sensitivity,
    among: Sequence[Shares],
    full: bool,
    marks: set[str],
    flagged: list[Record],
) -> None:
    one = among[0].quantity
    order = sorted(range(len(given.inputs)), key=lambda k: -max(s.shapley[k].estimate for s in among))
    shown = order if full else order[:MOST]
    columns = []
    for s in among:
        side = f"{s.quantity.policy} less {s.quantity.against}" if s.quantity.against else s.quantity.policy
        for head, name in (("share", "shapley"), ("alone", "first"), ("total", "total"))[: 3 if full else 1]:
            cells = [
                _cell(s.quantity, given.inputs[k].name, getattr(s, name)[k], 100.0, marks, flagged)
                for k in shown
            ]
            extra = (
                [_cell(s.quantity, "", e, 100.0, marks, flagged) for e in (s.known, s.accidents)]
                if name == "first" or not full
                else []
            )
            cells += extra or [Cell("")] * 2
            columns.append(
                Column(f"{side}\n{head}" if full else side, _aligned(cells), left=True, group=side)
            )
    names = [*(given.inputs[k].name for k in shown), "all factors known", "all shocks known"]
    title = f"What {_of(one)} hangs on: share in %"
    print_title(
        console, title, "" if full or len(order) <= MOST else f"{len(order) - MOST} more inputs: --full"
    )
    print_rows(console, "", Column("", names, left=True), columns)


def _print_worths(
    console: Console, given: Sensitivity, full: bool, marks: set[str], flagged: list[Record]
) -> None:
    """What knowing is worth, a row a decision and input; inputs that are worth nothing are not listed."""
    rows: list[tuple[str, str, Cell]] = []
    for worth in given.worths:
        rows += [
            (f"{worth.measure} of {worth.outcome}: {worth.choice}", name, c)
            for name, c in _knowing(given, worth, full, marks, flagged)
        ]
    print_title(
        console,
        "What it is worth to know first",
        "in the outcome's unit; the policy that is picked without knowing is named",
    )
    shown = ["" if k and rows[k][0] == rows[k - 1][0] else rows[k][0] for k in range(len(rows))]
    columns = [
        Column("to know", [name for _, name, _ in rows], left=True),
        Column("worth", _aligned([c for *_, c in rows]), left=True),
    ]
    print_rows(console, "", Column("choice", shown, left=True), columns)


def _knowing(
    given: Sensitivity, worth: Worth, full: bool, marks: set[str], flagged: list[Record]
) -> list[tuple[str, Cell]]:
    of = Quantity(worth.outcome, worth.measure, worth.choice)
    known = [
        (item.name, one) for item, one in zip(given.inputs, worth.inputs, strict=True) if one is not None
    ]
    worthy = sorted(
        ((n, e) for n, e in known if e.low > 0 or (full and e.estimate)), key=lambda one: -one[1].estimate
    )
    every = [
        ("everything", worth.everything),
        ("all factors", worth.known),
        *(worthy if full else worthy[:3]),
    ]
    return [(name, _cell(of, name, one, 1.0, marks, flagged)) for name, one in every]


def _print_swings(
    console: Console, given: Sensitivity, at: int, full: bool, marks: set[str], flagged: list[Record]
) -> None:
    quantity = given.swung[at]
    outcome = given.study.model.outcomes.get(quantity.variable)
    scale, unit = shown_in(f"difference_{quantity.measure}", outcome.unit if outcome else "1")
    order = sorted(given.swings, key=lambda s: -abs(s.high[at].estimate - s.low[at].estimate))
    order = [s for s in order if s.high[at].estimate or s.low[at].estimate]
    shown = order if full else order[:MOST]
    low = [_cell(quantity, s.factor, s.low[at], scale, marks, flagged) for s in shown]
    high = [_cell(quantity, s.factor, s.high[at], scale, marks, flagged) for s in shown]
    columns = [
        Column("5 %", [f"{s.values[0]:.3g}" for s in shown], group="low"),
        Column("moves it by", _aligned(low), left=True, group="low"),
        Column("95 %", [f"{s.values[1]:.3g}" for s in shown], group="high"),
        Column("moves it by", _aligned(high), left=True, group="high"),
    ]
    title = f"{quantity.measure} of {quantity.variable} [{unit}] under {quantity.policy}, one factor held low and high"
    print_title(console, title, "")
    print_rows(console, "", Column("", [s.factor for s in shown], left=True), columns)


def _print_members(console: Console, among: Sequence[Within], marks: set[str], flagged: list[Record]) -> None:
    columns = []
    for mine in among:
        cells = [
            _cell(mine.quantity, name, one, 100.0, marks, flagged)
            for name, one in zip(mine.members, mine.shapley, strict=True)
        ]
        columns.append(
            Column(f"{mine.quantity.variable}\n{mine.quantity.policy}", _aligned(cells), left=True)
        )
    print_title(console, f"Members of {among[0].group}: share in %", "")
    print_rows(console, "", Column("", among[0].members, left=True), columns)


def _print_given_data(console: Console, data: GivenData, full: bool) -> None:
    order = sorted(range(len(data.factors)), key=lambda k: -data.delta[k])[: None if full else MOST]
    columns = [
        Column("delta", [f"{data.delta[k]:.3f}" for k in order]),
        Column("+-", [f"{data.delta_error[k]:.3f}" for k in order]),
        Column("PAWN", [f"{data.pawn[k]:.3f}" for k in order]),
    ]
    print_title(
        console,
        f"{data.quantity.variable} under {data.quantity.policy}, from draws and outcomes alone (SALib)",
        "",
    )
    print_rows(console, "", Column("", [data.factors[k] for k in order], left=True), columns)


def _of(one: Quantity) -> str:
    """`capital_shortfall_peak`, `the worst 1 % of layoffs`, `all_four`."""
    return f"{one.measure} of {one.variable}" if one.measure == SHORTFALL else one.variable


def _cell(
    of: Quantity, who: str, one: Estimate, scale: float, marks: set[str], flagged: list[Record]
) -> Cell:
    made = record(of.measure, who or of.policy, of.variable, one)
    shown = cell(made, scale)
    if shown.mark:
        marks.add(shown.mark)
        flagged.append(made)
    return shown


def _aligned(cells: Sequence[Cell]) -> list[str]:
    """Estimates under each other, and intervals."""
    width = max((len(one.estimate) for one in cells), default=0)
    return [f"{one.estimate:>{width}}{one.mark or ' '} {one.interval}".rstrip() for one in cells]
