"""The summary groups of the cube, from what a run left: its records, outcomes per path or tallies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine.risk.display import histogram, histogram_of_bins
from engine.risk.evidence import MEASURES, level_of
from engine.risk.flags import as_array
from engine.risk.tables import Record, Tables, against_baseline
from engine.risk.tallies import Tally, unkept
from engine.study.study import Study

STATS = ("estimate", "standard_error", "low", "high")
MOMENTS = ("mean", "standard_deviation", "standard_error")


@dataclass(frozen=True)
class Summaries:
    """The numbers of the summary groups, as plain arrays by variable. An axis `stat` is in the order of `STATS`.

    Args:
      levels: measure name -> its level (0.95 for VaR95; NaN where it has none), in the order of the `measure` axes.
      risk: outcome -> [policy, measure, stat].
      events: event -> [policy, stat], its probability.
      risk_yearly: yearly variable -> [policy, measure, stat, year, *dims].
      difference: outcome -> [policy, measure, stat], policy less baseline on the same paths.
      difference_events: event -> [policy, stat], difference of probabilities.
      difference_yearly: yearly variable -> [policy, stat, year, *dims], difference of means.
      worse: outcome -> [policy, stat], probability of being worse than the baseline on the same path.
      regret: outcome -> [policy, stat], mean distance from the best policy of the same path.
      quantiles: probabilities of the `quantile` axis.
      distribution: yearly variable -> [policy, quantile, year, *dims].
      yearly_sample: paths, from the first on, that `distribution` and the tails of `risk_yearly` come from.
      histograms: outcome -> (counts [policy, bin], edges [bin + 1]).
      moments: yearly variable -> [policy, moment, year, *dims], in the order of `MOMENTS`.
      nonfinite: int [policy, outcome], over all outcomes of the model.
      flags: "group/variable" -> what a reader must know, such as which intervals are missing and why, in words.
      reasons: group -> variable -> the same as data, [policy, measure, reason, detail], or without `measure` as the
        variable is; only those that have a flag. Axes in the orders of `flags.Reason` and `flags.DETAILS`.
    """

    levels: Mapping[str, float]
    risk: Mapping[str, np.ndarray]
    events: Mapping[str, np.ndarray]
    difference: Mapping[str, np.ndarray]
    worse: Mapping[str, np.ndarray]
    regret: Mapping[str, np.ndarray]
    histograms: Mapping[str, tuple[np.ndarray, np.ndarray]]
    nonfinite: np.ndarray
    difference_events: Mapping[str, np.ndarray] = field(default_factory=dict)
    risk_yearly: Mapping[str, np.ndarray] = field(default_factory=dict)
    difference_yearly: Mapping[str, np.ndarray] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()
    distribution: Mapping[str, np.ndarray] = field(default_factory=dict)
    yearly_sample: int = 0
    moments: Mapping[str, np.ndarray] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)


def summarise(
    study: Study,
    tables: Tables,
    paths: Mapping[str, np.ndarray],
    tally: Tally | None,
    yearly: Mapping[str, Any],
    nonfinite: np.ndarray,
) -> Summaries:
    """Everything that the summary groups hold.

    Args:
      tables: the records of the run.
      paths: outcomes kept whole by name, float32 [policy, path], one looked at after the other.
      tally: of the outcomes that are not; None where all are kept.
      yearly: the fields of `Summaries` that hold yearly variables, as `of_sample` gives them; empty for a static model.
      nonfinite: outcomes that are not finite, int [policy, outcome], as the blocks' records count them.
    """
    risk, comparison = tables.risk, tables.comparison
    outcomes, events = list(study.model.outcomes), [event.name for event in study.events]
    gaps = [against_baseline(name) for name in MEASURES]
    by_variable: dict[str, Any] = {
        "risk": _tables(study, risk, outcomes, MEASURES),
        "events": _columns(study, risk, events, "probability"),
        "difference": _tables(study, comparison, outcomes, gaps),
        "difference_events": _columns(study, comparison, events, "difference_probability"),
        "worse": _columns(study, comparison, outcomes, "worse"),
        "regret": _columns(study, comparison, outcomes, "regret"),
    }
    flags = {f"risk/{name}": text for name, text in _flags(risk).items()}
    flags |= {f"comparison/{name}": text for name, text in _flags(comparison).items()}
    return Summaries(
        levels={name: level_of(name) or math.nan for name in MEASURES},
        histograms={name: _histogram(study, name, paths, tally) for name in outcomes},
        nonfinite=nonfinite,
        flags=flags,
        reasons={
            "risk": _reasons(study, risk, outcomes, MEASURES)
            | _reasons(study, risk, events, ["probability"]),
            "comparison": _reasons(study, comparison, outcomes, gaps)
            | _reasons(study, comparison, events, ["difference_probability"]),
            "comparison/worse": _reasons(study, comparison, outcomes, ["worse"]),
            "comparison/regret": _reasons(study, comparison, outcomes, ["regret"]),
        },
        **by_variable,
        **yearly,
    )


def _histogram(
    study: Study, name: str, paths: Mapping[str, np.ndarray], tally: Tally | None
) -> tuple[np.ndarray, np.ndarray]:
    if name in study.keep.outcomes:
        return histogram(paths[name])
    assert tally is not None
    place = unkept(study).index(name)
    return histogram_of_bins([tally.histogram(place, p) for p in range(len(study.policies))])


def _row(record: Record) -> tuple[float, float, float, float]:
    return record.estimate, record.standard_error, record.low, record.high


def _tables(
    study: Study, records: list[Record], names: Iterable[str], measures: Iterable[str]
) -> dict[str, np.ndarray]:
    """variable -> [policy, measure, stat], NaN where there is no record (the baseline against itself)."""
    rows = {(r.variable, r.policy, r.measure): _row(r) for r in records}
    nothing = (math.nan,) * 4
    wanted = list(measures)
    return {
        name: np.array([[rows.get((name, p, m), nothing) for m in wanted] for p in study.policy_names])
        for name in names
    }


def _columns(
    study: Study, records: list[Record], names: Iterable[str], measure: str
) -> dict[str, np.ndarray]:
    """variable -> [policy, stat] of one measure, for the variables that have it."""
    held = {r.variable for r in records if r.measure == measure}
    tables = _tables(study, records, [name for name in names if name in held], [measure])
    return {name: table[:, 0] for name, table in tables.items()}


def _reasons(
    study: Study, records: list[Record], names: Iterable[str], measures: Sequence[str]
) -> dict[str, np.ndarray]:
    """variable -> [policy, measure, reason, detail], of the variables with a flag; without `measure` where it is one."""
    flags = {(r.variable, r.policy, r.measure): r.flags for r in records if r.flags}
    flagged = {variable for variable, _, measure in flags if measure in measures}
    tables = {
        name: np.array(
            [[as_array(flags.get((name, p, m), ())) for m in measures] for p in study.policy_names]
        )
        for name in names
        if name in flagged
    }
    return tables if len(measures) > 1 else {name: table[:, 0] for name, table in tables.items()}


def _flags(records: list[Record]) -> dict[str, str]:
    """variable -> its flags with what they hold for, as one text."""
    places: dict[str, dict[str, list[str]]] = {}
    for r in records:
        if r.flag:
            places.setdefault(r.variable, {}).setdefault(r.flag, []).append(f"{r.policy} {r.measure}")
    return {
        name: "; ".join(f"{', '.join(where)}: {flag}" for flag, where in flags.items())
        for name, flags in places.items()
    }
