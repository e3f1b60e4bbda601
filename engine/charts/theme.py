"""The look of every chart: colours, dashes and shapes of policies, a Vega-Lite configuration, text in lines, panels."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import altair as alt

from engine.formatting import printable

# M. Okabe and K. Ito, Color Universal Design (2008): distinguishable with every kind of colour vision
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ON_DARK = ("#E8762A", "#3B9BDB", *COLOURS[2:6], "#F2F2F2")
DASHES = ((1, 0), (11, 3.5), (2.6, 2.6), (13, 3.3, 2.6, 3.3))
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down")
INK, GREY, PAGE = "#333333", "#666666", "#FFFFFF"
FONT = "Liberation Sans, Arial, Noto Sans CJK SC, sans-serif"
SCHEMES: Mapping[str, Mapping[str, Any]] = {
    "light": {"ink": INK, "muted": GREY, "grid": "#E3E3E3", "page": PAGE, "policies": COLOURS},
    "dark": {"ink": "#EEEEEE", "muted": "#AAAAAA", "grid": "#444444", "page": "#16191D", "policies": ON_DARK},
    "page": {**{name: f"var(--{name})" for name in ("ink", "muted", "grid", "page")},
             "policies": [f"var(--p{k})" for k in range(len(COLOURS))]},
}  # fmt: skip
"""Scheme -> its colours; those of "page" are variables of the page's style sheet."""
TEXT, TITLE, NOTE = 11, 14, 10.5
"""Font sizes of labels, titles and notes [pixel]."""
ENDS = ("estimate", "low", "high")
PLAIN = alt.value(COLOURS[1])
"""The colour of what belongs to no policy."""
BAND = (("low", "high", 0.25),)
"""Columns of a 95 % interval; its band with its opacity."""
About: TypeAlias = Mapping[str, Any]
"""Attributes of a table, as `tables.frames.frame` sets them."""


def colours(scheme: str) -> dict[str, str]:
    """Colour of a figure as it is drawn -> the same of a scheme."""
    of = SCHEMES[scheme]
    return dict(zip((*COLOURS, INK, GREY, PAGE), (*of["policies"], of["ink"], of["muted"], of["page"]), strict=True))


def config(scheme: str = "light") -> dict[str, Any]:
    """The Vega-Lite configuration of every chart in a scheme."""
    inks = SCHEMES[scheme]
    plain = {"labelColor": inks["ink"], "titleColor": inks["ink"], "titleFontWeight": "normal",
             "labelFontSize": TEXT, "titleFontSize": TEXT, "labelLimit": 400}  # fmt: skip
    return {
        "font": FONT,
        "background": "transparent" if scheme == "page" else inks["page"],
        "lineBreak": "\n",
        "range": {"category": list(inks["policies"]), "heatmap": {"scheme": "greys"}},
        "view": {"stroke": None},
        "axis": {**plain, "gridColor": inks["grid"], "domainColor": inks["muted"], "ticks": False, "labelPadding": 5},
        "axisX": {"labelFlush": False},
        "axisY": {"domain": False, "labelFlush": False},
        "facet": {"spacing": 24},
        "header": {**plain, "title": None, "labelFontWeight": "bold", "labelAnchor": "start", "labelLimit": 0,
                   "labelExpr": "split(datum.label, '\\n')"},
        "legend": {**plain, "title": None, "orient": "top", "symbolSize": 70, "symbolStrokeWidth": 2,
                   "symbolOpacity": 1, "columns": 3},
        "title": {"anchor": "start", "color": inks["ink"], "fontSize": TITLE, "subtitleColor": inks["muted"],
                  "subtitleFontSize": NOTE, "subtitlePadding": 6, "offset": 12, "frame": "bounds"},
        "text": {"color": inks["ink"], "fontSize": TEXT},
        "style": {
            "ink": {"color": inks["ink"], "stroke": inks["ink"]},
            "muted": {"color": inks["muted"], "stroke": inks["muted"]},
            "dot": {"color": inks["ink"], "fill": inks["ink"], "filled": True, "size": 45, "opacity": 1},
            "hollow": {"color": inks["ink"], "stroke": inks["ink"], "fill": inks["page"], "strokeWidth": 1.2},
            "pale": {"color": inks["grid"], "fill": inks["grid"]},
            "shade": {"color": inks["muted"], "fill": inks["muted"]},
        },
    }  # fmt: skip


