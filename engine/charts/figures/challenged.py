"""Charts of a challenge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme


def _by_verdict(verdicts: Mapping[str, tuple[str, str]]) -> tuple[alt.Color, alt.Shape]:
    colours, shapes = zip(*verdicts.values(), strict=True)
    legend = alt.Legend(columns=4)
    return (
        alt.Color("verdict:N", scale=alt.Scale(domain=[*verdicts], range=list(colours)), legend=legend),
        alt.Shape("verdict:N", scale=alt.Scale(domain=[*verdicts], range=list(shapes)), legend=legend),
    )


def curve(data: pd.DataFrame) -> Any:
    """A claim's difference in every universe, sorted, with its verdict; the universe as stated is marked."""
    about, n = data.attrs, len(data)
    colour, shape = _by_verdict(about["verdicts"])
    x = alt.X(
        "rank:Q",
        scale=alt.Scale(domain=[0, n + 1], nice=False),
        axis=alt.Axis(title="universes, by their difference [rank]", grid=False, format="d", tickCount=5),
    )
    y = alt.Y("estimate:Q", axis=theme.number_axis(about["label"], pixels=190))
    base, stated = alt.Chart(data).encode(x=x, color=colour), alt.Chart(data[data.stated]).encode(x=x)
    chart = alt.layer(
        base.transform_filter("isValid(datum.low)").mark_rule(opacity=0.5, strokeWidth=0.7).encode(*theme.span(y)),
        alt.Chart(data).mark_rule(style="muted").encode(y=alt.datum(0)),
        base.mark_point(filled=True, size=max(10, min(40, 4000 // n)), opacity=1).encode(
            y=y, shape=shape, tooltip=["estimate", "verdict", "departs in"]
        ),
        stated.mark_rule(style="ink", strokeDash=[4, 3]),
        stated.mark_text(baseline="bottom", dy=-3).encode(y=alt.value(0), text=alt.value("as stated")),
    ).properties(width=560, height=220)
    return theme.headed(chart, about, 640)


def profile(data: pd.DataFrame) -> Any:
    """Stacked shares of universes by verdict, a row for each number of departing choices, both ledgers side by side."""
    about, made = data.attrs, []
    colour, _ = _by_verdict(about["verdicts"])
    for claim in about["panels"]:
        sides = []
        for ledger in about["ledgers"]:
            own = data[(data.claim == claim) & (data.ledger == ledger)]
            labels = "datum.value + (datum.value == 1 ? ' choice' : ' choices')"
            axis = alt.Axis(title=None, labelExpr=labels, domain=False, grid=False)
            y = alt.Y(
                "choices:O",
                axis=axis
                if ledger == about["ledgers"][0]
                else alt.Axis(labels=False, title=None, domain=False, grid=False),
            )
            share = alt.Axis(format="%", tickCount=3, title="share of universes", grid=False)
            base = alt.Chart(own).encode(y=y)
            bars = base.mark_bar(strokeWidth=0.6, stroke="white", height={"band": 0.75}).encode(
                alt.X("from:Q", scale=alt.Scale(domain=[0, 1]), axis=share),
                alt.X2("to"),
                color=colour,
                tooltip=["verdict", alt.Tooltip("share", format=".1%"), "universes"],
            )
            count = (
                base.transform_aggregate(n="max(universes)", groupby=["choices"])
                .mark_text(align="left", dx=4)
                .encode(x=alt.datum(1), text=alt.Text("n:Q", format=","))
            )
            sides.append(
                alt.layer(bars, count).properties(
                    width=230, height=alt.Step(19), title=alt.TitleParams(ledger, fontSize=theme.TEXT)
                )
            )
        row = alt.hconcat(*sides, spacing=46)
        several = len(about["panels"]) > 1
        made.append(row.properties(title=theme.heading(claim, 560)) if several else row)
    return theme.headed(alt.vconcat(*made, spacing=16), about, 660)
