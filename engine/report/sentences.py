"""The answer and its costs, in sentences of at most 25 words that claim only what an interval supports.

A difference is stated where its 95 % interval excludes zero; where it includes zero, the two "cannot be told apart";
where there is no interval, it "cannot be said", with the reason. Two policies that were not compared on the same paths
are ranked only where their own intervals do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.answers.as_text import judged, places_of
from engine.answers.wording import likelihood, listed
from engine.formatting import begun, begun_small, rounded
from engine.report.text import cell, unit_of
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.tables import Record

TAIL = "ES99"
OF_MEASURE = {
    "ES99.9": "in the worst thousandth of futures",
    "ES99": "in the worst hundredth of futures",
    "ES95": "in the worst twentieth of futures",
    "mean": "on average over all futures",
}
"""Measure -> the phrase for it in a sentence, in the order of preference."""
NAMED = 3
"""Most policies that are named one by one; more are counted."""
HEAVY = {Reason.NO_MEAN, Reason.NO_VARIANCE, Reason.NO_FOURTH_MOMENT}


@dataclass(frozen=True)
class Spoken:
    """An outcome or event in a sentence: name, unit, whether high is worse, and names of a joint event's parts."""

    name: str
    unit: str = "1"
    loss: bool = True
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Subject:
    """The content of the sentences: policies, outcomes, events and their estimates.

    Args:
      policies: names, in the order of the study.
      baseline: name of the policy that the others are compared with.
      outcomes, events: by the variable's name; the first one is mentioned first.
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
        """Names of all policies but the baseline."""
        return tuple(name for name in self.policies if name != self.baseline)

    def spoken(self, variable: str) -> Spoken:
        """The `Spoken` of an outcome or an event, by the variable's name."""
        return self.events.get(variable) or self.outcomes[variable]

    def gap(self, measure: str, policy: str, variable: str) -> Record | None:
        """The record of a policy's difference from the baseline; None where there is none."""
        return self.comparison.get((f"difference_{measure}", policy, variable))

    def sign(self, measure: str, policy: str, variable: str) -> int | None:
        """1 if a policy is significantly worse than the baseline, -1 if better, 0 if neither, None without interval."""
        sign = judged(self.gap(measure, policy, variable))
        return None if sign is None else sign if self.spoken(variable).loss else -sign

    def own(self, measure: str, policy: str, variable: str) -> str:
        """The policy's own estimate as text with its unit; a probability in percent."""
        unit = " %" if measure == "probability" else unit_of(self.outcomes[variable].unit)
        return self.number(measure, policy, variable) + unit

    def number(self, measure: str, policy: str, variable: str) -> str:
        """The policy's own estimate as text without its unit."""
        scale = 100.0 if measure == "probability" else 1.0
        return cell(self.risk[measure, policy, variable], scale).estimate

    @property
    def better(self) -> str | None:
        """The better policy by the first event, else by the first outcome; None where neither shows a difference.

        Of several that are significantly better than the baseline, it is the one with the best estimate; the baseline,
        where all others are significantly worse.
        """
        asked = [("probability", name) for name in [*self.events][:1]]
        asked += [(m, name) for name in [*self.outcomes][:1] for m in (TAIL, "ES95", "mean")]
        for measure, name in asked:
            signs = {policy: self.sign(measure, policy, name) for policy in self.others}
            if -1 in signs.values():
                return self.best([p for p, sign in signs.items() if sign == -1], measure, name)
            if signs and set(signs.values()) == {1}:
                return self.baseline
        return None

    def best(self, policies: Iterable[str], measure: str, variable: str) -> str:
        """The policy with the best estimate of a measure of a variable."""
        towards = 1 if self.spoken(variable).loss else -1
        return min(policies, key=lambda policy: towards * self.risk[measure, policy, variable].estimate)


def small(policy: str) -> str:
    """Name of a policy within a sentence: with a small first letter, unless it is a single letter."""
    return policy if len(policy) == 1 else begun_small(policy)


def why(record: Record | None) -> str:
    """Why a number has no interval, in a few words."""
    reasons = {flag.reason for flag in record.flags} if record else set()
    if Reason.NO_PATHS in reasons:
        return "values are missing"
    return "its tail is too heavy" if reasons & HEAVY else "too few futures"


