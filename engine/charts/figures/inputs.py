"""Charts of factors."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme


def tornado(data: pd.DataFrame) -> Any:
    """Bars from the measure of all paths to that of a factor's lowest and highest tenth, a panel for each policy."""
    about, tenths = data.attrs, list(data.end.unique())
    y, step = theme.row_axis("factor", about["rows"], 250, least=14)
    base = alt.Chart(data).encode(y=y, yOffset=alt.YOffset("end:N", sort=tenths))
    x = alt.X("estimate:Q", axis=theme.number_axis(about["label"], pixels=270), scale=alt.Scale(zero=False))
    legend = alt.Legend(symbolType="square", symbolFillColor=theme.GREY, symbolStrokeColor=theme.GREY)
    fill = alt.FillOpacity("end:N", sort=tenths, scale=alt.Scale(domain=tenths, range=[0, 0.75]), legend=legend)
    scale = alt.Scale(domain=about["policies"])
    layers = alt.layer(
        base.mark_bar(filled=True, strokeWidth=1).encode(
            x,
            alt.X2("whole"),
            fill=alt.Fill("policy:N", scale=scale, legend=None),
            stroke=alt.Stroke("policy:N", scale=scale, legend=None),
            fillOpacity=fill,
            tooltip=["factor", "policy", "end", "estimate", "low", "high"],
        ),
        base.mark_rule(style="ink").encode(*theme.span(x)),
        base.mark_rule(style="ink").encode(x="mean(whole):Q", y=alt.Y(), yOffset=alt.YOffset()),
    ).properties(width=270, height=step)
    several = len(about["shown"]) > 1
    chart = theme.panels(layers, about["shown"], min(3, len(about["shown"])), 270)
    return theme.headed(chart, about, 860 if several else 620)


def priors(data: pd.DataFrame) -> Any:
    """A density for each factor, triangles at the stated values, and ticks at the values of the fitted law."""
    about = data.attrs
    alone = len(about["panels"]) == 1
    width, height = (450, 240) if alone else (145, 70)
    parts = ["density as fitted", "stated quantile or mean", "value of the fitted law"]
    key = alt.Scale(domain=parts, range=[theme.COLOURS[1], theme.COLOURS[0], theme.GREY])
    shape = alt.Scale(domain=parts, range=["square", "triangle-down", "M-.1,-1H.1V1H-.1Z"])
    made = []
    for name, axis in about["panels"].items():
        own = data[data.panel == name]
        x = alt.X("x:Q", axis=theme.number_axis(axis, 4, width), scale=alt.Scale(zero=False, nice=False))
        y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, 1.2]))
        base = alt.Chart(own).encode(x=x, y=y)
        layers = alt.layer(
            base.transform_filter("datum.part == 'density'")
            .mark_area(color=key["range"][0], opacity=0.25, line={"color": key["range"][0]})
            .encode(),
            base.transform_filter("datum.part == 'bar'")
            .mark_rect(color=key["range"][0], opacity=0.6)
            .encode(alt.X2("x2"), alt.Y2("y2")),
            base.transform_filter("datum.part == 'fitted'").mark_rule(style="ink").encode(alt.Y2("y2")),
            base.transform_filter("datum.part == 'asked'")
            .mark_point(shape="triangle-down", filled=True, size=30, opacity=1, color=key["range"][1], clip=False)
            .encode(tooltip=["panel", "x"]),
        )
        made.append(
            layers.properties(
                width=width, height=height, title=alt.TitleParams(theme.lines(name, width, 10), fontSize=10)
            )
        )
    rows = pd.DataFrame({"part": parts})
    legend = (
        alt.Chart(rows)
        .mark_point(filled=True, size=50, opacity=1)
        .encode(
            x=alt.X(
                "part:N", axis=alt.Axis(title=None, domain=False, labelAngle=0, grid=False, labelLimit=240), sort=parts
            ),
            color=alt.Color("part:N", scale=key, legend=None),
            shape=alt.Shape("part:N", scale=shape, legend=None),
        )
        .properties(width=450, height=14)
    )
    grid = alt.concat(*made, columns=1 if alone else min(5, len(made)), spacing={"row": 10, "column": 16})
    return theme.headed(alt.vconcat(legend, grid), about, 560 if alone else 760)
