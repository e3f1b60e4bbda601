"""A heat map of the rank correlations of the stored factor draws, with groups outlined."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine.plots import fonts, labels, selection, style
from engine.plots.rank_correlation import interval, ranks
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.study.study import Study

CELL = 0.2
"""Inches per factor."""
FEWEST = 5
SHOWN = 0.05
"""Smallest absolute correlation that is written as a number, unless the half-width of its interval is larger."""


@style.styled
def correlation(cube: xr.DataTree, study: Study) -> Figure:
    """Spearman's rank correlation of every two factors that are in groups; of all factors where there are no groups.

    Args:
      cube: what `engine.open_cube` gives.
      study: its study, which has the groups.
    """
    drawn = selection.draws(cube)
    groups = [(name, [m for m in group.members if m in drawn]) for name, group in study.groups.items()]
    groups = [(name, members) for name, members in groups if members]
    names = [member for _, members in groups for member in members] or [str(name) for name in drawn.data_vars]
    paths = drawn.sizes.get("path", 0)
    units = paths // int(cube.attrs["independent_unit"])
    size = max(CELL * len(names), 1.6)
    on = sheet(1, 1, (size, size))
    (ax,) = on.panels
    if not names or units < FEWEST:
        few = f"{labels.counted(paths, 'path')}: too few"
        blank(ax, few if names else "no factor varies in the stored draws")
        labelled(ax, "factor [1]", "factor [1]")
        return on.close("Priors: no rank correlation can be told")
    table = np.array([ranks(np.asarray(drawn[name].values, np.float64)) for name in names])
    rho = np.clip(table @ table.T, -1, 1)
    widest = interval(0.0, units).high
    shown = max(SHOWN, widest)
    called = [labels.called(drawn[name]) for name in names]
    _map(ax, rho, called, size / len(names), shown)
    _outline(ax, groups)
    on.strip = (ax.images[0], "rank correlation [1]")
    note = (
        f"{labels.counted(paths, 'path')} with stored draws; 95 % interval of each number: ±"
        f" {labels.number(widest, widest)} at most. Smaller than {shown:.2g} in size: no number."
    )
    keys = [style.frame(fonts.drawable(f"groups: {', '.join(name for name, _ in groups)}"))] if groups else []
    return on.close(_claim(rho, called, groups, units), note, keys)


def _map(ax: Axes, rho: np.ndarray, names: list[str], cell: float, shown: float) -> None:
    n = len(names)
    off = np.where(np.eye(n, dtype=bool), np.nan, rho)
    ax.set_facecolor(style.GRID)
    ax.imshow(off, cmap=style.SIGNED, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    size = min(8.0, 32 * cell)
    factors = [fonts.drawable(name) for name in names]
    lines = [labels.fitted(name, 4.5, size) if cell > 0.3 else name for name in factors]
    ax.set_yticks(range(n), labels=lines, fontsize=size)
    ax.set_xticks(range(n), labels=factors, fontsize=size, rotation=90)
    ax.grid(False)
    size = min(7.0, 25 * cell)
    for i, j in np.argwhere(np.abs(off) >= shown):
        text = f"{rho[i, j]:.2f}".replace("0.", ".").replace("-", "−")
        colour = style.PAPER if abs(rho[i, j]) > 0.6 else style.INK
        ax.text(j, i, text, ha="center", va="center", fontsize=size, color=colour)


def _outline(ax: Axes, groups: list[tuple[str, list[str]]]) -> None:
    at = 0
    for _, members in groups:
        low, high = at - 0.5, at + len(members) - 0.5
        x, y = [low, high, high, low, low], [low, low, high, high, low]
        ax.plot(x, y, color=style.INK, linewidth=1.2, clip_on=False)
        at += len(members)


def _claim(rho: np.ndarray, names: list[str], groups: list[tuple[str, list[str]]], units: int) -> str:
    if len(names) < 2:
        return f"Priors: {names[0]} alone, with nothing to move with"
    i, j = np.unravel_index(np.argmax(np.abs(rho - np.eye(len(names)))), rho.shape)
    largest = labels.with_interval(interval(float(rho[i, j]), units))
    what = (
        f"{len(names)} priors in {labels.counted(len(groups), 'group')}"
        if groups
        else f"{labels.counted(len(names), 'prior')} in no group"
    )
    return f"{what}: the strongest estimated rank correlation is {largest}, of {names[i]} and {names[j]}"
