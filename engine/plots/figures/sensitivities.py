"""Sensitivity to inputs: each one's share of an outcome's variance, under each policy and in their difference."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.answers.answer import Answer
from engine.formatting import words
from engine.plots import labels, selection, style, ticks
from engine.plots.bars import lying, stretch
from engine.plots.sheet import blank, labelled, row_names, sheet
from engine.plots.style import Axes, Figure
from engine.risk.estimation.intervals import Estimate


@style.styled
def inputs(sensitivity: Answer, variable: str | None = None, measure: str | None = None, *, most: int = 12) -> Figure:
    """Largest Shapley effects, points with 95 % intervals; bars from the first-order to the total-effect Sobol' index.

    Args:
      sensitivity: the run's answer to the question `sensitivity`.
      variable: an outcome or event that was looked at; the first if not given.
      measure: "mean" or "ES99" of an outcome, "probability" of an event; the first that there is if not given.
      most: inputs that are shown.

    Raises:
      UserError: the variable or measure was not looked at.
    """
    if "shares" not in sensitivity:
        on = sheet(1, 1, (4.2, 1.6))
        blank(on.panels[0], "nothing is drawn")
        labelled(on.panels[0], "share of the variance [%]", None)
        return on.close("Nothing that is drawn stands behind the answer")
    rows: list[dict[str, Any]] = list(sensitivity["shares"].rows())
    chosen, rows = _of("variable", variable, rows)
    of, rows = _of("measure", measure, rows)
    every = {str(row["input"]): 0.0 for row in rows}
    for row in rows:
        every[str(row["input"])] = max(every[str(row["input"])], np.nan_to_num(row["share"].estimate))
    order = sorted(every, key=lambda name: -every[name])[:most]
    names = [words(name) for name in order]
    by_side: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        policy, against = words(str(row["policy"])), words(str(row["against"]))
        by_side.setdefault(f"{policy} less {against}" if against else policy, {})[str(row["input"])] = row
    sides = list(by_side)
    on = sheet(len(sides), min(3, len(sides)), (2.6, max(1.6, 0.22 * len(order))))
    for ax, side in zip(on.panels, sides, strict=True):
        _panel(ax, [by_side[side][name] for name in order], side == sides[-1] and len(sides) > 1)
        row_names(ax, names, 2.1)
        labelled(ax, "share of the variance [%]", None, side)
    what = f"{words(chosen)}, {of}"
    note = (
        f"{what}: {labels.counted(sensitivity.subject.paths, 'path')}, {len(order)} of {len(every)} inputs. Points:"
        " Shapley effect with its 95 % interval; bars from what the input does alone to what it does at most, with all"
        " that it does together with others."
    )
    return on.close(f"What {what} hangs on: the largest share is that of {names[0]}" if len(names) else what, note)


def _of(what: str, wanted: str | None, rows: list[dict[str, Any]]) -> tuple[str, list[dict[str, Any]]]:
    """The variable or measure that is wanted, by default the first, and the rows that have it."""
    known = list(dict.fromkeys(str(row[what]) for row in rows))
    chosen = known[0] if wanted is None else wanted
    selection.refuse_unknown(what, chosen, known, "inputs")
    return chosen, [row for row in rows if row[what] == chosen]


def _panel(ax: Axes, rows: list[dict[str, Any]], is_difference: bool) -> None:
    colour = style.INK if is_difference else style.COLOURS[0]
    for y, row in enumerate(rows):
        share, alone, most = row["share"], row["alone"], row["total"]
        stretch(ax, [100 * alone.estimate, 100 * most.estimate], y, colour)
        one = Estimate(*(100.0 * each for each in (share.estimate, share.standard_error, share.low, share.high)))
        lying(ax, one, y, colour, hollow=not np.isfinite(one.low))
    ax.axvline(0, color=style.INK, linewidth=0.9)
    ticks.numbers(ax, y=False)
