"""What the worst futures have in common: how inputs' means shift there, and how inputs spread over prior tenths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.answers.answer import Answer
from engine.formatting import words
from engine.plots import labels, style, ticks
from engine.plots.bars import lying
from engine.plots.sheet import blank, labelled, row_names, sheet
from engine.plots.style import Axes, Figure
from engine.risk.estimation.intervals import Estimate

HIGH = 0.8
"""Height of the highest bar as a share of its row's height."""


@dataclass(frozen=True)
class Row:
    """A factor, or a shock in one year, in the worst futures: shift of its mean, and density by tenth of its prior."""

    name: str
    shift: Estimate
    density: np.ndarray


@style.styled
def drivers(explain: Answer, *, most: int = 12) -> Figure:
    """The inputs that differ most from their priors in the worst futures: shift of the mean, density by prior tenth.

    Args:
      explain: the run's answer to the question `explain`.
      most: inputs that are shown.
    """
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
    note = (
        f"{explain.basis} {len(rows)} of {labels.counted(len(every), 'input')}, those farthest from their priors."
        " Points: mean there with its 95 % interval, each by itself; bars: share of the worst futures in each tenth of"
        " the prior, the thin line where they are as the prior has them."
    )
    return on.close(explain.finding, note)


def rows_of(explain: Answer) -> list[Row]:
    """Factors and yearly shocks of an answer, those that differ most from their priors first."""
    if "inputs" not in explain:
        return []
    inputs, cells = explain["inputs"], explain["densities"]["density"]
    tenths = np.array([one.estimate if isinstance(one, Estimate) else np.nan for one in cells]).reshape(len(inputs), -1)
    rows = zip(inputs["input"], inputs["shift"], tenths, strict=True)
    return [Row(words(str(name)), shift, density) for name, shift, density in rows if isinstance(shift, Estimate)]


def _shifts(ax: Axes, rows: Sequence[Row]) -> None:
    for y, row in enumerate(rows):
        lying(ax, row.shift, y, style.INK, hollow=not np.isfinite(row.shift.low))
    ax.axvline(0, color=style.INK, linewidth=0.9)
    row_names(ax, [row.name for row in rows], 2.3)
    ticks.numbers(ax, y=False)


def _densities(ax: Axes, rows: Sequence[Row]) -> None:
    """A row of bars for each input on the line of its name; the thin line is the prior."""
    top = max(float(np.nanmax([np.nanmax(row.density) for row in rows])), 1.0)
    tenth = np.arange(1, 11)
    for y, row in enumerate(rows):
        foot = y + HIGH / 2
        ax.bar(tenth, -HIGH * np.maximum(row.density, 0.0) / top, bottom=foot, width=0.9, color=style.INK, alpha=0.55)
        ax.plot([0.5, 10.5], [foot - HIGH / top] * 2, color=style.COLOURS[0], linewidth=0.9)
        ax.plot([0.5, 10.5], [foot] * 2, color=style.GRID, linewidth=0.8)
    ax.set_xticks(tenth, labels=["lowest", *[""] * 8, "highest"])
    ax.set_yticks([])
    ax.set_xlim(0.3, 10.7)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(False)
