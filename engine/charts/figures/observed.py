"""Charts of observed figures and of what is learned from them."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme

BANDS = (("p05", "p95", 0.16, 4), ("p25", "p75", 0.28, 9))
"""Ends of each band, its opacity, and the width of its bar where there is one year."""
FUTURES = theme.COLOURS[1]


def hindcast(data: pd.DataFrame) -> Any:
    """Futures and observed figures of every series by year; scored figures are filled, the shape is the reading."""
    about = data.attrs
    width = 170 if len(about["panels"]) > 2 else 300
    lone = data.groupby(["panel", "part"]).year.transform("count") == 1
    data = data.assign(
        bar=((data.part == "figure") & data.get("p05", pd.Series(dtype=float)).notna())
        | ((data.part == "futures") & lone)
    )
    y = alt.Y("median:Q", axis=theme.number_axis(None, 4), scale=alt.Scale(zero=False))
    base = alt.Chart(data).encode(x=theme.year_axis(int(data.year.min()), int(data.year.max()), 3))
    futures, bars = base.transform_filter("datum.part == 'futures'"), base.transform_filter("datum.bar")
    seen = base.transform_filter("datum.part == 'figure'")
    readings = [name for name in data.get("reading", pd.Series(dtype=object)).dropna().unique() if name]
    shape = alt.Shape(
        "reading:N",
        scale=alt.Scale(domain=["", *readings], range=list(theme.SHAPES[: len(readings) + 1])),
        legend=alt.Legend(values=readings) if readings else None,
    )
    fill = alt.Fill(
        "scored:N", scale=alt.Scale(domain=["observed, scored", "observed, not scored"], range=["#333333", "#FFFFFF"])
    )
    layers = alt.layer(
        *(futures.mark_area(opacity=o, color=FUTURES).encode(*theme.span(y, low, high)) for low, high, o, _ in BANDS),
        *(
            bars.mark_rule(opacity=0.5, color=FUTURES, strokeWidth=w).encode(*theme.span(y, low, high))
            for low, high, _, w in BANDS
        ),
        futures.mark_line(color=FUTURES, strokeWidth=1.5).encode(y=y),
        seen.mark_rule(style="ink").encode(alt.Y("below:Q"), alt.Y2("over")),
        seen.mark_point(style="ink", size=36, opacity=1, filled=True).encode(
            y="observed:Q", fill=fill, shape=shape, tooltip=["figure", "observed", "place", "apart"]
        ),
    ).properties(width=width, height=110)
    columns = min(4, len(about["panels"]))
    return theme.headed(
        theme.panels(layers, about["panels"], columns, width, "y"), about, max(560, columns * (width + 50))
    )


def pit(data: pd.DataFrame) -> Any:
    """Share of figures at or below each place, a step line for each reading, with bands and the expected diagonal."""
    about = data.attrs
    readings = about["readings"]
    scale = alt.Scale(
        domain=readings, range=[theme.COLOURS[(k + 1) % len(theme.COLOURS)] for k in range(len(readings))]
    )
    colour = alt.Color("reading:N", scale=scale, legend=alt.Legend() if len(readings) > 1 else None)
    unit = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("place:Q", scale=unit, axis=alt.Axis(title="place among the futures", tickCount=4))
    y = alt.Y("share:Q", scale=unit, axis=alt.Axis(title="share of figures there or below", tickCount=4))
    base = alt.Chart(data).encode(x=x, color=colour)
    diagonal = alt.Chart(pd.DataFrame({"place": [0, 1], "share": [0, 1]}))
    chart = alt.layer(
        base.mark_area(opacity=0.25, interpolate="step-after").encode(*theme.span(y)),
        base.mark_line(interpolate="step-after").encode(y=y),
        diagonal.mark_line(style="muted", strokeDash=[4, 3], strokeWidth=1).encode(x=x, y=y),
    ).properties(width=330, height=290)
    return theme.headed(chart, about, 560)


def known(data: pd.DataFrame) -> Any:
    """Factors before and given the facts, beside probabilities of events before and given the facts."""
    about, made = data.attrs, []
    factors, events = data[data.part == "factor"], data[data.part == "event"]
    if len(factors):
        made.append(_factors(factors))
    if len(events):
        made.append(_events(events, about))
    return theme.headed(alt.hconcat(*made, spacing=30), about, 430 * len(made) + 60)


def _factors(data: pd.DataFrame) -> Any:
    y, step = theme.row_axis("row", list(data.row), 220, least=13)
    data = data.assign(
        **{f"{end}{n}": data.estimate + sign * n * data.sd for end, sign in (("a", -1), ("b", 1)) for n in (1, 2)}
    )
    base = alt.Chart(data).encode(y=y)
    title = "from the prior's mean [standard deviations]"
    x = alt.X("estimate:Q", axis=theme.number_axis(title))
    bars = [
        base.mark_bar(style="pale", height={"band": share}).encode(x=alt.datum(-n), x2=alt.datum(n))
        for n, share in ((2, 0.4), (1, 0.8))
    ]
    bars += [
        base.mark_bar(style="shade", opacity=0.75, height={"band": share}).encode(*theme.span(x, f"a{n}", f"b{n}"))
        for n, share in ((2, 0.15), (1, 0.35))
    ]
    layers = alt.layer(
        *bars,
        base.mark_rule(style="ink").encode(*theme.span(x)),
        base.mark_point(style="hollow", filled=True).encode(x=x, tooltip=["row", "means", "estimate", "low", "high"]),
        base.mark_text(align="left", dx=6, fontSize=9.5).encode(x=alt.value(230), text="means:N"),
    )
    return layers.properties(width=230, height=step, title=theme.heading("What is known of factors", 230))


def _events(data: pd.DataFrame, about: Any) -> Any:
    _, points = theme.looks(about, lined=False)
    names = list(data.row.unique())
    y, _ = theme.row_axis("row", names, 220)
    offset = alt.YOffset("policy:N", sort=about["shown"])
    base = alt.Chart(data).encode(y=y, yOffset=offset)
    x = alt.X("estimate:Q", axis=theme.number_axis("chance [%]"))
    when = alt.FillOpacity(
        "when:N",
        scale=alt.Scale(domain=["before the facts", "given the facts"], range=[0, 1]),
        legend=alt.Legend(symbolFillColor=theme.GREY, symbolStrokeColor=theme.GREY),
    )
    layers = alt.layer(
        base.mark_line(strokeWidth=1.5, opacity=0.4).encode(x=x, color=points["color"], detail=["row:N", "policy:N"]),
        base.mark_rule().encode(*theme.span(x), color=points["color"]),
        base.mark_point(filled=True, size=45, opacity=1, strokeWidth=1.3).encode(
            x=x,
            fill=alt.Fill("policy:N", scale=points["color"]["scale"], legend=None),
            stroke=alt.Stroke("policy:N", scale=points["color"]["scale"], legend=None),
            fillOpacity=when,
            shape=points["shape"],
            tooltip=["row", "policy", "when", "estimate", "low", "high"],
        ),
    )
    high = alt.Step(max(26, 13 * len(about["shown"])), **{"for": "position"})
    return layers.properties(width=230, height=high, title=theme.heading("How likely events are", 230))
