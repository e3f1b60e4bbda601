"""Charts of answers to questions."""

from __future__ import annotations

import math
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
    about = data.attrs
    y, step = theme.row_axis("row", about["rows"], 230, least=9)
    x = theme.numbers(alt.X, "estimate", about["label"], pixels=240)
    base = alt.Chart(data).encode(y)
    layers = [alt.Chart(data).mark_rule(style="muted").encode(x=alt.datum(0))]
    if "from" in data:
        layers.append(
            base.mark_rule(strokeWidth=5, opacity=0.25).encode(*theme.span(x, "from", "to"), color=theme.PLAIN)
        )
    layers.extend(theme.estimated(base, x, ["panel", "row"], color=theme.PLAIN))
    columns, own = about.get("arranged", (3, ""))
    return theme.panels(alt.layer(*layers), about, 240, step, columns, own, 160)


def beyond(data: pd.DataFrame) -> Any:
    """Exceedance of extreme levels: solid from the futures, dashed by a fitted law, a panel for each variable."""
    about, made = data.attrs, {}
    width, height = theme.sizes(about, (290, 190), (450, 270))
    look = theme.by_policy(about, lined=False)
    lined = {
        "color": look["color"],
        "strokeDash": alt.StrokeDash("kind:N", scale=LAWS, legend=alt.Legend(symbolSize=150)),
        "order": "period:Q",
    }
    for name, panel in about["panels"].items():
        own = data[(data.panel == name) & ((data.estimate > 0) | (not panel["log"]))]
        last = own[own.kind == "futures"].groupby("policy", sort=False).tail(1)
        kind = {"type": "log"} if panel["log"] else {"zero": False}  # Vega-Lite warns of a zero of a logarithmic scale
        scale = {"reverse": panel["reverse"], "nice": False, **kind}
        x = theme.numbers(alt.X, "estimate", panel["label"], pixels=width, **scale)
        drawn = own[[*theme.ENDS]].stack()
        drawn = drawn[(drawn > 0) & (drawn < math.inf)]
        if panel["log"] and len(drawn) and (ticks := theme.log_ticks(drawn.min(), drawn.max())):
            x["axis"]["values"], x["axis"]["tickCount"] = ticks, len(ticks)
        axis = alt.Axis(
            values=[10.0**k for k in range(9)],
            labelExpr="'1 in ' + format(datum.value, ',')",
            title=f"once in so many {panel['counted']}",
        )
        y = alt.Y("period:Q", scale=alt.Scale(type="log", nice=False), axis=axis)
        base = alt.Chart(own).encode(y)
        known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
        made[name] = alt.layer(
            known.mark_area(opacity=0.18, orient="horizontal").encode(*theme.span(x), look["color"], detail="kind:N"),
            base.mark_line().encode(x, **lined),
            alt.Chart(last).mark_point(style="dot").encode(x, y, **look),
            base.mark_point(size=60, opacity=0).encode(x, tooltip=["policy", "kind", "period", *theme.ENDS]),
        )
    return theme.grid(made, about, width, height)


def drivers(data: pd.DataFrame) -> Any:
    """Shift of each input's mean in the worst futures, beside the share of these in each tenth of its prior."""
    y, step = theme.row_axis("row", data.attrs["rows"], 230, least=9)
    shifts, shares = (alt.Chart(data[data.part == part]) for part in ("shift", "density"))
    x = theme.numbers(alt.X, "estimate", "shift of the mean [standard deviations]")
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
    x = theme.numbers(alt.X, "value", titles["value"], pixels=width)
    y = theme.numbers(alt.Y, "estimate", titles["searched"], pixels=height, zero=False)
    base = alt.Chart(data).encode(x)
    known = base.transform_filter("isValid(datum.low) && isValid(datum.high)")
    layers = alt.layer(
        known.mark_area(opacity=0.18).encode(*theme.span(y)),
        base.mark_line(strokeDash=[5, 3]).encode(alt.Y("limit:Q"), color=theme.PLAIN),
        base.mark_line(point=True).encode(y, tooltip=["value", *theme.ENDS]),
    )
    return theme.headed(layers, data.attrs, width, width=width, height=height)


def front(data: pd.DataFrame) -> Any:
    """The front of two measures: points with the intervals of both, joined by a line."""
    (width, height), titles = (450, 270), data.attrs["titles"]
    x = theme.numbers(alt.X, "limited_estimate", titles["limited"], pixels=width, zero=False)
    y = theme.numbers(alt.Y, "least_estimate", titles["least"], pixels=height, zero=False)
    base = alt.Chart(data)
    layers = alt.layer(
        base.mark_line(opacity=0.4).encode(x, y),
        base.mark_rule(style="ink").encode(*theme.span(x, "limited_low", "limited_high"), y),
        base.mark_rule(style="ink").encode(x, *theme.span(y, "least_low", "least_high")),
        base.mark_point(style="dot").encode(x, y, tooltip=["levers", "limited_estimate", "least_estimate"]),
    )
    return theme.headed(layers, data.attrs, width, width=width, height=height)
