"""How risky is each policy, and how much riskier than the baseline: tidy records from outcomes kept per path."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from engine.intervals import Estimate
from engine.measures import (
    difference,
    finite_units,
    level_of,
    probability,
    probability_difference,
    regret,
    summary,
)
from engine.study import Event, Study


@dataclasses.dataclass(frozen=True)
class Record:
    """One number of a table with what it is: None where a field does not apply.

    `measure` is a name of `engine.measures` ("mean", "VaR99", "ES99.9", "probability"), "difference_" and such a name
    for the gap from the baseline, "worse" or "regret". `low` and `high` are NaN where `flag` says why.
    """

    measure: str
    level: float | None
    policy: str
    variable: str
    region: str | None
    sector: str | None
    year: int | None
    estimate: float
    standard_error: float
    low: float
    high: float
    flag: str

    def as_dict(self) -> dict[str, Any]:
        """The record as plain data for JSON: NaN becomes None."""
        plain = dataclasses.asdict(self)
        return {
            key: None if isinstance(value, float) and math.isnan(value) else value
            for key, value in plain.items()
        }


def record(
    measure: str,
    policy: str,
    variable: str,
    estimate: Estimate,
    region: str | None = None,
    sector: str | None = None,
    year: int | None = None,
) -> Record:
    """The record of one estimate; the level is read from the measure's name ("difference_VaR99" has 0.99)."""
    level = level_of(measure.rpartition("_")[2])
    return Record(measure, level, policy, variable, region, sector, year, **dataclasses.asdict(estimate))


def event_outcomes(study: Study, event: Event) -> set[str]:
    """Names of the outcomes that an event reads, through the events it is made of."""
    if event.outcome is not None:
        return {event.outcome}
    parts = {other.name: other for other in study.events}
    return set().union(*(event_outcomes(study, parts[name]) for name in event.all_of))


def known_events(study: Study, outcomes: Iterable[str]) -> tuple[Event, ...]:
    """The events that can be told from these outcomes alone."""
    known = set(outcomes)
    return tuple(event for event in study.events if event_outcomes(study, event) <= known)


def event_indicators(study: Study, values: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Whether each event happens, in the order of the study: arrays shaped like the outcomes, which come by name.

    Above and below are strict; an outcome that is not a number is no event. Events that read other outcomes are left out.
    """
    parts = {event.name: event for event in study.events}

    def happens(event: Event) -> np.ndarray:
        if event.outcome is None:
            return np.logical_and.reduce([happens(parts[name]) for name in event.all_of])
        if event.above is not None:
            return values[event.outcome] > event.above
        return values[event.outcome] < event.below

    return {event.name: happens(event) for event in known_events(study, values)}


def risk_table(study: Study, outcomes: np.ndarray) -> list[Record]:
    """Mean, VaR and ES of each outcome and the probability of each event, for every policy.

    Args:
      outcomes: [policy, outcome, path], outcomes in the order of `study.keep.outcomes`.
    """

    def of_outcome(index: int) -> list[Record]:
        name = study.keep.outcomes[index]
        loss = study.model.outcomes[name].loss
        return [
            record(measure, policy, name, estimate)
            for p, policy in enumerate(study.policy_names)
            for measure, estimate in summary(outcomes[p, index], study.unit, loss).items()
        ]

    def of_event(event: Event) -> list[Record]:
        found = []
        for p, policy in enumerate(study.policy_names):
            (happens,), unit, lost = _event_paths(study, event, outcomes, (p,))
            found.append(record("probability", policy, event.name, probability(happens, unit).flagged(lost)))
        return found

    return _tables(study, of_outcome, of_event)


def comparison_table(study: Study, outcomes: np.ndarray) -> list[Record]:
    """Each policy against the baseline on the same paths, and regret against the best policy of each path.

    "difference_M" is measure M of the policy less that of the baseline, "worse" the probability that the policy is the
    worse of the two, "regret" (also of the baseline) the mean shortfall against the best of all policies.

    Args:
      outcomes: [policy, outcome, path], outcomes in the order of `study.keep.outcomes`.
    """
    base = study.policy_names.index(study.baseline)

    def of_outcome(index: int) -> list[Record]:
        name = study.keep.outcomes[index]
        loss = study.model.outcomes[name].loss
        regrets = regret(outcomes[:, index], study.unit, loss)
        found = []
        for p, policy in enumerate(study.policy_names):
            if p != base:
                gaps = difference(outcomes[p, index], outcomes[base, index], study.unit, loss)
                found += [
                    record(measure if measure == "worse" else f"difference_{measure}", policy, name, estimate)
                    for measure, estimate in gaps.items()
                ]
            found.append(record("regret", policy, name, regrets[p]))
        return found

    def of_event(event: Event) -> list[Record]:
        found = []
        for p, policy in enumerate(study.policy_names):
            if p != base:
                (here, there), unit, lost = _event_paths(study, event, outcomes, (p, base))
                gap = probability_difference(here, there, unit).flagged(lost)
                found.append(record("difference_probability", policy, event.name, gap))
        return found

    return _tables(study, of_outcome, of_event)


def _tables(
    study: Study, of_outcome: Callable[[int], list[Record]], of_event: Callable[[Event], list[Record]]
) -> list[Record]:
    # NumPy lets go of the interpreter while it sorts and sums
    with ThreadPoolExecutor() as threads:
        parts = [
            *threads.map(of_outcome, range(len(study.keep.outcomes))),
            *threads.map(of_event, known_events(study, study.keep.outcomes)),
        ]
    return [entry for part in parts for entry in part]


def _event_paths(study: Study, event: Event, outcomes: np.ndarray, policies: tuple[int, ...]) -> tuple:
    """Whether an event happens under each of the policies, on the paths where all it reads is finite; units; flag."""
    names = sorted(event_outcomes(study, event))
    index = [study.keep.outcomes.index(name) for name in names]
    flat, units, lost = finite_units(tuple(outcomes[p, i] for p in policies for i in index), study.unit)
    parts = [flat[k * len(names) : (k + 1) * len(names)] for k in range(len(policies))]
    happens = [event_indicators(study, dict(zip(names, part, strict=True)))[event.name] for part in parts]
    return happens, units, lost