def answer(subject: Subject) -> list[str]:
    """The answer in sentences: the first event, the first outcome's tail, and how many of all get better or worse."""
    outcome, event = next(iter(subject.outcomes)), next(iter(subject.events), None)
    said = []
    if event is None:  # the mean of the first outcome in place of the first event
        said += _of_outcome(subject, "mean", outcome)
    else:
        head, *others = _of_event(subject, event)
        parts = subject.events[event].parts
        made_of = [f"That means, in one and the same future: {listed([*parts])}."] if parts else []
        said += [head, *made_of, *others, *_likelihood(subject, event)]
    if not subject.others:
        tail = next((m for m in OF_MEASURE if m != "ES99.9" and _has_interval(subject, m, outcome)), TAIL)
        return [*said, *_of_outcome(subject, tail, outcome), "No other policy was run, so nothing is compared."]
    known = (m for m in (TAIL, "ES95", "mean") if any(subject.sign(m, p, outcome) is not None for p in subject.others))
    tail = next(known, TAIL)
    said += _of_outcome(subject, tail, outcome)
    if tail != TAIL:
        said.append(_uncompared(subject, outcome))
    return said + (_counts(subject, *subject.others) if len(subject.others) == 1 else [])


def _uncompared(subject: Subject, outcome: str) -> str:
    """The sentence on the worst 1 % if no difference in it has an interval: both estimates, if these have intervals."""
    reason, policies = why(subject.gap(TAIL, subject.others[0], outcome)), (*subject.others, subject.baseline)
    if len(policies) > 2 or any(judged(subject.risk[TAIL, p, outcome]) is None for p in policies):
        return f"The worst hundredth cannot be compared: {reason}."
    here, there = subject.number(TAIL, policies[0], outcome), subject.own(TAIL, policies[1], outcome)
    return f"In the worst hundredth it would be {here} and {there}, which cannot be compared: {reason}."


def _has_interval(subject: Subject, measure: str, outcome: str) -> bool:
    record = subject.risk[measure, subject.baseline, outcome]
    return not any(flag.withholds for flag in record.flags)


def _of_event(subject: Subject, event: str) -> list[str]:
    base, name, measure = small(subject.baseline), _quoted(subject.events[event].name), "probability"
    there = subject.own(measure, subject.baseline, event)
    if len(subject.others) != 1:
        head = f"{name} would happen in {there} of futures under {base}."
        return [head, *_of_others(subject, measure, event, ("less likely", "likelier"))]
    (other,), policy = subject.others, small(subject.others[0])
    here, sign = subject.own(measure, other, event), subject.sign(measure, other, event)
    if sign is None:
        reason = why(subject.gap(measure, other, event))
        return [f"Whether {name} is likelier under {policy} than under {base} cannot be said: {reason}."]
    if sign == 0:
        return [f"In how likely {name} is, {policy} and {base} cannot be told apart: {here} and {there} of futures."]
    word = "likelier" if sign > 0 else "less likely"
    return [f"{name} is {word} under {policy}, {here} of futures, than under {base}, {there}."]


def _likelihood(subject: Subject, event: str) -> list[str]:
    """The verbal likelihood ("unlikely", ...) by policy, where one word covers its whole interval; for few policies."""
    if len(subject.policies) > NAMED:
        return []
    records = {p: subject.risk["probability", p, event] for p in subject.policies}
    words = {p: likelihood(r.low, r.high) for p, r in records.items()}
    under: dict[str, list[str]] = {}
    for policy, word in words.items():
        if word:
            under.setdefault(word, []).append(f"under {small(policy)}")
    if not under:
        return []
    return [f"By the model’s probability it is {listed([f'{word} {listed(of)}' for word, of in under.items()])}."]


def _of_outcome(subject: Subject, measure: str, outcome: str) -> list[str]:
    """A measure of an outcome under both policies, and which is the better one."""
    spoken, base, where = subject.outcomes[outcome], small(subject.baseline), begun(OF_MEASURE[measure])
    there = subject.own(measure, subject.baseline, outcome)
    if len(subject.others) != 1:
        head = f"{where}, {spoken.name} would be {there} under {base}."
        return [head, *_of_others(subject, measure, outcome, ("better there", "worse"))]
    (other,), policy = subject.others, small(subject.others[0])
    here, sign = subject.number(measure, other, outcome), subject.sign(measure, other, outcome)
    if sign is None:
        reason = why(subject.gap(measure, other, outcome))
        return [f"{where}, it cannot be said under which policy {spoken.name} is worse: {reason}."]
    if sign == 0:
        return [f"{where}, {policy} and {base} cannot be told apart in {spoken.name}: {here} and {there}."]
    word = "worse" if sign > 0 else "better"
    return [f"{where}, {spoken.name} would be {here} under {policy}, {word} than {there} under {base}."]


