"""The summary groups of the cube, from what a run left, its records, outcomes per path or tallies; and the records of a yearly variable from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from engine.risk.estimation.display import histogram_of_bins
from engine.risk.estimation.evidence import level_of, measures
from engine.risk.estimation.flags import Flag, Reason, as_array
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.rounding import Rounding
from engine.risk.estimation.stopping import Look, look
from engine.risk.estimation.summary_groups import GROUPS, SummaryGroup
from engine.risk.estimation.tables import Record, Tables, against_baseline, record
from engine.risk.estimation.tallies import Tally, unkept
from engine.study.study import Study

if TYPE_CHECKING:
    import xarray as xr

Key = tuple[str, str, str]
"""Variable, policy and measure."""
STATS = ("estimate", "standard_error", "low", "high")
MOMENTS = ("mean", "standard_deviation", "standard_error")


@dataclass(frozen=True)
class Summaries:
    """The numbers of the summary groups, by the place of each as `GROUPS` declares it. An axis `stat` is in the order of `STATS`.

    Args:
      levels: measure name -> its level (0.95 for VaR95; NaN where it has none), in the order of the `measure` axes.
      numbers: place -> name in the group -> array.
      reasons: place -> name in the group -> why its numbers have no interval, or what that holds, with the axes `reason` and
        `detail` in place of `stat`, in the orders of `flags.Reason` and `flags.DETAILS`; only what has a flag.
      flags: "table/variable" -> the same of its records in a table, in words.
      quantiles: probabilities of the `quantile` axis.
      yearly_sample: paths, from the first on, that what is by year comes from.
      yearly_excluded: of these, what is kept out of every number because it is not finite.
      rounding: what single precision is too coarse for.
      until: how the targets of the study stand, where it has any.
    """

    levels: Mapping[str, float]
    numbers: Mapping[str, Mapping[str, np.ndarray]]
    reasons: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    quantiles: tuple[float, ...] = ()
    yearly_sample: int = 0
    yearly_excluded: int = 0
    rounding: tuple[Rounding, ...] = ()
    until: tuple[Look, ...] = ()


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
      yearly: what the groups of the yearly sample hold, as `of_sample` gives it, but of a static model; other fields of `Summaries`.
      nonfinite: outcomes that are not finite, int [policy, outcome], as the blocks' records count them.
      out: paths that are kept out of every number for that.
    """
    records = {(r.variable, r.policy, r.measure): r for r in (*tables.risk, *tables.comparison)}
    rows = {at: (r.estimate, r.standard_error, r.low, r.high) for at, r in records.items()}
    rows |= dict.fromkeys(_against_itself(study, tables.risk), (0.0,) * 4)
    flags = {at: as_array(r.flags) for at, r in records.items() if r.flags}
    missing = (math.nan,) * len(STATS)
    counts = {"nonfinite": nonfinite, "n_paths": study.paths, "n_units": study.paths // study.unit}
    counts |= {"n_excluded": out} if out else {}
    numbers: dict[str, Mapping[str, np.ndarray]] = {
        "distribution/outcomes": _histograms(study, tables, tally),
        "diagnostics": {name: np.asarray(count, np.int64) for name, count in counts.items()},
    }
    reasons, others = {}, dict(yearly)
    for group in GROUPS:
        if group.sample in others:
            numbers[group.place] = others.pop(group.sample)
        elif any(of.table for of in group.numbers):
            numbers[group.place] = _arrays(study, group, rows, missing, whole=True)
            reasons[group.place] = _arrays(study, group, flags, as_array(()))
    return Summaries(
        levels={name: level_of(name) or math.nan for name in measures(study.levels)},
        numbers=numbers,
        reasons=reasons,
        flags=_sentences("risk", tables.risk) | _sentences("comparison", tables.comparison),
        until=tuple(look(study, target, paths) for target in study.until),
        **others,
    )


def _against_itself(study: Study, risk: Iterable[Record]) -> list[Key]:
    """What compares the baseline with itself, where it has numbers: differences, and how often it is the worse of the two."""
    own = [r for r in risk if r.policy == study.baseline and math.isfinite(r.estimate)]
    names = [(r.variable, against_baseline(r.measure)) for r in own]
    names += [(r.variable, "worse") for r in own if r.measure == "mean"]
    return [(name, study.baseline, measure) for name, measure in names]


def _histograms(study: Study, tables: Tables, tally: Tally | None) -> dict[str, np.ndarray]:
    """Counts of each outcome, int [policy, bin], and the edges of its bins."""
    held: dict[str, np.ndarray] = {}
    for name in study.model.outcomes:
        if name in study.keep.outcomes:
            counts, edges = tables.bars[name]
        else:
            assert tally is not None
            place = unkept(study).index(name)
            counts, edges = histogram_of_bins([tally.histogram(place, p) for p in range(len(study.policies))])
        held |= {name: counts.astype(np.int64), f"{name}_edges": edges}
    return held


def _arrays(
    study: Study, group: SummaryGroup, rows: Mapping[Key, Any], missing: Any, whole: bool = False
) -> dict[str, np.ndarray]:
    """What a group holds of records, [policy, measure, ...], without `measure` where it has none; `missing` where there is no record.

    Args:
      whole: also of outcomes without any, if they have the axis `measure`.
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


def yearly_table(study: Study, cube: xr.DataTree, variable: str) -> list[Record]:
    """Mean, VaR and ES of a yearly variable by policy, year and cell; then differences of means from the baseline.

    Args:
      cube: of a finished run, as `open_cube` gives it.
    """
    of_sample = cube["risk/yearly"].to_dataset()
    risk, out = of_sample[variable], of_sample.attrs.get("excluded_paths", 0)
    lost = Flag(Reason.NOT_FINITE, float(out), float(of_sample.attrs["sample_paths"])) if out else None
    gap = cube["comparison/yearly"].to_dataset()[variable].expand_dims(measure=["difference_mean"])
    others = [name for name in study.policy_names if name != study.baseline]
    return [*_records(risk, study.policy_names, lost), *_records(gap, others, lost)]


def _records(
    table: xr.DataArray, policies: tuple[str, ...] | list[str], lost: Flag | None
) -> Iterator[Record]:
    dims = [str(dim) for dim in table.dims if dim not in ("policy", "measure", "stat", "year")]
    ordered = table.transpose("policy", "measure", *dims, "year", "stat").sel(stat=list(STATS)).compute()
    measures, years = ordered["measure"].values.tolist(), ordered["year"].values.tolist()
    labels = [ordered[dim].values.tolist() for dim in dims]
    for policy in policies:
        rows = ordered.sel(policy=policy).values.reshape(len(measures), -1, len(years), len(STATS))
        for m, measure in enumerate(measures):
            for c, cell in enumerate(itertools.product(*labels)):
                place = dict(zip(dims, map(str, cell), strict=True))
                for y, year in enumerate(years):
                    estimate = Estimate.of_row(rows[m, c, y], Reason.FEW_IN_SAMPLE).flagged(lost)
                    yield record(str(measure), str(policy), str(table.name), estimate, place, int(year))
