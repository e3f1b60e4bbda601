"""The common style: the look of each policy, in colour and in grey, and the matplotlib settings of every figure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from engine.plots import fonts

__all__ = ["Artist", "Axes", "Figure"]  # exported again: types that the kinds of figure take and give

STYLE = Path(__file__).with_name("house.mplstyle")
SETTINGS = matplotlib.rc_params_from_file(STYLE, use_default_template=False)
# M. Okabe and K. Ito, Color Universal Design (2008): distinguishable with every kind of colour vision
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
ON_DARK = ("#E8762A", "#3B9BDB", *COLOURS[2:6], "#F2F2F2")
"""The same colours for a dark background, which the report has where the reader's screen is set to dark."""
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
MARKERS = ("o", "s", "^", "D", "v")
INK, PAPER, GRID = SETTINGS["text.color"], SETTINGS["axes.facecolor"], SETTINGS["grid.color"]
GREY, PALE = "#777777", "#BBBBBB"
COUNTS, SIGNED = "Greys", "RdBu_r"
"""Colour maps for numbers of paths, and for quantities with a sign."""
TEXT_SIZE, TITLE_SIZE, NOTE_SIZE = SETTINGS["font.size"], 11.0, 8.0
"""Font sizes [points]; a panel's title has `axes.titlesize`."""

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Look:
    """The look of a policy: a colour, and a dash and a marker that distinguish it without colour."""

    colour: str
    dash: Any
    marker: str

    @property
    def line(self) -> dict[str, Any]:
        """Matplotlib properties of its lines."""
        return {"color": self.colour, "linestyle": self.dash}

    @property
    def dot(self) -> dict[str, Any]:
        """Matplotlib properties of its points."""
        return {"color": self.colour, "marker": self.marker, "linestyle": "none"}


def looks(known: Sequence[str]) -> dict[str, Look]:
    """The look of each policy by its index among all that run, whichever are drawn; 140 different looks."""
    return {
        name: Look(COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)], MARKERS[i % len(MARKERS)])
        for i, name in enumerate(known)
    }


def styled(draw: Callable[P, R]) -> Callable[P, R]:
    """A decorator: the function draws under the common settings, and the user's own settings are restored after it.

    A figure that it returns is the value of a notebook's cell: `as_value`.
    """

    @functools.wraps(draw)
    def within(*args: P.args, **kwargs: P.kwargs) -> R:
        with matplotlib.rc_context({**SETTINGS, "font.family": list(fonts.families())}):
            drawn = draw(*args, **kwargs)
            interactive = matplotlib.is_interactive()
        matplotlib.interactive(interactive)  # the first figure loads the backend, which turns it on in a notebook
        if isinstance(drawn, Figure):
            as_value(drawn)
        return drawn

    return within


def as_value(figure: Figure) -> Figure:
    """The figure, unregistered from a notebook's inline backend, which shows each registered figure below the cell.

    The notebook shows the figure as the value of the cell, and would show it twice.
    """
    if matplotlib.get_backend().removeprefix("module://") in ("inline", "matplotlib_inline.backend_inline"):
        plt.close(figure)
    return figure


def dress(ax: Axes) -> Axes:
    """Applies the common style to axes that the caller has made, and gives them."""
    ax.grid(True, color=GRID, linewidth=SETTINGS["grid.linewidth"])
    ax.set_axisbelow(True)
    ax.tick_params(which="both", length=0, colors=INK)
    for name, spine in ax.spines.items():
        spine.set_visible(name == "bottom")
        spine.set_color(SETTINGS["axes.edgecolor"])
    return ax


def key(look: Look, label: str, lined: bool = True) -> Line2D:
    """A policy's entry in a legend, always with its marker.

    Args:
      lined: whether to show its line too.
    """
    return Line2D(
        [], [], color=look.colour, linestyle=look.dash if lined else "none",
        marker=look.marker, label=fonts.drawable(label),
    )  # fmt: skip


def keys(
    looks: Mapping[str, Look], titles: Mapping[str, str], policies: Sequence[str], lined: bool = True
) -> list[Line2D]:
    """Legend entries of some policies, in this order, under their titles."""
    return [key(looks[name], titles[name], lined) for name in policies]


def mark(label: str, colour: str, marker: str = "", line: bool = False) -> Line2D:
    """A legend entry for a line or marker that is no policy's."""
    return Line2D(
        [],
        [],
        color=colour,
        marker=marker,
        markersize=8 if marker == "|" else 5,
        linestyle="-" if line else "none",
        label=label,
    )


def frame(label: str) -> Patch:
    """A legend entry for an outlined area."""
    return Patch(fill=False, edgecolor=INK, linewidth=1, label=label)


def shade(label: str, colour: str, strength: float) -> Patch:
    """A legend entry for a filled area; `strength` is its opacity."""
    return Patch(facecolor=colour, alpha=strength, linewidth=0, label=label)