def _of_others(subject: Subject, measure: str, variable: str, said: tuple[str, str]) -> list[str]:
    """How many of several other policies are better than the baseline, and worse, and which is the best."""
    signs = {policy: subject.sign(measure, policy, variable) for policy in subject.others}
    better = [policy for policy, sign in signs.items() if sign == -1]
    if not signs:
        return []
    head, (good, bad) = f"Of the {len(signs)} other policies", said
    if variable in subject.events:
        counts = f"{head} it is {_counted(signs.values(), f'{good} under', f'{bad} under', verb=False)}."
    else:
        counts = f"{head}, {_counted(signs.values(), good, bad)}."
    if not better:
        return [counts]
    best = subject.best(better, measure, variable)
    rivals = _overlapping(subject, measure, best, variable)
    sentences = [counts, f"The best is {small(best)}, with {subject.own(measure, best, variable)}."]
    if rivals:
        named = listed([small(p) for p in rivals]) if len(rivals) <= NAMED else f"{len(rivals)} other policies"
        sentences.append(f"By these intervals it cannot be told apart from {named}.")
    return sentences


def _overlapping(subject: Subject, measure: str, best: str, variable: str) -> list[str]:
    """Other policies than the best estimate's whose own intervals do not lie wholly on the worse side of its own."""
    own, loss = subject.risk[measure, best, variable], subject.spoken(variable).loss

    def apart(other: Record) -> bool:
        return other.low > own.high if loss else other.high < own.low

    return [p for p in subject.others if p != best and not apart(subject.risk[measure, p, variable])]


def _counts(subject: Subject, policy: str) -> list[str]:
    """Of all events, and of all outcomes on average, how many are better under the policy, and worse."""
    kinds = (
        ("events", "probability", subject.events, ("less likely", "likelier")),
        ("outcomes", "mean", subject.outcomes, ("better on average", "worse")),
    )
    return [
        f"Under {small(policy)}, of the {len(names)} {kind},"
        f" {_counted([subject.sign(measure, policy, name) for name in names], *said)}."
        for kind, measure, names, said in kinds
        if len(names) > 1
    ]


def _counted(signs: Iterable[int | None], better: str, worse: str, verb: bool = True) -> str:
    """`11 are less likely, 2 are likelier and 1 cannot be told apart`; `less likely under 11 ...` without a verb."""
    counted = list(signs)

    def part(count: int, word: str) -> str:
        return f"{count} {'is' if count == 1 else 'are'} {word}" if verb else f"{word} {count}"

    parts = [part(counted.count(sign), word) for sign, word in ((-1, better), (1, worse)) if sign in counted]
    rest = ((0, "cannot be told apart"), (None, "cannot be judged"))
    return listed([*parts, *(f"{counted.count(sign)} {word}" for sign, word in rest if sign in counted)])


def worsened(subject: Subject, headline: Iterable[str]) -> list[str]:
    """What gets worse under the better policy, in sentences; only significant paired differences count.

    First the event whose probability rises by most points, then the headline outcome that worsens most, in the mean or
    the worst 1 %, relative to the other policy. [] if there is one policy.
    """
    best, base = subject.better, subject.baseline
    if not subject.others:
        return []
    if best is None:
        return ["No policy is shown to be the better one, so nothing is named that it would cost."]
    pairs = [(best, base)] if best != base else [(base, other) for other in subject.others]
    asked = [("probability", name) for name in subject.events]
    asked += [(measure, name) for name in headline if name in subject.outcomes for measure in ("mean", TAIL)]
    found: dict[bool, list[tuple[float, str]]] = {True: [], False: []}
    for policy, against in pairs:
        compared = against if policy == base else policy
        for measure, name in asked:
            if subject.sign(measure, compared, name) == (-1 if policy == base else 1):
                found[name in subject.events].append(_cost(subject, measure, name, policy, against))
    if not (found[True] or found[False]):
        return [f"No event and no headline outcome is shown to be worse under {small(best)}."]
    return [max(costs, key=lambda cost: cost[0])[1] for costs in found.values() if costs]


def _cost(subject: Subject, measure: str, name: str, policy: str, against: str) -> tuple[float, str]:
    """By how much a variable is worse under `policy` than under `against`, and the sentence that says so."""
    gap = subject.gap(measure, against if policy == subject.baseline else policy, name)
    assert gap is not None
    here, there = subject.number(measure, policy, name), subject.own(measure, against, name)
    spoken, (policy, other) = subject.spoken(name), (small(policy), small(against))
    if name in subject.events:
        points = rounded(abs(100.0 * gap.estimate), places_of(gap, 100.0))
        text = (
            f"{_quoted(spoken.name)} becomes likelier by {points} points under {policy}: {here}, against {there} of"
            f" futures under {other}."
        )
        return abs(gap.estimate), text
    known = subject.risk[measure, against, name]
    share = abs(gap.estimate / known.estimate) if judged(known) else 0.0  # no share of a number that may be zero
    word = "higher" if spoken.loss else "lower"
    size = f"{rounded(100.0 * share, 0)} % {word}" if share else word
    return (
        share,
        (
            f"{begun(OF_MEASURE[measure])}, {spoken.name} would be {size} under {policy}: {here}, against {there} under"
            f" {other}."
        ),
    )


def _quoted(name: str) -> str:
    return f"“{name}”"
