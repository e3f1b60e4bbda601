"""Charts of universes as Vega-Lite specifications, for any width of screen: a specification curve, shares of verdicts.

Names are drawn inside of a chart, above what they name, so that on a narrow page the numbers have the full width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

CURVE = 170
"""Height of a curve [pixel]."""
BAR, HEAD, LINE = 17, 8, 14
"""Height of a bar of shares, of the space above a name, and of a line of a name [pixel]."""
APART = 1.32
"""x at which the second ledger's bars begin, where the first ledger's go from 0 to 1."""
MUTED, INK = "var(--muted)", "var(--ink)"

Looks = Mapping[str, tuple[str, str]]
"""Verdict -> its colour and its shape."""


def curve(looks: Looks, policies: Sequence[str], span: Sequence[float], n: int) -> dict[str, Any]:
    """A specification curve: differences "y" of universes "x", with intervals "low" to "high".

    Args:
      span: ends of the y axis.
      n: number of universes.
    """
    x = {"field": "x", "type": "quantitative", "scale": {"domain": [0, n + 1], "nice": False},
         "axis": {"title": "universes, by their difference", "tickCount": 5, "grid": False, "format": "d"}}  # fmt: skip
    y = {"field": "y", "type": "quantitative", "scale": {"domain": list(span), "nice": False},
         "axis": {"title": None, "tickCount": 5}}  # fmt: skip
    colour, shape = _by_verdict(looks, 22)
    values = (("difference", "difference"), ("verdict", "verdict"), ("departs in", "choices"))
    tooltip = [{"field": field, "type": "nominal", "title": title} for title, field in values]
    thin = {"type": "rule", "strokeWidth": 0.8, "opacity": 0.6}
    curve: list[dict[str, Any]] = [
        {"transform": [{"filter": "datum.low != null"}], "mark": thin,
         "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour}},
        {"mark": {"type": "rule", "stroke": MUTED}, "encoding": {"y": {"datum": 0, "type": "quantitative"}}},
        {"mark": {"type": "point", "filled": True, "size": 16, "opacity": 1},
         "encoding": {"x": x, "y": y, "color": colour, "shape": shape, "tooltip": tooltip}},
    ]  # fmt: skip
    stated = [{"filter": "datum.stated"}]
    side = f"datum.x > {n} / 2 ? 'right' : 'left'"
    whole = [
        {
            "transform": stated,
            "mark": {"type": "rule", "stroke": INK, "strokeDash": [4, 3]},
            "encoding": {"x": x, "y": {"value": -4}, "y2": {"value": CURVE}},
        },
        {
            "transform": stated,
            "mark": {"type": "text", "align": {"expr": side}, "baseline": "bottom", "fontSize": 12, "color": INK},
            "encoding": {"x": x, "y": {"value": -6}, "text": {"value": "as stated"}},
        },
    ]
    return {"layer": [*curve, *whole]}


def shares(
    looks: Looks,
    policies: Sequence[str],
    names: Sequence[tuple[Sequence[str], int]],
    ledgers: Sequence[str],
    height: int,
) -> dict[str, Any]:
    """Stacked bars "x" to "x2" at the pixel "y", with the verdict's shape where "m" is set; names above, counts beside.

    Args:
      names: names above the bars, each as lines with the pixel where they begin.
      ledgers: headings of the two columns of bars.
      height: of the whole chart [pixel].
    """
    ends = [0, 0.5, 1, APART, APART + 0.5, APART + 1]
    label = f"format(100 * (datum.value < {APART} ? datum.value : datum.value - {APART}), 'd')"
    x = {"field": "x", "type": "quantitative", "scale": {"domain": [-0.12, APART + 1.25], "nice": False},
         "axis": {"title": None, "values": ends, "labelExpr": label, "grid": False}}  # fmt: skip
    y = {
        "field": "y",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, height], "range": [0, height], "nice": False},
    }
    colour, shape = _by_verdict(looks, 10)
    values = (("claim", "claim"), ("ledger", "ledger"), ("choices that depart", "departures"),
              ("universes", "n"), ("verdict", "verdict"), ("share", "share"))  # fmt: skip
    tooltip = [{"field": field, "type": "nominal", "title": title} for title, field in values]
    above = [{"x": k * APART, "y": 0, "name": [ledger]} for k, ledger in enumerate(ledgers)]
    above += [{"x": 0, "y": at, "name": [*name], "strong": 1} for name, at in names]
    text = {"type": "text", "fontSize": 12, "color": MUTED, "baseline": "middle"}
    first = [{"filter": "datum.first"}]
    return {
        "layer": [
            {"mark": {"type": "bar", "height": BAR - 4, "stroke": "var(--page)", "strokeWidth": 1},
             "encoding": {"x": x, "x2": {"field": "x2"}, "y": y, "color": colour, "tooltip": tooltip}},
            {"transform": [{"filter": "datum.m"}, {"calculate": "(datum.x + datum.x2) / 2", "as": "x"}],
             "mark": {"type": "point", "filled": True, "opacity": 1, "fill": "var(--page)"},
             "encoding": {"x": x, "y": y, "shape": shape, "size": {"value": 22}}},
            {"transform": [*first, {"filter": "datum.x == 0"}], "mark": {**text, "align": "right", "dx": -6},
             "encoding": {"x": x, "y": y, "text": {"field": "departures"}}},
            {"transform": [*first, {"calculate": "datum.x + 1", "as": "x"}], "mark": {**text, "align": "left", "dx": 6},
             "encoding": {"x": x, "y": y, "text": {"field": "n"}}},
            {"data": {"values": above}, "mark": {**text, "align": "left", "baseline": "top", "lineHeight": LINE},
             "encoding": {"x": x, "y": y, "text": {"field": "name"},
                          "color": {"condition": {"test": "datum.strong", "value": INK}, "value": MUTED}}},
        ],
    }  # fmt: skip


def _by_verdict(looks: Looks, offset: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Encodings of colour and of shape by verdict, with one common legend `offset` pixels above."""
    legend = {"title": None, "orient": "top", "direction": "horizontal", "labelColor": MUTED, "labelFontSize": 12,
              "symbolOpacity": 1, "symbolSize": 55, "columnPadding": 4, "offset": offset}  # fmt: skip
    colour, shape = (
        {"field": "verdict", "type": "nominal", "legend": legend,
         "scale": {"domain": list(looks), "range": [look[k] for look in looks.values()]}}
        for k in range(2)
    )  # fmt: skip
    return colour, shape
