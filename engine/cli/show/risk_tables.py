"""The tables of a run: records of `engine.risk` -> blocks of estimates on the screen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console

from engine.cli.show.grid import Block, Columns, beside, print_grid
from engine.cli.show.screen import print_command, print_words, shortened
from engine.risk.estimation.as_text import BINNED, HEAVY, NO_INTERVAL, SPREAD, Cell, cell, places, reasons, shown_in

if TYPE_CHECKING:
    from pathlib import Path

    from engine.risk.estimation.tables import Record
    from engine.study.study import Study

MAIN = ("mean", "ES99")
"""Measures of short tables."""
OTHERS = "VaR and ES at other levels"
MOST_OUTCOMES, MOST_EVENTS, EVENTS_OF_TWO = 4, 6, 10
"""Most outcomes and events of a brief table, and its most events with two policies, as one screen has room for."""
LONGEST = 22
"""Most columns of the screen for a policy's name as the head of judged estimates."""


class Book:
    """Records of a run by measure, policy and variable, and the rows that they fill.

    Args:
      judged: policies to show, each with the verdict on its difference from the baseline; if not given, all policies
        and their differences.
    """

    def __init__(self, study: Study, records: Iterable[Record], judged: Sequence[str] = ()):
        self.study, self.judged = study, judged
        self.records = {(r.measure, r.policy, r.variable): r for r in records}
        self.others = [name for name in study.policy_names if name != study.baseline]

    def columns(self, unit: str = "") -> Columns:
        """The columns: policies, then differences from the baseline, headed with `unit` if it is not the policies'."""
        if self.judged:
            return Columns([shortened(name, LONGEST) for name in self.judged])
        names, base = self.study.policy_names, self.study.baseline
        of = f" [{unit}]" if unit else ""
        gaps = {len(names) + k: names.index(other) for k, other in enumerate(self.others)}
        return Columns([*names, *(f"{name} - {base}{of}" for name in self.others)], gaps, f"less {base}{of}")

    def row(self, variable: str, measure: str, loss: bool | None = True) -> list[Cell]:
        """Cells of a measure under every policy, then of its differences from the baseline.

        Judged policies have one cell each: the estimate, the wider side of its interval, and the verdict.
        """
        if self.judged:
            cells = ((policy, self.own(variable, measure, policy)) for policy in self.judged)
            return [
                replace(one, interval=one.spread, verdict=self.gap(variable, measure, policy, loss).verdict)
                for policy, one in cells
            ]
        own = [self.own(variable, measure, policy) for policy in self.study.policy_names]
        return own + [self.gap(variable, measure, policy, loss) for policy in self.others]

    def own(self, variable: str, measure: str, policy: str) -> Cell:
        """A measure of a variable under a policy; a probability in percent."""
        return cell(self.records.get((measure, policy, variable)), shown_in(measure)[0])

    def gap(self, variable: str, measure: str, policy: str, loss: bool | None = True) -> Cell:
        """The difference of a measure from the baseline, with its verdict: for a loss, less is better."""
        measure = f"difference_{measure}"
        return cell(self.records.get((measure, policy, variable)), shown_in(measure)[0], loss)


