"""What would turn a ranking: how far each prior must move alone, and how far all of them together."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine.formatting import words
from engine.plots import labels, style, ticks
from engine.plots.bars import arms
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.risk.intervals import Estimate


@style.styled
def turns(flip: xr.DataTree, *, most: int = 12) -> Figure:
    """Priors that turn a ranking alone, the nearest first, every turn with its interval; and the smallest move of all priors that turns it.

    Args:
      flip: what `run.flip` has written, as `engine.run_folder.answer_store` reads it.
      most: priors that are shown.
    """
    about = flip.attrs
    alone, joint = _alone(flip)[:most], _joint(flip)[:most]
    on = sheet(2, 2, (2.8, max(1.6, 0.22 * max(len(alone), len(joint)))))
    left, right = on.panels
    _panel(left, alone, "no prior alone turns it", style.COLOURS[0])
    _panel(right, joint, "nor do all together", style.INK)
    for ax, title in ((left, "one prior at a time"), (right, "all priors together")):
        labelled(ax, "its median moves by [standard deviations]", None, title)
    what = f"{words(str(about['variable']))}, {about['measure']}: {words(str(about['first']))} against {words(str(about['second']))}"
    note = (
        f"{what}; {labels.counted(int(about['paths']), 'path')}. Where the ranking turns, in standard deviations of a prior's normal score, with the 95 % "
        "interval within which the policies cannot be distinguished; up to 3 of them are looked at. Right: the smallest move of all that does."
    )
    return on.close(str(about["summary"]), note)


def _alone(flip: xr.DataTree) -> list[tuple[str, Estimate]]:
    """Turns of single priors, the nearest first."""
    if "beliefs" not in flip.children:
        return []
    held = flip.children["beliefs"].to_dataset(inherit=False).load()
    move = held["move"].transpose("belief", "stat").values
    return [
        (words(str(name)), Estimate(*row[:4].tolist()))
        for name, kind, turning, row in zip(
            held["belief"].values, held["kind"].values, held["turns"].values, move, strict=True
        )
        if str(kind) == "prior" and turning
    ]


def _joint(flip: xr.DataTree) -> list[tuple[str, Estimate]]:
    """How far each prior moves where all do, the farthest first."""
    if "joint" not in flip.children:
        return []
    held = flip.children["joint"].to_dataset(inherit=False).load()
    return [
        (words(str(name)), Estimate(float(move), np.nan, np.nan, np.nan))
        for name, move in zip(held["factor"].values, held["move"].values, strict=True)
    ]


def _panel(ax: Axes, rows: list[tuple[str, Estimate]], without: str, colour: str) -> None:
    if not rows:
        blank(ax, without)
        return
    for y, (_, one) in enumerate(rows):
        ax.plot([0, one.estimate], [y, y], color=colour, linewidth=4, alpha=0.25, solid_capstyle="butt")
        ax.errorbar(
            [one.estimate],
            [y],
            xerr=arms([one]),
            color=colour,
            marker="o",
            markersize=4,
            linestyle="none",
            elinewidth=1,
            capsize=2,
        )
    ax.axvline(0, color=style.INK, linewidth=0.9)
    ax.set_yticks(range(len(rows)), labels=[labels.fitted(name, 2.1, 8) for name, _ in rows], linespacing=0.9)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(False, axis="y")
    ticks.numbers(ax, y=False)
