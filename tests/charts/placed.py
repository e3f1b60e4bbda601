"""Where the texts of an SVG by vl-convert stand."""

from __future__ import annotations

import re
from typing import NamedTuple
from xml.etree import ElementTree

WIDE = 0.44
"""Mean width of a letter [em], a little less than that of Liberation Sans."""
HIGH = 0.7
"""Height of a letter above the line that it stands on [em]."""
_MOVES = re.compile(r"translate\(([-\d.e]+),([-\d.e]+)\)(?: rotate\(([-\d.]+))?")


class Line(NamedTuple):
    """A line of text with the box that it fills [pixel].

    Args:
      bottom: the line that its letters stand on.
      bold: whether it is of a title or a head.
      lines: all lines of its text.
    """

    text: str
    left: float
    top: float
    right: float
    bottom: float
    bold: bool
    lines: tuple[str, ...]

    def covers(self, other: Line) -> bool:
        """Whether the boxes of both have a part in common."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)


def lines(svg: str) -> list[Line]:
    """Every line of text of a chart with its box."""
    found: list[Line] = []
    _walk(ElementTree.fromstring(svg), 0.0, 0.0, found)
    return found


def _walk(node: ElementTree.Element, x: float, y: float, found: list[Line]) -> None:
    moved = _MOVES.match(node.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    if node.tag.endswith("}text") and node.get("opacity") != "0":
        found.extend(_lines(node, x, y, moved is not None and moved[3] is not None))
    for inner in node:
        _walk(inner, x, y, found)


def _lines(node: ElementTree.Element, x: float, y: float, upright: bool) -> list[Line]:
    size, anchor = float(node.get("font-size", "11px")[:-2]), node.get("text-anchor", "start")
    spans, made = list(node), []
    texts = tuple("".join(span.itertext()) for span in spans) or (node.text or "",)
    for k, text in enumerate(texts):
        down = float(spans[k].get("dy", 0)) if spans else 0.0
        x, y = (x + down, y) if upright else (x, y + down)
        width = WIDE * size * len(text.strip())
        start = -width * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        box = (start, -HIGH * size, start + width, 0.0)
        if upright:  # turned by a right angle against the clock
            box = (box[1], -box[2], box[3], -box[0])
        bold = node.get("font-weight") == "bold"
        made.append(Line(text, x + box[0], y + box[1], x + box[2], y + box[3], bold, texts))
    return [line for line in made if line.text.strip()]
