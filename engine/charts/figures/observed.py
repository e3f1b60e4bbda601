"""Charts of observed figures and of what is learned from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme

BANDS = (("p05", "p95", 0.16), ("p25", "p75", 0.28))
"""Ends of each band, and the opacity of its colour."""


def hindcast(data: pd.DataFrame) -> Any:
    """Futures and observed figures of every series by year; scored figures are filled, the shape is the reading."""
    about, readings = data.attrs, [name for name in data.reading.dropna().unique() if name]
    width = 170 if len(about["panels"]) > 2 else 300
    y = theme.numbers(alt.Y, "median", None, 4, zero=False)
    base = alt.Chart(data).encode(theme.year_axis(int(data.year.min()), int(data.year.max()), 3))
    futures, bars, seen = (
        base.transform_filter(which) for which in ("datum.part == 'futures'", "datum.lone", "datum.part == 'figure'")
    )
    scored = alt.Scale(domain=["observed, scored", "observed, not scored"], range=[theme.INK, theme.PAGE])
    layers = alt.layer(
        *theme.banded(futures, y, {"color": theme.PLAIN}, BANDS),
        *(
            bars.mark_rule(opacity=0.5, strokeWidth=thick).encode(*theme.span(y, low, high), color=theme.PLAIN)
            for (low, high, _), thick in zip(BANDS, (4, 9), strict=True)
        ),
        seen.mark_rule(style="ink").encode(*theme.span(y, "below", "over")),
        seen.mark_point(style="ink", size=36, opacity=1, filled=True).encode(
            alt.Y("observed:Q"),
            alt.Fill("scored:N", scale=scored),
            _by_reading(alt.Shape, readings),
            tooltip=["figure", "observed", "place", "apart"],
        ),
    )
    return theme.panels(layers, about, width, 110, own="y")


def _by_reading(channel: Any, readings: Sequence[str]) -> Any:
    """The encoding of a channel by the reading of a figure; the first look is that of figures with a single one."""
    legend = alt.Legend(values=readings) if len(readings) > 1 else None
    return channel("reading:N", scale=alt.Scale(domain=["", *readings]), legend=legend)


def pit(data: pd.DataFrame) -> Any:
    """Share of figures at or below each place, a step line for each reading, with bands and the expected diagonal."""
    colour, unit = _by_reading(alt.Color, data.attrs["readings"]), alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("place:Q", scale=unit, axis=alt.Axis(title="place among the futures", tickCount=4))
    y = alt.Y("share:Q", scale=unit, axis=alt.Axis(title="share of figures there or below", tickCount=4))
    diagonal = alt.Chart(pd.DataFrame({"place": [0, 1], "share": [0, 1]})).encode(x, y)
    chart = alt.layer(
        *theme.banded(alt.Chart(data).encode(x), y, {"color": colour}, interpolate="step-after"),
        diagonal.mark_line(style="muted", strokeDash=[4, 3], strokeWidth=1),
    )
    return theme.headed(chart, data.attrs, 560, width=330, height=290)


def known(data: pd.DataFrame) -> Any:
    """Factors before and given the facts, beside probabilities of events before and given the facts."""
    factors, events = data[data.part == "factor"], data[data.part == "event"]
    made = [_factors(factors)] * bool(len(factors)) + [_events(events, data.attrs)] * bool(len(events))
    return theme.headed(alt.hconcat(*made, spacing=30), data.attrs, 430 * len(made) + 60)


def _factors(data: pd.DataFrame) -> Any:
    y, step = theme.row_axis("row", data.row, 220, least=13)
    base = alt.Chart(data).encode(y)
    x = theme.numbers(alt.X, "estimate", "from the prior's mean [standard deviations]")
    prior = [
        base.mark_bar(style="pale", height={"band": share}).encode(x=alt.datum(-n), x2=alt.datum(n))
        for n, share in ((2, 0.4), (1, 0.8))
    ]
    posterior = [
        base.transform_calculate(a=f"datum.estimate - {n} * datum.sd", b=f"datum.estimate + {n} * datum.sd")
        .mark_bar(style="shade", opacity=0.75, height={"band": share})
        .encode(*theme.span(x, "a", "b"))
        for n, share in ((2, 0.15), (1, 0.35))
    ]
    layers = alt.layer(
        *prior,
        *posterior,
        base.mark_rule(style="ink").encode(*theme.span(x)),
        base.mark_point(style="hollow", filled=True).encode(x, tooltip=["row", "means", *theme.ENDS]),
        base.mark_text(align="left", dx=6, fontSize=9.5).encode(x=alt.value(230), text="means:N"),
    )
    return layers.properties(width=230, height=step, title=theme.heading("Factors before and after conditioning", 230))


def _events(data: pd.DataFrame, about: theme.About) -> Any:
    look = theme.by_policy(about, lined=False)
    y, step = theme.row_axis("row", data.row.unique(), 220, least=13 * max(len(about["shown"]) - 1, 1))
    base = alt.Chart(data).encode(y, alt.YOffset("policy:N", sort=about["shown"]))
    x = theme.numbers(alt.X, "estimate", "chance [%]")
    layers = alt.layer(
        base.mark_line(strokeWidth=1.5, opacity=0.4).encode(x, look["color"], detail=["row:N", "policy:N"]),
        base.mark_rule().encode(*theme.span(x), look["color"]),
        base.mark_point(filled=True, size=45, opacity=1, strokeWidth=1.3).encode(
            x,
            *theme.filled(about, "when", {"before conditioning": 0.35, "after conditioning": 1}, "circle"),
            look["shape"],
            tooltip=["row", "policy", "when", *theme.ENDS],
        ),
    )
    return layers.properties(width=230, height=step, title=theme.heading("Probability of events", 230))
