"""The sections of the page, in order: each is a function from the records of a run to a `Section`, or None.

The first pages have sections of their own; every answer has the same one: sentences, charts, tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import islice

from engine.answers import record_tables, registry
from engine.answers.answer import Answer, Subject
from engine.answers.as_text import NO_INTERVAL, Cell, cell
from engine.answers.layout import COMMAND, Stack, notes, parts, stacks, text_of
from engine.answers.table import Column, Kind, Table
from engine.formatting import begun
from engine.report import brief, pictures
from engine.report.assumed import section as assumed
from engine.report.computed import section as computed
from engine.report.markup import Section, render
from engine.report.pictures import Picture
from engine.report.records import RunRecords
from engine.report.sentences import CHANCE, WHEN, best, bracketed, parts as parts_of_events, what, worse
from engine.report.text import minus
from engine.report.words import told
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import record

READING = (
    "Brackets: 95 % intervals of the Monte Carlo error. VaR a: what the worst 100 - a % of futures reach or pass; ES a:"
    " the mean of these. Differences are taken on the same futures, in percentage points for events."
)
NAMED = 3
"""Most policies that stand side by side on the first pages."""
Shown = tuple[str, list[str], list[list[str]], list[str]]
"""A table as the page shows it: title, heads, rows, notes."""


def answer(run: RunRecords) -> Section:
    """The first screen: sentences and one chart."""
    picture = pictures.first(run)
    is_partial = str(run.tree.attrs.get("status", "complete")) == "partial"
    markup = render(
        "answer.html",
        screen=brief.first_screen(run),
        partial=(run.paths, int(run.tree.attrs.get("paths_asked", 0))) if is_partial else None,
        pictures=[picture] if picture else [],
    )
    return Section("answer", "The answer", markup, (picture,) if picture else (), brief=True)


def numbers(run: RunRecords) -> Section:
    """Headline outcomes and events, policies side by side, before and given the facts where both are known."""
    markup = render("numbers.html", table=board(run), worse=[*worse(run), *parts_of_events(run)])
    return Section("numbers", "The numbers", markup, brief=True)


def board(run: RunRecords) -> Shown:
    """The table of the first pages."""
    study, base, chosen = run.study, run.study.baseline, _side_by_side(run)
    rows = [(measure, name) for name in run.outcomes for measure in ("mean", "ES99")]
    rows += [(CHANCE, name) for name in run.events]
    known = run.answers.get("condition")
    given = {} if known is None or "risk" not in known else _before_and_given(run, known)
    heads, cells, bare = [""], [list[str]() for _ in rows], list[Cell]()
    for policy in chosen:
        title = study.title("policies", policy)
        if given:
            heads += [f"{title}, before the facts", f"{title}, given them"]
        else:
            heads += [title] + [f"{title} less {study.phrase('policies', base)}"] * (policy != base)
        for own, (measure, name) in zip(cells, rows, strict=True):
            if given:
                both = given.get((measure, policy, name), (None, None))
                own += [bracketed(measure, record(measure, policy, name, one) if one else None) for one in both]
                continue
            one = run.risk[measure, policy, name]
            own.append(bracketed(measure, one))
            bare.append(cell(one))
            if policy != base:
                gap = run.comparison.get((f"difference_{measure}", policy, name))
                judged = cell(gap, 1.0, study.loss_of(name)).verdict.replace("same", "not told apart")
                own.append(f"{bracketed(measure, gap)} {judged}".strip())
                bare.append(cell(gap))
    names = [begun(what(run, name)) + (f", {WHEN[measure]}" if WHEN[measure] else "") for measure, name in rows]
    left = len(study.policies) - len(chosen)
    more = [f"{left} more policies: see the tables of the risk."] if left else []
    texts = [[name, *own] for name, own in zip(names, cells, strict=True)]
    marks = notes([Stack("", tuple(one for one in bare if one.mark == NO_INTERVAL), Column("", Kind.TEXT, (), ""))])
    return "Headline outcomes and events", heads, texts, [*marks, *more]


def _side_by_side(run: RunRecords) -> list[str]:
    """The baseline and the others; of many others only the best ones by the first outcome."""
    base, left, kept = run.study.baseline, [*run.others], list[str]()
    while left and len(kept) < NAMED - 1:
        kept.append(best(run, left, "mean", run.outcomes[0]))
        left.remove(kept[-1])
    return [base, *(policy for policy in run.others if policy in kept)]


def _before_and_given(run: RunRecords, known: Answer) -> dict[tuple[str, str, str], tuple[Estimate, Estimate]]:
    """(measure, policy, variable) -> its estimates before and given the facts; names are in the words of the study."""
    study, held = run.study, {}
    names = {title: name for name in run.outcomes for title in (name, study.title("outcomes", name))}
    names |= {title: name for name in run.events for title in (name, study.title("events", name))}
    policies = {title: name for name in study.policy_names for title in (name, study.title("policies", name))}
    for row in known["risk"].rows():
        pair = row["before"], row["given"]
        if row["variable"] in names and row["policy"] in policies and all(isinstance(one, Estimate) for one in pair):
            held[row["measure"], policies[row["policy"]], names[row["variable"]]] = pair
    return held


def sure(run: RunRecords) -> Section:
    """How large the errors are, of counting and of the model."""
    markup = render("sure.html", sentences=brief.sure(run), limits=run.study.model.limits)
    return Section("sure", "How sure", markup, brief=True)


def turns(run: RunRecords) -> Section:
    """The finding of each question that was asked, a line each, and which were not."""
    rows = [(run.answers[name].heading, run.answers[name].finding, name) for name in ordered(run)]
    return Section("turns", "What turns it", render("turns.html", rows=rows, missing=brief.not_asked(run)), brief=True)


def risk(run: RunRecords) -> Section:
    """The estimates of every outcome and event, as an answer, with the charts of the run."""
    study, every = run.study, [*run.risk.values(), *run.comparison.values()]
    name = run.outcomes[0]
    means = [run.risk["mean", policy, name] for policy in study.policy_names]
    gaps = [run.comparison["difference_mean", policy, name] for policy in run.others]
    findings = tuple(record_tables.sentence(study, own) for own in (means, gaps) if own)
    tables = tuple(
        replace(one, title=f"{one.title}, events") if one.name.endswith("events") else one
        for one in record_tables.tables(study, every)
    )
    asked = Answer(
        Subject.of(study), findings, tables, f"{study.name}: {study.futures}", READING,
        heading="How risky each policy is",
    )  # fmt: skip
    return of_answer("risk", told(study, asked), pictures.of_run(run), True)


def asked(run: RunRecords, question: str, room: int = pictures.MOST) -> Section:
    """The section of an answer, with `room` charts at most."""
    own = run.answers[question]
    return of_answer(question, own, islice(pictures.of_question(run, question, own), room))


def of_answer(anchor: str, own: Answer, drawn: Iterable[Picture] = (), is_whole: bool = False) -> Section:
    """The section of any answer: its sentences, charts, brief tables, and tables of other variables folded away.

    Args:
      is_whole: whether all of its tables are folded away, with every row.
    """
    split = [[_shown(part) for part in parts(table, full=False)] for table in own.tables]
    first = [table for table, *_ in filter(None, split)]
    further = [table for _, *rest in filter(None, split) for table in rest if table[2]]
    if is_whole:
        first, further = [], [_shown(part, full=True) for table in own.tables for part in parts(table) if len(part)]
    made = tuple(drawn)
    markup = render(
        "asked.html",
        heading=own.heading,
        findings=own.findings,
        pictures=made,
        tables=[table for table in first if table[2]],
        further=further,
        kept=[title for title, _, rows, _ in first if not rows],
        basis=own.basis,
        reading=own.reading,
    )
    return Section(anchor, own.heading, markup, made)


def _shown(table: Table, full: bool = False) -> Shown:
    names, columns = stacks(table, full)
    rows = [[minus(name.estimate), *(_text(of, k) for of in columns)] for k, name in enumerate(names.cells)]
    left = len(table) - sum(table.brief or [True] * len(table)) if not full and not table.across else 0
    more = [f"{left:,} more rows are kept beside the cube."] if left and rows else []
    heads = [names.head, *(of.head.replace("\n", ", ") for of in columns)]
    return table.title, heads, rows, [*notes(columns), *more]


def _text(of: Stack, k: int) -> str:
    text = text_of(of.cells[k])
    return text if of.of.name == COMMAND else minus(text)


def limits(run: RunRecords) -> Section | None:
    """The model's own sentences on its limits; None for a model that states none."""
    said = run.study.model.limits
    return Section("limits", "What the model cannot say", render("limits.html", limits=said)) if said else None


SECTIONS: tuple[Callable[[RunRecords], Section | None], ...] = (answer, numbers, sure, turns, risk)
"""The sections before those of the answers; one that gives None is left out."""
LAST: tuple[Callable[[RunRecords], Section | None], ...] = (limits, assumed, computed)
"""The sections behind them."""


def ordered(run: RunRecords) -> list[str]:
    """The questions that were answered, in the order in which one asks them, those of other packages last."""
    return [name for name in dict.fromkeys((*registry.QUESTIONS, *run.answers)) if name in run.answers]


def every(run: RunRecords, before: Sequence[Callable[[RunRecords], Section | None]] = SECTIONS) -> list[Section]:
    """All sections of the page, with `pictures.MOST` charts at most."""
    made = [one for build in before if (one := build(run))]
    for name in ordered(run):
        made.append(asked(run, name, max(pictures.MOST - sum(len(one.pictures) for one in made), 0)))
    return made + [one for build in LAST if (one := build(run))]
