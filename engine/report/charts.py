"""Charts of the page as Vega-Lite specifications.

Only this module, `universe_charts.py`, `observed_charts.py` and `conditioned_charts.py` know Vega-Lite, the library of
`chart_library.py`. A chart carries only the numbers that it draws; the page holds them once, as columns. Colours are
names of CSS variables, so that the page's light or dark scheme decides; every policy also has a dash pattern.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.charts.theme import COLOURS, DASHES, ON_DARK, SHAPES
from engine.charts.universes import VERDICTS, called
from engine.report import conditioned_charts, observed_charts, universe_charts

WIDE = 2.2
"""Width of a line in pixels."""
INKS = tuple(f"var(--p{k})" for k in range(len(COLOURS)))
_OUTLINES = {
    "circle": "M8.5,5A3.5,3.5 0 1 1 15.5,5A3.5,3.5 0 1 1 8.5,5Z",
    "square": "M8.8,1.8H15.2V8.2H8.8Z",
    "triangle-up": "M12,1L16,8.4H8Z",
    "diamond": "M12,0.6L16.4,5L12,9.4L7.6,5Z",
    "triangle-down": "M12,9L16,1.6H8Z",
}
"""Shape -> its outline on a swatch, as an SVG path."""
_VERDICTS = {
    called(name): (INKS[COLOURS.index(colour)] if colour in COLOURS else "var(--muted)", shape)
    for name, (colour, shape) in VERDICTS.items()
}
FACETS = ("fans", "hindcast")
"""Kinds of charts that consist of panels side by side."""
TOGETHER = 3
"""Most policies whose fans are drawn over one another; more policies have a panel each."""


@dataclass(frozen=True)
class Chart:
    """A chart of the page.

    Args:
      anchor: its HTML id.
      title: its heading.
      about: what is drawn, in a few words under the heading; may be empty.
      finding: what the numbers say, in a sentence.
      label: text alternative for screen readers.
      kind: name of a specification in `SPECIFICATIONS`.
      options: arguments of that specification.
      columns: its data; "p" is the index of the policy.
      head, rows: the same numbers as a table.
      height: in pixels.
    """

    anchor: str
    title: str
    about: str
    finding: str
    label: str
    kind: str
    options: Mapping[str, Any]
    columns: Mapping[str, Sequence[Any]]
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    height: int = 260

    def specification(self, policies: Sequence[str]) -> dict[str, Any]:
        """The Vega-Lite specification of the chart, without its data."""
        size = {"width": "container", "height": self.height, "autosize": {"type": "fit-x", "contains": "padding"}}
        return {
            "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
            "params": [{"name": "shown", "value": list(policies)}],
            **({} if self.kind in FACETS else size),  # panels side by side cannot be as wide as their place on the page
            **SPECIFICATIONS[self.kind](policies, **self.options),
        }

    @property
    def wide(self) -> bool:
        """Whether it takes the full width of the page."""
        return self.kind in (*FACETS, "curve", "shares", "posteriors")

    @property
    def keyed(self) -> bool:
        """Whether it draws policies over one another and so has a key of the policies."""
        return not self.wide and self.kind not in ("places", "ranks")


def columns_of(points: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """The data of a chart as columns, from its points; `{"p": []}` without points."""
    return {name: [point[name] for point in points] for name in points[0]} if points else {"p": []}


def style_sheet(policies: int) -> str:
    """A style sheet with the colours of the light and the dark scheme, and the swatches of `policies` policies."""
    light, dark = (
        ":root { " + " ".join(f"--p{k}: {colour};" for k, colour in enumerate(colours)) + " }"
        for colours in (COLOURS, ON_DARK)
    )
    swatches = [
        f".s{k} line {{ stroke: var(--p{k % len(COLOURS)}); stroke-dasharray: {dash(k)}; }} .s{k} path {{ fill:"
        f" var(--p{k % len(COLOURS)}); }}"
        for k in range(policies)
    ]
    return "\n".join([light, f"@media screen and (prefers-color-scheme: dark) {{ {dark} }}", *swatches, ""])


def dash(k: int) -> str:
    """The dash pattern of policy k (from 0) in SVG's syntax."""
    return " ".join(map(str, DASHES[k % len(DASHES)])) if k % len(DASHES) else "none"


def marker(k: int) -> str:
    """The outline of the marker of policy k (from 0) on a swatch, as an SVG path."""
    return _OUTLINES[SHAPES[k % len(SHAPES)]]


def _by_policy(policies: Sequence[str], looks: Sequence[Any]) -> dict[str, Any]:
    """An encoding by policy, with the looks assigned in turn."""
    scale = {"domain": list(policies), "range": [looks[k % len(looks)] for k in range(len(policies))]}
    return {"field": "policy", "type": "nominal", "scale": scale, "legend": None}