def lines(text: str, pixels: float, size: float = TEXT) -> list[str]:
    """A text in lines of at most about `pixels`, broken at spaces, else after `_`, `-` or `/`."""
    broken = [""]
    for word in _words(unbroken(text), pixels, size):
        longer = broken[-1] + word
        if broken[-1] and _width(longer.rstrip(), size) > pixels:
            broken.append(word)
        else:
            broken[-1] = longer
    return [line.rstrip() for line in broken]


def unbroken(text: str) -> str:
    """The text with no-break spaces inside of short brackets and before percent signs."""
    text = re.sub(r"\[[^\[\]]{1,24}\]", lambda brackets: brackets[0].replace(" ", "\u00a0"), text)
    return text.replace(" %", "\u00a0%")


def _words(text: str, pixels: float, size: float) -> list[str]:
    """Words with the spaces behind them; one that is wider than a line in parts."""
    parts: list[str] = []
    for word in text.split(" "):
        if _width(word, size) > pixels:
            *pieces, word = re.split("(?<=[-_/])", word)
            parts += pieces
        parts.append(f"{word} ")
    return parts


def _width(text: str, size: float) -> float:
    """Width of a line in pixels: an em for each wide character of an East Asian script, else 0.53 em."""
    return size * sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.53 for sign in text)


def headed(chart: Any, about: About, pixels: float, **size: Any) -> Any:
    """The chart under its title and its note, which are its description for screen readers as well.

    Args:
      size: its width and height [pixel], unless it has them.
    """
    title, note = about["title"], about["note"]
    text = alt.TitleParams(lines(title, pixels, TITLE), subtitle=lines(note, pixels, NOTE) if note else alt.Undefined)
    return chart.properties(title=text, description=". ".join(filter(None, (title.rstrip("."), note))), **size)


def nothing(about: About) -> Any:
    """A chart that says why there is nothing to show."""
    text = alt.Chart(alt.InlineData([{}])).mark_text(fontSize=TEXT).encode(text=alt.value(about["nothing"]))
    return headed(text, {**about, "note": ""}, 560, width=420, height=90)


def _in_lines(names: Iterable[str], pixels: float, words: Mapping[str, str] | None = None) -> str:
    """An expression that gives each name, or its text in `words`, in lines; names are as `export` writes them out."""
    broken = {printable(name): lines(printable((words or {}).get(name, name)), pixels) for name in names}
    return f"{json.dumps(broken)}[datum.label]"


def by_policy(about: About, words: Mapping[str, str] | None = None, lined: bool = True) -> dict[str, Any]:
    """Encodings by policy in one legend: colour and dash of lines, or colour and shape of points.

    Args:
      about: `policies` are all that run, so that looks do not depend on which are shown; `shown` those in the legend.
      words: policy -> its text in the legend, if not its name.
      lined: whether lines are drawn, in place of points.
    """
    names, shown = about["policies"], about["shown"]
    symbols: dict[str, Any] = {"symbolType": "stroke", "symbolSize": 500} if lined else {}
    legend = alt.Legend(
        labelExpr=_in_lines(shown, 520, words), values=shown, columns=1 if words else 3, labelLimit=560, **symbols
    )
    channel, looks = (alt.StrokeDash, DASHES) if lined else (alt.Shape, SHAPES)
    scale = alt.Scale(domain=names, range=[*looks * len(names)][: len(names)])
    second = channel("policy:N", scale=scale, legend=legend)
    return {"color": colour(about, legend=legend), "strokeDash" if lined else "shape": second}


def colour(about: About, channel: Any = alt.Color, legend: alt.Legend | None = None) -> Any:
    """The encoding of a channel by the colours of policies."""
    return channel("policy:N", scale=alt.Scale(domain=about["policies"]), legend=legend)


def dots(base: alt.Chart, about: About) -> alt.Chart:
    """Points beside lines, with colours and shapes of policies.

    Their shapes are a field: Vega-Lite would put a scale of shapes into the legend of the lines.
    """
    shapes = {printable(name): SHAPES[k % len(SHAPES)] for k, name in enumerate(about["policies"])}
    made = base.transform_calculate(marker=f"{json.dumps(shapes)}[datum.policy]").mark_point(style="dot")
    return made.encode(color=colour(about), shape=alt.Shape("marker:N", scale=None))


