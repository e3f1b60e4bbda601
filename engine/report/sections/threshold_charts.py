"""Charts of a comparison of policies: the probability of each event as a function of its threshold."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from engine.answers.answer import Answer
from engine.answers.wording import listed
from engine.report.charts import Chart, columns_of
from engine.report.run_records import RunRecords
from engine.report.sentences import small
from engine.report.text import compact, minus, short, unit_of, with_interval
from engine.risk.estimation.tables import record
from engine.risk.policies.thresholds import drawn
from engine.study.components import Event

MOST = 4
"""Most policies that the finding names."""


def charts(run: RunRecords, answer: Answer) -> Iterator[Chart]:
    """Yields one chart per event: the probability to pass each level, with its band, and the threshold."""
    for event in answer["thresholds"].labels("event") if "thresholds" in answer else ():
        yield _chart(run, answer, run.study.events_by_name[str(event)])


def _chart(run: RunRecords, answer: Answer, event: Event) -> Chart:
    outcome, threshold, side = str(event.outcome), event.threshold, "below" if event.above is None else "above"
    unit = run.study.unit_of(outcome)
    held = [row for row in answer["thresholds"].where(event=event.name) if row["level"] is not None]
    levels = np.array(list(dict.fromkeys(row["level"] for row in held)))
    near, at = drawn(levels, threshold), int(np.abs(levels - threshold).argmin())
    names, points, rows, said = list(run.study.policy_names), [], [], []
    for row in held:
        k, share = row["point"], row["share"]
        text = with_interval(record("share", row["policy"], outcome, share), 100.0, " %")
        level = compact(row["level"])
        if near[k]:
            points.append(
                {
                    "p": names.index(row["policy"]),
                    "x": _number(row["level"]),
                    "y": _number(share.estimate),
                    "m": k == at,
                    "low": _number(share.low),
                    "high": _number(share.high),
                    "share": text,
                    "level": f"{level}{unit_of(unit)}",
                }
            )
        if k == at:
            said.append(f"{text} under {small(row['policy'])}")
        if k == at or k % 10 == 0:
            rows.append((row["policy"], level, text))
    title = run.title("events", event.name)
    stated = f"{minus(f'{threshold:,g}')}{unit_of(unit)}"
    finding = f"At the study’s threshold, {side} {stated}: {listed(said[:MOST])}."
    options = {
        "axis": run.heading("outcomes", outcome, unit),
        "reverse": side == "below",
        "marked": threshold if near[at] else None,
    }
    head = ("Policy", f"{side.capitalize()}{'' if unit == '1' else f' [{unit}]'}", "Share of futures [95 % interval]")
    return Chart(
        f"threshold-{event.name}",
        title,
        f"share of futures {side} each level",
        finding,
        f"{title}: {finding}",
        "thresholds",
        options,
        columns_of(points),
        head,
        tuple(rows),
    )


def _number(value: float | None) -> float | None:
    return short(value) if value is not None and math.isfinite(value) else None
