"""The summary groups of the cube, from what a run left: its records, outcomes per path or tallies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from engine.analyses.compare import Record, Tables, against_baseline
from engine.histograms import displayed
from engine.measures import MEASURES, level_of
from engine.reducers import histogram
from engine.study import Study
from engine.summaries import Summaries
from engine.tallies import Tally, unkept


def summarise(
    study: Study,
    found: Tables,
    paths: Mapping[str, np.ndarray],
    tally: Tally | None,
    yearly: Mapping[str, Any],
    nonfinite: np.ndarray,
) -> Summaries:
    """Everything that the summary groups hold.

    Args:
      found: the records of the run.
      paths: outcomes kept whole by name, float32 [policy, path], one looked at after the other.
      tally: of the outcomes that are not; None where all are kept.
      yearly: the fields of `Summaries` that hold yearly variables, as `of_sample` gives them; empty for a static model.
      nonfinite: outcomes that are not finite, int [policy, outcome], as the blocks' records count them.
    """
    risk, comparison = found.risk, found.comparison
    outcomes, events = list(study.model.outcomes), [event.name for event in study.events]
    by_variable: dict[str, Any] = {
        "risk": _tables(study, risk, outcomes, MEASURES),
        "events": _columns(study, risk, events, "probability"),
        "difference": _tables(study, comparison, outcomes, [against_baseline(name) for name in MEASURES]),
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
    return displayed([tally.histogram(place, p) for p in range(len(study.policies))])


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
