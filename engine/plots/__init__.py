"""Figures of a run: a cube in, matplotlib figures or axes out. The only package that uses matplotlib.

Every kind of figure of `KINDS` is drawn by a function that can be imported from here.
"""

from typing import Any

from engine.plots.figures.fan import fan
from engine.plots.kinds import KINDS, Kind, figure, kind_of, refuse_options
from engine.plots.sheet import close, draw_unseen, refuse_file, save
from engine.plots.style import COLOURS, INK, STYLE

_DRAWN_BY = {kind.draw.__name__: kind.draw for kind in KINDS.values()}

__all__ = [
    "COLOURS",
    "INK",
    "KINDS",
    "STYLE",
    "Kind",
    "close",
    "draw_unseen",
    "fan",
    "figure",
    "kind_of",
    "refuse_file",
    "refuse_options",
    "save",
    *_DRAWN_BY,
]


def __getattr__(name: str) -> Any:
    if name in _DRAWN_BY:
        return _DRAWN_BY[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
