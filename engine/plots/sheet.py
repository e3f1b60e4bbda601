"""A figure as a sheet: panels of fixed size with room for their labels, and a head with title, note and legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, NullFormatter

from engine.errors import UserError
from engine.plots import fonts, labels, style

FORMATS = ("png", "svg", "pdf")
MARGIN = 0.14
"""Inches left free around the sheet, and between its panels."""
NARROWEST = 5.6
"""Least width of a sheet [inch], so that a title is not broken into too many lines."""


@dataclass
class Sheet:
    """A new figure and the layout of its panels.

    Args:
      figure: the matplotlib figure.
      panels: its axes, row by row.
      columns: panels per row.
      size: width and height of a panel [inch].
      strip: for a colour bar, the artist whose colours it explains, and its label.
    """

    figure: Figure
    panels: list[Axes]
    columns: int
    size: tuple[float, float]
    strip: tuple[Any, str] | None = None
    _bar: Axes | None = field(default=None, init=False)
    _parts: list[tuple[Any, float]] = field(default_factory=list, init=False)

    def close(self, title: str, note: str = "", keys: Sequence[Artist] = ()) -> Figure:
        """Lays the figure out, with every panel of `size` and nothing overlapping, and gives it."""
        if self.strip is not None:
            self._bar = self.figure.add_axes((0.9, 0.1, 0.02, 0.3))
            bar = self.figure.colorbar(self.strip[0], cax=self._bar)
            bar.set_label(self.strip[1])
            if self.strip[0].norm.vmin > 0:
                bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda n, _: f"{n:,.0f}"))
                bar.ax.yaxis.set_minor_formatter(NullFormatter())
        for ax in self.panels:  # drawing would do it, but text is measured without drawing
            ax.apply_aspect()
        around = np.array([_overhang(ax) for ax in self.panels])
        rows = math.ceil(len(self.panels) / self.columns)
        full = np.zeros((rows * self.columns, 4))
        full[: len(around)] = around
        left, right, top, bottom = np.moveaxis(full.reshape(rows, self.columns, 4), -1, 0)
        left, right, top, bottom = left.max(0), right.max(0), top.max(1), bottom.max(1)
        wide, high = self.size
        beside = 0.0 if self._bar is None else 0.9
        across = (left + right).sum() + self.columns * wide + (self.columns - 1) * MARGIN + 2 * MARGIN + beside
        across = max(across, NARROWEST)
        head = self._head(title, note, keys, across - 2 * MARGIN)
        total = head + (top + bottom).sum() + rows * high + (rows - 1) * MARGIN + 2 * MARGIN
        self.figure.set_size_inches(across, total)
        self._place_head(across, total)
        xs = MARGIN + np.cumsum(left + right + wide + MARGIN) - right - wide - MARGIN
        ys = total - MARGIN - head - np.cumsum(top + bottom + high + MARGIN) + bottom + MARGIN
        for k, ax in enumerate(self.panels):
            row, column = divmod(k, self.columns)
            ax.set_position((xs[column] / across, ys[row] / total, wide / across, high / total))
        if self._bar is not None:
            tall = min(high, 1.8)
            at = xs[-1] + wide + right[-1] + 0.22
            self._bar.set_position((at / across, (ys[0] + high - tall) / total, 0.12 / across, tall / total))
        return self.figure

    def _head(self, title: str, note: str, keys: Sequence[Artist], room: float) -> float:
        """Makes title, note and legend in lines that fit the width `room`; gives their total height [inch]."""
        figure = self.figure
        at = 0.0
        for text, size, weight, colour in (
            (title, style.TITLE_SIZE, "bold", style.INK),
            (note, style.NOTE_SIZE, "normal", style.GREY),
        ):
            if text:
                lines = labels.fitted(text, room, size, weight == "bold")
                written = figure.text(
                    0, 0, lines, fontsize=size, fontweight=weight, color=colour, va="top", linespacing=1.25
                )
                self._parts.append((written, at))
                at += written.get_window_extent().height / figure.dpi + 0.07
        if keys:
            named = [labels.fitted(str(key.get_label()), room - 0.6, style.TEXT_SIZE) for key in keys]
            widest = max(labels.width(line, style.TEXT_SIZE) for name in named for line in name.split("\n"))
            # handle, the gap behind it and the gap between columns, as matplotlib sets them
            columns = min(max(int((room + 0.24) // (widest + 0.65)), 1), len(keys))
            legend = figure.legend(
                keys, named, loc="upper left", ncols=math.ceil(len(keys) / math.ceil(len(keys) / columns)),
                columnspacing=1.8,
            )  # fmt: skip
            self._parts.append((legend, at + 0.03))
            at += 0.06 + legend.get_window_extent().height / figure.dpi
        return at + MARGIN / 2

    def _place_head(self, across: float, total: float) -> None:
        for part, at in self._parts:
            x, y = MARGIN / across, 1 - (MARGIN + at) / total
            if hasattr(part, "set_bbox_to_anchor"):
                part.set_bbox_to_anchor((x, y), self.figure.transFigure)
            else:
                part.set_position((x, y))


def sheet(panels: int, columns: int, size: tuple[float, float]) -> Sheet:
    """A new sheet with `panels` panels, `columns` in a row.

    Args:
      size: width and height of each panel [inch].
    """
    columns = max(min(columns, panels), 1)
    # a size at which the panels have their final size, so that the labels around them can be measured
    figure = plt.figure(figsize=(2 * size[0], 2 * size[1]))
    axes = [figure.add_axes((0.25, 0.25, 0.5, 0.5), label=str(k)) for k in range(panels)]
    return Sheet(figure, axes, columns, size)


def single(ax: Axes | None, size: tuple[float, float] = (5.4, 3.3)) -> tuple[Axes, Sheet | None]:
    """The axes to draw into, new ones where `ax` is None; and the sheet of new axes, else None."""
    if ax is not None:
        return style.dress(ax), None
    on = sheet(1, 1, size)
    return on.panels[0], on


def finish(ax: Axes, on: Sheet | None, title: str, note: str = "", keys: Sequence[Artist] = ()) -> Axes:
    """Adds title, note and legend to the sheet of new axes, or title and legend to the caller's; gives the axes."""
    if on is not None:
        on.close(title, note, keys)
        return ax
    inches = ax.get_window_extent().width / ax.get_figure(root=True).dpi  # type: ignore[union-attr]
    ax.set_title(labels.fitted(title, inches, 10, bold=True), fontsize=10)
    if keys:
        ax.legend(handles=list(keys), loc="best")
    return ax


