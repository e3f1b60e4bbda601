"""How likely: events by policy, and on how many futures each policy is worse than the baseline."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engine.report.charts import Chart
from engine.report.markup import Section, render
from engine.report.run_records import Material
from engine.report.sections.answer import ordered_events
from engine.report.sentences import NAMED
from engine.report.text import cell, listed, with_interval
from engine.risk.tables import Record

ROW = 15
"""Height of one policy in a chart of points, in pixels; `GAP` lies between two names."""
GAP = 18
KEYED = 6
"""Policies up to which every chart has a key of its own; the switch has one of all of them."""


def section(material: Material) -> Section | None:
    """Two charts of shares."""
    study = material.study
    events = [e.name for e in study.events if ("probability", study.baseline, e.name) in material.risk]
    outcomes = [
        name
        for name in study.model.outcomes
        if any(("worse", p, name) in material.comparison for p in material.others)
    ]
    charts = []
    if events:
        rows = [material.risk["probability", p, name] for name in events for p in study.policy_names]
        charts.append(
            _dots(
                material,
                "chance-of-events",
                "Probability of events",
                "share of futures [%]",
                rows,
                _finding(material, ordered_events(material)[0].name),
                None,
            )
        )
    if outcomes:
        rows = [material.comparison["worse", p, name] for name in outcomes for p in material.others]
        charts.append(
            _dots(
                material, "chance-of-worse", f"How often worse than “{study.baseline}”",
                "share of futures in which it is the worse one [%]", rows, _finding_worse(material, outcomes), 50.0,
            )
        )  # fmt: skip
    if not charts:
        return None
    markup = render(
        "figures.html", charts=charts, policies=study.policy_names, keyed=len(study.policies) <= KEYED,
        layout="wide" if len(study.policies) > 4 else "loose", lead="", left="",
    )  # fmt: skip
    return Section("chances", "How likely", markup, tuple(charts))


def _dots(
    material: Material,
    anchor: str,
    heading: str,
    axis: str,
    records: Sequence[Record],
    finding: str,
    marked: float | None,
) -> Chart:
    known = [r for r in records if math.isfinite(r.estimate)]
    names = list(dict.fromkeys(material.title(r.variable) for r in records))
    place = {name: k for k, name in enumerate(material.study.policy_names)}
    drawn = [place[r.policy] for r in known]
    height = len(names) * (GAP + ROW * len({r.policy for r in records}))
    return Chart(
        anchor, heading, axis, finding, f"{heading}: {finding}", "dots",
        {"names": names, "marked": marked, "title": axis},
        {
            "p": drawn,
            "name": [material.title(r.variable) for r in known],
            "x": [_percent(r.estimate) for r in known],
            "low": [_percent(r.low if math.isfinite(r.low) else r.estimate) for r in known],
            "high": [_percent(r.high if math.isfinite(r.high) else r.estimate) for r in known],
            "share": [f"{cell(r, 100.0).estimate} %" for r in known],
            "interval": [cell(r, 100.0).interval or r.flag for r in known],
        },
        ("Of", "Policy", "Share [%]", "95 % interval"),
        tuple((material.title(r.variable), r.policy, cell(r, 100.0).estimate, cell(r, 100.0).interval or r.flag) for r in records),
        max(height, 80),
    )  # fmt: skip


def _percent(share: float) -> float:
    return float(f"{100 * share:.5g}")


def _finding(material: Material, name: str) -> str:
    if len(material.study.policies) > NAMED:
        best = min(material.study.policy_names, key=lambda p: material.risk["probability", p, name].estimate)
        return f"{material.title(name)}: the lowest estimate is {best}’s, {with_interval(material.risk['probability', best, name], 100.0, ' %')}."
    parts = [
        f"{with_interval(material.risk['probability', p, name], 100.0, ' %')} under {p}"
        for p in material.study.policy_names
    ]
    return f"{material.title(name)}: {listed(parts)}."


def _finding_worse(material: Material, outcomes: Sequence[str]) -> str:
    """In how many outcomes each is worse on most futures: its interval lies above one half."""
    counts = {
        p: sum(material.comparison["worse", p, name].low > 0.5 for name in outcomes) for p in material.others
    }
    if len(counts) > NAMED:
        fewest = min(counts.values())
        named = [p for p, count in counts.items() if count == fewest]
        who = listed(named) if len(named) <= NAMED else f"{len(named)} policies"
        return f"Right of the line it is worse on most futures: {who} in {fewest} of {len(outcomes)} outcomes, all others in more."
    parts = [f"{p} in {count} of {len(outcomes)} outcomes" for p, count in counts.items()]
    return f"Right of the line it is worse on most futures: {listed(parts)}."
