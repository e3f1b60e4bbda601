"""Charts of answers to questions."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme

LAWS = alt.Scale(domain=["futures", "extrapolated"], range=[[1, 0], [5, 3]])
"""Dashes of levels from the futures themselves, and of those of a fitted law."""


def intervals(data: pd.DataFrame) -> Any:
    """Estimates with their 95 % intervals, a row for each name and a panel for each group.

    A pale bar goes from the column `from` to the column `to`, where the table has these.
    """
    about, colour = data.attrs, alt.value(theme.COLOURS[1])
    y, step = theme.row_axis("row", about["rows"], 230, least=9)
    x = alt.X("estimate:Q", axis=theme.number_axis(about["label"], pixels=240))
    base = alt.Chart(data).encode(y)
    layers = [alt.Chart(data).mark_rule(style="muted").encode(x=alt.datum(0))]
    if "from" in data:
        layers.append(base.mark_rule(strokeWidth=5, opacity=0.25).encode(*theme.span(x, "from", "to"), color=colour))
    layers.extend(theme.estimated(base, x, ["panel", "row"], color=colour))
    chart = alt.layer(*layers).properties(width=240, height=step)
    columns, own = about.get("arranged", (3, ""))
    return theme.panels(chart, about, 240, columns, own, 160)


def beyond(data: pd.DataFrame) -> Any:
    """Exceedance of extreme levels: solid from the futures, dashed by a fitted law, a panel for each variable."""
    about, made = data.attrs, []
    width, height = theme.sizes(about, (290, 190), (450, 270))
    look = theme.by_policy(about, lined=False)
    lined = {
        "color": look["color"],
        "strokeDash": alt.StrokeDash("kind:N", scale=LAWS, legend=alt.Legend(symbolSize=500)),
        "order": "period:Q",
    }
    for name, panel in about["panels"].items():
        own = data[(data.panel == name) & ((data.estimate > 0) | (not panel["log"]))]
        last = own[own.kind == "futures"].groupby("policy", sort=False).tail(1)
        kind = {"type": "log"} if panel["log"] else {"zero": False}  # Vega-Lite warns of a zero of a logarithmic scale
        scale = alt.Scale(**kind, reverse=panel["reverse"], nice=False)
        x = alt.X("estimate:Q", axis=theme.number_axis(panel["label"], pixels=width), scale=scale)
        axis = alt.Axis(
            values=[10.0**k for k in range(9)],
            labelExpr="'1 in ' + format(datum.value, ',')",
            title=f"once in so many {panel['counted']}",
        )
        y = alt.Y("period:Q", scale=alt.Scale(type="log", nice=False), axis=axis)
        base = alt.Chart(own).encode(y)
        known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        layers = alt.layer(
            known.mark_area(opacity=0.18, orient="horizontal").encode(*theme.span(x), look["color"], detail="kind:N"),
            base.mark_line().encode(x, **lined),
            alt.Chart(last).mark_point(style="dot").encode(x, y, **look),
            base.mark_point(size=60, opacity=0).encode(x, tooltip=["policy", "kind", "period", *theme.ENDS]),
        )
        made.append(layers.properties(width=width, height=height, title=theme.heading(name, width)))
    return theme.grid(made, about, width)


def drivers(data: pd.DataFrame) -> Any:
    """Shift of each input's mean in the worst futures, beside the share of these in each tenth of its prior."""
    y, step = theme.row_axis("row", data.attrs["rows"], 230, least=9)
    shifts, shares = (alt.Chart(data[data.part == part]) for part in ("shift", "density"))
    x = alt.X("estimate:Q", axis=theme.number_axis("shift of the mean [standard deviations]"))
    zero = shifts.mark_rule(style="muted").encode(x=alt.datum(0))
    left = alt.layer(zero, *theme.estimated(shifts.encode(y), x, ["row"]))
    legend = alt.Legend(title="relative to the prior", orient="right")
    right = shares.mark_rect().encode(
        alt.X("tenth:O", axis=alt.Axis(title="tenth of the prior, lowest to highest", labelAngle=0, grid=False)),
        alt.Y("row:N", sort=data.attrs["rows"], axis=None),
        alt.Color("share:Q", scale=alt.Scale(scheme="blueorange", domainMid=1), legend=legend),
        tooltip=["row", "tenth", alt.Tooltip("share", format=".2f")],
    )
    both = alt.hconcat(*(part.properties(width=240, height=step) for part in (left, right)), spacing=14)
    return theme.headed(both, data.attrs, 780)


def lever(data: pd.DataFrame) -> Any:
    """The measure along a lever: a line in the band of its intervals, and the limit as a dashed line."""
    (width, height), titles = (450, 270), data.attrs["titles"]
    x = alt.X("value:Q", axis=theme.number_axis(titles["value"], pixels=width))
    axis = theme.number_axis(titles["searched"], pixels=height)
    y = alt.Y("estimate:Q", axis=axis, scale=alt.Scale(zero=False))
    base = alt.Chart(data).encode(x)
    known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    layers = alt.layer(
        known.mark_area(opacity=0.18).encode(*theme.span(y)),
        base.mark_line(strokeDash=[5, 3]).encode(alt.Y("limit:Q"), color=alt.value(theme.COLOURS[1])),
        base.mark_line(point=True).encode(y, tooltip=["value", *theme.ENDS]),
    )
    return theme.headed(layers.properties(width=width, height=height), data.attrs, width)