def print_tables(
    console: Console,
    study: Study,
    records: Sequence[Record],
    measures: Sequence[str],
    outcomes: Iterable[str],
    brief: bool = False,
) -> list[str]:
    """Prints measures of outcomes and probabilities of events with differences from the baseline; gives what is left
    out, in words.

    If there are more than two policies and no room for their differences, a brief table has as many policies as fit
    side by side, the baseline first, and only the first outcomes and events. With two policies it has more events.

    Args:
      brief: as of `print_grid`; the meaning of an outcome then stands beside its name or is left out.
    """
    there, outcomes = {record.variable for record in records}, list(outcomes)
    events = [name for name in study.events_by_name if name in there]
    book, left = Book(study, records), []
    if brief and len(book.others) > 1 and not _fits(console, book, measures, outcomes, events):
        left = [
            counted(len(outcomes) - MOST_OUTCOMES, "headline outcomes"),
            counted(len(events) - MOST_EVENTS, "events"),
        ]
        outcomes, events = outcomes[:MOST_OUTCOMES], events[:MOST_EVENTS]
        order = [study.baseline, *book.others]
        books = (Book(study, records, order[:count]) for count in range(len(order), 1, -1))
        book = next((one for one in books if _fits(console, one, measures, outcomes, events)), book)
        left.insert(0, counted(len(order) - len(book.judged or order), "policies"))
        left += ["differences"] if book.judged else []
    elif brief:
        left, events = [counted(len(events) - EVENTS_OF_TWO, "events")], events[:EVENTS_OF_TWO]
    blocks = _blocks(console, book, measures, outcomes, brief)
    marks = print_grid(console, book.columns(), blocks, brief) if blocks else set()
    if blocks and events:
        console.print()
    if events:
        unit = shown_in("difference_probability")[1]
        about = f"differences in {unit}" if brief and book.others and not book.judged else ""
        marks |= print_grid(console, book.columns("" if brief else unit), [_of_events(book, events, about)], brief)
    console.print()
    print_reading(console, measures if blocks else (), marks, study.baseline if book.judged else "")
    print_flags(console, marks, records, measures, brief)
    return [part for part in left if part]


def _blocks(console: Console, book: Book, measures: Sequence[str], outcomes: Iterable[str], brief: bool) -> list[Block]:
    strong = next((name for name in reversed(measures) if name in ("ES99", *measures[-1:])), "")
    blocks = []
    for name in outcomes:
        outcome = book.study.model.outcomes[name]
        worse = book.study.worse_side(name)
        title, about = f"{name} [{outcome.unit}]", "; ".join(filter(None, (outcome.about, worse)))
        if brief and cell_len(title) + 2 + cell_len(about) > console.width:
            about = worse
        rows = [(measure, book.row(name, measure, outcome.loss)) for measure in measures]
        blocks.append(Block(title, about, rows, (strong,)))
    return blocks


def _of_events(book: Book, events: Iterable[str], about: str = "") -> Block:
    return Block("probability of events [%]", about, [(name, book.row(name, "probability")) for name in events])


def _fits(
    console: Console, book: Book, measures: Sequence[str], outcomes: Sequence[str], events: Sequence[str]
) -> bool:
    """Whether all columns of a brief table fit side by side."""
    grids = _blocks(console, book, measures, outcomes, True), [_of_events(book, events)] if events else []
    return all(beside(console, book.columns(), grid) for grid in grids if grid)


def counted(count: int, what: str) -> str:
    """`3 more events`, `1 more policy`; empty for none."""
    one = "policy" if what == "policies" else what.removesuffix("s")
    return f"{count} more {what if count > 1 else one}" if count > 0 else ""


def share_in_words(share: Record) -> str:
    """On which share of paths a condition holds under a policy, with its interval."""
    of = cell(share, 100.0)
    often = f"{of.estimate}{of.mark} % {of.interval}".rstrip()
    return f"{share.policy}: {share.variable} on {often} of paths"


def print_risk(
    console: Console,
    study: Study,
    folder: Path,
    records: Sequence[Record],
    full: bool,
    levels: Sequence[str] = (),
    brief: bool = False,
) -> None:
    """Prints the tables of a run, and the command that shows what they leave out.

    Args:
      full: all outcomes and measures, in place of the headline.
      levels: measures in place of all others.
      brief: as of `print_tables`.
    """
    from engine.risk.estimation.evidence import measures

    outcomes = shown_outcomes(study, records, full)
    shown = levels or (measures(study.levels) if full else MAIN)
    left = print_tables(console, study, records, shown, outcomes, brief)
    if not full:
        left_out = len(shown_outcomes(study, records, True)) - len(outcomes)
        others = [*left, *([] if levels else [OTHERS])]
        print_more(console, study, folder, left_out, ", ".join(others))
    elif left:
        named = {record.variable for record in records}
        print_more(console, study, folder, 0, ", ".join(left), *(("--variable", *named) if len(named) == 1 else ()))