_SHOWN = {"filter": "indexof(shown, datum.policy) >= 0"}


def _band(
    low: str, high: str, x: dict[str, Any], y: dict[str, Any], policies: Sequence[str], strength: float
) -> dict[str, Any]:
    return {
        "mark": {"type": "area", "opacity": strength},
        "encoding": {
            "x": x,
            "y": {**y, "field": low},
            "y2": {"field": high},
            "color": _by_policy(policies, INKS),
            "detail": {"field": "policy"},
        },
    }


def _line(x: dict[str, Any], y: dict[str, Any], policies: Sequence[str]) -> dict[str, Any]:
    return {
        "mark": {"type": "line", "strokeWidth": WIDE, "strokeCap": "butt"},
        "encoding": {"x": x, "y": y, "color": _by_policy(policies, INKS), "strokeDash": _by_policy(policies, DASHES)},
    }


def _markers(x: dict[str, Any], y: dict[str, Any], policies: Sequence[str]) -> dict[str, Any]:
    """The policy's marker at the few points for which "m" is set."""
    return {
        "transform": [{"filter": "datum.m"}],
        "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1, "stroke": "var(--page)", "strokeWidth": 1},
        "encoding": {"x": x, "y": y, "fill": _by_policy(policies, INKS), "shape": _by_policy(policies, SHAPES)},
    }


def _points(x: dict[str, Any], y: dict[str, Any], policies: Sequence[str], fields: Mapping[str, str]) -> dict[str, Any]:
    """Invisible points on the line: the nearest one to the pointer appears, with its values.

    The pointer is over the cell around a point, whose datum holds the point's own: hence the expression, as Vega-Lite
    6.4 does not look there for a list of fields.
    """
    near = {"type": "point", "on": "pointerover", "nearest": True, "clear": "pointerout", "encodings": ["x", "y"]}
    seen = {"condition": {"param": "near", "empty": False, "value": 1}, "value": 0}
    values = ", ".join(f"'{title}': (datum.datum || datum).{field}" for title, field in fields.items())
    return {
        "params": [{"name": "near", "select": near}],
        "mark": {
            "type": "point",
            "filled": True,
            "size": 70,
            "stroke": "var(--page)",
            "strokeWidth": 1.5,
            "tooltip": {"expr": f"{{{values}}}"},
        },
        "encoding": {"x": x, "y": y, "fill": _by_policy(policies, INKS), "opacity": seen},
    }


def _exceedance(policies: Sequence[str], axis: str, reverse: bool, lowest: float) -> dict[str, Any]:
    ticks = [t for t in (1, 0.1, 0.01, 0.001, 1e-4, 1e-5, 1e-6) if t >= lowest]
    y = {
        "field": "y", "type": "quantitative",
        "scale": {"type": "log", "domain": [lowest, 1], "clamp": True},
        "axis": {"title": None, "values": ticks, "labelExpr": "format(100 * datum.value, '~g') + ' %'"},
    }  # fmt: skip
    fields = {"policy": "policy", "level": "level", "share beyond": "share", "95 % interval": "interval"}
    layers = _curves(_levels(axis, reverse), y, policies, {("low", "high"): 0.2}, fields)
    return {"transform": [_SHOWN], "layer": layers}


def _thresholds(policies: Sequence[str], axis: str, reverse: bool, marked: float | None) -> dict[str, Any]:
    """Exceedance probability of each level with its band, and the threshold, if it lies on the axis."""
    y = {
        "field": "y", "type": "quantitative", "scale": {"domain": [0, 1]},
        "axis": {"title": None, "tickCount": 5, "labelExpr": "format(100 * datum.value, '~g') + ' %'"},
    }  # fmt: skip
    fields = {"policy": "policy", "level": "level", "share beyond [95 % interval]": "share"}
    layers = _curves(_levels(axis, reverse), y, policies, {("low", "high"): 0.3}, fields)
    return {"transform": [_SHOWN], "layer": [*_rules(marked), *layers]}


def _levels(axis: str, reverse: bool) -> dict[str, Any]:
    """The x axis of levels of an outcome."""
    return {"field": "x", "type": "quantitative", "axis": {"title": axis, "tickCount": 5, "grid": False},
            "scale": {"reverse": reverse, "zero": False, "nice": False}}  # fmt: skip


def _curves(
    x: dict[str, Any],
    y: dict[str, Any],
    policies: Sequence[str],
    bands: Mapping[tuple[str, str], float],
    fields: Mapping[str, str],
) -> list[dict[str, Any]]:
    """A line for each policy over its bands, with markers, and values at the pointer.

    Args:
      bands: (lower field, upper field) -> opacity.
      fields: label -> field of a value that is shown at the pointer.
    """
    return [
        *(_band(low, high, x, y, policies, strength) for (low, high), strength in bands.items()),
        _line(x, y, policies),
        _markers(x, y, policies),
        _points(x, y, policies, fields),
    ]


