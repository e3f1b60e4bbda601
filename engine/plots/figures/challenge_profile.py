"""Share of universes (combinations of analysis choices) in which a claim holds, by the number of departing choices."""

from __future__ import annotations

from typing import Any

from engine.answers.answer import Answer
from engine.plots import selection, style
from engine.plots.sheet import blank, labelled, row_names, sheet
from engine.plots.style import Axes, Figure
from engine.plots.universes import DESIGN, LEDGERS, VERDICTS, called, sentences

WIDEST_MARK = 6.0
"""Percent from which a segment of a bar carries its verdict's marker."""


@style.styled
def profile(challenge: Answer, claim: str | None = None) -> Figure:
    """Stacked shares of universes by verdict, by number of departing choices; the two ledgers side by side.

    Args:
      challenge: the run's answer to the question `challenge`.
      claim: one claim, as the answer has it; all of them if not given.

    Raises:
      UserError: there is no such claim.
    """
    every = [row for row in challenge["profile"].rows() if row["universes"]] if "profile" in challenge else []
    claims, said = list(dict.fromkeys(str(row["claim"]) for row in every)), sentences(challenge)
    if claim is not None:
        selection.refuse_unknown("claim", claim, claims, "profile")
        claims = [claim]
    if not claims:
        on = sheet(1, 1, (4.2, 1.6))
        blank(on.panels[0], "no universe was run")
        labelled(on.panels[0], "share of universes [%]", None)
        return on.close("No claim was argued against")
    most = max(len({row["departures"] for row in every if row["claim"] == one}) for one in claims)
    on = sheet(2 * len(claims), 2, (2.4, max(0.6, 0.24 * most)))
    for k, ax in enumerate(on.panels):
        one, ledger = claims[k // 2], LEDGERS[k % 2]
        own = [row for row in every if row["claim"] == one]
        departures = sorted({row["departures"] for row in own})
        row_names(ax, [_choices(n) for n in departures] if k % 2 == 0 else [""] * len(departures), 2.1, most)
        _bars(ax, {row["departures"]: row for row in own if row["ledger"] == ledger}, departures)
        last = k // 2 == len(claims) - 1
        ax.tick_params(labelbottom=last)
        above = f"{said[one]}: {ledger}" if len(claims) > 1 and k % 2 == 0 else ledger
        labelled(ax, "share of universes [%]" if last else None, None, above)
    keys = [style.mark(called(name), look.colour, look.marker) for name, look in VERDICTS.items()]
    title = f"{said[claims[0]]}, by choices that depart" if len(claims) == 1 else challenge.finding
    note = f"Rows: choices that depart at a time; numbers: universes. {DESIGN}"
    return on.close(title, note, keys)


def _choices(count: int) -> str:
    return f"{count} choice{'' if count == 1 else 's'}"


def _bars(ax: Axes, rows: dict[int, dict[str, Any]], departures: list[int]) -> None:
    for y, count in enumerate(departures):
        row, left = rows.get(count), 0.0
        ax.text(103, y, f"{row['universes'] if row else 0:,}", va="center", fontsize=8, color=style.GREY)
        for name, look in VERDICTS.items():
            share = 100 * (row[name] or 0.0) if row else 0.0
            ax.barh(y, share, left=left, height=0.72, color=look.colour, edgecolor=style.PAPER, linewidth=0.8)
            if share >= WIDEST_MARK:
                ax.plot([left + share / 2], [y], color=style.PAPER, marker=look.marker, markersize=3.5)
            left += share
    ax.set_xlim(0, 100)
    ax.set_xticks([0, 50, 100])
