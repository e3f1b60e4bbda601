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
    x = theme.numbers(alt.X, "estimate", about["label"], pixels=270, zero=False)
    layers = alt.layer(
        base.mark_bar(filled=True, strokeWidth=1).encode(
            x,
            alt.X2("whole"),
            *theme.filled(about, "end", {low: 0.3, high: 0.9}),
            tooltip=["factor", "policy", "end", "estimate", "low", "high"],
        ),
        base.mark_rule(style="ink").encode(*theme.span(x)),
        alt.Chart(data).mark_rule(style="ink").encode(x="mean(whole):Q"),
    )
    return theme.panels(layers, about, 270, step, 3, left=250)


def priors(data: pd.DataFrame) -> Any:
    """A histogram of each factor's law, a panel with scales of its own for each factor."""
    about = data.attrs
    width, height = theme.sizes(about, (140, 70), (450, 240))
    x = theme.numbers(alt.X, "from", None, 3, zero=False, nice=False)
    bars = alt.Chart(data).mark_bar(color=theme.COLOURS[1], binSpacing=0.5)
    bars = bars.encode(x, alt.X2("to"), alt.Y("share:Q", axis=None), alt.Y2Datum(0), tooltip=["from", "to", "share"])
    return theme.panels(bars, about, width, height, 5, "xy", over=40)
