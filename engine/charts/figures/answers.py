"""Charts of answers to questions."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme


def intervals(data: pd.DataFrame) -> Any:
    """Estimates with their 95 % intervals, a row for each name and a panel for each group.

    A pale bar goes from the column `from` to the column `to`, where the table has these.
    """
    about, columns = data.attrs, min(3, len(data.attrs["panels"]))
    y, step = theme.row_axis("row", about["rows"], 230, least=9)
    x = alt.X("estimate:Q", axis=theme.number_axis(about["label"], pixels=240))
    base = alt.Chart(data).encode(y=y)
    layers = [alt.Chart(data).mark_rule(style="muted").encode(x=alt.datum(0))]
    if "from" in data:
        layers.append(
            base.mark_rule(strokeWidth=5, opacity=0.25, color=theme.COLOURS[1]).encode(*theme.span(x, "from", "to"))
        )
    layers += [
        base.mark_rule(color=theme.COLOURS[1], strokeWidth=1.3).encode(*theme.span(x)),
        base.mark_point(filled=True, size=45, opacity=1, color=theme.COLOURS[1]).encode(
            x=x, tooltip=["panel", "row", "estimate", "low", "high"]
        ),
    ]
    chart = alt.layer(*layers).properties(width=240, height=step)
    made = theme.panels(chart, about["panels"], columns, 240, about.get("own", ""))
    return theme.headed(made, about, max(560, 200 + columns * 270))


def beyond(data: pd.DataFrame) -> Any:
    """Exceedance of extreme levels: solid from the futures, dashed by a fitted law, a panel for each variable."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    width, height = (290, 190) if several else (450, 270)
    shown = list(dict.fromkeys(data.policy))
    _, points = theme.looks({**about, "shown": shown}, lined=False)
    kinds = alt.StrokeDash("kind:N", scale=alt.Scale(domain=["futures", "extrapolated"], range=[[1, 0], [5, 3]]))
    made = []
    for name, panel in about["panels"].items():
        own = data[data.panel == name]
        if panel["log"]:
            own = own[own.estimate > 0]
        last = own[own.kind == "futures"].groupby("policy", sort=False).tail(1)
        x = alt.X(
            "estimate:Q",
            axis=theme.number_axis(panel["label"], pixels=width),
            scale=alt.Scale(type="log" if panel["log"] else "linear", reverse=panel["reverse"], zero=False, nice=False),
        )
        powers = [10.0**k for k in range(9)]
        y = alt.Y(
            "period:Q",
            scale=alt.Scale(type="log", nice=False),
            axis=alt.Axis(
                values=powers,
                labelExpr="'1 in ' + format(datum.value, ',~s')",
                title=f"once in so many {panel['counted']}",
            ),
        )
        base = alt.Chart(own).encode(y=y)
        made.append(
            alt.layer(
                base.transform_filter("isValid(datum.low) && isValid(datum.high)")
                .mark_area(opacity=0.18, orient="horizontal")
                .encode(*theme.span(x), color=points["color"], detail="kind:N"),
                base.mark_line().encode(x=x, color=points["color"], strokeDash=kinds, order="period:Q"),
                alt.Chart(last).mark_point(filled=True, size=45, opacity=1).encode(x=x, y=y, **points),
                base.mark_point(size=60, opacity=0).encode(
                    x=x, tooltip=["policy", "kind", "period", "estimate", "low", "high"]
                ),
            ).properties(width=width, height=height, title=theme.heading(name, width))
        )
    return theme.headed(alt.concat(*made, columns=2, spacing=24), about, 720 if several else 560)


def drivers(data: pd.DataFrame) -> Any:
    """Shift of each input's mean in the worst futures, beside the share of these in each tenth of its prior."""
    about = data.attrs
    y, step = theme.row_axis("row", about["rows"], 230, least=9)
    shifts, shares = data[data.part == "shift"], data[data.part == "density"]
    x = alt.X("estimate:Q", axis=theme.number_axis("shift of the mean [standard deviations]"))
    base = alt.Chart(shifts).encode(y=y)
    left = alt.layer(
        alt.Chart(shifts).mark_rule(style="muted").encode(x=alt.datum(0)),
        base.mark_rule(style="ink").encode(*theme.span(x)),
        base.mark_point(style="dot").encode(x=x, tooltip=["row", "estimate", "low", "high"]),
    ).properties(width=250, height=step)
    colour = alt.Color(
        "share:Q",
        scale=alt.Scale(scheme="blueorange", domainMid=1),
        legend=alt.Legend(title="relative to the prior", orient="right"),
    )
    tenth = alt.X("tenth:O", axis=alt.Axis(title="tenth of the prior, lowest to highest", labelAngle=0, grid=False))
    right = (
        alt.Chart(shares)
        .mark_rect()
        .encode(
            x=tenth,
            y=alt.Y("row:N", sort=about["rows"], axis=None),
            color=colour,
            tooltip=["row", "tenth", alt.Tooltip("share", format=".2f")],
        )
        .properties(width=230, height=step)
    )
    return theme.headed(alt.hconcat(left, right, spacing=14), about, 780)


def boxes(data: pd.DataFrame) -> Any:
    """The part of each factor's prior that a box leaves, a panel for each box."""
    about, made = data.attrs, []
    for name in about["panels"]:
        own = data[data.panel == name]
        y, step = theme.row_axis("row", list(own.row), 250, least=10)
        x = alt.X(
            "below:Q",
            scale=alt.Scale(domain=[0, 1]),
            axis=alt.Axis(title="quantile of the prior", tickCount=4, grid=False),
        )
        base = alt.Chart(own).encode(y=y)
        layers = alt.layer(
            base.mark_bar(style="pale", height={"band": 0.6}).encode(x=alt.datum(0), x2=alt.datum(1)),
            base.mark_bar(height={"band": 0.6}, color=theme.COLOURS[0]).encode(
                x, alt.X2("above"), tooltip=["row", "below", "above"]
            ),
        )
        made.append(layers.properties(width=400, height=step, title=theme.heading(name, 520)))
    return theme.headed(alt.vconcat(*made, spacing=14), about, 700)
