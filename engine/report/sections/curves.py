"""Exceedance curves of every outcome: the share of futures in which each level is passed, by policy."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.answers.wording import listed
from engine.report.charts import Chart, columns_of
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections.subject import first_outcome, headline
from engine.report.sentences import NAMED, small, why
from engine.report.text import cell, compact, short, unit_of
from engine.risk.estimation.tables import THREADS
from engine.risk.policies.thresholds import Curve, curve_of_counts, tail_curve

MOST = 24
"""Most outcomes that are drawn; others are in tables only."""
MARKED = 0.01
"""The share at which each curve has its policy's marker."""
IN_TABLE = (0.5, 0.1, 0.05, 0.01, 0.001)


def section(run: RunRecords) -> Section | None:
    """The section with one chart per outcome: those of the headline, and the others in a part that is folded away."""
    names = list(run.study.model.outcomes)[:MOST]
    drawn = {name for name in names if run.events or name != first_outcome(run)}  # else it is on the first page
    with ThreadPoolExecutor(THREADS) as threads:
        made = dict(zip(names, threads.map(lambda name: of_outcome(run, name), names), strict=True))
    charts = {name: chart for name, chart in made.items() if chart and name in drawn}
    if not charts:
        return None
    first = [charts.pop(name) for name in headline(run) if name in charts]
    more, left = [*charts.values()], len(run.study.model.outcomes) - len(names)
    lead = (
        "Share of futures in which each level is passed. Each step down is ten times rarer; the bad end is on the"
        " right."
    )
    markup = render(
        "figures.html", charts=first, more=more, policies=run.study.policy_names, layout="", lead=lead,
        left=f"Not drawn: {left} more outcomes." if left else "",
    )  # fmt: skip
    return Section("tails", "How bad", markup, (*first, *more))


def of_outcome(run: RunRecords, name: str) -> Chart | None:
    """The chart of an outcome's exceedance curves by policy; None where no policy has a curve."""
    curves = outcome_curves(run, name)
    return _chart(run, name, curves) if any(curve.share.size for curve in curves.values()) else None


def outcome_curves(run: RunRecords, name: str) -> dict[str, Curve]:
    """The curve of each policy: from paths where they are kept, else from the histogram."""
    study, tree = run.study, run.tree
    loss = study.is_loss(name)
    if "paths" in tree.children and name in tree["paths"].data_vars:
        table = tree["paths"][name]
        return {p: tail_curve(np.asarray(table.sel(policy=p).values), study.unit, loss) for p in study.policy_names}
    group = tree["distribution/outcomes"].to_dataset()
    if name not in group:
        return {}
    counts, edges = group[name], group[f"{name}_edges"].values
    units = run.paths // study.unit
    return {p: curve_of_counts(counts.sel(policy=p).values, edges, units, loss) for p in study.policy_names}


def _chart(run: RunRecords, name: str, curves: Mapping[str, Curve]) -> Chart:
    study, outcome = run.study, run.study.model.outcomes[name]
    finding = _finding(run, name)
    points = []
    for k, policy in enumerate(study.policy_names):
        curve = curves[policy]
        low, high = (np.where(np.isfinite(end), end, curve.share) for end in (curve.low, curve.high))
        marked = int(np.argmin(abs(np.log(curve.share / MARKED)))) if curve.share.size else -1
        for at, (x, y, a, b) in enumerate(zip(curve.levels, curve.share, low, high, strict=True)):
            place = {"x": short(x, 6), "y": short(y, 4), "low": short(a, 4), "high": short(b, 4)}
            level, interval = compact(x) + unit_of(outcome.unit), f"{_percent(a)} to {_percent(b)}"
            points.append(
                {"p": k, **place, "m": at == marked, "level": level, "share": _percent(y), "interval": interval}
            )
    lowest = min((float(c.share.min()) for c in curves.values() if c.share.size), default=1.0)
    about = outcome.about or study.worse_side(name)
    axis = "" if outcome.unit == "1" else outcome.unit
    unit = unit_of(f"[{outcome.unit}]") if axis else ""
    head = ("Share of futures beyond", *(policy + unit for policy in study.policy_names))
    return Chart(
        f"tail-{list(study.model.outcomes).index(name)}",
        run.heading("outcomes", name, outcome.unit),
        about,
        finding,
        f"Share of futures in which {run.title('outcomes', name)} passes each level, by policy. {finding}",
        "exceedance",
        {"axis": axis, "reverse": not outcome.loss, "lowest": max(min(0.7 * lowest, 0.5), 1e-9)},
        columns_of(points),
        head,
        tuple(_table(curves, study.policy_names, lowest)),
        240,
    )


def _table(curves: Mapping[str, Curve], policies: tuple[str, ...], lowest: float) -> list[tuple[str, ...]]:
    rows = []
    for share in IN_TABLE:
        if share < lowest:
            continue
        row = [_percent(share)]
        for policy in policies:
            curve = curves[policy]
            there = curve.share.size > 1 and curve.share.min() <= share <= curve.share.max()
            at = np.interp(-np.log(share), -np.log(curve.share), curve.levels) if there else np.nan
            row.append(compact(float(at)))
        rows.append(tuple(row))
    return rows


def _finding(run: RunRecords, name: str) -> str:
    """A sentence on VaR99, where the worst 1 % begins, by policy; or why it has no interval."""
    unit, word = unit_of(run.study.unit_of(name)), "above" if run.study.is_loss(name) else "below"
    records = {p: run.risk[("VaR99", p, name)] for p in run.study.policy_names}
    flagged = next((r for r in records.values() if not np.isfinite(r.low)), None)
    if flagged:
        return f"Where the worst 1 % begins is not known well enough: {why(flagged)}."
    if len(records) > NAMED:
        lowest, highest = (pick(records, key=lambda p: records[p].estimate) for pick in (min, max))
        ends = " to ".join(f"{cell(records[p]).estimate} ({small(p)})" for p in (lowest, highest))
        return f"The worst 1 % of futures lie {word} {ends}{unit}, by policy."
    parts = [f"{cell(r).estimate}{unit} under {small(p)}" for p, r in records.items()]
    return f"The worst 1 % of futures lie {word} {listed(parts)}."


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
