"""Charts of outcomes kept path by path."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme

SIDES = {"better": 0.4, "worse": 0.95, "same": 0.0}
"""Side of a difference -> opacity of its bar."""


def exceedance(data: pd.DataFrame, width: int = 470, height: int = 280) -> Any:
    """Share of futures beyond each level on a log scale, with its band; the level that 1 % pass is marked."""
    about = data.attrs
    words = {row.policy: row.marked for row in data.itertuples() if isinstance(row.marked, str)}
    lines, points = theme.looks(about, words)
    lowest = float(data.share.min()) / 1.5
    axis = theme.PERCENT.copy()
    axis.values = [tick for tick in (1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6) if tick >= lowest]
    axis.title = f"{about['side']} [%]"
    x = alt.X("level:Q", axis=theme.number_axis(about["label"]), scale=alt.Scale(reverse=not about["loss"], zero=False))
    y = alt.Y("share:Q", axis=axis, scale=alt.Scale(type="log", domain=[lowest, 1.0], clamp=True, nice=False))
    curves, marks = data[data.marked.isna()], data[data.marked.notna() & data.level.notna()]
    base, order = alt.Chart(curves).encode(x=x), alt.Order("share:Q", sort="descending")
    return theme.headed(
        alt.layer(
            alt.Chart().mark_rule(style="muted", strokeWidth=0.6).encode(y=alt.datum(0.01)),
            base.mark_area(opacity=0.25).encode(*theme.span(y), color=lines["color"], order=order),
            base.mark_line().encode(y=y, order=order, **lines),
            theme.marked(alt.Chart(marks), about)
            .mark_point(filled=True, size=70, opacity=1)
            .encode(x=x, y=y, **points),
            base.mark_point(size=80, opacity=0).encode(
                y=y, color=lines["color"], tooltip=["policy", "level", "share", "low", "high"]
            ),
        ).properties(width=width, height=height),
        about,
        width + 70,
    )


def differences(data: pd.DataFrame) -> Any:
    """Histogram of differences, a panel for each policy: better pale, worse dark, the same outlined."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    sides = alt.FillOpacity(
        "side:N",
        scale=alt.Scale(domain=[*SIDES], range=[*SIDES.values()]),
        legend=alt.Legend(symbolType="square", symbolFillColor=theme.GREY, symbolStrokeColor=theme.GREY),
    )
    colour = alt.Color("policy:N", scale=alt.Scale(domain=about["policies"]), legend=None)
    axis = theme.PERCENT.copy()
    axis.title = "share of futures [%]"
    base = alt.Chart(data)
    bins = base.transform_filter("datum.part == 'bin'")
    mean = base.transform_filter("datum.part == 'mean'")
    x, y = alt.X("from:Q", axis=theme.number_axis(about["label"])), alt.Y("share:Q", axis=axis)
    layers = alt.layer(
        bins.mark_bar(filled=True, strokeWidth=0.5, binSpacing=0).encode(
            x,
            alt.X2("to"),
            y,
            alt.Y2Datum(0),
            fill=colour.copy(),
            stroke=colour,
            fillOpacity=sides,
            tooltip=["policy", "from", "to", "share", "side"],
        ),
        base.transform_filter("datum.part == 'mean'").mark_rule(style="ink").encode(x=alt.datum(0)),
        mean.mark_rule(style="ink", strokeWidth=1.4).encode(*theme.span(x), y),
        mean.mark_point(style="dot").encode(alt.X("estimate:Q"), y, tooltip=["policy", "estimate", "low", "high"]),
    ).properties(width=300 if several else 470, height=170 if several else 250)
    chart = theme.panels(layers, about["panels"], 2, 300 if several else 470, own="xy" if several else "")
    return theme.headed(chart, about, 640 if several else 540)


def thresholds(data: pd.DataFrame) -> Any:
    """Probability to pass each level, with its band, a panel for each event; its threshold is dotted."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    lines, points = theme.looks(about)
    made = []
    width, height = (280, 180) if several else (470, 270)
    for name, panel in about["panels"].items():
        own = data[data.panel == name]
        axis = theme.PERCENT.copy()
        axis.title = f"{panel['side']} [%]"
        x = alt.X(
            "level:Q",
            axis=theme.number_axis(panel["label"], pixels=width),
            scale=alt.Scale(reverse=not panel["above"], zero=False),
        )
        y = alt.Y("share:Q", axis=axis, scale=alt.Scale(domain=[0, 1]))
        base = alt.Chart(own).encode(x=x)
        marks = base.transform_filter("datum.marked")
        layers = alt.layer(
            base.mark_area(opacity=0.3).encode(*theme.span(y), color=lines["color"]),
            base.mark_line().encode(y=y, **lines),
            marks.mark_rule(style="muted", strokeDash=[2, 3]).encode(),
            theme.marked(marks, about)
            .mark_point(filled=True, size=50, opacity=1)
            .encode(y=y, **points, tooltip=["policy", "level", "share"]),
        )
        heading = {"title": theme.heading(name, width)} if several else {}
        made.append(layers.properties(width=width, height=height, **heading))
    chart = alt.concat(*made, columns=2, spacing=26) if several else made[0]
    return theme.headed(chart, about, 640 if several else 540)