def shown_outcomes(study: Study, records: Iterable[Record], full: bool) -> list[str]:
    """Outcomes that a table shows, of those in the records: the study's headline, or all of them."""
    there = {record.variable for record in records}
    return [name for name in (study.model.outcomes if full else study.headline) if name in there]


def print_more(console: Console, study: Study, folder: Path, left_out: int, others: str, *words: object) -> None:
    """Prints what a short table leaves out, outcomes and `others`, and the command that shows it; else nothing."""
    outcomes = [f"{left_out} more outcome{'s' if left_out > 1 else ''}"] if left_out else []
    if outcomes or others:
        console.print()
        more = " and ".join([*outcomes, *([others] if others else [])])
        print_command(console, more[0].upper() + more[1:], "risk", folder, *words, "--full", model=study.model_spec)


def print_reading(console: Console, measures: Sequence[str], marks: set[str], baseline: str = "") -> None:
    """Prints what brackets and measures mean; and better and worse, if a baseline is given."""
    levels = dict.fromkeys(measure.lstrip("VaRES") for measure in measures if measure != "mean")
    sentences = ["Brackets: 95 % intervals of the Monte Carlo error."]
    if SPREAD in marks:
        sentences = [f"{SPREAD} the wider side, brackets both sides of 95 % intervals (Monte Carlo error)."]
    if len(levels) == 1:
        (level,) = levels
        worst = f"the worst {100 - float(level):.3g} % of futures"
        sentence = f"ES{level}: the mean of {worst}."
        if f"VaR{level}" in measures:
            sentence = f"VaR{level}: what {worst} reach or pass; ES{level}: the mean of these."
        sentences.append(sentence)
    elif levels:
        sentences.append("VaR a: what the worst 100 - a % of futures reach or pass; ES a: the mean of these.")
    if baseline:
        sentences.append(f"better, worse: than {baseline}, on the same futures.")
    print_words(console, " ".join(sentences), "dim")


def print_flags(
    console: Console, marks: set[str], records: Iterable[Record], measures: Sequence[str], brief: bool = False
) -> None:
    """Prints what the marks on a table mean, why intervals are missing, and how many paths are left out.

    Args:
      brief: leave out the reasons, and which numbers have a heavy tail; `--full` gives both.
    """
    from engine.risk.estimation.exclusion import notice
    from engine.risk.estimation.flags import Reason

    records = list(records)
    out = [flag for r in records for flag in r.flags if flag.reason is Reason.NOT_FINITE]
    if out:
        most = max(out, key=lambda flag: flag.got)
        print_words(console, f"{notice(int(most.got), int(most.limit))}.", "dim")
    shown = {*measures, "probability", "share"}
    flagged = [r for r in records if r.flag and r.bare_measure in shown]
    if NO_INTERVAL in marks:
        missing = [r for r in flagged if math.isnan(r.low)]
        why = (
            f", for one that could be trusted ({reasons(missing, ', in --json')})"
            if missing
            else ", for one that could be trusted"
        )
        sentence = f"No interval: too few paths, or too heavy a tail{'; --full says which' if brief else why}."
        print_words(console, f"{NO_INTERVAL} {sentence}", "dim")
    if HEAVY in marks:
        doubtful = "" if brief else f" ({places(r for r in flagged if r.heavy and not math.isnan(r.low))})"
        sentence = f"A heavy tail: more paths may move it further than its interval says{doubtful}."
        print_words(console, f"{HEAVY} {sentence}", "dim")
    if BINNED in marks:
        sentence = (
            "From a histogram, because the outcome is not kept path by path (keep.outcomes): the interval holds what "
            "its bins leave open."
        )
        print_words(console, f"{BINNED} {sentence}", "dim")
