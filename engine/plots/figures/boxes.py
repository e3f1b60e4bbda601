"""Boxes of factors: which part of its prior each limit leaves."""

from __future__ import annotations

import numpy as np
import xarray as xr

from engine.plots import labels, style
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.risk.box_words import CALLED
from engine.risk.intervals import Estimate

THICK = 0.42
"""Height of a bar, of a row's."""


@style.styled
def boxes(discover: xr.DataTree) -> Figure:
    """The limits of each box on the quantiles of the priors, with coverage and density above; of the method that leads.

    Args:
      discover: what `run.discover` has written, as `engine.run_folder.answer_store` reads it.
    """
    about = discover.attrs
    rate = labels.with_interval(Estimate(*map(float, about["rate"])), 100, " %")  # type: ignore[arg-type]
    head = f"Where “{about['where']}” holds, which is in {rate} of futures"
    note = (
        f"Dark: the part of a factor's prior that is within. Coverage: share of the futures where it holds that lie within, and in no "
        f"earlier box; density: share of the futures within where it holds. Brackets: 95 % intervals, "
        f"on {labels.counted(int(about['judged_on']), 'path')} that did not find the boxes."
    )
    if "boxes" not in discover.children:
        on = sheet(1, 1, (4.4, 1.2))
        blank(on.panels[0], "no box of factors tells these futures from the others")
        return on.close(head, note)
    shares = discover.children["boxes"].to_dataset(inherit=False).load()
    rows = discover.children["restrictions"].to_dataset(inherit=False).load()
    method = next(name for name in map(str, shares["search"].values) if (rows["row_search"] == name).any())
    rows = rows.isel(row=np.flatnonzero(rows["row_search"] == method))
    numbers = sorted({int(k) for k in rows["row_box"].values})
    most = max(int((rows["row_box"] == k).sum()) for k in numbers)
    on = sheet(len(numbers), 1, (4.4, 0.36 * most + 0.1))
    for ax, k in zip(on.panels, numbers, strict=True):
        _panel(ax, rows.isel(row=np.flatnonzero(rows["row_box"] == k)), most)
        own = shares.sel(search=method, box=k)
        said = ", ".join(
            f"{name} {labels.with_interval(Estimate(*map(float, own[name].values)), 100, ' %')}"  # type: ignore[arg-type]
            for name in ("coverage", "density")
        )
        last = k == numbers[-1]
        labelled(
            ax, "quantile of the prior [1]" if last else None, None, f"{CALLED[method]}, box {k}: {said}"
        )
        if not last:
            ax.tick_params(labelbottom=False)
    return on.close(head, note)


def _panel(ax: Axes, rows: xr.Dataset, most: int) -> None:
    """One box: a bar for each factor, the one that costs most to leave out on top."""
    names = []
    for y, (below, above, words) in enumerate(
        zip(rows["below"].values, rows["above"].values, rows["row_words"].values, strict=True)
    ):
        ax.barh([y], [1.0], height=THICK, color=style.GRID)
        ax.barh([y], [1 - below - above], left=[below], height=THICK, color=style.COLOURS[0])
        names.append(labels.fitted(str(words).rpartition(", ")[0], 2.4, 8))
    ax.set_yticks(range(len(names)), labels=names, linespacing=0.9)
    ax.set_ylim(most - 0.4, -0.6)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1"])
    ax.grid(False, axis="y")
