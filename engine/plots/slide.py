"""One slide, 16:9: title, a figure on the left, sentences on the right, and the source below."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.plots import fonts, labels, style
from engine.plots.sheet import close, draw_unseen, save, sheet
from engine.plots.style import Axes

WIDE, HIGH, MARGIN = 13.333, 7.5, 0.55
"""Width and height of the slide, and its margin [inch]."""
TEXT = 15.0
"""Font size of headings [points]; the title is 1.5 times as large."""
SIZES = (15.0, 14.0, 13.0, 12.0, 11.0, 10.0)
"""Font sizes of the sentences [points]: the first at which all of them fit is used."""
AFTER, LINE = 0.12, 1.32 / 72
"""Space after a sentence [inch]; height of a line [inch per point of font size]."""


@dataclass(frozen=True)
class Slide:
    """The content of a slide.

    Args:
      above: the question, above the title.
      title: the answer, in a sentence.
      heading, axis: heading of the figure, and label of its x axis.
      policies: names, in the order of the study.
      columns: points of the figure: "p" index of the policy, "x", "low" and "high"; and "name" of the row, or "y" for
        curves.
      reverse: whether the x axis is descending.
      said, costs: sentences beside the figure; `costs` are on what gets worse.
      source: study and run, below.
    """

    above: str
    title: str
    heading: str
    axis: str
    policies: Sequence[str]
    columns: Mapping[str, Sequence[Any]]
    reverse: bool
    said: Sequence[str]
    costs: Sequence[str]
    source: str


def as_file(slide: Slide, suffix: str) -> bytes:
    """The slide as a file with this suffix (".png", ".svg"), the same bytes every time."""
    draw_unseen()
    with tempfile.TemporaryDirectory() as folder:
        figure = _figure(slide)
        place = save(figure, Path(folder) / f"slide{suffix}")
        close(figure)
        return place.read_bytes()


@style.styled
def _figure(slide: Slide) -> style.Figure:
    on = sheet(1, 1, (5.0, 3.0))
    figure, (ax,) = on.figure, on.panels
    figure.set_size_inches(WIDE, HIGH)
    top = _text(figure, slide.above, MARGIN, HIGH - MARGIN, 12.4, 12, colour=style.GREY)
    top = _text(figure, slide.title, MARGIN, top, 12.2, 1.5 * TEXT, bold=True) - 0.25
    below = _text(figure, slide.heading, MARGIN, top, 7.0, TEXT, bold=True) - 0.1
    left = _dots(ax, slide) if "name" in slide.columns else _curves(ax, slide)
    ax.set_xlabel(slide.axis, fontsize=11)
    ax.tick_params(labelsize=12)
    known = style.looks(slide.policies)
    titles = {name: labels.fitted(name, 3.0, 12) for name in slide.policies}
    keys = style.keys(known, titles, slide.policies[:6], lined="name" not in slide.columns)
    figure.legend(
        keys, [str(key.get_label()) for key in keys], loc="upper left", ncols=3, fontsize=12,
        bbox_to_anchor=(MARGIN / WIDE, below / HIGH), bbox_transform=figure.transFigure,
    )  # fmt: skip
    bottom, high = 1.25, below - 0.4 * -(-len(keys) // 3)
    ax.set_position(((MARGIN + left) / WIDE, bottom / HIGH, (7.6 - left) / WIDE, (high - bottom) / HIGH))
    beside = [(text, False) for text in slide.said]
    if slide.costs:
        beside += [("What gets worse", True), *((text, False) for text in slide.costs)]
    size = next((s for s in SIZES if top - _height(beside, s) > 0.8), SIZES[-1])
    at = top
    for text, bold in beside:
        at = _text(figure, text, 8.7, at, 4.1, size, bold) - AFTER
    _text(figure, slide.source, MARGIN, 0.55, 12.2, 9, colour=style.GREY)
    return figure


def _text(
    figure: style.Figure,
    text: str,
    x: float,
    y: float,
    room: float,
    size: float,
    bold: bool = False,
    colour: str = style.INK,
) -> float:
    """Writes text in lines that fit `room`, from its upper left corner; gives the y below it [inch]."""
    lines = labels.fitted(fonts.drawable(text), room, size, bold)
    figure.text(
        x / WIDE,
        y / HIGH,
        lines,
        fontsize=size,
        fontweight="bold" if bold else "normal",
        color=colour,
        va="top",
        linespacing=1.25,
    )
    return y - (lines.count("\n") + 1) * size * LINE - 0.05


def _height(texts: Sequence[tuple[str, bool]], size: float) -> float:
    """Total height of sentences one below the other [inch]."""
    lines = (labels.fitted(fonts.drawable(text), 4.1, size, bold).count("\n") + 1 for text, bold in texts)
    return sum(count * size * LINE + 0.05 + AFTER for count in lines)


def _dots(ax: Axes, slide: Slide) -> float:
    """Draws a point with its interval for each policy in each row; gives the width of the rows' names [inch]."""
    names, known = list(dict.fromkeys(slide.columns["name"])), style.looks(slide.policies)
    step = 0.62 / max(len(slide.policies), 2)
    for k, policy in enumerate(slide.policies):
        at = [i for i, p in enumerate(slide.columns["p"]) if p == k]
        x, low, high = (np.array([slide.columns[key][i] for i in at], np.float64) for key in ("x", "low", "high"))
        y = np.array([names.index(slide.columns["name"][i]) for i in at]) + step * (k - (len(slide.policies) - 1) / 2)
        ax.hlines(y, low, high, color=known[policy].colour, linewidth=2)
        ax.plot(x, y, **known[policy].dot, markersize=9, clip_on=False, zorder=3)
    lines = [labels.fitted(name, 2.2, 12) for name in names]
    ax.set_yticks(range(len(names)), labels=lines)
    ax.set_ylim(len(names) - 0.4, -0.6)
    ax.set_xlim(left=0)
    ax.grid(False, axis="y")
    return 0.2 + max(labels.width(line, 12) for name in lines for line in name.split("\n"))


def _curves(ax: Axes, slide: Slide) -> float:
    """Draws exceedance curves on a logarithmic scale; gives the width of the y axis's numbers [inch]."""
    known, held = style.looks(slide.policies), slide.columns
    for k, policy in enumerate(slide.policies):
        at = [i for i, p in enumerate(held["p"]) if p == k]
        x, y, low, high = (np.array([held[key][i] for i in at], np.float64) for key in ("x", "y", "low", "high"))
        ax.fill_between(x, 100 * low, 100 * high, color=known[policy].colour, alpha=0.25, linewidth=0)
        ax.plot(x, 100 * y, **known[policy].line, linewidth=2.5)
    ax.set_yscale("log")
    ax.yaxis.set_major_formatter(lambda share, _: f"{share:g} %")
    if slide.reverse:
        ax.invert_xaxis()
    return 0.9