def size_of(ax: Axes) -> tuple[float, float]:
    """Width and height of axes [inch]."""
    figure, extent = ax.get_figure(root=True), ax.get_window_extent()
    return extent.width / figure.dpi, extent.height / figure.dpi  # type: ignore[union-attr]


def labelled(ax: Axes, x: str | None, y: str | None, title: str = "") -> None:
    """Labels both axes and the panel, in lines that fit; None leaves an axis without a label."""
    wide, high = size_of(ax)
    if x is not None:
        ax.set_xlabel(labels.fitted(x, wide, style.TEXT_SIZE))
    if y is not None:
        ax.set_ylabel(labels.fitted(y, high, style.TEXT_SIZE))
    if title:
        ax.set_title(labels.fitted(title, wide, style.SETTINGS["axes.titlesize"], bold=True))


def row_names(ax: Axes, names: Sequence[str], room: float, most: int | None = None) -> None:
    """Makes the y axis one of named rows, the first on top.

    Args:
      room: width that names may take [inch].
      most: number of rows to leave room for; as many as there are names if not given.
    """
    lines = [labels.fitted(name, room, 8) for name in names]
    ax.set_yticks(range(len(names)), labels=lines, linespacing=0.9)
    ax.set_ylim((most or len(names)) - 0.4, -0.6)
    ax.grid(False, axis="y")


def one_scale(panels: Sequence[Axes], axis: str) -> None:
    """Gives all panels the same range of x or y, the union of their ranges."""
    ends = [getattr(ax, f"get_{axis}lim")() for ax in panels]
    limits = {f"{axis}lim": (min(low for low, _ in ends), max(high for _, high in ends))} if ends else {}
    for ax in panels:
        ax.set(**limits)


def blank(ax: Axes, reason: str) -> None:
    """Makes a panel that has nothing to show state the reason."""
    wide, _ = size_of(ax)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.text(
        0.5,
        0.5,
        labels.fitted(reason, 0.9 * wide, style.TEXT_SIZE),
        ha="center",
        va="center",
        transform=ax.transAxes,
        color=style.GREY,
    )


def _overhang(ax: Axes) -> tuple[float, float, float, float]:
    """Inches that labels and ticks extend beyond the axes: left, right, top, bottom."""
    inner, outer = ax.get_window_extent(), ax.get_tightbbox()
    if outer is None:
        return 0.0, 0.0, 0.0, 0.0
    overhangs = (inner.x0 - outer.x0, outer.x1 - inner.x1, outer.y1 - inner.y1, inner.y0 - outer.y0)
    left, right, top, bottom = (max(part, 0.0) / ax.get_figure(root=True).dpi for part in overhangs)  # type: ignore[union-attr]
    return left, right, top, bottom


def draw_unseen() -> None:
    """Switches this process to a backend that draws into files only, as there may be no screen."""
    plt.switch_backend("Agg")


def close(figure: Figure) -> None:
    """Closes a figure and frees its memory."""
    plt.close(figure)


def refuse_file(file: str | Path) -> str:
    """The format (one of `FORMATS`) of a figure's file, by the suffix of its name.

    Raises:
      UserError: the name ends in none of `FORMATS`, or there is no such folder.
    """
    path = Path(file)
    kind = path.suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise UserError(str(path), [f"expected a name that ends in .{', .'.join(FORMATS)}, got '{path}'."])
    if not path.absolute().parent.is_dir():
        raise UserError(str(path), [f"expected a folder that is there, got '{path.parent}'."])
    return kind


def save(figure: Figure, file: str | Path) -> Path:
    """Writes a figure in the format of the file's suffix, the same bytes every time, and gives the path.

    Raises:
      UserError: the name ends in none of `FORMATS`, or there is no such folder.
    """
    kind = refuse_file(file)
    undated = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None, "Producer": None}}
    with matplotlib.rc_context({**style.SETTINGS, "font.family": list(fonts.families())}):
        figure.savefig(file, format=kind, metadata=undated[kind])
    return Path(file)
