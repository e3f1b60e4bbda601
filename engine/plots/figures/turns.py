"""What would reverse a ranking of two policies: how far each prior must move alone, and how far all must together."""

from __future__ import annotations

from typing import Any

from engine.answers.answer import Answer
from engine.formatting import words
from engine.plots import labels, style, ticks
from engine.plots.bars import lying, stretch
from engine.plots.sheet import blank, labelled, row_names, sheet
from engine.plots.style import Axes, Figure
from engine.risk.estimation.intervals import Estimate


@style.styled
def turns(flip: Answer, *, most: int = 12) -> Figure:
    """Moves of single priors that reverse a ranking, the smallest first, with intervals; and the smallest joint move.

    Args:
      flip: the run's answer to the question `flip`.
      most: priors that are shown.
    """
    alone, joint = _alone(flip)[:most], _joint(flip)[:most]
    on = sheet(2, 2, (2.8, max(1.6, 0.22 * max(len(alone), len(joint)))))
    left, right = on.panels
    _panel(left, alone, "no prior alone turns it", style.COLOURS[0])
    _panel(right, joint, "nor do all together", style.INK)
    for ax, title in ((left, "one prior at a time"), (right, "all priors together")):
        labelled(ax, "its median moves by [standard deviations]", None, title)
    (stated,) = flip["difference"].rows()
    note = (
        f"{words(str(stated['measure']))}: {words(str(stated['policy']))} against {words(str(stated['against']))};"
        f" {labels.counted(flip.subject.paths, 'path')}. Where the ranking turns, in standard deviations of a prior's"
        " normal score, with the 95 % interval within which the policies cannot be distinguished; up to 3 of them are"
        " looked at. Right: the smallest move of all that does."
    )
    return on.close(flip.finding, note)


def _alone(answer: Answer) -> list[tuple[str, Any]]:
    """Priors that reverse the ranking alone, each with its move, the smallest first."""
    rows = answer["priors"].where(turns=True) if "priors" in answer else ()
    return [(words(str(row["factor"])), row["move"]) for row in rows]


def _joint(answer: Answer) -> list[tuple[str, Any]]:
    """The move of each prior in the smallest joint move, the largest first."""
    rows = answer["joint"].rows() if "joint" in answer else ()
    return [(words(str(row["factor"])), Estimate(float(row["move"]))) for row in rows]


def _panel(ax: Axes, rows: list[tuple[str, Estimate]], without: str, colour: str) -> None:
    if not rows:
        blank(ax, without)
        return
    for y, (_, one) in enumerate(rows):
        stretch(ax, [0, one.estimate], y, colour)
        lying(ax, one, y, colour)
    ax.axvline(0, color=style.INK, linewidth=0.9)
    row_names(ax, [name for name, _ in rows], 2.1)
    ticks.numbers(ax, y=False)
