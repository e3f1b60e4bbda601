"""The answer in sentences of at most 30 words, which claim only what an interval supports.

A difference is stated where its 95 % interval excludes zero; where it includes zero, the policies "cannot be told
apart"; where there is no interval, it "cannot be said", with the reason. Two policies that were not compared on the
same paths are ranked only where their own intervals do not overlap. The unit of numbers stands once, before them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine.answers.as_text import NO_INTERVAL, judged
from engine.answers.wording import UNITS, amounts, listed, some
from engine.formatting import begun
from engine.report.text import minus
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record

if TYPE_CHECKING:
    from engine.report.records import RunRecords

CHANCE = "probability"
WHEN = {
    "mean": "on average",
    "ES99": "in the worst hundredth of futures",
    "ES95": "in the worst twentieth of futures",
    CHANCE: "",
}
"""Measure -> the phrase for it in a sentence, in the order in which a ranking is looked for."""
HEAVY = {Reason.NO_MEAN, Reason.NO_VARIANCE, Reason.NO_FOURTH_MOMENT}


@dataclass(frozen=True)
class Change:
    """How much a variable differs under one policy from another; `share` is relative, in points for an event."""

    measure: str
    variable: str
    gap: Estimate
    share: float


def called(run: RunRecords, policy: str) -> str:
    """Name of a policy within a sentence."""
    return run.study.phrase("policies", policy)


def what(run: RunRecords, name: str) -> str:
    """Name of an outcome or event within a sentence, with the unit of the numbers behind it."""
    study = run.study
    if name in study.events_by_name:
        return f"“{study.title('events', name)}” [% of futures]"
    unit = " ".join(filter(None, (UNITS.get(part, part) for part in study.unit_of(name).split(" "))))
    return study.phrase("outcomes", name) + (f" [{unit}]" if unit and "=" not in unit else "")


def amount(measure: str, one: Record | Estimate, *others: Record) -> list[str]:
    """Numbers of one measure, rounded alike to three digits at most and to no more than the first's interval supports.

    Probabilities are in per cent.
    """
    scale = 100.0 if measure == CHANCE else 1.0
    first = Estimate(scale * one.estimate, scale * one.standard_error, scale * one.low, scale * one.high)
    every = [first.estimate, *(scale * other.estimate for other in others)]
    if not all(map(math.isfinite, every)):
        return ["unknown" for _ in every]
    return [*map(minus, amounts("1", first, *every[1:]))]


def bracketed(measure: str, one: Record | None) -> str:
    """A number rounded for people, with its interval in brackets, or with a mark in place of one."""
    if one is None:
        return ""
    if not (math.isfinite(one.low) and math.isfinite(one.high)):
        return amount(measure, one)[0] + NO_INTERVAL
    ends = (replace(one, estimate=end) for end in (one.low, one.high))
    number, low, high = amount(measure, one, *ends)
    return f"{number} [{low}, {high}]"


def sign(run: RunRecords, measure: str, policy: str, name: str) -> int | None:
    """1 if a policy is significantly worse than the baseline, -1 if better, 0 if neither, None without interval."""
    found = judged(run.comparison.get((f"difference_{measure}", policy, name)))
    return None if found is None else found if run.study.is_loss(name) else -found


def best(run: RunRecords, policies: Iterable[str], measure: str, name: str) -> str:
    """The policy with the best estimate of a measure."""
    towards = 1 if run.study.is_loss(name) else -1
    return min(policies, key=lambda policy: towards * run.risk[measure, policy, name].estimate)


def winner(run: RunRecords) -> tuple[str, str, str] | None:
    """The better policy with the measure and the variable by which it is; None where nothing shows a difference.

    The first outcome decides, by its mean, else by its tail; then the first event. Of several policies that are
    significantly better than the baseline, it is the one with the best estimate; the baseline, where all others are
    significantly worse.
    """
    asked = [(measure, run.outcomes[0]) for measure in WHEN if measure != CHANCE]
    for measure, name in asked + [(CHANCE, name) for name in run.events[:1]]:
        signs = {policy: sign(run, measure, policy, name) for policy in run.others}
        if better := [policy for policy, found in signs.items() if found == -1]:
            return best(run, better, measure, name), measure, name
        if signs and {*signs.values()} == {1}:
            return run.study.baseline, measure, name
    return None


def verdict(run: RunRecords, measure: str, name: str) -> str:
    """Which policy is better by a measure of an outcome or event, and by how much."""
    base, others = run.study.baseline, run.others
    own, signs = run.risk, {policy: sign(run, measure, policy, name) for policy in run.others}
    when, of = WHEN[measure], what(run, name)
    head = f"{begun(when)}, " if when else ""
    if not others:
        return begun(f"{head}{of} is {amount(measure, own[measure, base, name])[0]} under {called(run, base)}.")
    better = [policy for policy, found in signs.items() if found == -1]
    top = best(run, better or others, measure, name)
    here, there = amount(measure, own[measure, top, name], own[measure, base, name])
    if better:
        rank = "better than" if len(others) == 1 else f"the best of {len(others) + 1} policies, better than"
        return begun(f"{head}{called(run, top)} is {rank} {called(run, base)} in {of}: {here} against {there}.")
    if {*signs.values()} == {1}:
        rival = called(run, top) if len(others) == 1 else f"all {len(others)} other policies"
        return begun(f"{head}{called(run, base)} is better than {rival} in {of}: {there} against {here}.")
    if None in signs.values():
        reason = why(run.comparison.get((f"difference_{measure}", top, name)))
        return begun(f"{head}it cannot be said which policy is better in {of}: {reason}.")
    if len(others) > 1:
        return begun(f"{head}no policy is shown to be better than {called(run, base)} in {of}, with {there}.")
    both = f"{called(run, top)} and {called(run, base)}"
    return begun(f"{head}{both} cannot be told apart in {of}: {here} and {there}.")


def why(record: Record | None) -> str:
    """Why a number has no interval, in a few words."""
    reasons = {flag.reason for flag in record.flags} if record else set()
    if Reason.NO_PATHS in reasons:
        return "values are missing"
    return "its tail is too heavy" if reasons & HEAVY else "too few futures"


def rivals(run: RunRecords) -> list[str]:
    """The sentence on policies whose own intervals overlap with that of the best; [] without any."""
    found = winner(run)
    if found is None or found[0] == run.study.baseline:
        return []
    top, measure, name = found
    own, loss = run.risk[measure, top, name], run.study.is_loss(name)

    def is_apart(other: Record) -> bool:
        return other.low > own.high if loss else other.high < own.low

    near = [called(run, p) for p in run.others if p != top and not is_apart(run.risk[measure, p, name])]
    return [f"By its interval {called(run, top)} cannot be told apart from {some(near)}."] if near else []


def changes(run: RunRecords, policy: str, rival: str) -> Iterator[Change]:
    """What is significantly worse under a policy than under another, one of which is the baseline."""
    base = run.study.baseline
    compared, towards = (rival, -1.0) if policy == base else (policy, 1.0)
    asked = [(CHANCE, name) for name in run.events]
    asked += [(measure, name) for name in run.outcomes for measure in ("mean", "ES99")]
    for measure, name in asked:
        if sign(run, measure, compared, name) == towards:
            gap, known = run.comparison[f"difference_{measure}", compared, name], run.risk[measure, rival, name]
            size = abs(gap.estimate)
            # there is no share of a number that may be zero
            share = size if measure == CHANCE else size / abs(known.estimate) if judged(known) else 0.0
            yield Change(measure, name, gap.alone, share)


def costs(run: RunRecords, policy: str, rival: str) -> list[Change]:
    """The outcome that is worse by the largest share under a policy, and the event that is likelier by most points."""
    found = list(changes(run, policy, rival))
    kinds = ([one for one in found if (one.measure == CHANCE) == is_event] for is_event in (False, True))
    return [max(kind, key=lambda one: one.share) for kind in kinds if kind]


def opponent(run: RunRecords, policy: str) -> str:
    """The policy that another one is weighed against: the baseline, or for the baseline the best of the others."""
    if policy != run.study.baseline:
        return run.study.baseline
    return best(run, run.others, "mean", run.outcomes[0])


def weighed(run: RunRecords) -> str:
    """One sentence with what the better policy gains and what it costs."""
    found = winner(run)
    if found is None:
        return "No policy is shown to be better, so no cost is named."
    policy, measure, name = found
    rival = opponent(run, policy)
    gap = run.comparison[f"difference_{measure}", rival if policy == run.study.baseline else policy, name].alone
    gain = f"in {what(run, name)} {called(run, policy)} {_verb(run, name, 'avoids', 'gains')} {_size(measure, gap)}"
    cost = next(iter(costs(run, policy, rival)), None)
    if cost is None:
        return f"Against {called(run, rival)}, {gain}, and nothing in the headline is shown to be worse."
    when = "" if cost.measure in ("mean", CHANCE) else f" {WHEN[cost.measure]}"
    verb = _verb(run, cost.variable, "costs", "loses")
    size = _size(cost.measure, cost.gap)
    return f"Against {called(run, rival)}, {gain}; in {what(run, cost.variable)} it {verb} {size}{when}."


def _verb(run: RunRecords, name: str, loss: str, gain: str) -> str:
    return loss if run.study.is_loss(name) else gain


def _size(measure: str, gap: Estimate) -> str:
    low, high = sorted((abs(gap.low), abs(gap.high)))
    return amount(measure, Estimate(abs(gap.estimate), gap.standard_error, low, high))[0]


def worse(run: RunRecords) -> list[str]:
    """What gets worse under the better policy: an outcome and an event, in sentences; [] where no policy is better."""
    found = winner(run)
    if found is None:
        return []
    policy, rival = found[0], opponent(run, found[0])
    said = []
    for one in costs(run, policy, rival):
        key = one.measure, one.variable
        here, there = amount(one.measure, *(run.risk[key[0], name, key[1]] for name in (policy, rival)))
        when = f", {WHEN[one.measure]}" if WHEN[one.measure] else ""
        of = f"{begun(what(run, one.variable))} is {here} under {called(run, policy)}"
        said.append(f"{of} against {there} under {called(run, rival)}{when}.")
    return said or [f"No event and no headline outcome is shown to be worse under {called(run, policy)}."]


def parts(run: RunRecords) -> list[str]:
    """Of each event that consists of others, a sentence that names them."""
    study = run.study
    joint = [one for one in study.events if one.all_of and one.name in run.events]
    return [
        f"“{study.title('events', one.name)}” means, in one and the same future:"
        f" {listed([study.phrase('events', part) for part in one.all_of])}."
        for one in joint
    ]
