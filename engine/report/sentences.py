"""The answer in three sentences, from records with their intervals; nothing is claimed that an interval does not show.

The first is of an event: under which policy it is likelier. The second is of the bad end of an outcome, the third of
where the better policy is the worse one. A difference is called one where its 95 % interval leaves out zero; where it
does not, the two "cannot be told apart"; where there is no interval, the flag says why and nothing is compared. What two
policies are that were not compared on the same paths is only said where their own intervals do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.report.text import distance, unit_of, with_interval
from engine.risk.as_text import judged
from engine.risk.tables import Record
from engine.risk.wording import listed

TAIL = "ES99"
OF_MEASURE = {
    "ES99.9": "in the worst 0.1 % of futures",
    "ES99": "in the worst 1 % of futures",
    "ES95": "in the worst 5 % of futures",
    "mean": "on average",
}
"""How a sentence names a measure, in the order in which one is looked for."""
NAMED = 3
"""Outcomes or policies that are named one by one; more are counted."""


@dataclass(frozen=True)
class Spoken:
    """An outcome or an event as a sentence names it, the unit of its numbers, and whether high is worse."""

    name: str
    unit: str = "1"
    loss: bool = True


@dataclass(frozen=True)
class Subject:
    """What is compared.

    Args:
      policies: names, in the order of the study.
      baseline: the one that the others are compared with.
      outcomes, events: by the variable's name, the one to speak of first.
      risk, comparison: records by (measure, policy, variable).
    """

    policies: tuple[str, ...]
    baseline: str
    outcomes: Mapping[str, Spoken]
    events: Mapping[str, Spoken]
    risk: Mapping[tuple[str, str, str], Record]
    comparison: Mapping[tuple[str, str, str], Record]

    @property
    def others(self) -> tuple[str, ...]:
        """All but the baseline."""
        return tuple(name for name in self.policies if name != self.baseline)

    def sign(self, measure: str, policy: str, variable: str) -> int | None:
        """1 where the policy is the worse one by its interval, -1 where it is the better one, 0 neither, None unknown."""
        sign = judged(self.comparison.get((f"difference_{measure}", policy, variable)))
        loss = self.outcomes[variable].loss if variable in self.outcomes else True
        return None if sign is None else sign if loss else -sign

    def own(self, measure: str, policy: str, variable: str) -> str:
        """The policy's own number with its unit and interval; a probability in percent."""
        record = self.risk[measure, policy, variable]
        if measure == "probability":
            return with_interval(record, 100.0, " %")
        return with_interval(record, 1.0, unit_of(self.outcomes[variable].unit))


def answer(subject: Subject) -> tuple[str, str, str]:
    """The three sentences."""
    if not subject.others:
        return _alone(subject)
    return _event(subject), _tail(subject), _other_side(subject)


def _alone(subject: Subject) -> tuple[str, str, str]:
    (policy,) = subject.policies
    last = "No other policy was run, so nothing is compared."
    event, outcome = next(iter(subject.events), None), next(iter(subject.outcomes))
    measure = next(
        (
            m
            for m in OF_MEASURE
            if m != "ES99.9" and not any(flag.withholds for flag in subject.risk[m, policy, outcome].flags)
        ),
        TAIL,
    )
    tail = _capital(f"{OF_MEASURE[measure]}, {_number(subject, measure, policy, outcome)}.")
    if event is None:
        return f"On average, {_number(subject, 'mean', policy, outcome)} under {policy}.", tail, last
    chance = subject.risk["probability", policy, event]
    name = subject.events[event].name
    why = f" ({chance.flag})" if chance.flag else ""
    first = f"{_quoted(name)} has a probability of {with_interval(chance, 100.0, ' %')} under {policy}{why}."
    return first, tail, last


def _number(subject: Subject, measure: str, policy: str, outcome: str) -> str:
    record, spoken = subject.risk[measure, policy, outcome], subject.outcomes[outcome]
    flag = f" ({record.flag})" if record.flag else ""
    return f"{spoken.name} is {with_interval(record, 1.0, unit_of(spoken.unit))}{flag}"


def _event(subject: Subject) -> str:
    event = next(iter(subject.events), None)
    if event is None:  # the mean of the first outcome in its place
        return _of_outcome(subject, "mean", next(iter(subject.outcomes)))
    if len(subject.others) > 1:
        return _event_of_many(subject, event)
    (policy,), base = subject.others, subject.baseline
    name, gap = subject.events[event].name, subject.comparison["difference_probability", policy, event]
    here, there = (subject.own("probability", p, event) for p in (policy, base))
    sign, rest = judged(gap), _rest_of_events(subject, policy)
    if sign is None:
        return f"Whether {_quoted(name)} is likelier under {policy} than under {base} cannot be said: {gap.flag}."
    if sign == 0:
        apart = f"{here} and {there}, a difference of {with_interval(gap, 100.0, ' points')}"
        return f"In how likely {_quoted(name)} is, {policy} and {base} cannot be told apart: {apart}{rest}."
    word, more = ("likelier", "more") if sign > 0 else ("less likely", "less")
    return (
        f"{_quoted(name)} is {word} under {policy}, {here}, than under {base}, {there}: "
        f"{distance(gap, 100.0, f' points {more}')}{rest}."
    )


