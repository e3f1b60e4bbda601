"""Exceedance of extreme levels on log-log axes: estimated from the futures, and extrapolated beyond them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.answers.answer import Answer
from engine.formatting import words
from engine.plots import labels, style, ticks
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Artist, Axes, Figure, Look

COLUMNS, SIZE, ALONE = 2, (3.0, 2.3), (5.0, 3.3)
DASHED = (0, (4, 2))
TAIL = 10.0
"""Return period from which on all levels must be above zero for the level axis to be logarithmic."""
Rows = Sequence[Mapping[str, Any]]


@style.styled
def beyond(extremes: Answer, *, most: int = 6) -> Figure:
    """Return levels, a panel per variable: solid from the futures themselves, dashed by a fitted Pareto law.

    Args:
      extremes: the run's answer to the question `extremes`.
      most: panels that are drawn.
    """
    every = _panels(extremes)[:most]
    looks = style.looks(extremes.subject.policies)
    on = sheet(max(len(every), 1), COLUMNS, SIZE if len(every) > 1 else ALONE)
    if not every:
        blank(on.panels[0], "too few futures")
        labelled(on.panels[0], "level [1]", "once in so many [futures]")
        return on.close(extremes.finding)
    seen: dict[str, None] = {}
    for ax, (called, counted, rows) in zip(on.panels, every, strict=True):
        policies = list(dict.fromkeys(str(row["policy"]) for row in rows))
        seen |= dict.fromkeys(policies)
        is_log = all(row["level"].estimate > 0 for row in rows if row["period"] >= TAIL)
        for policy in policies:
            own = [row for row in rows if row["policy"] == policy]
            _curve(ax, [row for row in own if row["level"].estimate > 0 or not is_log], looks[policy])
        _axes(ax, rows, is_log)
        labelled(ax, labels.with_unit("level", str(rows[0]["unit"])), f"once in so many [{counted}]", called)
    return on.close(extremes.finding, _note(), _keys([*seen], looks))


def _panels(answer: Answer) -> list[tuple[str, str, Rows]]:
    """Title, unit of the return period, and rows of the curves of each panel."""
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    for row in answer["curve"].rows() if "curve" in answer else ():
        if np.isfinite(row["level"].estimate):
            found.setdefault((str(row["variable"]), str(row["of"]), str(row["counted"])), []).append(row)
    return [
        (", ".join(filter(None, (words(variable), of))), counted, rows)
        for (variable, of, counted), rows in found.items()
    ]


def _curve(ax: Axes, rows: Rows, look: Look) -> None:
    for extrapolated in (False, True):
        own = [row for row in rows if row["extrapolated"] is extrapolated]
        if not own:
            continue
        chance = 1 / np.array([row["period"] for row in own])
        level, low, high = (
            np.array([getattr(row["level"], name) for row in own]) for name in ("estimate", "low", "high")
        )
        low, high = (np.where(np.isfinite(end), end, level) for end in (low, high))
        ax.fill_betweenx(chance, low, high, color=look.colour, alpha=0.12 if extrapolated else 0.3, linewidth=0)
        dash = {"linestyle": DASHED, "label": "extrapolated"} if extrapolated else {"label": "futures"}
        ax.plot(level, chance, color=look.colour, linewidth=1.1 if extrapolated else 1.6, **dash)
        if not extrapolated:
            ax.plot(level[-1:], chance[-1:], **look.dot, markersize=4)


def _axes(ax: Axes, rows: Rows, is_log: bool) -> None:
    ax.set_yscale("log")
    if is_log:
        ax.set_xscale("log")
        ticks.few_logarithmic(ax)
    else:
        ticks.numbers(ax, y=False)
    ordered = sorted(rows, key=lambda row: row["period"])
    if ordered[-1]["level"].estimate < ordered[0]["level"].estimate:
        ax.invert_xaxis()
    ticks.periods(ax)


def _note() -> str:
    return (
        "Solid: the futures themselves, up to the point where 100 of them lie beyond. Dashed: extrapolated by a"
        " generalised Pareto law fitted to the worst. Bands: 95 % intervals of the level."
    )


def _keys(policies: Sequence[str], looks: Mapping[str, Look]) -> list[Artist]:
    line = style.mark("extrapolated", style.INK, line=True)
    line.set_linestyle(DASHED)
    solid = [style.mark(words(policy), looks[policy].colour, looks[policy].marker, line=True) for policy in policies]
    return [*solid, line, style.shade("its interval", style.INK, 0.12)]
