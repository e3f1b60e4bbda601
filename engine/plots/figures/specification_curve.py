"""A specification curve: a claim's difference in every universe, sorted.

U. Simonsohn, J. P. Simmons and L. D. Nelson, Specification curve analysis, Nature Human Behaviour 4 (2020) 1208-1214.
"""

from __future__ import annotations

import numpy as np

from engine.answers.answer import Answer
from engine.plots import labels, style, ticks
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.plots.universes import LEDGERS, VERDICTS, Universes, called, universes

WIDE = 5.4
"""Width of the panels [inch]."""


@style.styled
def curve(challenge: Answer, claim: str | None = None, ledger: str = LEDGERS[0]) -> Figure:
    """Difference of two policies in every universe, sorted, coloured by verdict.

    Args:
      challenge: the run's answer to the question `challenge`.
      claim: which claim, as the answer has it; the first if not given.
      ledger: "specification" or "policies".

    Raises:
      UserError: there is no such claim or ledger.
    """
    of = universes(challenge, claim, ledger)
    if not of.rows:
        on = sheet(1, 1, (WIDE, 1.6))
        blank(on.panels[0], "no universe has a difference")
        labelled(on.panels[0], "universes, by their difference [rank]", None)
        return on.close(f"No universe of the ledger {ledger} was run")
    on = sheet(1, 1, (WIDE, 2.1))
    _differences(on.panels[0], of)
    labelled(on.panels[0], "universes, by their difference [rank]", labels.with_unit("difference", of.unit))
    keys = [
        style.mark(f"{called(name)}: {count:,}", VERDICTS[name].colour, VERDICTS[name].marker)
        for name, count in of.counts.items()
    ]
    return on.close(f"{of.said}, by choices that depart", _note(of), keys)


def _note(of: Universes) -> str:
    n, shown = len(of.rows), int(of.drawn_intervals.sum())
    some = f" of {shown:,} of them" if shown < n else ""
    lost = f" Left out, without a finite difference: {of.lost:,}." if of.lost else ""
    return (
        f"Ledger: {of.ledger}; {labels.counted(n, 'universe')}: the difference in each, with the 95 %"
        f" intervals{some}.{lost}"
    )


def _differences(ax: Axes, of: Universes) -> None:
    n = len(of.rows)
    x, drawn = np.arange(1, n + 1), of.drawn_intervals
    verdicts = np.array([row["verdict"] for row in of.rows])
    values = np.array([[e.estimate, e.low, e.high] for e in (row["difference"] for row in of.rows)])
    ax.axhline(0, color=style.INK, linewidth=0.9)
    for name in of.counts:
        own, look = verdicts == name, VERDICTS[name]
        thin = own & drawn & np.isfinite(values[:, 1:]).all(1)
        ax.vlines(x[thin], values[thin, 1], values[thin, 2], colors=look.colour, linewidth=0.6, alpha=0.45)
        ax.plot(x[own], values[own, 0], **look.dot, markersize=float(np.clip(500 / n, 2, 5)), zorder=4, label=name)
    ax.set_ylim(*ticks.roomy(*of.span))
    ax.set_xlim(0.5 - 0.01 * n, n + 0.5 + 0.01 * n)
    ax.grid(False, axis="x")
    ticks.numbers(ax)
    if of.stated is not None:
        ax.axvline(of.stated + 1, color=style.INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=3)
        ax.text(
            of.stated + 1, 1.02, "as stated", transform=ax.get_xaxis_transform(), ha="center", va="bottom", fontsize=8
        )  # fmt: skip
