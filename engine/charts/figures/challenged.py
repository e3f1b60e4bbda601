"""Charts of a challenge."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme

LEGEND = alt.Legend(columns=4)


def curve(data: pd.DataFrame) -> Any:
    """A claim's difference in every universe, sorted, with its verdict; the universe as stated is marked."""
    about, n = data.attrs, len(data)
    colour, shape = theme.keyed("verdict", about["verdicts"], LEGEND)
    axis = alt.Axis(title="universes, by their difference [rank]", grid=False, format="d", tickCount=5)
    x = alt.X("rank:Q", scale=alt.Scale(domain=[0, n + 1], nice=False), axis=axis)
    y = theme.numbers(alt.Y, "estimate", about["label"], pixels=190)
    base, stated = alt.Chart(data).encode(x, colour), alt.Chart(data[data.stated]).encode(x)
    layers = alt.layer(
        base.transform_filter("isValid(datum.low)").mark_rule(opacity=0.5, strokeWidth=0.7).encode(*theme.span(y)),
        alt.Chart(data).mark_rule(style="muted").encode(y=alt.datum(0)),
        base.mark_point(filled=True, size=max(10, min(40, 4000 // n)), opacity=1).encode(
            y, shape, tooltip=["estimate", "verdict", "departs in"]
        ),
        stated.mark_rule(style="ink", strokeDash=[4, 3]),
        stated.mark_text(baseline="bottom", dy=-3).encode(y=alt.value(0), text=alt.value("as stated")),
    )
    return theme.headed(layers, about, 640, width=560, height=220)


def profile(data: pd.DataFrame) -> Any:
    """Stacked shares of universes by verdict, a row for each number of departing choices, both ledgers side by side."""
    about, made = data.attrs, []
    colour, _ = theme.keyed("verdict", about["verdicts"], LEGEND)
    choices = "datum.value + (datum.value == 1 ? ' choice' : ' choices')"
    x = alt.X("from:Q", scale=alt.Scale(domain=[0, 1]), axis=theme.share_axis("share of universes", grid=False))
    for claim in about["panels"]:
        sides = []
        for ledger in about["ledgers"]:
            y = alt.Y("choices:O", axis=alt.Axis(title=None, labelExpr=choices, domain=False, grid=False))
            base = alt.Chart(data[(data.claim == claim) & (data.ledger == ledger)]).encode(y)
            bars = base.mark_bar(strokeWidth=0.6, stroke=theme.PAGE, height={"band": 0.75}).encode(
                x, alt.X2("to"), colour, tooltip=["verdict", alt.Tooltip("share", format=".1%"), "universes"]
            )
            count = base.mark_text(align="left", dx=4).encode(
                x=alt.datum(1), text=alt.Text("max(universes):Q", format=",")
            )
            title = alt.TitleParams(ledger, fontSize=theme.TEXT)
            sides.append(alt.layer(bars, count).properties(width=230, height=alt.Step(19), title=title))
        row = alt.hconcat(*sides, spacing=46)
        made.append(row.properties(title=theme.heading(claim, 560)) if len(about["panels"]) > 1 else row)
    return theme.headed(alt.vconcat(*made, spacing=16), about, 660)
