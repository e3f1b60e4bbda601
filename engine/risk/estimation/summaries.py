"""Summary groups of the cube, from a run's records, outcomes per path and tallies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Int

from engine.risk.estimation.events import ByName
from engine.risk.estimation.flags import as_array
from engine.risk.estimation.influences import level_of, measures
from engine.risk.estimation.rounding import Rounding
from engine.risk.estimation.stopping import Look, look
from engine.risk.estimation.tables import GROUPS, Record, SummaryGroup, Tables, against_baseline
from engine.study.study import Study

Key = tuple[str, str, str]
"""Variable, policy and measure."""
STATS = ("estimate", "standard_error", "low", "high")
MOMENTS = ("mean", "standard_deviation", "standard_error")


@dataclass(frozen=True)
class Summaries:
    """Numbers of the summary groups, by each group's place in `GROUPS`; an axis `stat` is in the order of `STATS`.

    Args:
      levels: level of each measure by name (0.95 for VaR95; NaN for measures without), in the order of the `measure`
        axes.
      numbers: arrays by place, then by name in the group.
      reasons: numbers of the flags by place, then by name in the group, with the axes `reason` and `detail` in place of
        `stat`, in the orders of `flags.Reason` and `flags.DETAILS`; only arrays with a flag.
      quantiles: probabilities of the `quantile` axis.
      yearly_sample: number of paths, from the first on, behind all yearly numbers.
      yearly_excluded: number of these that are left out because a value is not finite.
      rounding: quantities for which single precision is too coarse.
      until: states of the study's precision targets.
    """

    levels: Mapping[str, float]
    numbers: Mapping[str, ByName]
    reasons: Mapping[str, ByName] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()
    yearly_sample: int = 0
    yearly_excluded: int = 0
    rounding: tuple[Rounding, ...] = ()
    until: tuple[Look, ...] = ()


def summarise(
    study: Study,
    tables: Tables,
    paths: ByName,
    yearly: Mapping[str, Any],
    nonfinite: Int[np.ndarray, "policy outcome"],
    out: int = 0,
) -> Summaries:
    """All numbers of the summary groups.

    Args:
      tables: records of the run.
      paths: outcomes kept path by path, by name, float32 [policy, path]; only a few are read at a time.
      yearly: numbers of the groups of the yearly sample, as from `of_parts`, and other fields of `Summaries`; without
        yearly numbers for a static model.
      nonfinite: number of values that are not finite, int [policy, outcome], from the blocks' records.
      out: number of paths that are left out because of them.
    """
    records = {(r.variable, r.policy, r.measure): r.alone for r in (*tables.risk, *tables.comparison)}
    rows = {at: one.column for at, one in records.items()}
    rows |= dict.fromkeys(_against_itself(study, tables.risk), (0.0,) * 4)
    flags = {at: as_array(one.flags) for at, one in records.items() if one.flags}
    counts = {"nonfinite": nonfinite, "n_paths": study.paths, "n_units": study.paths // study.unit}
    counts |= {"n_excluded": out} if out else {}
    numbers: dict[str, ByName] = {
        "distribution/outcomes": {
            key: array
            for name in study.model.outcomes
            for key, array in zip((name, f"{name}_edges"), tables.bars[name], strict=True)
        },
        "diagnostics": {name: np.asarray(count, np.int64) for name, count in counts.items()},
    }
    reasons, others = {}, dict(yearly)
    for group in GROUPS:
        if group.sample in others:
            numbers[group.place] = others.pop(group.sample)
        elif any(of.table for of in group.numbers):
            numbers[group.place] = _arrays(study, group, rows, (math.nan,) * len(STATS), whole=True)
            reasons[group.place] = _arrays(study, group, flags, as_array(()))
    return Summaries(
        levels={name: level_of(name) or math.nan for name in measures(study.levels)},
        numbers=numbers,
        reasons=reasons,
        until=tuple(look(study, target, paths) for target in study.until),
        **others,
    )


def _against_itself(study: Study, risk: Iterable[Record]) -> Iterator[Key]:
    """Keys of the baseline's comparisons with itself, where it has numbers: differences, and how often it is worse."""
    for r in risk:
        if r.policy == study.baseline and math.isfinite(r.estimate):
            yield r.variable, r.policy, against_baseline(r.measure)
            if r.measure == "mean":
                yield r.variable, r.policy, "worse"


def _arrays(
    study: Study, group: SummaryGroup, rows: Mapping[Key, Any], missing: Any, whole: bool = False
) -> dict[str, np.ndarray]:
    """Arrays of a group from records, [policy, measure, ...], without the axis `measure` where the group has none.

    Args:
      missing: entry where there is no record.
      whole: whether to include outcomes without any record, if they have the axis `measure`.
    """
    arrays: dict[str, np.ndarray] = {}
    for of in group.numbers:
        known = of.measures(study).values()
        by_measure = len(known) > 1
        there = {variable for variable, _, measure in rows if measure in known}
        held = {
            name: np.array([[rows.get((name, p, m), missing) for m in known] for p in study.policy_names])
            for name in group.names(study)
            if name in there or (whole and by_measure) or (there and group.of == "events")
        }
        held = held if by_measure else {name: array[:, 0] for name, array in held.items()}
        if group.of == "events":
            held = {of.name: np.stack([*held.values()], 1)} if held else {}
        arrays |= held
    return arrays
