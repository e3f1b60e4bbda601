"""Charts of yearly variables."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme
from engine.charts.figures.outcomes import exceedance
from engine.charts.tables.frames import wide

BANDS = (("q05", "q95", 0.15), ("q25", "q75", 0.28))
"""Ends of each band, and the opacity of its colour."""
MEDIAN = ["panel", "policy", "year", "median", "low", "high"]


def fan(data: pd.DataFrame, width: int = 0) -> Any:
    """Median and bands by year and policy, a panel for each place; bars by policy for one year or none.

    With more than three policies each has a panel of its own.
    """
    about = data.attrs
    if "year" not in data or data.year.nunique() == 1:
        return _bars(data)
    places, several, crowded = about["panels"], len(about["panels"]) > 1, wide(about["shown"])
    lines, points = theme.looks(about)
    width = width or (190 if several or crowded else 420)
    if crowded:  # the head of each panel names its policy
        for channel in lines.values():
            channel["legend"] = None
        data = data.assign(panel=[", ".join(filter(None, pair)) for pair in zip(data.panel, data.policy, strict=True)])
        places = [", ".join(filter(None, (place, name))) for place in places for name in about["shown"]]
    names = about["unit"] if several or crowded else about["label"]
    title = "\n".join(theme.lines(names, 130 if several or crowded else 250))
    y = alt.Y("median:Q", axis=theme.number_axis(title), scale=alt.Scale(zero=False))
    first, last = int(data.year.min()), int(data.year.max())
    base = alt.Chart(data).encode(x=theme.year_axis(first, last, 3 if several or crowded else 6))
    marked = base.transform_filter(_marked(first, last))
    layers = alt.layer(
        *(
            base.mark_area(opacity=strength).encode(*theme.span(y, low, high), color=lines["color"])
            for low, high, strength in BANDS
        ),
        base.mark_line().encode(y=y, **lines),
        marked.mark_rule().encode(*theme.span(y), color=lines["color"]),
        theme.marked(marked, about)
        .mark_point(filled=True, opacity=1, size=30)
        .encode(y=y, tooltip=[*MEDIAN], **points),
    ).properties(width=width, height=130 if several or crowded else 250)
    if not (several or crowded):
        return theme.headed(layers, about, width + 70)
    columns = min(about["columns"], 4) if not crowded else min(4, len(about["shown"]))
    own = "y" if several else ""
    return theme.headed(theme.panels(layers, places, columns, width, own), about, columns * (width + 50))


def _marked(first: int, last: int) -> str:
    """A filter for the years at which the median has a point: four at most."""
    step = max(-(-(last - first) // 3), 1)
    return f"(datum.year - {first}) % {step} == 0 || datum.year == {last}"


def _bars(data: pd.DataFrame) -> Any:
    """Quantiles as a bar for each policy, thin for nine tenths and thick for half of the futures."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    width = 190 if several else 420
    _, points = theme.looks(about, lined=False)
    y, step = theme.row_axis("policy", about["shown"], least=14)
    base = alt.Chart(data).encode(y=y)
    x = alt.X("median:Q", axis=theme.number_axis(about["label"]), scale=alt.Scale(zero=False))
    chart = alt.layer(
        *(
            base.mark_rule(strokeWidth=thick, opacity=2 * strength).encode(
                *theme.span(x, low, high), color=points["color"]
            )
            for (low, high, strength), thick in zip(BANDS, (4, 9), strict=True)
        ),
        base.mark_rule(style="ink").encode(*theme.span(x)),
        base.mark_point(filled=True, opacity=1, size=60).encode(
            x=x, tooltip=["policy", "median", *(name for low, high, _ in BANDS for name in (low, high))], **points
        ),
    ).properties(width=width, height=step)
    if not several:
        return theme.headed(chart, about, 560)
    columns = min(about["columns"], 4)
    return theme.headed(theme.panels(chart, about["panels"], columns, width, "x"), about, columns * 250)


def overview(curves: pd.DataFrame, *years: pd.DataFrame) -> Any:
    """Exceedance curves of an outcome, beside the fan of what it is made of."""
    if not years:
        return exceedance(curves)
    right = fan(years[0], 360)
    left = exceedance(curves, 360, 250).properties(title=theme.heading("How likely each level is passed", 340))
    note = f"Left: {curves.attrs['note']} Right: {years[0].attrs['note']}"
    heading = theme.heading(f"{years[0].attrs['label']}, year by year", 340)
    both = alt.hconcat(left, right.properties(title=heading), spacing=36)
    return theme.headed(
        both.resolve_scale(color="independent", shape="independent", strokeDash="independent"),
        {"title": curves.attrs["title"], "note": note},
        860,
    )


def tails(data: pd.DataFrame) -> Any:
    """Each measure with its interval, by policy, a panel for each place."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    _, points = theme.looks(about, lined=False)
    measures = list(data.measure.unique())
    names = about["unit"] if several else about["label"]
    width = 190 if several else 420
    x = alt.X("estimate:Q", scale=alt.Scale(zero=False), axis=theme.number_axis(names, 4, width))
    offset = alt.YOffset("policy:N", sort=about["shown"])
    y = alt.Y("measure:N", sort=measures, axis=alt.Axis(title=None, grid=False, domain=False))
    base = alt.Chart(data).encode(y=y, yOffset=offset)
    layers = alt.layer(
        base.mark_rule(strokeWidth=1.4).encode(*theme.span(x), color=points["color"]),
        base.mark_point(filled=True, size=45, opacity=1).encode(
            x=x, tooltip=["panel", "policy", "measure", "estimate", "low", "high"], **points
        ),
    ).properties(width=width, height=alt.Step(max(22, 12 * len(about["shown"])), **{"for": "position"}))
    if not several:
        return theme.headed(layers, about, 540)
    columns = min(about["columns"], 4)
    return theme.headed(theme.panels(layers, about["panels"], columns, width, "x"), about, columns * 250)


def replay(data: pd.DataFrame) -> Any:
    """One path: a line for each policy, a panel for each variable or place; points for a model without years."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    lines, points = theme.looks(about, lined="year" in data)
    width = 190 if several else 440
    y = alt.Y("value:Q", axis=theme.number_axis(None), scale=alt.Scale(zero=False))
    if "year" not in data:
        x = alt.X("policy:N", sort=about["shown"], axis=alt.Axis(labels=False, title=None, grid=False, domain=False))
        layers = (
            alt.Chart(data)
            .mark_point(filled=True, size=70, opacity=1)
            .encode(x=x, y=y, tooltip=["policy", "value"], **points)
        )
    else:
        first, last = int(data.year.min()), int(data.year.max())
        base = alt.Chart(data).encode(x=theme.year_axis(first, last, 3 if several else 6), y=y)
        marked = base.transform_filter(_marked(first, last))
        layers = alt.layer(
            base.mark_line().encode(**lines),
            theme.marked(marked, about)
            .mark_point(filled=True, size=35, opacity=1)
            .encode(tooltip=["policy", "year", "value"], **points),
        )
    layers = layers.properties(width=width, height=130 if several else 250)
    columns = 4 if several else 1
    return theme.headed(theme.panels(layers, about["panels"], columns, width, "y"), about, 900 if several else 540)
