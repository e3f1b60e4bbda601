"""The sections of the page, in order: each is a function from the records of a run to a `Section`, or None.

The first pages have sections of their own; every answer has the same one: sentences, charts, tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice
from math import isfinite

from engine.answers import record_tables
from engine.answers.answer import Answer
from engine.answers.as_text import NO_INTERVAL
from engine.answers.layout import COMMAND, notes, parts, stacks, text_of
from engine.answers.table import Table
from engine.charts.labels import minus
from engine.formatting import begun
from engine.report import brief, pictures
from engine.report.assumed import section as assumed
from engine.report.computed import section as computed
from engine.report.markup import Section, render
from engine.report.pictures import Picture
from engine.report.records import RunRecords
from engine.report.sentences import (
    CHANCE,
    FUTURES,
    bracketed,
    headline_measures,
    parts as parts_of_events,
    ranked,
    sign,
    what,
    why,
    worse,
)
from engine.report.words import told
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record

READING = (
    "Brackets are 95 % intervals of the Monte Carlo error. VaR a is the level that the worst 100 - a % of futures"
    " reach; ES a is the mean of these futures. Differences are taken on the same futures, in percentage points for"
    " events."
)
NAMED = 3
"""Most policies that stand side by side on the first pages."""
Shown = tuple[str, list[str], list[list[str]], list[str]]
"""A table as the page shows it: title, heads, rows, notes."""
Build = Callable[[RunRecords], Section | None]


def answer(run: RunRecords) -> Section:
    """The first screen: sentences and one chart."""
    drawn = tuple(pictures.first(run))
    markup = render("answer.html", screen=brief.first_screen(run), run=run, pictures=drawn)
    return Section("answer", "The answer", markup, drawn, brief=True)


def numbers(run: RunRecords) -> Section:
    """Headline outcomes and events, policies side by side, before and given the facts where both are known."""
    markup = render("numbers.html", table=board(run), worse=[*worse(run), *parts_of_events(run)])
    return Section("numbers", "The numbers", markup, brief=True)


def board(run: RunRecords) -> Shown:
    """The table of the first pages: the baseline and the best of the others by the first outcome."""
    study, base = run.study, run.study.baseline
    keys = headline_measures(run)
    best = ranked(run, run.others, "mean", run.outcomes[0])[: NAMED - 1]
    heads, columns = [""], list[Sequence[Record | Estimate | None]]()
    for policy in (base, *(one for one in run.others if one in best)):
        title = study.title("policies", policy)
        if run.given:
            heads += [f"{title}, before conditioning", f"{title}, after"]
            columns += zip(*(run.given.get((of, policy, name), (None, None)) for of, name in keys), strict=True)
            continue
        heads.append(title)
        columns.append([run.risk[of, policy, name] for of, name in keys])
        if policy != base:
            heads.append(f"{title} less {study.phrase('policies', base)}")
            columns.append([run.comparison.get((f"difference_{of}", policy, name)) for of, name in keys])
    labels = [begun(what(run, name)) + f", mean{FUTURES[of]}" * (of != CHANCE) for of, name in keys]
    texts = [[_text_of(run, *key, one) for key, one in zip(keys, own, strict=True)] for own in columns]
    bare = [one for own in columns for one in own if one and not isfinite(one.high - one.low)]
    marks = [f"{NO_INTERVAL} no interval: {'; '.join(dict.fromkeys(map(why, bare)))}"] if bare else []
    left = len(run.others) - len(best)
    marks += [f"The tables of the risk show {left} more policies."] if left else []
    return "Headline outcomes and events", heads, [[*row] for row in zip(labels, *texts, strict=True)], marks


def _text_of(run: RunRecords, measure: str, name: str, one: Record | Estimate | None) -> str:
    """A number of the first pages; a difference with its verdict, and without an interval rounded as its policy is."""
    if not isinstance(one, Record) or one.measure == measure:
        return bracketed(measure, one)
    verdict = {-1: " better", 0: " not significant", 1: " worse", None: ""}[sign(run, measure, one.policy, name)]
    return bracketed(measure, one, run.risk[measure, one.policy, name]) + verdict


def sure(run: RunRecords) -> Section:
    """How large the errors are, of counting and of the model."""
    markup = render("sure.html", sentences=brief.sure(run), limits=run.study.model.limits)
    return Section("sure", "How sure", markup, brief=True)


def turns(run: RunRecords) -> Section:
    """The finding of each question that was asked, a line each, and which were not."""
    rows = [(own.heading, own.finding, name) for name, own in run.answers.items()]
    return Section("turns", "Findings", render("turns.html", rows=rows, missing=brief.not_asked(run)), brief=True)


def risk(run: RunRecords) -> Section:
    """The estimates of every outcome and event, as an answer, with the charts of the run."""
    study, name = run.study, run.outcomes[0]
    means = [run.risk["mean", policy, name] for policy in study.policy_names]
    gaps = [run.comparison["difference_mean", policy, name] for policy in run.others]
    findings = tuple(record_tables.sentence(study, own) for own in (means, gaps) if own)
    tables = tuple(
        replace(one, title=f"{one.title}, events") if one.name.endswith("events") else one
        for one in record_tables.tables(study, [*run.risk.values(), *run.comparison.values()])
    )
    basis, heading = f"{study.name}: {study.futures}", "Risk under each policy"
    own = told(study, Answer.about(study, findings, tables, basis, READING, heading=heading))
    return of_answer("risk", own, pictures.of_run(run), [], [_laid_out(table, full=True) for table in own.tables])


def asked(run: RunRecords, question: str, room: int) -> Section:
    """The section of an answer, with `room` charts at most; of tables in parts the first stands, others are folded."""
    own = run.answers[question]
    split = [[_laid_out(part) for part in parts(table, full=False)] for table in own.tables]
    first = [of[0] for of in split if of]
    further = [table for of in split for table in of[1:]]
    return of_answer(question, own, islice(pictures.of_question(run, question, own), room), first, further)


def of_answer(
    anchor: str, own: Answer, drawn: Iterable[Picture], first: Sequence[Shown], further: Sequence[Shown]
) -> Section:
    """The section of any answer: its sentences, charts and tables.

    Args:
      first: tables that are seen; of one without rows its title.
      further: tables that are folded away.
    """
    made = tuple(drawn)
    markup = render("asked.html", own=own, pictures=made, tables=first, further=further)
    return Section(anchor, own.heading, markup, made)


def _laid_out(table: Table, full: bool = False) -> Shown:
    names, columns = stacks(table, full)
    every = [names, *columns]
    texts = [[text if of.of.name == COMMAND else minus(text) for text in map(text_of, of.cells)] for of in every]
    rows = [[*row] for row in zip(*texts, strict=True)]
    left = 0 if full or table.across or not rows else table.brief.count(False)
    more = [f"{left:,} more rows are stored beside the cube."] if left else []
    return table.title, [of.head.replace("\n", ", ") for of in every], rows, [*notes(columns), *more]


def limits(run: RunRecords) -> Section | None:
    """The model's own sentences on its limits; None for a model that states none."""
    said = run.study.model.limits
    return Section("limits", "Limits of the model", render("limits.html", limits=said)) if said else None


SECTIONS: tuple[Build, ...] = (answer, numbers, sure, turns, risk)
"""The sections before those of the answers; one that gives None is left out."""
LAST: tuple[Build, ...] = (limits, assumed, computed)
"""The sections behind them."""


def every(run: RunRecords, before: Sequence[Build] = SECTIONS) -> list[Section]:
    """All sections of the page, with `pictures.MOST` charts at most."""
    made = [one for build in before if (one := build(run))]
    for name in run.answers:
        made.append(asked(run, name, max(pictures.MOST - sum(len(one.pictures) for one in made), 0)))
    return made + [one for build in LAST if (one := build(run))]
