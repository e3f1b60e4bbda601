"""The attribution to levers as an answer: sentences, which claim no more than their intervals, and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.analyses.attribution import Attribution, Part, attribution
from engine.analyses.columns import fields, labelled
from engine.analyses.comparison import of_named
from engine.analyses.variables import PROBABILITY, SHORTFALL
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, estimates, texts
from engine.risk.estimation.as_text import cell, judged, shown_in
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import record
from engine.risk.estimation.wording import measured, size, some
from engine.study.study import Study

READING = (
    "share: what a group adds, averaged over all orders in which the groups may be changed (its Shapley value): the"
    " shares add up to the difference. alone: what it does where nothing else is changed. taken back: what is lost"
    " where all is changed but it. Brackets: 95 % intervals."
)


def answer(of: Asked, start: str, end: str, variables: Sequence[str]) -> Answer:
    """The answer to `attribute`: how much each group of levers contributes to the difference between two policies.

    Args:
      variables: outcomes and events; the sentence is about the first. The headline and all events if there are none.

    Raises:
      UserError: as `engine.analyses.attribution.attribution`.
    """
    given = attribution(of.study, start, end, variables or None, of.paths, of.device, of.observe)
    study, count = of_named(given.study, (start, end)), len(given.players)
    facts = f"{study.name}: {study.futures}, {1 << count} coalitions of {count} group{'' if count == 1 else 's'}"
    left_out = f", {given.excluded:,} paths left out, whose values are not finite" if given.excluded else ""
    made = [_percents(given), _groups(given), *_shares(given)]
    findings = tuple(sentences(given, _subject(given, variables)))
    return Answer(Subject.of(study), findings, tuple(made), f"{facts}{left_out}", READING, given)


def sentences(given: Attribution, part: Part) -> Iterator[str]:
    """Sentences on one measure: which groups carry most of the difference, and which work against it.

    Groups whose share is not distinguishable from zero, or has no interval, are named as such.
    """
    study, whole = given.study, part.difference
    start, end = (study.phrase("policies", name) for name in (given.start, given.end))
    what, sign = measured(study, part.variable, part.measure), judged(whole)
    shares = {p.name: one for p, one in zip(given.players, part.share, strict=True)}

    def of(wanted: int | None, but: Sequence[str] = ()) -> list[str]:
        return [_called(study, name) for name, one in shares.items() if judged(one) == wanted and name not in but]

    if not sign:
        why = "has no interval" if sign is None else "cannot be told from nothing"
        yield f"What going from {start} to {end} does to {what} {why}."
        if clear := [*of(1), *of(-1)]:
            yield f"Yet these levers do something each: {some(clear)}."
        return
    gap, leaders = size(part.measure, study.unit_of(part.variable), whole), part.leaders
    head = f"Going from {start} to {end} {f'adds {gap} to' if sign > 0 else f'takes {gap} off'} {what}"
    first, *others = (_called(study, name) for name in leaders)
    own = shares[leaders[0]]
    if judged(own) != sign:
        yield f"{head}."
        yield "No lever's share of it can be told from nothing."
        return
    if others:
        yield f"{head}."
        yield f"Which lever carries most of it is open: {some([first, *others])} may."
    else:
        near, far = (own.low, whole.high) if sign > 0 else (own.high, whole.low)
        how = "mostly" if sign * near > 0.5 * sign * far else "above all"
        yield f"{head}, {how} through {first} ({_percent(part, own)} %)."
    named = {
        "Against it works": of(-sign),
        "No clear share of it": of(0, leaders),
        "Without an interval": of(None, leaders),
    }
    for how, names in named.items():
        if names:
            yield f"{how}: {some(names)}."


def _called(study: Study, player: str) -> str:
    """The name of a group of levers, or of a lever in no group, within a sentence."""
    return study.phrase("lever_groups" if player in study.lever_groups else "levers", player)


def _subject(given: Attribution, named: Sequence[str]) -> Part:
    """The part of the result that the sentences are about.

    It is that of the variable named first; if none is named, of an event that combines others, else of any event, else
    the ES99 of an outcome.
    """
    events = given.study.events_by_name
    of_events = [part for part in given.parts if part.measure == PROBABILITY]
    tails = [part for part in given.parts if part.measure == SHORTFALL]
    if named:
        return next(part for part in (*tails, *of_events) if part.variable == named[0])
    return next(iter([*sorted(of_events, key=lambda part: not events[part.variable].all_of), *tails]))


def _groups(given: Attribution) -> Table:
    rows = [(player.name, ", ".join(player.levers)) for player in given.players]
    columns = labelled(rows, group="levers that are looked at together", levers="those of them that differ")
    return Table("groups", "Groups of levers", columns, ("group",), [name != of for name, of in rows])


def _percents(given: Attribution) -> Table:
    """The table of shares in percent of the difference.

    A share not distinguishable from zero is in brackets; "-" stands where the difference itself is not.
    """
    held = []
    for part in given.parts:
        for player, own in zip(given.players, part.share, strict=True):
            text = _percent(part, own)
            mark = cell(record(part.measure, player.name, part.variable, own)).mark
            held.append(f"({text})" if text and judged(own) == 0 else f"{text}{mark}" if text else "-")
    columns = (
        *_labels(given, given.parts),
        texts("percent", held, "share in percent of the difference, as people read it"),
    )  # fmt: skip
    title = "Shares in % of the difference; in brackets: cannot be distinguished from zero"
    return Table("percent", title, columns, ("of", "group"), across="group")


def _shares(given: Attribution) -> list[Table]:
    """Tables of each group's contributions to outcomes, in their units, and to probabilities."""
    events = [part for part in given.parts if part.measure == PROBABILITY]
    outcomes = [part for part in given.parts if part.measure != PROBABILITY]
    made = (_effects(given, "outcomes", outcomes, ""), _effects(given, "events", events, "points"))
    return [table for table in made if len(table)]


def _effects(given: Attribution, name: str, parts: Sequence[Part], shown: str) -> Table:
    wholes = [part.difference for part in parts for _ in given.players]
    about = {
        "share": "what the group adds, averaged over all orders: its Shapley value",
        "alone": "what it does where it alone is changed",
        "taken_back": "what is lost where it alone is not changed",
    }
    columns = (
        *_labels(given, parts),
        estimates(
            "difference", wholes, "under the policy that is gone to less under the one that is left", shown=shown,
            over=("of",), head=f"{given.end} less {given.start}",
        ),
        *(estimates(of, [one for part in parts for one in getattr(part, of)], about[of], shown=shown) for of in about),
    )  # fmt: skip
    return Table(name, "What each group does", columns, ("of", "group"), apart="of")


def _labels(given: Attribution, parts: Sequence[Part]) -> tuple[Column, ...]:
    """The label columns: measure and variable, unit, and group."""
    each = [part for part in parts for _ in given.players]
    units = [shown_in(f"difference_{part.measure}", given.study.unit_of(part.variable))[1] for part in each]
    about = {"variable": "outcome or event", "measure": "mean or ES99 of an outcome, probability of an event"}
    over = {"over": ("of",), "brief": False}
    return (
        texts("of", [f"{part.measure} of {part.variable}" for part in each], "what the difference is in"),
        *fields(texts, each, about, **over),
        texts("unit", units, "unit of what people read", **over),
        texts("group", [player.name for _ in parts for player in given.players], "levers that are looked at together"),
    )


def _percent(part: Part, own: Estimate) -> str:
    """A share in percent of the difference; "" if the difference is not distinguishable from zero."""
    whole = part.difference
    return f"{round(100 * own.estimate / whole.estimate)}" if judged(whole) else ""
