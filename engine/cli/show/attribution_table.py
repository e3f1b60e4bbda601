"""Which lever does what: a sentence that claims no more than its intervals, then a table for each outcome and event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from engine.analyses.attribution import EFFECTS, PROBABILITY, SHORTFALL
from engine.cli.show.risk_tables import print_flags
from engine.cli.show.rows import Column, print_rows
from engine.cli.show.screen import print_title, print_words
from engine.formatting import words
from engine.risk.as_text import Cell, cell, judged, shown_in
from engine.risk.tables import Record, record

if TYPE_CHECKING:
    from engine.analyses.attribution import Attribution, Part
    from engine.risk.intervals import Estimate

READING = (
    "share: what a group adds, averaged over all orders in which the groups may be changed (its Shapley value): the shares add up to the "
    "difference. alone: what it does where nothing else is changed. taken back: what is lost where all is changed but it. "
    "Brackets: 95 % intervals."
)


def print_attribution(console: Console, given: Attribution, named: Sequence[str] | None) -> None:
    """The finding, what the groups are, the tables, how to read them, and what must be known of their numbers.

    Args:
      named: the outcomes and events that were asked for; the first of them is what the finding is of.
    """
    study = given.study
    print_words(console, finding(given, _subject(given, named)), "bold")
    count = len(given.players)
    facts = f"{study.paths:,} paths, seed {study.seed}, {1 << count} coalitions of {count} group{'' if count == 1 else 's'}"
    print_words(console, f"{study.name}: {facts}")
    width = max(len(player.name) for player in given.players)
    for player in given.players:
        levers = ", ".join(player.levers)
        if levers != player.name:
            print_words(console, f"  {player.name:<{width}}  {levers}", "dim", " " * (width + 4))
    console.print()
    marks: set[str] = set()
    if len(given.parts) > 1:
        _print_percents(console, given)
    for part in given.parts:
        marks |= _print_part(console, given, part)
    print_words(console, READING, "dim")
    flagged = [
        _record(part, player.name, one)
        for part in given.parts
        for effect in EFFECTS
        for player, one in zip(given.players, getattr(part, effect), strict=True)
    ]
    print_flags(console, marks, flagged, sorted({part.measure for part in given.parts}))


def finding(given: Attribution, part: Part) -> str:
    """One sentence on a measure: which group carries most of the difference, which work against it, which are not told from zero."""
    whole = _record(part, given.end, part.difference)
    sign, scale = judged(whole), _scale(part)
    shares = {
        player.name: _record(part, player.name, one)
        for player, one in zip(given.players, part.share, strict=True)
    }
    signs = {name: judged(one) for name, one in shares.items()}
    said = {name: _said(cell(one, scale)) for name, one in shares.items()}
    what = f"{part.measure} of {part.variable}"
    of_whole = f"{_said(cell(whole, scale))} {_unit(given, part)}"
    if not sign:
        told = [f"{name} {said[name]}" for name in shares if signs[name]]
        rest = f", though of its groups of levers these are: {', '.join(told)}" if told else ""
        return f"{given.end} is not told from {given.start} in {what} ({of_whole}){rest}."
    first, *others = part.leaders
    head = f"{given.end} less {given.start}, {what}: {of_whole}; "
    if signs[first] != sign:
        return f"{head}no group's share of it is told from zero."
    if others:
        names = _listed([first, *others])
        lead = f"{names} carry the largest parts of it, and which of these carries most is not told"
    else:
        own = shares[first]
        near, far = (own.low, whole.high) if sign > 0 else (own.high, whole.low)
        how = "most" if sign * near > 0.5 * sign * far else "the largest part"
        lead = f"{first} carries {how} of it, {said[first]} ({_percent(part, own.estimate)} %)"
    against = [f"{name} ({said[name]})" for name in shares if signs[name] == -sign]
    nothing = [name for name in shares if signs[name] == 0 and name not in others]
    unknown = [name for name in shares if signs[name] is None and name not in others]
    parts = [
        lead,
        *([f"{_listed(against)} work{_s(against)} against it"] if against else ()),
        *([f"{_listed(nothing)} {_is(nothing)} not told from zero"] if nothing else ()),
        *([f"{_listed(unknown)} {_has(unknown)} no interval"] if unknown else ()),
    ]
    return f"{head}{'; '.join(parts)}."


def _subject(given: Attribution, named: Sequence[str] | None) -> Part:
    """What the finding is of: what was named first; else, as in the report, the event of several events, else the first one, else the headline."""
    events = {event.name: event for event in given.study.events}
    of_events = [part for part in given.parts if part.measure == PROBABILITY]
    tails = [part for part in given.parts if part.measure == SHORTFALL]
    if named:
        return next(part for part in (*tails, *of_events) if part.variable == named[0])
    return next(iter([*sorted(of_events, key=lambda part: not events[part.variable].all_of), *tails]))


def _print_percents(console: Console, given: Attribution) -> None:
    """All shares in percent of their difference, in brackets those that are not told from zero; none of a difference that is not."""
    columns = []
    for k, player in enumerate(given.players):
        cells = []
        for part in given.parts:
            own = _record(part, player.name, part.share[k])
            text = _percent(part, own.estimate)
            cells.append(
                f"({text})" if text and judged(own) == 0 else f"{text}{cell(own).mark}" if text else "-"
            )
        columns.append(Column(player.name, cells))
    names = [f"{part.measure} of {part.variable}" for part in given.parts]
    title = "Shares in % of the difference; in brackets: not told from zero"
    print_rows(console, title, Column("", names, left=True), columns)


def _print_part(console: Console, given: Attribution, part: Part) -> set[str]:
    scale = _scale(part)
    whole = cell(_record(part, given.end, part.difference), scale)
    head = f"{part.measure} of {part.variable} [{_unit(given, part)}]"
    print_title(console, head, f"{given.end} less {given.start} {_said(whole)}")
    cells = {
        effect: [
            cell(_record(part, player.name, one), scale)
            for player, one in zip(given.players, getattr(part, effect), strict=True)
        ]
        for effect in EFFECTS
    }
    percents = [_percent(part, one.estimate) for one in part.share]
    columns = [
        Column("share", _aligned(cells["share"]), left=True),
        *([Column("%", percents)] if any(percents) else ()),
        *(
            Column(words(effect), _aligned(cells[effect]), left=True, group="one at a time")
            for effect in EFFECTS[1:]
        ),
    ]
    print_rows(console, "", Column("", [player.name for player in given.players], left=True), columns)
    return {one.mark for row in (*cells.values(), [whole]) for one in row if one.mark}


def _aligned(cells: Sequence[Cell]) -> list[str]:
    """Estimates under each other, and intervals."""
    width = max(len(one.estimate) for one in cells)
    return [f"{one.estimate:>{width}}{one.mark or ' '} {one.interval}".rstrip() for one in cells]


def _record(part: Part, who: str, one: Estimate) -> Record:
    return record(part.measure, who, part.variable, one)


def _said(one: Cell) -> str:
    return f"{one.estimate}{one.mark} {one.interval}".strip()


def _scale(part: Part) -> float:
    return shown_in(f"difference_{part.measure}")[0]


def _unit(given: Attribution, part: Part) -> str:
    outcome = given.study.model.outcomes.get(part.variable)
    return shown_in(f"difference_{part.measure}", outcome.unit if outcome else "1")[1]


def _percent(part: Part, own: float) -> str:
    """A share in percent of the difference; nothing where that is not told from zero."""
    whole = _record(part, "", part.difference)
    if not judged(whole):
        return ""
    text = f"{100 * own / whole.estimate:.0f}"
    return "0" if text == "-0" else text


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _s(names: Sequence[str]) -> str:
    return "s" if len(names) == 1 else ""


def _is(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _has(names: Sequence[str]) -> str:
    return "has" if len(names) == 1 else "have"
