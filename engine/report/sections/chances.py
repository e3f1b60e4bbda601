"""Probabilities of events by policy, and the share of futures in which each policy is worse than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from engine.answers.wording import listed
from engine.report.charts import Chart, columns_of
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.sections.subject import ordered_events
from engine.report.sentences import NAMED, small
from engine.report.text import cell, short
from engine.risk.estimation.tables import Record

ROW = 15
"""Height of one policy in a chart of points [pixel]; `GAP` is the space between two names."""
GAP = 9


def of_events(run: RunRecords) -> Chart | None:
    """A chart of the probability of every event by policy, points with intervals; None for a study without events."""
    if not run.events:
        return None
    rows = [run.risk["probability", p, event.name] for event in run.events for p in run.study.policy_names]
    finding = _finding(run, ordered_events(run)[0].name)
    return _dots(
        run, "events", "chance-of-events", "How likely each event is", "share of futures [%]", rows, finding, None
    )


def section(run: RunRecords) -> Section | None:
    """The section on the share of futures in which each policy is worse than the baseline; None without outcomes."""
    study = run.study
    outcomes = [name for name in study.model.outcomes if any(("worse", p, name) in run.comparison for p in run.others)]
    if not outcomes:
        return None
    rows = [run.comparison["worse", p, name] for name in outcomes for p in run.others]
    axis = "share of futures in which it is the worse one [%]"
    finding, heading = _finding_worse(run, outcomes), f"Each outcome against {small(study.baseline)}"
    chart = _dots(run, "outcomes", "chance-of-worse", heading, axis, rows, finding, 50.0)
    markup = render(
        "figures.html", charts=[chart], more=[], policies=study.policy_names,
        layout="wide" if len(study.policies) > 4 else "loose", lead="", left="",
    )  # fmt: skip
    return Section("chances", "How often worse", markup, (chart,))


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
    rows: list[tuple[str, ...]] = []
    points: list[dict[str, Any]] = []
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
    highest = max((point["high"] for point in points), default=100.0)
    most = 100.0 if marked is not None or highest > 50 else max(10.0 * math.ceil(highest / 10), 1.0)
    height = len(names) * (GAP + ROW * len({r.policy for r in records}))
    return Chart(
        anchor, heading, "", finding, f"{heading}: {finding}", "dots",
        {"names": names, "marked": marked, "title": axis, "most": most}, columns_of(points),
        ("Of", "Policy", "Share [%]", "95 % interval"), tuple(rows), max(height, 80),
    )  # fmt: skip


def _finding(run: RunRecords, name: str) -> str:
    of, title = ({p: run.risk["probability", p, name] for p in run.study.policy_names}, run.title("events", name))
    if len(of) > NAMED:
        best = min(of, key=lambda p: of[p].estimate)
        return f"{title}: the lowest estimate is {cell(of[best], 100.0).estimate} %, under {small(best)}."
    return f"{title}: {listed([f'{cell(r, 100.0).estimate} % under {small(p)}' for p, r in of.items()])}."


def _finding_worse(run: RunRecords, outcomes: Sequence[str]) -> str:
    """A sentence: in how many outcomes each policy is worse in most futures, its interval being above one half."""
    ends = {p: [run.comparison["worse", p, name].low for name in outcomes] for p in run.others}
    told = sum(all(map(math.isfinite, lows)) for lows in zip(*ends.values(), strict=True))
    if not told:
        return "On which side of the line an outcome lies cannot be said: there is no interval."
    of = f"{told} outcome{'s' * (told > 1)}{' with an interval' * (told < len(outcomes))}"
    counts = {p: sum(low > 0.5 for low in lows) for p, lows in ends.items()}
    if len(counts) > NAMED:
        fewest = min(counts.values())
        named = [p for p, count in counts.items() if count == fewest]
        who = listed(named) if len(named) <= NAMED else f"{len(named)} policies"
        return f"Right of the line it is worse on most futures: {who} in {fewest} of {of}, all others in more."
    parts = [f"{small(p)} in {count} of {of}" for p, count in counts.items()]
    return f"Right of the line it is worse on most futures: {listed(parts)}."
