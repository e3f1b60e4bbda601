"""What the worst futures have in common: how far inputs stand from their priors there, and how they lie over these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from engine.formatting import words
from engine.plots import labels, style, ticks
from engine.plots.bars import arms
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.risk.intervals import Estimate

HIGH = 0.8
"""Height of the highest bar, of a row's."""


@dataclass(frozen=True)
class Row:
    """A factor, or a shock in a year: its shift, and its density by tenths of its prior."""

    name: str
    shift: Estimate
    density: np.ndarray


@style.styled
def drivers(explain: xr.DataTree, *, most: int = 12) -> Figure:
    """How far the inputs farthest from their priors stand from these in the worst futures, and how they lie over them.

    Args:
      explain: what `run.explain` has written, as `engine.run_folder.answer_store` reads it.
      most: inputs that are shown.
    """
    about = explain.attrs
    every = rows_of(explain)
    rows = every[:most]
    on = sheet(2, 2, (2.8, max(1.6, 0.22 * len(rows))))
    left, right = on.panels
    heads = "mean there less the prior's [standard deviations]", "tenth of the prior [1]"
    if not rows:
        for ax in on.panels:
            blank(ax, "nothing is drawn")
        for ax, head in zip(on.panels, heads, strict=True):
            labelled(ax, head, None)
        return on.close("Nothing that is drawn stands behind the worst futures")
    _shifts(left, rows)
    _densities(right, rows)
    labelled(left, heads[0], None)
    labelled(right, heads[1], None)
    what = f"{words(str(about['variable']))} under {words(str(about['policy']))}"
    where = "where it happens" if about["is_event"] else f"the worst {100 * (1 - about['level']):.6g} %"
    note = (
        f"{what}, {where}: {labels.counted(int(about['worst_paths']), 'path')} of {int(about['paths']):,}; "
        f"{len(rows)} of {labels.counted(len(every), 'input')}, those farthest from their priors. Points: mean there with its 95 % interval, each by itself; "
        "bars: share of the worst futures in each tenth of the prior, the thin line where they are as the prior has them."
    )
    return on.close(str(about["summary"]), note)


def rows_of(explain: xr.DataTree) -> list[Row]:
    """Factors and shocks by year, those that stand farthest from their priors first."""
    rows = []
    for group, dims in (("factors", ("factor",)), ("shocks", ("shock", "year"))):
        if group not in explain.children:
            continue
        held = explain.children[group].to_dataset(inherit=False).load().stack(row=dims)
        by = "distance" if "distance" in held else "shift"  # answers of older versions have none
        shifts, densities, far = (
            held[name].transpose("row", ...).values for name in ("shift", "density", by)
        )
        for at, shift, density, away in zip(held.indexes["row"], shifts, densities, far, strict=True):
            if np.isfinite(shift[0]):
                name = f"{at[0]}, {at[1]}" if len(dims) > 1 else str(at[0])
                row = Row(words(name), Estimate(*map(float, shift[:4])), density[:, 0])  # type: ignore[arg-type]
                rows.append((abs(float(away[0])), row))
    return [row for _, row in sorted(rows, key=lambda one: -one[0])]


def _shifts(ax: Axes, rows: Sequence[Row]) -> None:
    for y, row in enumerate(rows):
        known = np.isfinite(row.shift.low)
        ax.errorbar(
            [row.shift.estimate], [y], xerr=arms([row.shift]), color=style.INK, marker="o", markersize=4,
            markerfacecolor=style.INK if known else style.PAPER, elinewidth=1, capsize=2, linestyle="none",
        )  # fmt: skip
    ax.axvline(0, color=style.INK, linewidth=0.9)
    ax.set_yticks(range(len(rows)), labels=[labels.fitted(row.name, 2.3, 8) for row in rows], linespacing=0.9)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(False, axis="y")
    ticks.numbers(ax, y=False)


def _densities(ax: Axes, rows: Sequence[Row]) -> None:
    """A row of bars for each input on the line of its name; the thin line is the prior."""
    top = max(float(np.nanmax([np.nanmax(row.density) for row in rows])), 1.0)
    tenth = np.arange(1, 11)
    for y, row in enumerate(rows):
        foot = y + HIGH / 2
        ax.bar(
            tenth,
            -HIGH * np.maximum(row.density, 0.0) / top,
            bottom=foot,
            width=0.9,
            color=style.INK,
            alpha=0.55,
        )
        ax.plot([0.5, 10.5], [foot - HIGH / top] * 2, color=style.COLOURS[0], linewidth=0.9)
        ax.plot([0.5, 10.5], [foot] * 2, color=style.GRID, linewidth=0.8)
    ax.set_xticks(tenth, labels=["lowest", *[""] * 8, "highest"])
    ax.set_yticks([])
    ax.set_xlim(0.3, 10.7)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(False)
