"""Charts of what facts say, as Vega-Lite specifications: posteriors beside priors, and ranks of the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MUTED, INK, PAGE, RANKS = "var(--muted)", "var(--ink)", "var(--page)", "var(--p1)"
BAR, HEAD, LINE = 26, 6, 14
"""Pixels of a factor's bars, of the space above its name, and of a line of it."""
BARS = ((2, 9, 5), (1, 18, 10))
"""Standard deviations that a bar reaches on either side, and its height for the prior and for the posterior [pixel]."""


def posteriors(
    policies: Sequence[str], names: Sequence[tuple[Sequence[str], str, float]], span: Sequence[float], height: float
) -> dict[str, Any]:
    """Bars of priors (-2 to 2) and posteriors ("low2" to "high2" about "mean") at the pixel "y", texts above them.

    Args:
      names: texts above the bars: lines on the left, a text on the right, and the pixel where they begin.
      span: ends of the x axis.
      height: of the whole chart [pixel].
    """
    x = {"field": "mean", "type": "quantitative", "scale": {"domain": list(span), "nice": False},
         "axis": {"title": "standard deviations of the prior from its mean", "tickCount": 5}}  # fmt: skip
    y = {
        "field": "y",
        "type": "quantitative",
        "axis": None,
        "scale": {"domain": [0, height], "range": [0, height], "nice": False},
    }
    fields = (("factor", "factor"), ("before", "before"), ("given the facts", "given"))
    tooltip = [{"field": field, "type": "nominal", "title": title} for title, field in fields]
    above = [{"at": at, "name": [*name], "moved": moved} for name, moved, at in names]
    text = {"type": "text", "fontSize": 12, "baseline": "top"}
    at = {**y, "field": "at"}
    return {
        "layer": [
            *(
                {
                    "mark": {"type": "bar", "height": thick, "color": MUTED, "opacity": 0.3},
                    "encoding": {
                        "x": {**x, "field": f"prior_low{reach}"},
                        "x2": {"field": f"prior_high{reach}"},
                        "y": y,
                    },
                }
                for reach, thick, _ in BARS
            ),
            *(
                {
                    "mark": {"type": "bar", "height": thin, "color": INK},
                    "encoding": {"x": {**x, "field": f"low{reach}"}, "x2": {"field": f"high{reach}"}, "y": y},
                }
                for reach, _, thin in BARS
            ),
            {
                "mark": {
                    "type": "point",
                    "filled": True,
                    "size": 34,
                    "opacity": 1,
                    "fill": PAGE,
                    "stroke": INK,
                    "strokeWidth": 1,
                },
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
            {
                "data": {"values": above},
                "mark": {**text, "align": "left", "lineHeight": LINE, "color": INK},
                "encoding": {"x": {"value": 0}, "y": at, "text": {"field": "name"}},
            },
            {
                "data": {"values": above},
                "mark": {**text, "align": "right", "color": MUTED},
                "encoding": {"x": {"value": "width"}, "y": at, "text": {"field": "moved"}},
            },
        ]
    }


def ranks(policies: Sequence[str], span: Sequence[float], expected: float) -> dict[str, Any]:
    """Histogram of ranks, "y" of them from "x" to "x2", with its band "low" to "high"; dashed: the number expected.

    Args:
      span: ends of the y axis.
      expected: expected number of ranks in a bin.
    """
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": [0, 1], "nice": False},
        "axis": {"title": "rank of the truth", "tickCount": 5, "grid": False},
    }
    y = {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": list(span), "nice": False, "zero": False},
        "axis": {"title": None, "tickCount": 4},
    }
    shown = (("ranks", "ranks"), ("how many", "count"), ("band", "band"))
    tooltip = [{"field": field, "type": "nominal", "title": title} for title, field in shown]
    ends: Mapping[str, Any] = {"x": x, "x2": {"field": "x2"}}
    rule = {"type": "rule", "stroke": MUTED, "strokeDash": [4, 3]}
    return {
        "layer": [
            {
                "mark": {"type": "rect", "color": MUTED, "opacity": 0.22},
                "encoding": {**ends, "y": {**y, "field": "low"}, "y2": {"field": "high"}},
            },
            {"mark": rule, "encoding": {"y": {"datum": expected, "type": "quantitative"}}},
            {"mark": {"type": "rule", "strokeWidth": 2.5, "color": RANKS}, "encoding": {**ends, "y": y}},
            {
                "transform": [{"calculate": "(datum.x + datum.x2) / 2", "as": "x"}],
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1, "color": RANKS},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
        ]
    }