def estimated(base: alt.Chart, axis: alt.X, tooltip: Sequence[str], **look: Any) -> tuple[alt.Chart, alt.Chart]:
    """Points with their 95 % intervals, in the colour and the shape that `look` encodes, else in that of text."""
    bars = base.mark_rule(style="ink").encode(*span(axis), color=look.get("color", alt.Undefined))
    points = base.mark_point(style="dot").encode(axis, tooltip=[*tooltip, *ENDS], **look)
    return bars, points


def banded(
    base: alt.Chart, axis: alt.Y, look: Mapping[str, Any], bands: Sequence[tuple[str, str, float]] = BAND, **mark: Any
) -> list[alt.Chart]:
    """Lines over bands, each from one column to another with an opacity.

    Args:
      look: encodings of the lines; the bands have their colour.
      mark: properties of lines and bands.
    """
    areas = [
        base.mark_area(opacity=opacity, **mark).encode(*span(axis, low, high), color=look["color"])
        for low, high, opacity in bands
    ]
    return [*areas, base.mark_line(**mark).encode(axis, **look)]


def filled(about: About, field: str, of: Mapping[str, float], symbol: str = "square") -> list[Any]:
    """Encodings of marks in the colours of policies, pale or dark by a field, with a legend of that in grey."""
    legend = alt.Legend(symbolType=symbol, symbolFillColor=GREY, symbolStrokeColor=GREY)
    scale = alt.Scale(type="ordinal", domain=[*of], range=[*of.values()])
    opacity = alt.Opacity(f"{field}:N", sort=[*of], scale=scale, legend=legend)
    return [colour(about, alt.Fill), colour(about, alt.Stroke), opacity]


def keyed(field: str, looks: Mapping[str, tuple[str, str]], legend: alt.Legend | None) -> list[Any]:
    """Encodings of a field by the colour and the shape of each of its values."""
    return [
        channel(f"{field}:N", scale=alt.Scale(domain=[*looks], range=[*own]), legend=legend)
        for channel, own in zip((alt.Color, alt.Shape), zip(*looks.values(), strict=True), strict=True)
    ]


def heading(text: str, pixels: float, least: int = 1, **more: Any) -> alt.TitleParams:
    """The title of a part of a chart, in lines, `least` of them at least."""
    broken = lines(text, pixels, 12)
    return alt.TitleParams(broken + [" "] * (least - len(broken)), fontSize=12, **more)


def row_axis(field: str, names: Sequence[str], pixels: float = 210, least: float = 8) -> tuple[alt.Y, alt.Step]:
    """A y axis of named rows, the first on top, their names in lines; and the height of a row.

    Args:
      least: height of a row beside its lines of text [pixel].
    """
    axis = alt.Axis(title=None, labelExpr=_in_lines(names, pixels), grid=False, domain=False)
    most = max((len(lines(printable(name), pixels)) for name in names), default=1)
    return alt.Y(f"{field}:N", sort=list(names), axis=axis), step(least + 13 * most)


def step(height: float) -> alt.Step:
    """The height of each row of an axis [pixel]."""
    return alt.Step(height, **{"for": "position"})


def panels(
    chart: Any,
    about: About,
    width: float,
    height: Any,
    columns: int = 4,
    own: str = "",
    left: float = 0,
    over: float = 0,
) -> Any:
    """The chart under its title, with a panel for each of `panels`, under its name in lines; one panel may have none.

    Args:
      width, height: of a panel [pixel]; the height may be that of each row.
      own: axes of which each panel has its own scale: "x", "y" or "xy".
      left: width of what stands beside the panels.
      over: by how much names may be wider than their panel.
    """
    if "y" in own:
        chart = alt.layer(*getattr(chart, "layer", [chart]), _headroom(), data=chart.data)
    chart, width = chart.properties(width=width, height=height), width + over
    names, scales = list(about["panels"]), dict.fromkeys(own, "independent")
    columns = min(columns, len(names))
    if names != [""]:
        header = alt.Header(labelExpr=_in_lines(names, width), title=None)
        most = max(len(lines(name, width)) for name in names)
        below = 13 * len(lines(about["unit"], width)) if "x" in own and about.get("unit") else 0  # title of an axis
        chart = chart.facet(alt.Facet("panel:N", sort=names, header=header, title=None), columns=columns)
        # a shared axis would stand below places without a panel as well
        axes = dict.fromkeys(own + "x" * bool(len(names) % columns), "independent")
        chart = chart.resolve_scale(**scales).resolve_axis(**axes)
        if own:
            chart = chart.properties(bounds="flush", spacing={"row": 40 + 16 * most + below, "column": 52})
    return headed(chart, about, max(560, left + columns * (width + 50)))


