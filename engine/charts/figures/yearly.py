"""Charts of yearly variables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from engine.charts import theme
from engine.charts.figures.outcomes import exceedance

BANDS = (("q05", "q95", 0.15), ("q25", "q75", 0.28))
"""Ends of each band, and the opacity of its colour."""
CROWD = 4
"""Fewest policies that are not drawn over one another."""


def fan(data: pd.DataFrame, width: int = 0, words: Mapping[str, str] | None = None) -> Any:
    """Median and bands by year and policy, a panel for each place; bars by policy for one year or none.

    Of many policies each has a panel of its own. `words` are those of `theme.by_policy`.
    """
    if "year" not in data or data.year.nunique() == 1:
        return _bars(data)
    about, several, look = data.attrs, len(data.attrs["panels"]) > 1, theme.by_policy(data.attrs, words)
    if len(about["shown"]) >= CROWD:  # the head of each panel names its policy
        look["color"]["legend"] = look["strokeDash"]["legend"] = None
        data = data.assign(panel=[", ".join(filter(None, pair)) for pair in zip(data.panel, data.policy, strict=True)])
        about = {**about, "panels": data.panel.unique(), "columns": len(about["shown"])}
    small = len(about["panels"]) > 1
    width, height = 190 if small else width or 420, 130 if small else 250
    y = theme.numbers(alt.Y, "median", theme.axis_title(about), pixels=height, zero=False)
    base, seldom = _courses(data, small)
    layers = alt.layer(
        *theme.banded(base, y, look, BANDS),
        seldom.mark_rule().encode(*theme.span(y), theme.colour(about)),
        theme.dots(seldom, about).encode(y, tooltip=["panel", "policy", "year", "median", "low", "high"]),
    )
    return theme.panels(layers, about, width, height, min(800 // width, about["columns"]), "y" * several)


def _courses(data: pd.DataFrame, small: bool) -> tuple[alt.Chart, alt.Chart]:
    """Charts by year: of all years, and of the years at which lines have points, four at most."""
    first, last = int(data.year.min()), int(data.year.max())
    step = max(-(-(last - first) // 3), 1)
    base = alt.Chart(data).encode(theme.year_axis(first, last, 3 if small else 6))
    return base, base.transform_filter(f"(datum.year - {first}) % {step} == 0 || datum.year == {last}")


def _bars(data: pd.DataFrame) -> Any:
    """Quantiles as a bar for each policy, thin for nine tenths and thick for half of the futures."""
    about, several = data.attrs, len(data.attrs["panels"]) > 1
    look, width = theme.by_policy(about, lined=False), 190 if several else 420
    y, step = theme.row_axis("policy", about["shown"], least=14)
    base = alt.Chart(data).encode(y=y)
    x = theme.numbers(alt.X, "median", theme.axis_title(about), pixels=width, zero=False)
    layers = alt.layer(
        *(
            base.mark_rule(strokeWidth=thick, opacity=2 * strength).encode(*theme.span(x, low, high), look["color"])
            for (low, high, strength), thick in zip(BANDS, (4, 9), strict=True)
        ),
        base.mark_rule(style="ink").encode(*theme.span(x)),
        base.mark_point(style="dot").encode(x, tooltip=["policy", "median", "q05", "q95", "q25", "q75"], **look),
    )
    return theme.panels(layers, about, width, step, min(4, about["columns"]), "x")


def overview(curves: pd.DataFrame, *years: pd.DataFrame) -> Any:
    """Exceedance curves of an outcome, beside the fan of what it is made of."""
    if not years:
        return exceedance(curves)
    called = {name: name for name in curves.attrs["shown"]}
    heads = ("How likely each level is passed", years[0].attrs["head"])
    is_crowd = len(called) >= CROWD  # whose fan has a panel for each policy, and no legend
    wide = 800 if is_crowd else 340
    # as many lines in both legends and in both titles, so that they stand level
    most = max(len(theme.lines(head, wide, 12)) for head in heads)
    drawn = zip((exceedance(curves, 360, 250), fan(years[0], 360, called)), heads, strict=True)
    parts = [part.properties(title=theme.heading(head, wide, most)) for part, head in drawn]
    both = alt.vconcat(*parts, spacing=36) if is_crowd else alt.hconcat(*parts, spacing=36)
    first, second = ("Above", "Below") if is_crowd else ("Left", "Right")
    note = f"{first}: {curves.attrs['note']} {second}: {years[0].attrs['note']}"
    apart = both.resolve_scale(color="independent", shape="independent", strokeDash="independent")
    return theme.headed(apart, {**curves.attrs, "note": note}, 860)


def tails(data: pd.DataFrame) -> Any:
    """Each measure with its interval, by policy, a panel for each place."""
    about = data.attrs
    width = 190 if len(about["panels"]) > 1 else 420
    x = theme.numbers(alt.X, "estimate", theme.axis_title(about), 4, width, zero=False)
    y, _ = theme.row_axis("measure", data.measure.unique())
    base = alt.Chart(data).encode(y, alt.YOffset("policy:N", sort=about["shown"]))
    look = theme.by_policy(about, lined=False)
    points = alt.layer(*theme.estimated(base, x, ["panel", "policy", "measure"], **look))
    step = theme.step(max(22, 12 * len(about["shown"])))
    return theme.panels(points, about, width, step, min(4, about["columns"]), "x")


def replay(data: pd.DataFrame) -> Any:
    """One path: a line for each policy, a panel for each variable or place; points for a model without years."""
    about = data.attrs
    width, height = theme.sizes(about, (190, 130), (440, 250))
    look = theme.by_policy(about, lined="year" in data)
    y = theme.numbers(alt.Y, "value", None, zero=False)
    if "year" in data:
        base, seldom = _courses(data, len(about["panels"]) > 1)
        points = theme.dots(seldom, about).encode(y, tooltip=["policy", "year", "value"])
        chart = alt.layer(base.mark_line().encode(y, **look), points)
    else:
        x = alt.X("policy:N", sort=about["shown"], axis=alt.Axis(labels=False, title=None, grid=False, domain=False))
        chart = alt.Chart(data).mark_point(style="dot").encode(x, y, tooltip=["policy", "value"], **look)
    return theme.panels(chart, about, width, height, own="y")