def _rest_of_events(subject: Subject, policy: str) -> str:
    count = len(subject.events)
    if count < 2:
        return ""
    signs = [subject.sign("probability", policy, event) for event in subject.events]
    if signs == [signs[0]] * count and signs[0]:
        word = "likelier" if signs[0] > 0 else "less likely"
        return f"; {'both' if count == 2 else f'all {count}'} events are {word} under it"
    return f"; of the {count} events, {_counted(signs, 'less likely', 'likelier')}"


def _event_of_many(subject: Subject, event: str) -> str:
    head = f"{_quoted(subject.events[event].name)} has a probability of"
    said = ("less likely", "likelier", ("makes it", "make it"))
    return _of_many(subject, "probability", event, head, said, "to")


def _tail(subject: Subject) -> str:
    outcome = next(iter(subject.outcomes))
    known = (
        m
        for m in (TAIL, "ES95", "mean")
        if any(subject.sign(m, p, outcome) is not None for p in subject.others)
    )
    measure = next(known, TAIL)
    rest = ""
    if len(subject.outcomes) > 1 and len(subject.others) == 1:
        signs = [subject.sign(measure, subject.others[0], name) for name in subject.outcomes]
        rest = f"; of the {len(signs)} outcomes, {_counted(signs, 'better', 'worse')} there under {subject.others[0]}"
    unsaid = ""
    if measure != TAIL:
        flag = subject.comparison[f"difference_{TAIL}", subject.others[0], outcome].flag
        unsaid = f" (the worst 1 % cannot be compared: {flag})"
    return f"{_of_outcome(subject, measure, outcome)[:-1]}{rest}{unsaid}."


def _of_outcome(subject: Subject, measure: str, outcome: str) -> str:
    spoken, base = subject.outcomes[outcome], subject.baseline
    where, unit = _capital(OF_MEASURE[measure]), unit_of(spoken.unit)
    if len(subject.others) > 1:
        return _outcome_of_many(subject, measure, outcome)
    (policy,) = subject.others
    gap = subject.comparison[f"difference_{measure}", policy, outcome]
    here, there = (subject.own(measure, p, outcome) for p in (policy, base))
    sign = judged(gap)
    if sign is None:
        return f"{where} it cannot be said whether {spoken.name} is worse under {policy} or under {base}: {gap.flag}."
    if sign == 0:
        apart = f"{here} and {there}, a difference of {with_interval(gap, 1.0, unit)}"
        return f"{where}, {policy} and {base} cannot be told apart in {spoken.name}: {apart}."
    word, more = ("higher", "more") if sign > 0 else ("lower", "less")
    verdict = "worse" if (sign > 0) == spoken.loss else "better"
    return (
        f"{where}, {spoken.name} is {word}, which is {verdict}, under {policy}, {here}, than under {base}, "
        f"{there}: {distance(gap, 1.0, f'{unit} {more}')}."
    )


def _outcome_of_many(subject: Subject, measure: str, outcome: str) -> str:
    head = f"{_capital(OF_MEASURE[measure])}, {subject.outcomes[outcome].name} is"
    return _of_many(subject, measure, outcome, head, ("better", "worse", ("is", "are")), "with")


def _of_many(
    subject: Subject,
    measure: str,
    variable: str,
    head: str,
    said: tuple[str, str, tuple[str, str]],
    link: str,
) -> str:
    """How many of the other policies are better than the baseline, and worse, and by how much the best of them is better.

    Args:
      head: what stands before the number of the baseline.
      said: of those that are better, and worse, as `_counted` takes it.
      link: what stands before the number of the best.
    """
    base, is_event = subject.baseline, variable in subject.events
    spoken = subject.events[variable] if is_event else subject.outcomes[variable]
    scale, unit = (100.0, " points") if is_event else (1.0, unit_of(spoken.unit))
    signs = {policy: subject.sign(measure, policy, variable) for policy in subject.others}
    counts = f"of the {len(signs)} other policies, {_counted(signs.values(), *said)}"
    first = f"{head} {subject.own(measure, base, variable)} under {base}; {counts}"
    better = [policy for policy, sign in signs.items() if sign == -1]
    if not better:
        return f"{first}."
    towards = 1 if spoken.loss else -1
    best = min(better, key=lambda policy: towards * subject.risk[measure, policy, variable].estimate)
    gap = subject.comparison[f"difference_{measure}", best, variable]
    size = distance(gap, scale, f"{unit} {'less' if spoken.loss else 'more'}")
    rivals = _not_apart(_overlapping(subject, measure, best, variable, spoken.loss))
    return f"{first}, {best} {link} {subject.own(measure, best, variable)}, {size}{rivals}."


