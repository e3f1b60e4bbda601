"""Simulation-based calibration: ranks of true values among posterior futures, with the band of uniform ranks."""

from __future__ import annotations

import numpy as np

from engine.answers.answer import Answer
from engine.plots import style, ticks
from engine.plots.conditioning import BAND, MEANING, ranks_of
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import COLOURS, Figure

SIZE = (4.2, 2.6)


@style.styled
def ranks(condition: Answer) -> Figure:
    """Number of ranks of the truth in each bin, all factors together, with the expected number and its band.

    Args:
      condition: the run's answer to the question `condition`.
    """
    of = ranks_of(condition)
    on = sheet(1, 1, SIZE)
    (ax,) = on.panels
    labelled(ax, "rank of the truth [1]", "ranks in a bin [1]")
    if of is None:
        blank(ax, "no future was taken for what happened")
        return on.close("Nothing is ranked: rustbelt condition STUDY --calibration 200 does it")
    low, high, expected = (np.append(line, line[-1]) for line in (of.low, of.high, of.expected))
    ax.fill_between(of.edges, low, high, step="post", color=style.PALE, alpha=0.5, linewidth=0, label="band")
    ax.step(of.edges, expected, where="post", color=style.GREY, linewidth=1, linestyle=(0, (4, 2)), label="expected")
    ax.hlines(of.count, of.edges[:-1], of.edges[1:], color=COLOURS[1], linewidth=2, label="ranks")
    ax.plot((of.edges[:-1] + of.edges[1:]) / 2, of.count, color=COLOURS[1], marker="o", markersize=4, linestyle="none")
    ax.set_xlim(0, 1)
    ax.margins(y=0.15)
    ticks.numbers(ax)
    return on.close(condition.finding, f"{of.finding}: {BAND}. Dashed: what is expected. {MEANING}")
