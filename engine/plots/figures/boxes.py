"""Boxes of factors found by scenario discovery: which part of a factor's prior each limit leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.plots import labels, style
from engine.plots.sheet import blank, labelled, row_names, sheet
from engine.plots.style import Axes, Figure

if TYPE_CHECKING:
    from engine.answers.answer import Answer

THICK = 0.42
"""Height of a bar as a share of its row's height."""


@style.styled
def boxes(discover: Answer) -> Figure:
    """The limits of each box as quantiles of the priors, with coverage and density above.

    Args:
      discover: the run's answer to the question `discover`.
    """
    (futures,) = discover["futures"].rows()
    rate = labels.with_interval(futures["share"], 100, " %")
    head = f"Where “{futures['where']}” holds, which is in {rate} of futures"
    note = (
        "Dark: the part of a factor's prior that is within. Coverage: share of the futures where it holds that lie"
        " within, and in no earlier box; density: share of the futures within where it holds. Brackets: 95 %"
        f" intervals, on {labels.counted(futures['judged_on'], 'path')} that did not find the boxes."
    )
    if "boxes" not in discover:
        on = sheet(1, 1, (4.4, 1.2))
        blank(on.panels[0], "no box of factors tells these futures from the others")
        return on.close(head, note)
    own = [row for row in discover["boxes"].rows() if row["number"]]
    limits = {str(row["box"]): list(discover["limits"].where(box=row["box"])) for row in own}
    most = max(map(len, limits.values()))
    on = sheet(len(own), 1, (4.4, 0.36 * most + 0.1))
    for ax, row in zip(on.panels, own, strict=True):
        _panel(ax, limits[str(row["box"])], most)
        said = ", ".join(f"{name} {labels.with_interval(row[name], 100, ' %')}" for name in ("coverage", "density"))
        last = row is own[-1]
        labelled(ax, "quantile of the prior [1]" if last else None, None, f"{row['box']}: {said}")
        if not last:
            ax.tick_params(labelbottom=False)
    return on.close(head, note)


def _panel(ax: Axes, rows: list[dict[str, Any]], most: int) -> None:
    """One box: a bar for each limited factor, the one whose omission costs most on top."""
    for y, (below, above) in enumerate((row["below"], row["above"]) for row in rows):
        ax.barh([y], [1.0], height=THICK, color=style.GRID)
        ax.barh([y], [1 - below - above], left=[below], height=THICK, color=style.COLOURS[0])
    row_names(ax, [str(row["limit"]).rpartition(", ")[0] for row in rows], 2.4, most)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], labels=["0", "0.25", "0.5", "0.75", "1"])
