"""Charts of factors."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme


def tornado(data: pd.DataFrame) -> Any:
    """Bars from the measure of all paths to that of a factor's lowest and highest tenth, a panel for each policy."""
    about, (low, high) = data.attrs, data.end.unique()
    y, step = theme.row_axis("factor", about["rows"], 250, least=14)
    base = alt.Chart(data).encode(y, alt.YOffset("end:N", sort=[low, high]))
    x = alt.X("estimate:Q", axis=theme.number_axis(about["label"], pixels=270), scale=alt.Scale(zero=False))
    layers = alt.layer(
        base.mark_bar(filled=True, strokeWidth=1).encode(
            x,
            alt.X2("whole"),
            theme.colour(about, alt.Fill),
            theme.colour(about, alt.Stroke),
            theme.opacities("end", {low: 0, high: 0.75}),
            tooltip=["factor", "policy", "end", "estimate", "low", "high"],
        ),
        base.mark_rule(style="ink").encode(*theme.span(x)),
        alt.Chart(data).mark_rule(style="ink").encode(x="mean(whole):Q"),
    )
    return theme.panels(layers.properties(width=270, height=step), about, 270, 3, left=250)


def priors(data: pd.DataFrame) -> Any:
    """A density for each factor, triangles at the stated values, and ticks at the values of the fitted law."""
    about, alone, made = data.attrs, len(data.attrs["panels"]) == 1, []
    width, height = (450, 240) if alone else (145, 70)
    law, stated, tick = theme.COLOURS[1], theme.COLOURS[0], "M-.1,-1H.1V1H-.1Z"
    for name, axis in about["panels"].items():
        x = alt.X("x:Q", axis=theme.number_axis(axis, 4, width), scale=alt.Scale(zero=False, nice=False))
        y = alt.Y("y:Q", axis=None, scale=alt.Scale(domain=[0, 1.2]))
        base = alt.Chart(data[data.panel == name]).encode(x, y)
        density, bars, fitted, asked = (
            base.transform_filter(f"datum.part == '{part}'") for part in ("density", "bar", "fitted", "asked")
        )
        layers = alt.layer(
            density.mark_area(color=law, opacity=0.25, line={"color": law}),
            bars.mark_rect(color=law, opacity=0.6).encode(alt.X2("x2"), alt.Y2("y2")),
            fitted.mark_rule(style="ink").encode(alt.Y2("y2")),
            asked.mark_point(shape="triangle-down", filled=True, size=30, opacity=1, color=stated, clip=False).encode(
                tooltip=["panel", "x"]
            ),
        )
        title = alt.TitleParams(theme.lines(name, width, 10), fontSize=10)
        made.append(layers.properties(width=width, height=height, title=title))
    looks = {
        "density as fitted": (law, "square"),
        "stated quantile or mean": (stated, "triangle-down"),
        "value of the fitted law": (theme.GREY, tick),
    }
    axis = alt.Axis(title=None, domain=False, labelAngle=0, grid=False, labelLimit=240)
    points = alt.Chart(pd.DataFrame({"part": [*looks]})).mark_point(filled=True, size=50, opacity=1)
    legend = points.encode(alt.X("part:N", axis=axis, sort=[*looks]), *theme.keyed("part", looks, None))
    grid = alt.concat(*made, columns=1 if alone else min(5, len(made)), spacing={"row": 10, "column": 16})
    return theme.headed(alt.vconcat(legend.properties(width=450, height=14), grid), about, 560 if alone else 760)
