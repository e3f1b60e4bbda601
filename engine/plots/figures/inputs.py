"""Which inputs an answer hangs on: each one's share of the variance, under each policy and in their difference."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine.formatting import words
from engine.plots import labels, selection, style, ticks
from engine.plots.bars import arms
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.risk.intervals import Estimate


@style.styled
def inputs(
    sensitivity: xr.DataTree, variable: str | None = None, measure: str | None = None, *, most: int = 12
) -> Figure:
    """Shapley effects of the inputs with the largest, points with 95 % intervals; the bar is what each does alone and at most.

    Args:
      sensitivity: what `run.sensitivity` has written, as `engine.run_folder.answer_store` reads it.
      variable: an outcome or event that was looked at; the first if not given.
      measure: "mean" or "ES99" of an outcome, "probability" of an event; the first that there is if not given.
      most: inputs that are shown.

    Raises:
      UserError: the variable or measure was not looked at.
    """
    if "shares" not in sensitivity.children:
        on = sheet(1, 1, (4.2, 1.6))
        blank(on.panels[0], "nothing is drawn")
        labelled(on.panels[0], "share of the variance [%]", None)
        return on.close("Nothing that is drawn stands behind the answer")
    held = sensitivity.children["shares"].to_dataset(inherit=False).load()
    known = list(dict.fromkeys(map(str, held["variable"].values)))
    chosen = known[0] if variable is None else variable
    selection.refuse_unknown("variable", chosen, known, "inputs")
    held = held.isel(quantity=np.flatnonzero(held["variable"].values == chosen))
    measures = list(dict.fromkeys(map(str, held["measure"].values)))
    of = measures[0] if measure is None else measure
    selection.refuse_unknown("measure", of, measures, "inputs")
    held = held.isel(quantity=np.flatnonzero(held["measure"].values == of))
    table = (
        held["share"]
        .transpose("quantity", "index", "input", "stat")
        .sel(index=["shapley", "first", "total"])
        .values
    )
    order = np.argsort(-np.nan_to_num(table[:, 0, :, 0]).max(axis=0))[:most]
    names = [words(str(held["input"].values[k])) for k in order]
    sides = [
        f"{words(str(policy))} less {words(str(against))}" if str(against) else words(str(policy))
        for policy, against in zip(held["policy"].values, held["against"].values, strict=True)
    ]
    on = sheet(len(sides), min(3, len(sides)), (2.6, max(1.6, 0.22 * len(order))))
    for k, (ax, side) in enumerate(zip(on.panels, sides, strict=True)):
        _panel(ax, [table[k, :, at] for at in order], side == sides[-1] and len(sides) > 1)
        ax.set_yticks(
            range(len(names)), labels=[labels.fitted(name, 2.1, 8) for name in names], linespacing=0.9
        )
        labelled(ax, "share of the variance [%]", None, side)
    about = sensitivity.attrs
    what = f"{words(chosen)}, {of}"
    note = (
        f"{what}: {labels.counted(int(about['paths']), 'path')}, {len(order)} of {held.sizes['input']} inputs. Points: Shapley effect with its 95 % "
        "interval; bars from what the input does alone to what it does at most, with all that it does together with others."
    )
    return on.close(
        f"What {what} hangs on: the largest share is that of {names[0]}" if len(names) else what, note
    )


def _panel(ax: Axes, rows: list[np.ndarray], is_difference: bool) -> None:
    colour = style.INK if is_difference else style.COLOURS[0]
    for y, (share, alone, most) in enumerate(rows):
        ax.plot(
            [100 * alone[0], 100 * most[0]],
            [y, y],
            color=colour,
            linewidth=4,
            alpha=0.25,
            solid_capstyle="butt",
        )
        one = Estimate(*(100.0 * share[:4]).tolist())
        known = np.isfinite(one.low)
        ax.errorbar(
            [one.estimate], [y], xerr=arms([one]), color=colour, marker="o", markersize=4, linestyle="none", elinewidth=1, capsize=2,
            markerfacecolor=colour if known else style.PAPER,
        )  # fmt: skip
    ax.axvline(0, color=style.INK, linewidth=0.9)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.grid(False, axis="y")
    ticks.numbers(ax, y=False)
