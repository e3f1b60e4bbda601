"""The answer in sentences of at most 30 words, which claim only what an interval supports.

A difference is stated where its 95 % interval excludes zero; where it includes zero, the policies "cannot be
distinguished"; where there is no interval, it "is unknown", with the reason. The unit of numbers stands once, before
them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.answers import as_text
from engine.answers.as_text import NO_INTERVAL, judged, listed, some, unit_in_words
from engine.charts.labels import minus
from engine.formatting import begun
from engine.risk.estimation.flags import Reason
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record

if TYPE_CHECKING:
    from engine.report.records import RunRecords

CHANCE = "probability"
FUTURES = {
    "mean": "",
    "ES99": " in the worst hundredth of futures",
    "ES95": " in the worst twentieth of futures",
    CHANCE: "",
}
"""Measure -> the futures that it is over, in the order in which a ranking is looked for; "" for all of them."""
HEAVY = {Reason.NO_MEAN, Reason.NO_VARIANCE, Reason.NO_FOURTH_MOMENT}


def called(run: RunRecords, policy: str) -> str:
    """Name of a policy within a sentence."""
    return run.study.phrase("policies", policy)


def what(run: RunRecords, name: str) -> str:
    """Name of an outcome or event within a sentence, with the unit of the numbers behind it."""
    study = run.study
    if name in study.events_by_name:
        return f"“{study.title('events', name)}” [% of futures]"
    unit = unit_in_words(study.unit_of(name))
    return study.phrase("outcomes", name) + (f" [{unit}]" if unit else "")


def quantity(run: RunRecords, measure: str, name: str) -> str:
    """A measure as a noun: `the mean of layoffs [thousand persons]`, `“Ruin” [% of futures]`."""
    mean_of = "" if measure == CHANCE else "the mean of "
    return mean_of + what(run, name) + FUTURES[measure]


def amounts(measure: str, *ones: Record | Estimate) -> list[str]:
    """Numbers of one measure, rounded alike: to three digits at most, and to no more than the widest interval supports.

    Probabilities are in per cent.
    """
    if not all(math.isfinite(one.estimate) for one in ones):
        return ["unknown" for _ in ones]
    scale = 100.0 if measure == CHANCE else 1.0
    first, *others = (scale * one.estimate for one in ones)
    half = scale * max(0.0, *((one.high - one.low) / 2 for one in ones))
    return [*map(minus, as_text.amounts("1", Estimate(first, low=-half, high=half), *others))]


def bracketed(measure: str, one: Record | Estimate | None, *others: Record) -> str:
    """A number rounded for people, with its interval in brackets; "" for None.

    Without an interval it has a mark in place of one, and is rounded alike with `others`.
    """
    if one is None:
        return ""
    if not math.isfinite(one.high - one.low):
        return amounts(measure, one, *others)[0] + NO_INTERVAL
    number, low, high = amounts(measure, one, Estimate(one.low), Estimate(one.high))
    return f"{number} [{low}, {high}]"


def sign(run: RunRecords, measure: str, policy: str, name: str) -> int | None:
    """1 if a policy is significantly worse than the baseline, -1 if better, 0 if neither.

    None without an interval, and for an outcome of which neither high nor low values are worse.
    """
    loss, found = run.study.loss_of(name), judged(run.comparison.get((f"difference_{measure}", policy, name)))
    return None if loss is None or found is None else found if loss else -found


def ranked(run: RunRecords, policies: Iterable[str], measure: str, name: str) -> list[str]:
    """The policies by their estimates of a measure, the best first."""
    towards = 1 if run.study.is_loss(name) else -1
    return sorted(policies, key=lambda policy: towards * run.risk[measure, policy, name].estimate)


def better(run: RunRecords, measure: str, name: str) -> str | None:
    """The policy that is shown to be better by a measure; None where none is.

    Of several that are significantly better than the baseline, it is the one with the best estimate; the baseline,
    where all others are significantly worse.
    """
    signs = {policy: sign(run, measure, policy, name) for policy in run.others}
    if ahead := [policy for policy, found in signs.items() if found == -1]:
        return ranked(run, ahead, measure, name)[0]
    return run.study.baseline if {*signs.values()} == {1} else None


def winner(run: RunRecords) -> tuple[str, str, str] | None:
    """The better policy with the measure and the variable by which it is; None where nothing shows a difference.

    The first outcome decides, by its mean, else by its tail; then the first event.
    """
    for measure in FUTURES:
        for name in run.events[:1] if measure == CHANCE else run.outcomes[:1]:
            if policy := better(run, measure, name):
                return policy, measure, name
    return None


def verdict(run: RunRecords, measure: str, name: str) -> str:
    """Which policy is better by a measure of an outcome or event, and by how much."""
    base, others, of = run.study.baseline, run.others, quantity(run, measure, name)
    own = {policy: run.risk[measure, policy, name] for policy in run.study.policy_names}
    if not others:
        return f"Under {called(run, base)}, {of} is {amounts(measure, own[base])[0]}."
    ahead, best = better(run, measure, name), ranked(run, others, measure, name)[0]
    if ahead:
        rival = best if ahead == base else base
        here, there = amounts(measure, own[ahead], own[rival])
        rank = f"better than {called(run, rival)}"
        if len(others) > 1:
            every = f"better than all {len(others)} other policies"
            rank = every if ahead == base else f"the best of {len(own)} policies, {rank}"
        said = f"{called(run, ahead)} is {rank} in {of}: {here} against {there}"
    elif run.study.loss_of(name) is None:
        said = f"no policy is better in {of}, as the study does not state whether high or low values are worse"
    elif unknown := [policy for policy in others if sign(run, measure, policy, name) is None]:
        reason = why(run.comparison.get((f"difference_{measure}", unknown[0], name)))
        said = f"it is unknown which policy is better in {of}, because {reason}"
    else:
        here, there = amounts(measure, own[best], own[base])
        said = f"{called(run, best)} and {called(run, base)} do not differ significantly in {of}: {here} and {there}"
        if len(others) > 1:
            said = f"no policy is significantly better than {called(run, base)} ({there}) in {of}"
    return f"{begun(said)}."


def why(one: Record | Estimate | None) -> str:
    """Why a number has no interval, in a few words."""
    reasons = {flag.reason for flag in one.flags} if one else set()
    if Reason.NO_PATHS in reasons:
        return "values are missing"
    return "its tail is too heavy" if reasons & HEAVY else "there are too few futures"


def rivals(run: RunRecords) -> list[str]:
    """The sentence on policies whose own intervals overlap with that of the best; [] without any."""
    found = winner(run)
    if found is None or found[0] == run.study.baseline:
        return []
    top, measure, name = found
    own = {policy: run.risk[measure, policy, name] for policy in run.others}
    near = [
        called(run, policy)
        for policy in run.others
        if policy != top and own[policy].low <= own[top].high and own[policy].high >= own[top].low
    ]
    return [f"The intervals of {called(run, top)} and {some(near)} overlap."] if near else []


def headline_measures(run: RunRecords) -> list[tuple[str, str]]:
    """What the first pages show, as measures with names: mean and ES99 of outcomes, the probability of events."""
    outcomes = [(measure, name) for name in run.outcomes for measure in ("mean", "ES99")]
    return outcomes + [(CHANCE, name) for name in run.events]


def costs(run: RunRecords, policy: str, rival: str) -> list[tuple[str, str]]:
    """What is significantly worse under a policy than under another, one of which is the baseline.

    Of outcomes it is the measure and name of the one that changes by the largest share; of events, by most points.
    """
    compared, towards = (rival, -1) if policy == run.study.baseline else (policy, 1)

    def size(key: tuple[str, str]) -> float:
        measure, name = key
        gap, known = run.comparison[f"difference_{measure}", compared, name], run.risk[measure, rival, name]
        if measure == CHANCE:
            return abs(gap.estimate)
        return abs(gap.estimate / known.estimate) if judged(known) else 0.0  # no share of what may be zero

    worse = [key for key in headline_measures(run) if sign(run, key[0], compared, key[1]) == towards]
    kinds = ([key for key in worse if (key[0] == CHANCE) is is_event] for is_event in (False, True))
    return [max(keys, key=size) for keys in kinds if keys]


def opponent(run: RunRecords, policy: str) -> str:
    """The policy that another one is weighed against: the baseline, or for the baseline the best of the others."""
    base = run.study.baseline
    return base if policy != base else ranked(run, run.others, "mean", run.outcomes[0])[0]


def weighed(run: RunRecords) -> str:
    """One sentence with what the better policy gains and what it costs."""
    found = winner(run)
    if found is None:
        return "No policy is significantly better."
    policy, *gain = found
    rival = opponent(run, policy)

    def change(measure: str, name: str) -> str:
        gap = run.comparison[f"difference_{measure}", rival if policy == run.study.baseline else policy, name]
        by = amounts(measure, replace(gap, estimate=abs(gap.estimate)))[0]
        return f"{verb(run, measure, name, policy, rival)} {what(run, name)} by {by}{FUTURES[measure]}"

    cost = (f" but {change(*one)} (worse)" for one in costs(run, policy, rival))
    end = next(cost, ", with no significant cost")
    return f"Compared with {called(run, rival)}, {called(run, policy)} {change(*gain)}{end}."


def verb(run: RunRecords, measure: str, name: str, policy: str, rival: str) -> str:
    """Whether a policy `raises` or `lowers` a measure compared with another policy."""
    here, there = (run.risk[measure, one, name].estimate for one in (policy, rival))
    return "raises" if here > there else "lowers"


def worse(run: RunRecords) -> list[str]:
    """What gets worse under the better policy: an outcome and an event, in sentences; [] where no policy is better."""
    found = winner(run)
    if found is None:
        return []
    policy, rival = found[0], opponent(run, found[0])
    said = []
    for measure, name in costs(run, policy, rival):
        there, here = amounts(measure, *(run.risk[measure, one, name] for one in (rival, policy)))
        moves = f"{verb(run, measure, name, policy, rival)} {quantity(run, measure, name)} from {there} to {here}"
        said.append(f"Compared with {called(run, rival)}, {called(run, policy)} {moves}.")
    return said or [f"No event and no headline outcome is significantly worse under {called(run, policy)}."]


def parts(run: RunRecords) -> list[str]:
    """Of each event that consists of others, a sentence that names them."""
    study = run.study
    return [
        f"“{study.title('events', one.name)}” requires {'all' if one.all else 'at least one'} of these in the same"
        f" future: {listed([study.phrase('events', part) for part in one.parts])}."
        for one in study.events
        if one.parts
    ]
