"""Charts of a backtest as Vega-Lite specifications: series with futures and figures, and the ECDF of PIT values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MUTED, INK, PAGE, FUTURES = "var(--muted)", "var(--ink)", "var(--page)", "var(--p1)"
WIDTH, HEIGHT, LINE = 190, 96, 15
"""Width of a panel where there is room, its height, and the height of a line of its name [pixel]."""
BETWEEN = 50
"""Pixels between panels side by side, for the numbers of their axes."""


@dataclass(frozen=True)
class Panel:
    """Settings of a series' panel.

    Args:
      name: name of the series, in lines.
      unit: of its numbers; "" for pure ones.
      span: ends of the y axis.
    """

    name: Sequence[str]
    unit: str
    span: tuple[float, float]


def hindcast(
    policies: Sequence[str], panels: Sequence[Panel], years: Sequence[int], shapes: Mapping[str, str]
) -> dict[str, Any]:
    """A panel per series "s": futures "q05" to "q95" by year "x", and figures "o" with error bars "low" to "high".

    Where "bar" is set, futures are bars rather than bands.

    Args:
      years: the first and the last year that are drawn.
      shapes: reading -> shape of its figures; a single reading has no legend.
    """
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"domain": list(years), "nice": False},
        "axis": {"title": None, "values": list(_round(*years)), "format": "d", "grid": False, "labelFlush": True},
    }
    lines = max(len(panel.name) for panel in panels)
    return {
        "autosize": {"type": "pad"},
        "concat": [_panel(k, panel, x, shapes) for k, panel in enumerate(panels)],
        "columns": 4,
        "bounds": "flush",
        "spacing": {"row": 62 + LINE * lines, "column": BETWEEN},
    }  # fmt: skip


def _panel(k: int, panel: Panel, x: Mapping[str, Any], shapes: Mapping[str, str]) -> dict[str, Any]:
    y = {"field": "y", "type": "quantitative", "scale": {"domain": list(panel.span), "nice": False, "zero": False},
         "axis": {"title": panel.unit or None, "tickCount": 3}}  # fmt: skip
    shown = (
        ("figure", "figure"),
        ("observed", "observed"),
        ("futures", "futures"),
        ("place", "place"),
        ("not scored", "apart"),
    )
    tooltip = [{"field": field, "type": "nominal", "title": title} for title, field in shown]
    legend = {
        "title": None,
        "orient": "top",
        "labelColor": MUTED,
        "labelFontSize": 12,
        "symbolFillColor": INK,
        "symbolStrokeColor": INK,
    }
    shape = {"field": "reading", "type": "nominal", "legend": legend if len(shapes) > 1 else None,
             "scale": {"domain": list(shapes), "range": list(shapes.values())}}  # fmt: skip
    fan = [{"filter": "datum.y != null && !datum.bar"}]
    layers: list[dict[str, Any]] = [
        *(
            {
                "transform": fan,
                "mark": {"type": "area", "opacity": strength, "color": FUTURES},
                "encoding": _span(x, y, low, high),
            }
            for low, high, strength in (("q05", "q95", 0.16), ("q25", "q75", 0.28))
        ),
        {
            "transform": fan,
            "mark": {"type": "line", "strokeWidth": 1.6, "color": FUTURES},
            "encoding": {"x": x, "y": y},
        },
        *(
            {
                "transform": [{"filter": "datum.bar"}],
                "mark": {"type": "rule", "strokeWidth": width, "opacity": 0.5, "color": FUTURES},
                "encoding": _span(x, y, low, high),
            }
            for low, high, width in (("q05", "q95", 2), ("q25", "q75", 6))
        ),
        {
            "transform": [{"filter": "datum.low != null"}],
            "mark": {"type": "rule", "color": INK},
            "encoding": _span(x, y, "low", "high"),
        },
        {
            "transform": [{"filter": "datum.o != null"}],
            "mark": {"type": "point", "filled": True, "size": 34, "opacity": 1, "stroke": INK, "strokeWidth": 1.1},
            "encoding": {
                "x": x,
                "y": {**y, "field": "o"},
                "shape": shape,
                "tooltip": tooltip,
                "fill": {"condition": {"test": "datum.hollow", "value": PAGE}, "value": INK},
            },
        },
    ]
    title = {
        "text": list(panel.name),
        "anchor": "start",
        "frame": "group",
        "fontSize": 12,
        "fontWeight": 600,
        "color": INK,
        "lineHeight": LINE,
        "offset": 6,
    }
    return {
        "title": title,
        "transform": [{"filter": f"datum.s == {k}"}],
        "width": WIDTH,
        "height": HEIGHT,
        "layer": layers,
    }


def _span(x: Mapping[str, Any], y: Mapping[str, Any], low: str, high: str) -> dict[str, Any]:
    return {"x": x, "y": {**y, "field": low}, "y2": {"field": high}}


def _round(first: int, last: int) -> tuple[int, ...]:
    """Both ends, and the round year between them that is nearest to the middle, if there is one."""
    step = next(step for step in (1, 5, 10, 20, 50, 100, 10_000) if (last - first) / step <= 4)
    inner = [year for year in range(first + 1, last) if year % step == 0]
    middle = sorted(inner, key=lambda year: abs(2 * year - first - last))[:1]
    return tuple(sorted({first, *middle, last}))


def places(policies: Sequence[str], looks: Mapping[str, tuple[str, Sequence[float]]]) -> dict[str, Any]:
    """ECDF "y" of figures' places "x" among their futures, by reading, with its band "low" to "high".

    Dashed: the ECDF expected.

    Args:
      looks: reading -> its colour and its dashes; a single reading has no legend.
    """
    percent = {"title": None, "tickCount": 5, "labelExpr": "format(100 * datum.value, '~g') + ' %'"}
    ends = {"domain": [0, 1], "nice": False}
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": ends,
        "axis": {"title": "place among the futures", "tickCount": 5, "grid": False},
    }
    y = {"field": "y", "type": "quantitative", "scale": ends, "axis": percent}
    legend = {"title": None, "orient": "top", "labelColor": MUTED, "labelFontSize": 12} if len(looks) > 1 else None
    colour, dash = (
        {
            "field": "reading",
            "type": "nominal",
            "legend": legend,
            "scale": {"domain": list(looks), "range": [look[k] for look in looks.values()]},
        }
        for k in range(2)
    )
    shown = (("place", "x"), ("figures there or below", "share"), ("band", "band"), ("reading", "reading"))
    tooltip = [{"field": field, "type": "nominal", "title": title} for title, field in shown[: 3 + (len(looks) > 1)]]
    diagonal = {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]}
    return {
        "layer": [
            {
                "mark": {"type": "area", "opacity": 0.24 / max(len(looks), 1), "interpolate": "step-after"},
                "encoding": {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}, "color": colour},
            },
            {
                "data": diagonal,
                "mark": {"type": "line", "strokeWidth": 1, "strokeDash": [4, 3], "color": MUTED},
                "encoding": {"x": x, "y": y},
            },
            {
                "mark": {"type": "line", "strokeWidth": 2, "interpolate": "step-after", "strokeCap": "butt"},
                "encoding": {"x": x, "y": y, "color": colour, "strokeDash": dash},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 60, "opacity": 0},
                "encoding": {"x": x, "y": y, "tooltip": tooltip},
            },
        ]
    }