def _overlapping(subject: Subject, measure: str, best: str, variable: str, loss: bool) -> list[str]:
    """Other policies than the best estimate's whose own intervals do not lie wholly on the worse side of its own."""
    own = subject.risk[measure, best, variable]

    def apart(other: Record) -> bool:
        return other.low > own.high if loss else other.high < own.low

    return [p for p in subject.others if p != best and not apart(subject.risk[measure, p, variable])]


def _not_apart(rivals: list[str]) -> str:
    if not rivals:
        return ""
    named = listed(rivals) if len(rivals) <= NAMED else f"{len(rivals)} other policies"
    return f" (and not to be told apart from {named} by these intervals)"


def _other_side(subject: Subject) -> str:
    if len(subject.others) > 1:
        return _other_side_of_many(subject)
    (policy,), base = subject.others, subject.baseline
    by = {name: [subject.sign(m, policy, name) for m in ("mean", TAIL)] for name in subject.outcomes}
    improved = sum(-1 in signs for signs in by.values())
    worsened = sum(1 in signs for signs in by.values())
    unsure = sum(None in signs for signs in by.values())
    note = _unsaid(subject, unsure)
    if not worsened and not improved:
        return f"In no outcome can {policy} and {base} be told apart, neither on average nor in the worst 1 %{note}."
    # named is the side of whichever is worse in fewer outcomes
    side, loser = (1, policy) if worsened <= improved else (-1, base)
    names = [name for name, signs in by.items() if side in signs]
    where = "neither on average nor in the worst 1 %"
    if not names and len(by) == 1:
        return f"In the one outcome {loser} is not shown to be the worse one, {where}{note}."
    if not names:
        return f"In none of the {len(by)} outcomes is {loser} shown to be the worse one, {where}{note}."
    # what is worse at its bad end first, then what is worse on average alone
    names.sort(key=lambda name: by[name][1] != side)
    parts = []
    for name in names[:NAMED]:
        measure = TAIL if by[name][1] == side else "mean"
        gap = subject.comparison[f"difference_{measure}", policy, name]
        word = "more" if (side > 0) == subject.outcomes[name].loss else "less"
        where = "" if measure == TAIL else " on average"
        size = distance(gap, 1.0, f"{unit_of(subject.outcomes[name].unit)} {word}{where}")
        parts.append(f"{subject.outcomes[name].name} ({size})")
    if len(names) > NAMED:
        parts.append(f"{len(names) - NAMED} more")
    count = "outcome" if len(by) == 1 else "outcomes"
    return f"But {loser} is the worse one, on average or in the worst 1 %, in {len(names)} of {len(by)} {count}: {listed(parts)}{note}."


def _other_side_of_many(subject: Subject) -> str:
    worse, unsure = {}, 0
    for policy in subject.others:
        signs = [[subject.sign(m, policy, name) for m in ("mean", TAIL)] for name in subject.outcomes]
        worse[policy] = sum(1 in pair for pair in signs)
        unsure += sum(None in pair for pair in signs)
    some, base, note = len(subject.outcomes), subject.baseline, _unsaid(subject, unsure)
    count = "the one outcome" if some == 1 else f"the {some} outcomes"
    clean = [policy for policy, times in worse.items() if not times]
    where = "on average or in the worst 1 %"
    if not clean:
        fewest = min(worse, key=lambda policy: worse[policy])
        return f"Each of them is worse than {base} in some of {count}, {where}; in the fewest, {worse[fewest]}, {fewest}{note}."
    named = listed(clean) if len(clean) <= NAMED else f"{len(clean)} policies"
    rest = [f"{policy} in {times}" for policy, times in worse.items() if times]
    others = ""
    if rest:
        others = f"; {listed(rest)}" if len(rest) <= NAMED else f"; the other {len(rest)} are in some"
    verb = "is" if len(clean) == 1 else "are"
    return f"{_capital(named)} {verb} worse than {base} in none of {count}, as far as intervals show{others}{note}."


def _unsaid(subject: Subject, count: int) -> str:
    """What is flagged, with the first reason."""
    if not count:
        return ""
    flags = dict.fromkeys(
        record.flag
        for (measure, _, name), record in subject.comparison.items()
        if measure in ("difference_mean", f"difference_{TAIL}")
        and name in subject.outcomes
        and judged(record) is None
    )
    reason = next(iter(flags), "")
    return f"; for {count} {'comparison' if count == 1 else 'comparisons'} there is no interval and nothing is said ({reason})"


def _counted(
    signs: Iterable[int | None], better: str, worse: str, verbs: tuple[str, str] = ("is", "are")
) -> str:
    """`11 are less likely, 2 are likelier and 1 cannot be told apart`."""
    counted = list(signs)
    parts = [
        f"{counted.count(sign)} {verbs[counted.count(sign) > 1]} {word}"
        for sign, word in ((-1, better), (1, worse))
        if sign in counted
    ]
    parts += [
        f"{counted.count(sign)} {word}"
        for sign, word in ((0, "cannot be told apart"), (None, "cannot be judged"))
        if sign in counted
    ]
    return listed(parts)


def _quoted(name: str) -> str:
    return f"“{name}”"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
