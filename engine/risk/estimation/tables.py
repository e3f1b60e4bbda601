"""Records of each policy's risk and of its differences from the baseline, from outcomes per path or tallies."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
from jaxtyping import Int

from engine.risk.estimation.display import Bars, histogram, histogram_of_bins
from engine.risk.estimation.events import ByName, event_outcomes, happens, known_events
from engine.risk.estimation.evidence import level_of
from engine.risk.estimation.flags import Flag, Reason, text
from engine.risk.estimation.histogram_measures import (
    Binned,
    difference_of_shares,
    regrets as binned_regrets,
    share as binned_share,
)
from engine.risk.estimation.influences import named
from engine.risk.estimation.intervals import Estimate, PolicyPaths
from engine.risk.estimation.measures import Estimates, Variables, finite_units, probability, probability_difference
from engine.risk.estimation.tallies import Tally, unkept, unkept_events
from engine.study.components import Event
from engine.study.study import Study

PREFIXES = ("difference", "given", "otherwise", "contrast")
"""Prefixes of a measure's name, each followed by an underscore."""
THREADS = min(os.cpu_count() or 1, 4)
"""Number of outcomes that are evaluated, and in memory, at a time."""


@dataclasses.dataclass(frozen=True)
class Record:
    """One number of a table with its labels.

    Args:
      measure: a name of `engine.risk.estimation.measures` ("mean", "median", "sd", "VaR99", "ES99.9", "probability"),
        "difference_" and such a name for the difference from the baseline, "worse" or "regret".
      level: level of the measure, or None.
      policy, variable: names.
      place: label by dimension, in the model's order; empty where there is no place.
      year: calendar year; None where there is none.
      estimate, standard_error: in the variable's unit; NaN where there is none.
      low, high: 95 % interval; NaN where a flag other than `flags.WARNINGS` withholds it.
      flags: flags of the number.
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
    def alone(self) -> Estimate:
        """The number with its error, interval and flags, without labels."""
        return Estimate(self.estimate, self.standard_error, self.low, self.high, self.flags)

    @property
    def flag(self) -> str:
        """Text of the flags."""
        return self.alone.flag

    @property
    def withheld(self) -> str:
        """Text of the flags that withhold the interval."""
        return text(*(flag for flag in self.flags if flag.withholds))

    def has(self, reason: str) -> bool:
        """Whether it is flagged for this reason, one of `flags.Reason`."""
        return any(flag.reason == reason for flag in self.flags)

    @property
    def bare_measure(self) -> str:
        """The measure without prefix: "ES99" of "difference_ES99" or "given_ES99"."""
        prefix, _, rest = self.measure.partition("_")
        return rest if prefix in PREFIXES else self.measure


def record(
    measure: str,
    policy: str,
    variable: str,
    estimate: Estimate,
    place: Mapping[str, str] | None = None,
    year: int | None = None,
) -> Record:
    """The record of an estimate; its level is read from the measure's name ("difference_VaR99" has 0.99)."""
    level = level_of(measure.rpartition("_")[2])
    return Record(measure, level, policy, variable, place or {}, year, **vars(estimate))


@dataclasses.dataclass(frozen=True)
class Tables:
    """Records of a run.

    Args:
      risk: mean, median, standard deviation, VaR and ES of each outcome and the probability of each event, for every
        policy.
      comparison: each policy against the baseline on the same paths, and against the best policy of each path:
        "difference_M" is measure M of the policy less that of the baseline, "worse" the probability that the policy is
        worse than the baseline, "regret" (also of the baseline) the mean distance from the best of all policies.
      bars: chart of each outcome, as from `display.histogram`.
    """

    risk: list[Record]
    comparison: list[Record]
    bars: dict[str, Bars] = dataclasses.field(default_factory=dict)

    @staticmethod
    def joined(parts: Iterable[Tables]) -> Tables:
        """The records of all parts, in their order."""
        joined = Tables([], [], {})
        for part in parts:
            joined.risk.extend(part.risk)
            joined.comparison.extend(part.comparison)
            joined.bars.update(part.bars)
        return joined