def _headroom() -> alt.Chart:
    """An invisible mark as high as half a label: heads stand level whether or not the axis has a label on top."""
    top = alt.Chart().transform_aggregate(rows="count()").mark_rule(opacity=0)
    return top.encode(x=alt.value(0), y=alt.value(-TEXT / 2 - 2), y2=alt.value(0))


def grid(made: Mapping[str, Any], about: About, width: float, height: float) -> Any:
    """Charts of a size [pixel] by their headings, two a row, under the title."""
    parts = (
        one.properties(width=width, height=height, title=heading(name, width, frame="group"))
        for name, one in made.items()
    )
    return headed(alt.concat(*parts, columns=2, spacing=26), about, max(540, min(2, len(made)) * (width + 40)))


def sizes(about: About, small: tuple[int, int], large: tuple[int, int]) -> tuple[int, int]:
    """Width and height of a panel [pixel]: the small ones where there are several panels."""
    return small if len(about["panels"]) > 1 else large


def year_axis(first: int, last: int, most: int = 5) -> alt.X:
    """An x axis of years, with ticks at both ends and at round years between."""
    for step in (1, 2, 5, 10, 20, 25, 50, 100, 1000):
        inner = [year for year in range(first, last) if year % step == 0 and min(year - first, last - year) >= step / 2]
        if len(inner) < most:
            break
    ticks, span = sorted({first, *inner, last}), [first, last] if last > first else [first - 1, first + 1]
    axis = alt.Axis(format="d", grid=False, values=ticks, title=None)
    return alt.X("year:Q", scale=alt.Scale(domain=span, nice=False), axis=axis)


def span(channel: Any, low: str = "low", high: str = "high") -> tuple[Any, Any]:
    """Encodings of both ends of a mark along a channel, with the axis and the scale of that channel."""
    second = alt.X2 if isinstance(channel, alt.X) else alt.Y2
    return type(channel)(f"{low}:Q", axis=channel["axis"], scale=channel["scale"]), second(high)


def numbers(channel: Any, field: str, title: str | None, ticks: int = 5, pixels: float = math.inf, **scale: Any) -> Any:
    """The encoding of a channel by numbers: plain up to 100,000, others with an SI prefix or an exponent.

    Args:
      title: of the axis.
      pixels: width of the title, which is broken into lines.
      scale: properties of the scale.
    """
    title = title and "\n".join(lines(title, pixels))
    large = "datum.value != 0 && (abs(datum.value) >= 1e5 || abs(datum.value) < 1e-3)"
    label = f"{large} ? format(datum.value, '.3~e') : format(datum.value, ',.5~f')"
    axis = alt.Axis(title=title, tickCount=ticks, labelExpr=label)
    return channel(f"{field}:Q", axis=axis, scale=alt.Scale(**scale) if scale else alt.Undefined)


def axis_title(about: About) -> str:
    """Title of the axis of values: its label, or in each of several panels the unit alone."""
    return str(about["unit" if len(about["panels"]) > 1 else "label"])


def log_ticks(low: float, high: float, most: int = 7) -> list[float] | None:
    """Round values between the ends of a logarithmic axis, `most` at most; None if fewer than three are round."""
    powers = range(math.floor(math.log10(low)), math.floor(math.log10(high)) + 1)
    for leading in (range(1, 10), (1, 2, 5), (1, 3), (1,)):
        values = [value for power in powers for k in leading if low <= (value := float(f"{k}e{power}")) <= high]
        if len(values) <= most:
            break
    return values if len(values) > 2 else None


def share_axis(title: str, **more: Any) -> alt.Axis:
    """An axis of shares, in per cent."""
    return alt.Axis(title=title, labelExpr="format(100 * datum.value, '~g') + ' %'", **{"tickCount": 5, **more})
