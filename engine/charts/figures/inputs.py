"""Charts of factors."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme


def scatter(data: pd.DataFrame) -> Any:
    """Cells of all paths in grey, the worst 1 % as points, and means by tenth of the factor, a panel for each policy."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    _, points = theme.looks(about, lined=False)
    width = 300 if several else 450
    x = alt.X("x:Q", axis=theme.number_axis(about["factor"]), scale=alt.Scale(zero=False, nice=False))
    y = alt.Y("y:Q", axis=theme.number_axis(about["label"]), scale=alt.Scale(zero=False, nice=False))
    base = alt.Chart(data)
    shade = alt.Opacity(
        "paths:Q", scale=alt.Scale(type="log", range=[0.15, 0.9]), legend=alt.Legend(title="paths per cell", orient="right")
    )
    mean = base.transform_filter("datum.part == 'mean'")
    layers = alt.layer(
        base.transform_filter("datum.part == 'cell'").mark_rect(style="shade").encode(x, alt.X2("x2"), y, alt.Y2("y2"), opacity=shade),
        base.transform_filter("datum.part == 'worst'").mark_point(filled=True, size=9, opacity=0.6).encode(x=x, y=y, **points),
        mean.mark_line(style="ink", strokeWidth=1.2).encode(x=x, y=y, order="x:Q"),
        mean.mark_rule(style="ink").encode(alt.Y("low:Q"), alt.Y2("high"), x=x),
        mean.mark_point(style="dot").encode(
            x=x, y=y, tooltip=["policy", "x", "estimate", "low", "high"]
        ),
    ).properties(width=width, height=230)  # fmt: skip
    columns = 2 if len(about["panels"]) < 5 else 4
    chart = theme.panels(layers, about["panels"], columns, width)
    return theme.headed(chart, about, 740 if several else 600)


def tornado(data: pd.DataFrame) -> Any:
    """Bars from the measure of all paths to that of a factor's lowest and highest tenth, a panel for each policy."""
    about, tenths = data.attrs, list(data.end.unique())
    y, step = theme.row_axis("factor", about["rows"], 250, least=14)
    base = alt.Chart(data).encode(y=y, yOffset=alt.YOffset("end:N", sort=tenths))
    x = alt.X("estimate:Q", axis=theme.number_axis("\n".join(theme.lines(about["label"], 270))), scale=alt.Scale(zero=False))
    legend = alt.Legend(symbolType="square", symbolFillColor=theme.GREY, symbolStrokeColor=theme.GREY)
    fill = alt.FillOpacity("end:N", sort=tenths, scale=alt.Scale(domain=tenths, range=[0, 0.75]), legend=legend)
    scale = alt.Scale(domain=about["policies"])
    layers = alt.layer(
        base.mark_bar(filled=True, strokeWidth=1).encode(
            x, alt.X2("whole"), fill=alt.Fill("policy:N", scale=scale, legend=None),
            stroke=alt.Stroke("policy:N", scale=scale, legend=None), fillOpacity=fill,
            tooltip=["factor", "policy", "end", "estimate", "low", "high"],
        ),
        base.mark_rule(style="ink").encode(alt.X("low:Q"), alt.X2("high")),
        base.mark_rule(style="ink").encode(x="mean(whole):Q", y=alt.Y(), yOffset=alt.YOffset()),
    ).properties(width=270, height=step)  # fmt: skip
    several = len(about["shown"]) > 1
    chart = theme.panels(layers, about["shown"], min(3, len(about["shown"])), 270)
    return theme.headed(chart, about, 860 if several else 620)


def correlation(data: pd.DataFrame) -> Any:
    """A map of rank correlations, with numbers where they are large enough; cells of one group are outlined."""
    about = data.attrs
    names = list(about["rows"])
    size = max(12, min(26, 520 // len(names)))
    y, _ = theme.row_axis("row", names, 230)
    x = alt.X("column:N", sort=names, axis=alt.Axis(title=None, labelAngle=-90, domain=False, grid=False))
    colour = alt.Color(
        "correlation:Q", scale=alt.Scale(scheme="blueorange", domain=[-1, 0, 1]),
        legend=alt.Legend(title="rank correlation", orient="right"),
    )  # fmt: skip
    base = alt.Chart(data).encode(x=x, y=y)
    layers = [base.mark_rect().encode(color=colour, tooltip=["row", "column", alt.Tooltip("correlation", format=".2f")])]
    layers.append(base.transform_filter("datum.group != ''").mark_rect(filled=False, style="ink", strokeWidth=0.5).encode())
    if size >= 20:
        numbers = base.transform_filter("datum.number").mark_text(fontSize=8, color="#333333")
        layers.append(numbers.encode(text=alt.Text("correlation:Q", format=".2f")))
    chart = alt.layer(*layers).properties(width=size * len(names), height=size * len(names))
    return theme.headed(chart, about, max(560, size * len(names) + 260))


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
        x = alt.X("x:Q", axis=theme.number_axis("\n".join(theme.lines(axis, width)), 4), scale=alt.Scale(zero=False, nice=False))
        y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, 1.2]))
        base = alt.Chart(own).encode(x=x, y=y)
        layers = alt.layer(
            base.transform_filter("datum.part == 'density'").mark_area(color=key["range"][0], opacity=0.25, line={"color": key["range"][0]}).encode(),
            base.transform_filter("datum.part == 'bar'").mark_rect(color=key["range"][0], opacity=0.6).encode(alt.X2("x2"), alt.Y2("y2")),
            base.transform_filter("datum.part == 'fitted'").mark_rule(style="ink").encode(alt.Y2("y2")),
            base.transform_filter("datum.part == 'asked'").mark_point(
                shape="triangle-down", filled=True, size=30, opacity=1, color=key["range"][1], clip=False
            ).encode(tooltip=["panel", "x"]),
        )
        made.append(layers.properties(width=width, height=height, title=alt.TitleParams(theme.lines(name, width, 10), fontSize=10)))
    rows = pd.DataFrame({"part": parts})
    legend = alt.Chart(rows).mark_point(filled=True, size=50, opacity=1).encode(
        x=alt.X("part:N", axis=alt.Axis(title=None, domain=False, labelAngle=0, grid=False, labelLimit=240), sort=parts),
        color=alt.Color("part:N", scale=key, legend=None), shape=alt.Shape("part:N", scale=shape, legend=None),
    ).properties(width=450, height=14)  # fmt: skip
    grid = alt.concat(*made, columns=1 if alone else min(5, len(made)), spacing={"row": 10, "column": 16})
    return theme.headed(alt.vconcat(legend, grid), about, 560 if alone else 760)
