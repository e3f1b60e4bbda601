"""The summary groups of the cube, from what a run left: its records, outcomes per path or tallies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from engine.risk.display import histogram, histogram_of_bins
from engine.risk.evidence import level_of, measures
from engine.risk.flags import as_array
from engine.risk.rounding import Rounding
from engine.risk.tables import THREADS, Record, Tables, against_baseline
from engine.risk.tallies import Tally, unkept
from engine.study.study import Study

Key = tuple[str, str, str]
"""Variable, policy and measure."""
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
      difference: outcome -> [policy, measure, stat], policy less baseline on the same paths; zeros for the baseline.
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
      excluded: paths that are kept out of every number for that; `yearly_excluded`, of the yearly sample.
      flags: "group/variable" -> what a reader must know, such as which intervals are missing and why, in words.
      reasons: group -> variable -> the same as data, [policy, measure, reason, detail], or without `measure` as the
        variable is; only those that have a flag. Axes in the orders of `flags.Reason` and `flags.DETAILS`.
      rounding: what single precision is too coarse for.
      on_bounds: yearly variable that the model clips -> [policy, side, year, *dims], share of the yearly sample that stands on
        its lower and on its upper bound.
    """

    levels: Mapping[str, float]
    risk: Mapping[str, Float[np.ndarray, "policy measure stat"]]
    events: Mapping[str, Float[np.ndarray, "policy stat"]]
    difference: Mapping[str, Float[np.ndarray, "policy measure stat"]]
    worse: Mapping[str, Float[np.ndarray, "policy stat"]]
    regret: Mapping[str, Float[np.ndarray, "policy stat"]]
    histograms: Mapping[str, tuple[np.ndarray, np.ndarray]]
    nonfinite: Int[np.ndarray, "policy outcome"]
    difference_events: Mapping[str, np.ndarray] = field(default_factory=dict)
    risk_yearly: Mapping[str, np.ndarray] = field(default_factory=dict)
    difference_yearly: Mapping[str, np.ndarray] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()
    distribution: Mapping[str, np.ndarray] = field(default_factory=dict)
    yearly_sample: int = 0
    excluded: int = 0
    yearly_excluded: int = 0
    moments: Mapping[str, np.ndarray] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    rounding: tuple[Rounding, ...] = ()
    on_bounds: Mapping[str, np.ndarray] = field(default_factory=dict)


def summarise(
    study: Study,
    tables: Tables,
    paths: Mapping[str, np.ndarray],
    tally: Tally | None,
    yearly: Mapping[str, Any],
    nonfinite: Int[np.ndarray, "policy outcome"],
    out: int = 0,
) -> Summaries:
    """Everything that the summary groups hold.

    Args:
      tables: the records of the run.
      paths: outcomes kept whole by name, float32 [policy, path], a few looked at at a time.
      tally: of the outcomes that are not; None where all are kept.
      yearly: other fields of `Summaries`: those that hold yearly variables, as `of_sample` gives them, but of a static model.
      nonfinite: outcomes that are not finite, int [policy, outcome], as the blocks' records count them.
      out: paths that are kept out of every number for that.
    """
    outcomes, events = list(study.model.outcomes), [event.name for event in study.events]
    of_outcome = measures(study.levels)
    gaps = [against_baseline(name) for name in of_outcome]
    records = {(r.variable, r.policy, r.measure): r for r in (*tables.risk, *tables.comparison)}
    numbers = {at: (r.estimate, r.standard_error, r.low, r.high) for at, r in records.items()}
    numbers |= dict.fromkeys(_against_itself(study, tables.risk), (0.0,) * 4)
    flags = {at: as_array(r.flags) for at, r in records.items() if r.flags}
    missing = (math.nan,) * len(STATS)

    def held(names: list[str], measure: str) -> dict[str, np.ndarray]:
        return _held(study, numbers, missing, names, [measure])

    def reasons(names: list[str], *measures: str) -> dict[str, np.ndarray]:
        return _held(study, flags, as_array(()), names, measures)

    with ThreadPoolExecutor(THREADS) as threads:
        histograms = threads.map(lambda name: _histogram(study, name, paths, tally), outcomes)
    return Summaries(
        levels={name: level_of(name) or math.nan for name in of_outcome},
        risk=_arrays(study, numbers, missing, outcomes, of_outcome),
        events=held(events, "probability"),
        difference=_arrays(study, numbers, missing, outcomes, gaps),
        difference_events=held(events, "difference_probability"),
        worse=held(outcomes, "worse"),
        regret=held(outcomes, "regret"),
        histograms=dict(zip(outcomes, histograms, strict=True)),
        nonfinite=nonfinite,
        excluded=out,
        flags=_sentences("risk", tables.risk) | _sentences("comparison", tables.comparison),
        reasons={
            "risk": reasons(outcomes, *of_outcome),
            "risk/events": reasons(events, "probability"),
            "comparison": reasons(outcomes, *gaps),
            "comparison/events": reasons(events, "difference_probability"),
            "comparison/worse": reasons(outcomes, "worse"),
            "comparison/regret": reasons(outcomes, "regret"),
        },
        **yearly,
    )


def _against_itself(study: Study, risk: Iterable[Record]) -> list[Key]:
    """What compares the baseline with itself, where it has numbers: differences, and how often it is the worse of the two."""
    own = [r for r in risk if r.policy == study.baseline and math.isfinite(r.estimate)]
    names = [(r.variable, against_baseline(r.measure)) for r in own]
    names += [(r.variable, "worse") for r in own if r.measure == "mean"]
    return [(name, study.baseline, measure) for name, measure in names]


def _histogram(
    study: Study, name: str, paths: Mapping[str, np.ndarray], tally: Tally | None
) -> tuple[np.ndarray, np.ndarray]:
    if name in study.keep.outcomes:
        return histogram(paths[name])
    assert tally is not None
    place = unkept(study).index(name)
    return histogram_of_bins([tally.histogram(place, p) for p in range(len(study.policies))])


def _arrays(
    study: Study, rows: Mapping[Key, Any], missing: Any, names: Iterable[str], measures: Sequence[str]
) -> dict[str, np.ndarray]:
    """variable -> [policy, measure, ...], with what is `missing` where there is no row."""
    return {
        name: np.array([[rows.get((name, p, m), missing) for m in measures] for p in study.policy_names])
        for name in names
    }


def _held(
    study: Study, rows: Mapping[Key, Any], missing: Any, names: Iterable[str], measures: Sequence[str]
) -> dict[str, np.ndarray]:
    """As `_arrays`, of the variables with a row alone; without the axis `measure` where that is one."""
    there = {variable for variable, _, measure in rows if measure in measures}
    arrays = _arrays(study, rows, missing, [name for name in names if name in there], measures)
    return arrays if len(measures) > 1 else {name: array[:, 0] for name, array in arrays.items()}


def _sentences(group: str, records: Iterable[Record]) -> dict[str, str]:
    """group/variable -> its flags with what they hold for, as one text."""
    places: dict[str, dict[str, list[str]]] = {}
    for r in records:
        if r.flag:
            places.setdefault(r.variable, {}).setdefault(r.flag, []).append(f"{r.policy} {r.measure}")
    return {
        f"{group}/{name}": "; ".join(f"{', '.join(where)}: {flag}" for flag, where in flags.items())
        for name, flags in places.items()
    }