def tables_of_paths(
    study: Study, outcomes: Mapping[str, PolicyPaths], variables: Container[str] | None = None
) -> Tables:
    """Risk and comparison records from outcomes kept per path.

    Args:
      outcomes: [policy, path] by name. Only a few are read at a time, so that a lazy mapping keeps no more in memory.
      variables: names of the wanted outcomes and events; if not given, all that the outcomes determine.
    """
    names = [name for name in outcomes if variables is None or name in variables]
    known = known_events(study, outcomes)
    events = [event for event in known if variables is None or event.name in variables]
    # NumPy releases the GIL while it sorts and sums
    with ThreadPoolExecutor(THREADS) as threads:
        found = threads.map(lambda name: _of_outcome(study, name, outcomes[name]), names)
        return Tables.joined([*found, *threads.map(lambda event: _of_event(study, event, outcomes), events)])


def tables_of_tally(study: Study, tally: Tally, variables: Container[str] | None = None) -> Tables:
    """Records of outcomes that are not kept per path, and of events that depend on one of them, from their tally.

    Args:
      variables: names of the wanted outcomes and events; all of them if not given.
    """
    out = study.paths - int(tally.sizes.sum())
    lost = Flag(Reason.NOT_FINITE, out, study.paths) if out else None
    outcomes = [
        _of_tallied(study, tally, k, name, lost)
        for k, name in enumerate(unkept(study))
        if variables is None or name in variables
    ]
    events = [
        _of_counts(study, tally, event.name, counts, lost)
        for event, counts in zip(unkept_events(study), tally.events, strict=True)
        if variables is None or event.name in variables
    ]
    return Tables.joined([*outcomes, *events])


def against_baseline(measure: str) -> str:
    """Name, in a record, of a measure's difference from the baseline."""
    return measure if measure == "worse" else f"difference_{measure}"


def _of_outcome(study: Study, name: str, values: PolicyPaths) -> Tables:
    of = Variables(values, study.unit, study.is_loss(name), study.levels)
    tables = _records(study, name, of.summary, of.difference, of.regrets())
    tables.bars[name] = histogram(of.ascending())
    return tables


def _of_tallied(study: Study, tally: Tally, k: int, name: str, lost: Flag | None) -> Tables:
    loss, levels = study.is_loss(name), study.levels
    parts = [tally.histogram(k, p) for p in range(len(study.policies))]
    bad = [Binned(part if loss else part.negated(), levels) for part in parts]

    def less(p: int, base: int) -> Estimates:
        worse = binned_share(tally.worse[k, p], tally.sizes, study.unit)
        return {**named(bad[p].less(bad[base]), levels, loss), "worse": worse}

    tables = _records(
        study, name, lambda p: named(bad[p].own(), levels, loss), less, binned_regrets(bad, tally.regret[k]), lost
    )
    tables.bars[name] = histogram_of_bins(parts)
    return tables


def _of_event(study: Study, event: Event, outcomes: ByName) -> Tables:
    read = {name: outcomes[name] for name in sorted(event_outcomes(study, event))}
    happened = happens(study, event, read)

    def estimated(of: Callable[..., Estimate], *policies: int) -> Estimates:
        """An estimate from whether the event happens under policies, on the paths where all it reads is finite."""
        values = [values[p] for values in (happened, *read.values()) for p in policies]
        kept, units, lost = finite_units(tuple(values), study.unit)
        return {"probability": of(*kept[: len(policies)], units).flagged(lost)}

    return _records(study, event.name, partial(estimated, probability), partial(estimated, probability_difference))


def _of_counts(
    study: Study, tally: Tally, name: str, counts: Int[np.ndarray, "policy group"], lost: Flag | None
) -> Tables:
    of = tally.sizes, study.unit
    return _records(
        study,
        name,
        lambda p: {"probability": binned_share(counts[p], *of)},
        lambda p, base: {"probability": difference_of_shares(counts[p], counts[base], *of)},
        lost=lost,
    )


def _records(
    study: Study,
    name: str,
    own: Callable[[int], Estimates],
    less: Callable[[int, int], Estimates],
    regrets: Sequence[Estimate] = (),
    lost: Flag | None = None,
) -> Tables:
    """Records of a variable: each policy's own measures, its differences from the baseline, and its regret.

    Args:
      lost: flag for paths that were left out of all of them.
    """
    tables, base = Tables([], []), study.row(study.baseline)
    for p, policy in enumerate(study.policy_names):
        tables.risk.extend(record(measure, policy, name, one.flagged(lost)) for measure, one in own(p).items())
        gaps = {against_baseline(measure): one for measure, one in less(p, base).items()} if p != base else {}
        gaps |= {"regret": regrets[p]} if regrets else {}
        tables.comparison.extend(record(measure, policy, name, one.flagged(lost)) for measure, one in gaps.items())
    return tables
