"""The summary groups of the cube, from what a run left: outcomes per path, yearly sums, the yearly sample."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from scipy import special

from engine.analyses.compare import Record
from engine.measures import MEASURES, level_of, summary_cells
from engine.reducers import YearlySums, histogram, split_cells
from engine.study import Study
from engine.summaries import Summaries

QUANTILES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90, 0.95, 0.99)


def summarise(
    study: Study,
    outcomes: Mapping[str, np.ndarray],
    risk: Iterable[Record],
    comparison: Iterable[Record],
    sums: YearlySums | None,
    yearly: np.ndarray | None,
    nonfinite: np.ndarray,
) -> Summaries:
    """Everything that the summary groups hold.

    Args:
      outcomes: kept outcomes by name, float32 [policy, path].
      risk: records of `compare.risk_table`.
      comparison: records of `compare.comparison_table`.
      sums: yearly sums over all paths; None for a static model.
      yearly: yearly sample, float32 [policy, year, cell, path]; None for a static model.
      nonfinite: outcomes that are not finite, int [policy, outcome], as the blocks' records count them.
    """
    risk, comparison = list(risk), list(comparison)
    events = [event.name for event in study.events]
    by_variable: dict[str, Any] = {
        "risk": _tables(study, risk, study.keep.outcomes, MEASURES),
        "events": _columns(study, risk, events, "probability"),
        "difference": _tables(
            study, comparison, study.keep.outcomes, [f"difference_{name}" for name in MEASURES]
        ),
        "difference_events": _columns(study, comparison, events, "difference_probability"),
        "worse": _columns(study, comparison, study.keep.outcomes, "worse"),
        "regret": _columns(study, comparison, study.keep.outcomes, "regret"),
    }
    flags = {f"risk/{name}": text for name, text in _flags(risk).items()}
    flags |= {f"comparison/{name}": text for name, text in _flags(comparison).items()}
    found = dict(
        levels={name: level_of(name) or math.nan for name in MEASURES},
        histograms={name: histogram(values) for name, values in outcomes.items()},
        nonfinite=nonfinite,
        tiles=-(-study.paths // study.tile),
        flags=flags,
        **by_variable,
    )
    if sums is not None:
        found |= _of_sums(study, sums)
    if yearly is not None and sums is not None:
        found |= _of_sample(study, sums, yearly)
    return Summaries(**found)


def _of_sums(study: Study, sums: YearlySums) -> dict[str, Any]:
    """Moments and paired differences of means, over all paths."""
    mean, error = sums.mean(), sums.standard_error()
    gap = _with_interval(sums.difference(), sums.difference_error(), sums.freedom)
    return {
        "moments": split_cells(study.model, np.stack([mean, sums.deviation(), error], axis=1)),
        "difference_yearly": split_cells(study.model, gap),
    }


def _of_sample(study: Study, sums: YearlySums, yearly: np.ndarray) -> dict[str, Any]:
    """Quantiles, VaR and ES of every yearly cell from the sample; its means from all paths."""
    model: Any = study.model
    names = list(model.yearly)
    means = split_cells(model, _with_interval(sums.mean(), sums.standard_error(), sums.freedom))
    values = split_cells(model, yearly, axis=2)

    def of_variable(name: str) -> tuple[np.ndarray, np.ndarray]:
        ascending = np.sort(values[name], axis=-1)
        quantiles = np.stack([_quantile(ascending, level) for level in QUANTILES], axis=1)
        table = np.stack(summary_cells(values[name], study.unit, model.yearly[name].loss))
        # [stat, policy, year, *dims, measure] -> [policy, measure, stat, year, *dims]
        table = np.moveaxis(np.moveaxis(table, -1, 0), 2, 0).copy()
        table[:, 0] = means[name]
        return quantiles, table

    with ThreadPoolExecutor() as threads:
        parts = dict(zip(names, threads.map(of_variable, names), strict=True))
    return {
        "quantiles": QUANTILES,
        "distribution": {name: quantiles for name, (quantiles, _) in parts.items()},
        "risk_yearly": {name: table for name, (_, table) in parts.items()},
        "yearly_sample": yearly.shape[-1],
    }


def _with_interval(estimate: np.ndarray, error: np.ndarray, freedom: int) -> np.ndarray:
    """Estimate, standard error and 95 % interval by Student's t on axis 1; no interval without a degree of freedom."""
    half = special.stdtrit(freedom, 0.975) * error if freedom > 0 else np.full_like(error, np.nan)
    return np.stack([estimate, error, estimate - half, estimate + half], axis=1)


def _quantile(ascending: np.ndarray, level: float) -> np.ndarray:
    """Quantile along the last axis of sorted values, interpolated between neighbours."""
    at = level * (ascending.shape[-1] - 1)
    low = math.floor(at)
    high = min(low + 1, ascending.shape[-1] - 1)
    return ascending[..., low] + (at - low) * (ascending[..., high] - ascending[..., low])


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
    """variable -> its flags, as one text."""
    texts: dict[str, list[str]] = {}
    for r in records:
        if r.flag:
            texts.setdefault(r.variable, []).append(f"{r.policy} {r.measure}: {r.flag}")
    return {name: "; ".join(parts) for name, parts in texts.items()}