def _fan(policies: Sequence[str], years: Sequence[int]) -> dict[str, Any]:
    """All policies over one another."""
    return {"transform": [_SHOWN], "layer": _layers(policies, years)}


def _fans(policies: Sequence[str], years: Sequence[int], height: int) -> dict[str, Any]:
    """A panel for each policy, with the baseline's median "b" in each; the page says how many fit side by side."""
    layers = _layers(policies, years, 3)
    base = {
        "mark": {"type": "line", "strokeWidth": 1.2, "stroke": "var(--muted)", "strokeDash": [3, 2]},
        "encoding": {"x": layers[0]["encoding"]["x"], "y": {**layers[0]["encoding"]["y"], "field": "b"}},
    }
    header = {
        "title": None,
        "labelFontWeight": 600,
        "labelAnchor": "start",
        "labelFontSize": 12,
        "labelColor": "var(--ink)",
        "labelLimit": 220,
        "labelPadding": 4,
    }
    return {
        "transform": [_SHOWN],
        "autosize": {"type": "pad"},
        "facet": {"field": "policy", "type": "nominal", "sort": list(policies), "header": header},
        "columns": 4,
        "spacing": {"row": 14, "column": 22},
        "spec": {"width": 180, "height": height, "layer": [*layers[:2], base, *layers[2:]]},
    }


def _layers(policies: Sequence[str], years: Sequence[int], labels: int = 6) -> list[dict[str, Any]]:
    x = {
        "field": "x", "type": "quantitative",
        "scale": {"domain": [years[0], max(years[-1], years[0] + 1)], "nice": False},
        "axis": {"title": None, "values": list(years), "format": "d", "grid": False, "labelOverlap": "greedy",
                 "labelSeparation": 12, "tickCount": labels, "labelFlush": labels < 6},
    }  # fmt: skip
    y = {"field": "y", "type": "quantitative", "axis": {"title": None, "tickCount": 4}, "scale": {"zero": False}}
    fields = {
        "policy": "policy",
        "year": "x",
        "mean [95 % interval]": "mean",
        "median": "median",
        "half of futures": "half",
        "nine tenths": "most",
    }
    return _curves(x, y, policies, {("q05", "q95"): 0.13, ("q25", "q75"): 0.24}, fields)


def _dots(
    policies: Sequence[str], names: Sequence[str], marked: float | None, title: str, most: float
) -> dict[str, Any]:
    x = {"field": "x", "type": "quantitative", "scale": {"domain": [0, most]},
         "axis": {"title": title, "tickCount": 5, "format": "~f"}}  # fmt: skip
    y = {"field": "name", "type": "nominal", "sort": list(names),
         "axis": {"title": None, "labelLimit": 170, "domain": False, "ticks": False, "labelPadding": 8}}  # fmt: skip
    offset = {"field": "policy", "type": "nominal", "scale": {"domain": list(policies), "paddingOuter": 0.4}}
    fields = (("of", "name"), ("policy", "policy"), ("share", "share"), ("95 % interval", "interval"))
    words = [{"field": field, "type": "nominal", "title": title} for title, field in fields]
    place = {"y": y, "yOffset": offset, "color": _by_policy(policies, INKS)}
    layers: list[dict[str, Any]] = [
        {
            "mark": {"type": "rule", "strokeWidth": 2},
            "encoding": {**place, "x": {**x, "field": "low"}, "x2": {"field": "high"}},
        },
        {
            "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
            "encoding": {**place, "x": x, "shape": _by_policy(policies, SHAPES), "tooltip": words},
        },
    ]
    return {"transform": [_SHOWN], "layer": [*_rules(marked), *layers]}


def _rules(marked: float | None) -> list[dict[str, Any]]:
    """A dashed line at a value of the x axis; none for None."""
    if marked is None:
        return []
    mark = {"type": "rule", "stroke": "var(--muted)", "strokeDash": [3, 3]}
    return [{"mark": mark, "encoding": {"x": {"datum": marked, "type": "quantitative"}}}]


SPECIFICATIONS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "exceedance": _exceedance,
    "thresholds": _thresholds,
    "fan": _fan,
    "fans": _fans,
    "dots": _dots,
    "curve": functools.partial(universe_charts.curve, _VERDICTS),
    "shares": functools.partial(universe_charts.shares, _VERDICTS),
    "hindcast": observed_charts.hindcast,
    "places": observed_charts.places,
    "posteriors": conditioned_charts.posteriors,
    "ranks": conditioned_charts.ranks,
}
