"""Charts of outcomes kept path by path."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme

SIDES = {"better": 0.4, "worse": 0.95, "same": 0.15}
"""Side of a difference -> opacity of its bar."""


def exceedance(data: pd.DataFrame, width: int = 470, height: int = 280) -> Any:
    """Share of futures beyond each level on a log scale, with its band; the level that 1 % pass is marked."""
    about = data.attrs
    curves, marks = data[data.marked.isna()], data[data.marked.notna() & data.level.notna()]
    words = {row.policy: row.marked for row in data.itertuples() if isinstance(row.marked, str)}
    lowest = float(data.share.min()) / 1.5
    ticks = [tick for tick in (1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6) if tick >= lowest]
    scale = alt.Scale(type="log", domain=[lowest, 1.0], clamp=True, nice=False)
    x = theme.numbers(alt.X, "level", about["label"], pixels=width, reverse=not about["loss"], zero=False)
    y = alt.Y("share:Q", axis=theme.share_axis(about["side"], values=ticks, tickCount=len(ticks)), scale=scale)
    base = alt.Chart(curves).encode(x=x)
    layers = alt.layer(
        alt.Chart().mark_rule(style="muted", strokeWidth=0.6).encode(y=alt.datum(0.01)),
        *theme.banded(base, y, theme.by_policy(about, words)),
        theme.dots(alt.Chart(marks), about).encode(x=x, y=y),
        base.mark_point(opacity=0).encode(y, tooltip=["policy:N", "level:Q", "share:Q", "low:Q", "high:Q"]),
    )
    return theme.headed(layers, about, width + 70, width=width, height=height)


def differences(data: pd.DataFrame) -> Any:
    """Histogram of differences, a panel for each policy: better pale, worse dark, the same palest."""
    about = data.attrs
    width, height = theme.sizes(about, (300, 170), (470, 250))
    x = theme.numbers(alt.X, "from", theme.axis_title(about), pixels=width)
    y = alt.Y("share:Q", axis=theme.share_axis("share of futures"), scale=alt.Scale(nice=False))
    bins, mean = (alt.Chart(data).transform_filter(f"datum.part == '{part}'") for part in ("bin", "mean"))
    layers = alt.layer(
        bins.mark_bar(filled=True, strokeWidth=0.5, binSpacing=0).encode(
            x,
            alt.X2("to"),
            y,
            alt.Y2Datum(0),
            *theme.filled(about, "side", SIDES),
            tooltip=["policy", "from", "to", "share", "side"],
        ),
        mean.mark_rule(style="ink").encode(x=alt.datum(0)),
        *theme.estimated(mean.encode(y), alt.X("estimate:Q"), ["policy"]),
    )
    return theme.panels(layers, about, width, height, 2, "xy")


def thresholds(data: pd.DataFrame) -> Any:
    """Probability to pass each level, with its band, a panel for each event; its threshold is dotted."""
    about, made = data.attrs, {}
    width, height = theme.sizes(about, (280, 180), (470, 270))
    for name, panel in about["panels"].items():
        x = theme.numbers(alt.X, "level", panel["label"], pixels=width, reverse=not panel["above"], zero=False)
        y = alt.Y("share:Q", axis=theme.share_axis(panel["side"]), scale=alt.Scale(domain=[0, 1]))
        base = alt.Chart(data[data.panel == name]).encode(x=x)
        marks = base.transform_filter("datum.marked")
        made[name] = alt.layer(
            *theme.banded(base, y, theme.by_policy(about)),
            marks.mark_rule(style="muted", strokeDash=[2, 3]),
            theme.dots(marks, about).encode(y, tooltip=["policy", "level", "share"]),
        )
    return theme.grid(made, about, width, height)
