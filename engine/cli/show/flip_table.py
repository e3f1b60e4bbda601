"""Which belief would turn a ranking: the finding, beliefs by how far they must move, and the joint move."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from engine.analyses.beliefs import CORRELATION, LEVER, LOCATION, Belief
from engine.analyses.flip import Flip
from engine.analyses.flip_dataset import sentence
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.screen import print_title, print_words
from engine.formatting import rounded
from engine.risk.as_text import cell, shown_in
from engine.risk.intervals import Estimate
from engine.risk.tables import record
from engine.risk.tilting import LARGEST_SHAPE

MOST = 10
TITLES = {
    LOCATION: "Priors: where the median must go",
    CORRELATION: "Correlations of groups (of a matrix: the multiple of all its correlations)",
    LEVER: "Levers, in all years and places at once",
}
READING = (
    "sd: standard deviations of the factor's normal score; its prior keeps its shape in these, and stays within its support. by weights: "
    "from the futures that are there, each counted by how much likelier the moved prior makes it, as far as they are worth as many as a run has; "
    "by runs: computed again. A belief that turns the ranking at several values has a line for each; back: beyond it the ranking is "
    "as stated again. One that is not listed was not seen to turn it within its range: priors 3 sd, correlations and levers their bounds. "
    "What turns it was confirmed on other futures: where nothing does, something is listed in at most 5 % of studies. Brackets: 95 % intervals, "
    "the values at which the policies cannot be distinguished."
)


def print_flip(console: Console, given: Flip, full: bool) -> None:
    """The whole answer."""
    study = given.study
    print_words(console, sentence(given), "bold")
    outcome = study.model.outcomes.get(given.variable)
    scale, unit = shown_in(f"difference_{given.measure}", outcome.unit if outcome else "1")
    shown = cell(record(given.measure, given.first, given.variable, given.difference), scale)
    facts = f"{study.paths:,} paths, seed {study.seed}; {given.first} less {given.second} as stated {shown.estimate} {shown.interval} {'' if unit == '1' else unit}"
    print_words(console, f"{study.name}: {facts}".rstrip())
    console.print()
    for kind, title in TITLES.items():
        own = [one for one in given.beliefs if one.kind == kind]
        turning = [one for one in own if one.turns]
        rows = own if full else turning
        if not own:
            continue
        counts = (len({one.name for one in some}) for some in (turning, own))
        print_title(console, title, "{} of {} turn the ranking".format(*counts))
        _print_beliefs(console, rows, kind == LOCATION)
    if given.joint is not None:
        print_title(
            console,
            "All priors together",
            f"{_text(given.joint.distance)} sd, {given.joint.entropy:.2f} nats",
        )
        rows_of = given.joint.factors if full else given.joint.moving[:MOST]
        columns = [
            Column("sd", [rounded(move, 2) for _, move, *_ in rows_of]),
            Column("median", [f"{stated:.3g}" for *_, stated, _ in rows_of]),
            Column("turns at", [f"{turn:.3g}" for *_, turn in rows_of]),
        ]
        print_rows(console, "", Column("", [name for name, *_ in rows_of], left=True), columns)
    if given.nearest is not None and given.nearest.shape <= LARGEST_SHAPE:
        text = f"The law of all futures, shocks too, nearest to the stated one that turns it is {given.nearest.entropy:.2f} nats away"
        print_words(console, f"{text}, as one normal score is that moves by {given.nearest.distance:.2f} sd.")
    for name, why in given.left_out if full else ():
        print_words(console, f"not looked at: {name}: {why}", "dim")
    if given.left_out and not full:
        print_words(console, f"{len(given.left_out)} beliefs are not looked at: --full says why.", "dim")
    print_words(console, READING, "dim")


def _print_beliefs(console: Console, rows: Sequence[Belief], is_prior: bool) -> None:
    if not rows:
        return
    columns = [
        Column("stated", [f"{one.stated:.3g}" for one in rows], group="value"),
        Column(
            "turns at",
            [
                f"{one.turn:.3g}{' back' if one.back else ''}" if one.turns else f"not to {one.turn:.3g}"
                for one in rows
            ],
            group="value",
        ),
        Column("unit", [one.unit for one in rows], left=True, group="value"),
        Column(
            "sd" if is_prior else "moves by",
            [_text(one.move) if one.turns else "-" for one in rows],
            left=True,
        ),
        Column("by", [one.how for one in rows], left=True),
    ]
    print_rows(console, "", Column("", [one.name for one in rows], left=True), columns)


def _text(one: Estimate) -> str:
    if one.low != one.low:
        return rounded(one.estimate, 2)
    return f"{rounded(one.estimate, 2)} [{rounded(one.low, 2)}, {rounded(one.high, 2)}]"
