"""Which policy is better, how surely, in which futures not: what `rustbelt compare` has left beside the cube."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import groupby

import numpy as np
import xarray as xr

from engine.report.charts import Chart, columns_of
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import cell, compact, listed, minus, unit_of, with_interval
from engine.risk.as_text import judged
from engine.risk.intervals import Estimate
from engine.risk.tables import Record, record
from engine.risk.thresholds import drawn
from engine.run_folder.stored_estimates import put_together

MOST = 4
"""Policies, up to which each has a column of its own."""
Rows = list[tuple[object, ...]]


def section(run: RunRecords) -> Section | None:
    """Sentences, charts over thresholds and tables; None of a run whose policies have not been compared."""
    answer = run.answers.get("compare")
    if answer is None:
        return None
    groups = {name: put_together(node) for name, node in answer.children.items()}
    baseline, level = str(answer.attrs["baseline"]), float(answer.attrs["level"])
    charts = list(_charts(run, groups["thresholds"], baseline)) if "thresholds" in groups else []
    tables = [
        _outcomes(run, groups, baseline, level),
        _thresholds(run, groups, baseline),
        _ranks(run, groups),
        _ahead(run, groups, baseline),
        _common(run, groups, level),
    ]
    markup = render(
        "comparison.html",
        lead=_lead(run, groups, baseline),
        charts=charts,
        policies=run.study.policy_names,
        tables=[table for table in tables if table is not None and table[2]],
        paths=int(answer.attrs["paths"]),
        first=int(answer.attrs["years_paths"]),
        baseline=baseline,
        by_year="ahead" in groups or "common" in groups,
    )
    return Section("comparison", "Which policy, how surely", markup, tuple(charts))


Table = tuple[str, tuple[str, ...], Rows]
"""A heading, the heads of columns, the rows."""


def _record(row: xr.DataArray, measure: str, policy: str, variable: str) -> Record:
    return record(measure, policy, variable, row.item())


def _lead(run: RunRecords, groups: dict[str, xr.Dataset], baseline: str) -> str:
    """In how many outcomes each policy is clearly better and worse in the mean, and dominates."""
    if "outcomes" not in groups:
        return ""
    gap, sentences = groups["outcomes"]["difference"], []
    names = [str(name) for name in gap["outcome"].values]
    for policy in _others(gap, baseline):
        sides = []
        for name in names:
            own = _record(
                gap.sel(outcome=name, policy=policy, measure="mean"), "difference_mean", policy, name
            )
            sign = judged(own)
            sides.append(0 if not sign else -1 if (sign > 0) == run.study.model.outcomes[name].loss else 1)
        orders = [_verdict(groups, name, policy) for name in names]
        better, worse = sides.count(1), sides.count(-1)
        dominates, dominated = (
            sum(text.startswith(word) for text in orders) for word in ("dominates", "is dominated")
        )
        sentences.append(
            f"{policy} against {baseline}: clearly better in the mean of {better} and clearly worse in that of {worse} of "
            f"{len(names)} outcomes; for everybody who shuns risk better in {dominates}, worse in {dominated}."
        )
    return " ".join(sentences[:MOST])


def _others(values: xr.DataArray, baseline: str) -> list[str]:
    return [str(name) for name in values["policy"].values if str(name) != baseline]


def _outcomes(run: RunRecords, groups: dict[str, xr.Dataset], baseline: str, level: float) -> Table | None:
    """What is known of each outcome, a row a policy."""
    if "outcomes" not in groups:
        return None
    group, shortfall = groups["outcomes"], f"ES{100 * level:g}"
    rows: Rows = []
    for name in map(str, group["outcome"].values):
        outcome = run.study.model.outcomes[name]
        for policy in _others(group["difference"], baseline):
            own = group.sel(outcome=name, policy=policy)
            gaps = [
                _judged(
                    _record(own["difference"].sel(measure=m), f"difference_{m}", policy, name), outcome.loss
                )
                for m in ("mean", shortfall)
            ]
            worse = _record(own["worse"], "worse", policy, name)
            lacks = (
                _record(own["regret"].sel(regret_measure=m), m, policy, name)
                for m in ("regret", "regret_VaR95")
                if m in own["regret_measure"]
            )
            ratio = cell(_record(own["variance_ratio"], "variance_ratio", policy, name)).estimate
            rows.append(
                (
                    (run.heading("outcomes", name, outcome.unit), policy if len(group["policy"]) > 2 else ""),
                    *gaps, with_interval(worse, 100.0), ", ".join(cell(one).estimate for one in lacks),
                    _verdict(groups, name, policy) or "–", ratio,
                )
            )  # fmt: skip
    heads = ("Of", "Mean", shortfall, "Worse in [%]", "Regret, its 95 %", "Dominance", "Variance ratio")
    return f"Every outcome, less “{baseline}”", heads, rows


def _judged(gap: Record, loss: bool) -> str:
    shown = cell(gap, 1.0, loss)
    words = {"better": "better", "worse": "worse", "same": "not told apart"}.get(shown.verdict, "no interval")
    return f"{shown.estimate} {shown.interval} {words}".replace("  ", " ")


def _meaning(code: xr.DataArray) -> str:
    meanings = str(code.attrs["flag_meanings"]).split()
    return meanings[int(code)].replace("_", " ") if int(code) >= 0 else ""


def _verdict(groups: dict[str, xr.Dataset], name: str, policy: str) -> str:
    """`dominates (1)`: the lowest order at which one dominates, else what is known at the second."""
    group = groups.get("dominance")
    if group is None or name not in group["outcome"]:
        return ""
    codes = group["verdict"].sel(outcome=name, policy=policy)
    words = {int(order): _meaning(codes.sel(order=order)) for order in codes["order"].values}
    for order, text in words.items():
        if text in ("dominates", "is dominated"):
            return f"{text} ({order})"
    return words[2]


def _thresholds(run: RunRecords, groups: dict[str, xr.Dataset], baseline: str) -> Table | None:
    """At which thresholds an event would be clearly less likely, and likelier."""
    group = groups.get("thresholds")
    rows: Rows = []
    if group is None:
        return None
    for event in map(str, group["event"].values):
        own = group.sel(event=event)
        unit = unit_of(run.study.model.outcomes[str(own["of"].values)].unit)
        levels = own["level"].values
        for policy in _others(own["difference"], baseline):
            gap = own["difference"].sel(policy=policy)
            sides = gap.sel(band="highest").values < 0, gap.sel(band="lowest").values > 0
            title = run.title("events", event)
            rows.append(
                (
                    (title, policy if len(group["policy"]) > 2 else ""),
                    f"{_stated(float(own['threshold']))}{unit}", *(_ranges(levels, side) for side in sides),
                )
            )  # fmt: skip
    heads = ("Event", "Threshold", "Less likely at", "Likelier at")
    return f"Wherever the threshold is put: distinguishable from “{baseline}”", heads, rows


def _ranges(levels: np.ndarray, apart: np.ndarray) -> str:
    runs = [
        [levels[k] for k, _ in part] for there, part in groupby(enumerate(apart), lambda one: one[1]) if there
    ]
    return "; ".join(" to ".join(dict.fromkeys(map(compact, (min(run), max(run))))) for run in runs) or "none"


def _ranks(run: RunRecords, groups: dict[str, xr.Dataset]) -> Table | None:
    """Ranks of three policies or more by the tail measure, and the Pareto front."""
    group = groups.get("ranks")
    if group is None or group.sizes["policy"] < 3:
        return None
    measure = next((str(m) for m in group["rank_measure"].values if str(m).startswith("ES")), "")
    if not measure:
        return None
    own = group.sel(rank_measure=measure)
    names = [str(v) for v in own["variable"].values if np.isfinite(own["rank"].sel(variable=v)).any()]
    rows: Rows = []
    for policy in map(str, own["policy"].values):
        ranks = (own["rank"].sel(variable=name, policy=policy).values.astype(int).tolist() for name in names)
        cells = [f"{rank} [{low}, {high}]" for rank, low, high in ranks]
        front = own["front"].sel(policy=policy)
        front.attrs = group["front"].attrs
        rows.append((policy, *cells, _meaning(front)))
    heads = ("Policy", *(run.title("outcomes", name) for name in names), "Pareto front")
    return f"Ranks by {measure}, 1 the best; the brackets hold all at once", heads, rows


def _ahead(run: RunRecords, groups: dict[str, xr.Dataset], baseline: str) -> Table | None:
    """When policies get ahead."""
    group = groups.get("ahead")
    rows: Rows = []
    if group is None:
        return None
    last = int(group["year"].values[-1])
    for k in range(group.sizes["row"]):
        own = group.isel(row=k)
        name, policy, place = (str(own[key].values) for key in ("row_variable", "row_policy", "row_place"))
        kind = "outcomes" if name in run.study.model.outcomes else "yearly"
        year, low, high = (str(int(v)) if math.isfinite(v) else "" for v in own["median"].values)
        half = f"{year} [{low or 'never'}, {high or 'never'}]" if year else f"not by {last}"
        shares = (
            with_interval(_record(own[key], "share", policy, name), 100.0) for key in ("never", "lasting")
        )
        title = ", ".join(filter(None, (run.title(kind, name), place)))
        rows.append(((title, policy if len(group["policy"]) > 2 else ""), half, *shares))
    heads = ("Counted up to each year", "On half of the futures by", "Never [%]", f"Ahead in {last} [%]")
    return f"First year ahead of “{baseline}”", heads, rows


def _common(run: RunRecords, groups: dict[str, xr.Dataset], level: float) -> Table | None:
    """Which worst futures are common to outcomes, and to places."""
    group = groups.get("common")
    if group is None or group.sizes["policy"] > MOST:
        return None
    shares: dict[tuple[str, str, str], dict[str, str]] = {}
    for k in range(group.sizes["row"]):
        own = group.isel(row=k)
        of, first, second, policy = (
            str(own[name].values) for name in ("of", "first", "second", "row_policy")
        )
        shares.setdefault((of, first, second), {})[policy] = with_interval(
            _record(own["chi"], "share", policy, ""), 100.0
        )
    policies = [str(name) for name in group["policy"].values]
    rows: Rows = []
    for (of, first, second), by_policy in shares.items():
        titles = (
            [first, second] if of != "outcome" else [run.title("outcomes", name) for name in (first, second)]
        )
        where = "" if of == "outcome" else run.title("outcomes", of)
        rows.append(((listed(titles), where), *(by_policy.get(policy, "–") for policy in policies)))
    tail = f"{100 * (1 - level):.3g} %"
    return f"Share of the worst {tail} of futures in common [%]; {tail} by chance", ("Of", *policies), rows


def _charts(run: RunRecords, group: xr.Dataset, baseline: str) -> Iterator[Chart]:
    """One chart an event: the chance to pass each level, with both bands, and the threshold."""
    names = list(run.study.policy_names)
    shown = [str(name) for name in group["policy"].values]
    for event in map(str, group["event"].values):
        own = group.sel(event=event)
        outcome = str(own["of"].values)
        unit = run.study.model.outcomes[outcome].unit
        above, threshold = str(own["side"].values) == "above", float(own["threshold"])
        levels = own["level"].values
        kept, near = np.flatnonzero(np.isfinite(levels)), drawn(levels, threshold)
        at = int(np.nanargmin(np.abs(levels - threshold)))
        points, rows, said = [], [], []
        for policy in shown:
            bands = {str(b): own["share"].sel(policy=policy, band=b).values for b in own["band"].values}
            for k in kept:
                share, low, high = (float(bands[b][k]) for b in ("estimate", "low", "high"))
                text = with_interval(
                    record("share", policy, outcome, Estimate(share, (high - low) / 4, low, high)),
                    100.0,
                    " %",
                )
                point = {
                    "p": names.index(policy), "x": _number(levels[k]), "y": _number(share), "m": bool(k == at),
                    "low": _number(low), "high": _number(high),
                    "least": _number(bands["lowest"][k]), "most": _number(bands["highest"][k]),
                    "share": text, "level": f"{compact(float(levels[k]))}{unit_of(unit)}",
                }  # fmt: skip
                if near[k]:
                    points.append(point)
                if k == at:
                    said.append(f"{text} under {policy}")
                if k == at or k % 10 == 0:
                    rows.append((policy, compact(float(levels[k])), text))
        title = run.title("events", event)
        side = "above" if above else "below"
        finding = (
            f"At the study’s threshold, {side} {_stated(threshold)}{unit_of(unit)}: {listed(said[:MOST])}."
        )
        axis = run.heading("outcomes", outcome, unit)
        yield Chart(
            f"threshold-{event}", title, f"share of futures {side} each level", finding, f"{title}: {finding}", "thresholds",
            {"axis": axis, "reverse": not above, "marked": threshold if near[at] else None}, columns_of(points),
            ("Policy", f"{side.capitalize()}{'' if unit == '1' else f' [{unit}]'}", "Share of futures [95 % interval]"), tuple(rows),
        )  # fmt: skip


def _stated(value: float) -> str:
    """A number as the study states it."""
    return minus(f"{value:,g}")


def _number(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
