"""How likely: events by policy, and on how many futures each policy is worse than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.report.charts import Chart, columns_of
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections.answer import ordered_events
from engine.report.sentences import NAMED
from engine.report.text import cell, short, with_interval
from engine.risk.tables import Record
from engine.risk.wording import listed

ROW = 15
"""Height of one policy in a chart of points, in pixels; `GAP` lies between two names."""
GAP = 18


def section(run: RunRecords) -> Section | None:
    """Two charts of shares."""
    study = run.study
    outcomes = [
        name for name in study.model.outcomes if any(("worse", p, name) in run.comparison for p in run.others)
    ]
    charts = []
    if run.events:
        rows = [run.risk["probability", p, event.name] for event in run.events for p in study.policy_names]
        finding = _finding(run, ordered_events(run)[0].name)
        heading, axis = "Probability of events", "share of futures [%]"
        charts.append(_dots(run, "events", "chance-of-events", heading, axis, rows, finding, None))
    if outcomes:
        rows = [run.comparison["worse", p, name] for name in outcomes for p in run.others]
        finding = _finding_worse(run, outcomes)
        heading = f"How often worse than “{study.baseline}”"
        axis = "share of futures in which it is the worse one [%]"
        charts.append(_dots(run, "outcomes", "chance-of-worse", heading, axis, rows, finding, 50.0))
    if not charts:
        return None
    markup = render(
        "figures.html", charts=charts, policies=study.policy_names,
        layout="wide" if len(study.policies) > 4 else "loose", lead="", left="",
    )  # fmt: skip
    return Section("chances", "How likely", markup, tuple(charts))


def _dots(
    run: RunRecords,
    kind: str,
    anchor: str,
    heading: str,
    axis: str,
    records: Sequence[Record],
    finding: str,
    marked: float | None,
) -> Chart:
    rows, points = [], []
    for r in records:
        name, shown = run.title(kind, r.variable), cell(r, 100.0)
        interval = shown.interval or r.flag
        rows.append((name, r.policy, shown.estimate, interval))
        if math.isfinite(r.estimate):
            low, high = (end if math.isfinite(end) else r.estimate for end in (r.low, r.high))
            ends = {"x": short(100 * r.estimate), "low": short(100 * low), "high": short(100 * high)}
            texts = {"share": f"{shown.estimate} %", "interval": interval}
            points.append({"p": run.study.row(r.policy), "name": name, **ends, **texts})
    names = list(dict.fromkeys(name for name, *_ in rows))
    height = len(names) * (GAP + ROW * len({r.policy for r in records}))
    return Chart(
        anchor, heading, "", finding, f"{heading}: {finding}", "dots",
        {"names": names, "marked": marked, "title": axis}, columns_of(points),
        ("Of", "Policy", "Share [%]", "95 % interval"), tuple(rows), max(height, 80),
    )  # fmt: skip


def _finding(run: RunRecords, name: str) -> str:
    if len(run.study.policies) > NAMED:
        best = min(run.study.policy_names, key=lambda p: run.risk["probability", p, name].estimate)
        return f"{run.title('events', name)}: the lowest estimate is {best}’s, {with_interval(run.risk['probability', best, name], 100.0, ' %')}."
    parts = [
        f"{with_interval(run.risk['probability', p, name], 100.0, ' %')} under {p}"
        for p in run.study.policy_names
    ]
    return f"{run.title('events', name)}: {listed(parts)}."


def _finding_worse(run: RunRecords, outcomes: Sequence[str]) -> str:
    """In how many outcomes each is worse on most futures: its interval lies above one half."""
    counts = {p: sum(run.comparison["worse", p, name].low > 0.5 for name in outcomes) for p in run.others}
    if len(counts) > NAMED:
        fewest = min(counts.values())
        named = [p for p, count in counts.items() if count == fewest]
        who = listed(named) if len(named) <= NAMED else f"{len(named)} policies"
        return f"Right of the line it is worse on most futures: {who} in {fewest} of {len(outcomes)} outcomes, all others in more."
    parts = [f"{p} in {count} of {len(outcomes)} outcomes" for p, count in counts.items()]
    return f"Right of the line it is worse on most futures: {listed(parts)}."
