"""How risky is each policy, and how much riskier than the baseline: tidy records from outcomes kept per path."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Container, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from engine.risk.events import event_outcomes, happens, known_events
from engine.risk.evidence import level_of
from engine.risk.flags import Flag, Reason, text
from engine.risk.intervals import Estimate, Units
from engine.risk.measures import (
    finite_units,
    of_policies,
    probability,
    probability_difference,
    regret,
)
from engine.study.study import Event, Study

THREADS = min(os.cpu_count() or 1, 4)
"""Outcomes that are looked at, and in memory, at a time."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One number of a table with what it is.

    Args:
      measure: a name of `engine.risk.measures` ("mean", "VaR99", "ES99.9", "probability"), "difference_" and such a name for
        the gap from the baseline, "worse" or "regret".
      level: the measure's, or None.
      policy, variable: names.
      place: label by dimension, in the model's order; empty for what has no place.
      year: None for what is of no year.
      estimate, standard_error: in the variable's unit; NaN where there is none.
      low, high: 95 % interval; NaN where `flags` say why. `Reason.BINNED` alone leaves them.
      flags: what must be known of the number.
    """

    measure: str
    level: float | None
    policy: str
    variable: str
    place: Mapping[str, str]
    year: int | None
    estimate: float
    standard_error: float
    low: float
    high: float
    flags: tuple[Flag, ...] = ()

    @property
    def flag(self) -> str:
        """What the flags say, in words."""
        return text(*self.flags)

    @property
    def binned(self) -> bool:
        """Whether it comes from a histogram."""
        return any(flag.reason is Reason.BINNED for flag in self.flags)

    def as_dict(self, dims: Iterable[str] = ()) -> dict[str, Any]:
        """The record as plain data for JSON: NaN becomes None; `flag` is what the `flags` say, in words.

        Args:
          dims: of the model, each with a key of its own; None where the record has no place in it. Those of `place` if not given.
        """
        place = {dim: self.place.get(dim) for dim in dims or self.place}
        plain = {key: _plain(value) for key, value in vars(self).items()}
        head = {key: plain.pop(key) for key in ("measure", "level", "policy", "variable")}
        del plain["place"], plain["flags"]
        flags = [{key: _plain(value) for key, value in vars(flag).items()} for flag in self.flags]
        return {**head, **place, **plain, "flag": self.flag, "flags": flags}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value


def record(
    measure: str,
    policy: str,
    variable: str,
    estimate: Estimate,
    place: Mapping[str, str] | None = None,
    year: int | None = None,
) -> Record:
    """The record of one estimate; the level is read from the measure's name ("difference_VaR99" has 0.99)."""
    level = level_of(measure.rpartition("_")[2])
    return Record(measure, level, policy, variable, place or {}, year, **vars(estimate))


@dataclasses.dataclass(frozen=True)
class Tables:
    """Records of a run.

    Args:
      risk: mean, VaR and ES of each outcome and the probability of each event, for every policy.
      comparison: each policy against the baseline on the same paths, and regret against the best policy of each path:
        "difference_M" is measure M of the policy less that of the baseline, "worse" the probability that the policy is
        the worse of the two, "regret" (also of the baseline) the mean shortfall against the best of all policies.
    """

    risk: list[Record]
    comparison: list[Record]

    @staticmethod
    def joined(parts: Iterable[Tables]) -> Tables:
        """The records of all parts, in their order."""
        found = list(parts)
        return Tables(
            [r for part in found for r in part.risk], [r for part in found for r in part.comparison]
        )


def tables_of_paths(
    study: Study, outcomes: Mapping[str, np.ndarray], variables: Container[str] | None = None
) -> Tables:
    """Risk and comparison from outcomes kept per path.

    Args:
      outcomes: [policy, path] by name. An outcome is asked for when its turn comes, so that no more than a few are in
        memory at a time where the mapping reads them then.
      variables: the outcomes and events asked for; all that the outcomes can tell if not given.
    """
    names = [name for name in outcomes if variables is None or name in variables]
    events = [
        event for event in known_events(study, outcomes) if variables is None or event.name in variables
    ]
    # NumPy lets go of the interpreter while it sorts and sums
    with ThreadPoolExecutor(THREADS) as threads:
        parts = [
            *threads.map(lambda name: _of_outcome(study, name, outcomes[name]), names),
            *threads.map(lambda event: _of_event(study, event, outcomes), events),
        ]
    return Tables.joined(parts)


def _of_outcome(study: Study, name: str, values: np.ndarray) -> Tables:
    base = study.policy_names.index(study.baseline)
    loss = study.model.outcomes[name].loss
    regrets = regret(values, study.unit, loss)
    risk, comparison = [], []
    found = of_policies(values, base, study.unit, loss)
    for policy, (own, gaps), regretted in zip(study.policy_names, found, regrets, strict=True):
        risk += [record(measure, policy, name, estimate) for measure, estimate in own.items()]
        comparison += [record(against_baseline(m), policy, name, gap) for m, gap in gaps.items()]
        comparison.append(record("regret", policy, name, regretted))
    return Tables(risk, comparison)


def against_baseline(measure: str) -> str:
    """What a measure of a paired difference is called in a record."""
    return measure if measure == "worse" else f"difference_{measure}"


def _of_event(study: Study, event: Event, outcomes: Mapping[str, np.ndarray]) -> Tables:
    base = study.policy_names.index(study.baseline)
    read = {name: outcomes[name] for name in sorted(event_outcomes(study, event))}
    risk, comparison = [], []
    for p, policy in enumerate(study.policy_names):
        (indicator,), unit, lost = _event_paths(study, event, read, (p,))
        risk.append(record("probability", policy, event.name, probability(indicator, unit).flagged(lost)))
        if p != base:
            (here, there), unit, lost = _event_paths(study, event, read, (p, base))
            gap = probability_difference(here, there, unit).flagged(lost)
            comparison.append(record("difference_probability", policy, event.name, gap))
    return Tables(risk, comparison)


def _event_paths(
    study: Study, event: Event, outcomes: Mapping[str, np.ndarray], policies: tuple[int, ...]
) -> tuple[list[np.ndarray], Units, Flag | None]:
    """Whether an event happens under each of the policies, on the paths where all it reads is finite; units; flag."""
    names = list(outcomes)
    flat, units, lost = finite_units(tuple(outcomes[name][p] for p in policies for name in names), study.unit)
    parts = [flat[k * len(names) : (k + 1) * len(names)] for k in range(len(policies))]
    found = [happens(study, event, dict(zip(names, part, strict=True))) for part in parts]
    return found, units, lost
