"""Records of each policy's risk and of its differences from the baseline, and the groups of the cube that hold them."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

import numpy as np
from jaxtyping import Int

from engine.risk.estimation import histogram_measures as binned
from engine.risk.estimation.display import Bars, histogram, histogram_of_bins
from engine.risk.estimation.events import ByName, event_outcomes, happens, known_events
from engine.risk.estimation.flags import Flag, Reason, text
from engine.risk.estimation.influences import level_of, measures, named
from engine.risk.estimation.intervals import Estimate, PolicyPaths, finite_units
from engine.risk.estimation.measures import Estimates, Variables, probability, probability_difference
from engine.risk.estimation.tallies import Tally, unkept, unkept_events
from engine.study.components import Event
from engine.study.study import Study

PREFIXES = ("difference", "given", "otherwise", "contrast")
"""Prefixes of a measure's name, each followed by an underscore."""
THREADS = min(os.cpu_count() or 1, 4)
"""Number of outcomes that are evaluated, and in memory, at a time."""


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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
    bars: dict[str, Bars] = field(default_factory=dict)

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
    bad = [binned.Binned(part if loss else part.negated(), levels) for part in parts]

    def less(p: int, base: int) -> Estimates:
        worse = binned.share(tally.worse[k, p], tally.sizes, study.unit)
        return {**named(bad[p].less(bad[base]), levels, loss), "worse": worse}

    tables = _records(
        study, name, lambda p: named(bad[p].own(), levels, loss), less, binned.regrets(bad, tally.regret[k]), lost
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
        lambda p: {"probability": binned.share(counts[p], *of)},
        lambda p, base: {"probability": binned.difference_of_shares(counts[p], counts[base], *of)},
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


FULL, SHORT, EVENT = ("policy", "measure", "stat"), ("policy", "stat"), ("policy", "event", "stat")


@dataclass(frozen=True)
class Numbers:
    """One array that a summary group holds for each outcome, yearly variable or event, or once.

    Args:
      dims: dimensions of the array; for a yearly variable `year` and its own dimensions are added.
      about: long name; {} stands for the variable's title.
      name: name in the group; {} stands for the variable's name. Events share one array, in which they are a dimension.
      unit: unit; the variable's own if None.
      table: field of `Tables` with the records that it is filled from; empty for none.
      measure: measure of these records; {} stands for the label along `measure`.
      bounds: prefix of the attributes that state a yearly variable's bounds; empty for none.
    """

    dims: tuple[str, ...]
    about: str = "{}"
    name: str = "{}"
    unit: str | None = None
    table: Literal["", "risk", "comparison"] = ""
    measure: str = "{}"
    bounds: Literal["", "valid", "bound"] = ""

    def measures(self, study: Study) -> dict[str, str]:
        """Measure of the records by label along `measure`; a single label "" without that dimension."""
        labels = measures(study.levels) if "measure" in self.dims else ("",)
        return {label: self.measure.format(label) for label in labels}


@dataclass(frozen=True)
class SummaryGroup:
    """A summary group of the cube.

    Args:
      place: path in the cube.
      comment: description; {paths} or {sample} stands for the paths it is computed from, {baseline} for the baseline.
      numbers: arrays that it holds for each variable.
      of: table of the model or the study whose entries are its variables; empty for a group without variables.
      sample: name among the results of the yearly sample; empty for a group computed from all paths.
      optional: whether the group is left out where it would be empty.
    """

    place: str
    comment: str
    numbers: tuple[Numbers, ...]
    of: Literal["", "outcomes", "yearly", "events"] = "outcomes"
    sample: str = ""
    optional: bool = False

    def names(self, study: Study) -> tuple[str, ...]:
        """Names of its variables."""
        if self.of == "events":
            return tuple(event.name for event in study.events)
        return tuple(getattr(study.model, self.of)) if self.of else ("",)

    def held(self, study: Study, arrays: ByName) -> Iterator[tuple[str, Numbers, str, np.ndarray]]:
        """For each of its arrays in `arrays`: variable's name, declaration, array's name, and the array."""
        for name in self.names(study):
            for of in self.numbers:
                called = of.name.format(name)
                if called in arrays:
                    yield name, of, called, arrays[called]


GROUPS = (
    SummaryGroup(
        "risk",
        "risk measures over {paths}; VaR is the quantile at its level on the bad side, ES the mean beyond it",
        (Numbers(FULL, table="risk"),),
    ),
    SummaryGroup(
        "events",
        "how likely events are, and policy less '{baseline}', {paths}",
        (
            Numbers(EVENT, "probability of the event", "probability", "1", "risk", "probability"),
            Numbers(EVENT, "difference in the probability of the event", "difference", "1", "comparison",
                    "difference_probability"),
        ),
        "events",
        optional=True,
    ),
    SummaryGroup(
        "risk/yearly",
        "risk measures over {sample}, at the resolution of the model",
        (Numbers(FULL),),
        "yearly",
        "risk_yearly",
    ),
    SummaryGroup(
        "comparison",
        "paired differences: policy less '{baseline}' on the same paths, {paths}",
        (Numbers(FULL, "{}: difference", table="comparison", measure="difference_{}"),),
    ),
    SummaryGroup(
        "comparison/worse",
        "probability that a path is worse than under '{baseline}', {paths}",
        (Numbers(SHORT, "{}: probability of being worse", unit="1", table="comparison", measure="worse"),),
    ),
    SummaryGroup(
        "comparison/regret",
        "mean distance from the best policy of the same path, {paths}",
        (Numbers(SHORT, "{}: regret", table="comparison", measure="regret"),),
    ),
    SummaryGroup(
        "comparison/yearly",
        "paired differences of means: policy less '{baseline}' on the same paths, {sample}",
        (Numbers(SHORT, "{}: difference"),),
        "yearly",
        "difference_yearly",
    ),
    SummaryGroup(
        "distribution",
        "quantiles of {sample}, at the resolution of the model",
        (Numbers(("policy", "quantile"), bounds="valid"),),
        "yearly",
        "distribution",
    ),
    SummaryGroup(
        "distribution/outcomes",
        "histograms over {paths}; the outer two bins reach to the smallest and largest value",
        (
            Numbers(("policy", "bin"), "{}: number of paths", unit="1"),
            Numbers(("edge",), "{}: edges of the bins", "{}_edges"),
        ),
    ),
    SummaryGroup(
        "moments",
        "moments over {sample}; standard_error is that of the mean",
        (Numbers(("policy", "moment")),),
        "yearly",
        "moments",
    ),
    SummaryGroup(
        "diagnostics",
        "counts over the whole run",
        (
            Numbers(("policy", "outcome"), "values that are not finite", "nonfinite", "1"),
            Numbers((), "number of paths kept out of every number: values that are not finite", "n_excluded", "1"),
            Numbers((), "number of paths", "n_paths", "1"),
            Numbers((), "number of independent units of {unit} paths", "n_units", "1"),
        ),
        "",
    ),
    SummaryGroup(
        "diagnostics/bounds",
        "share of {sample} on which a value stands at a bound that the model clips it at",
        (Numbers(("policy", "bound"), "{}: share of paths on the bound", unit="1", bounds="bound"),),
        "yearly",
        "on_bounds",
        optional=True,
    ),
)  # fmt: skip
