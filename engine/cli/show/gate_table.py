"""The gates of a study on the screen: what each asks, what the model gives, and whether it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.cli.show.rows import print_named
from engine.cli.show.screen import print_words

if TYPE_CHECKING:
    from rich.console import Console

    from engine.answers.answer import Answer

_ASKED = {
    "median_above": "median above {}",
    "median_below": "median below {}",
    "median_within": "median {} to {}",
    "inside_90": "{} inside the 90 %",
}
_HELD = {"yes": "yes", "no": "NO", "": "-"}


def print_gates(console: Console, answer: Answer, full: bool) -> None:
    """Prints a row for each gate, then how many fail.

    Args:
      full: print also each gate's median, unit, variable, policy and source.
    """
    gates = [*answer["gates"].rows()]
    rows = [
        [
            _HELD[row["held"]],
            _ASKED[row["asked"]].format(f"{row['limit']:g}", f"{row['upper']:g}"),
            *_band_as_text(row["p05"], row["median"], row["p95"])[0 if full else 1 :],
            *((row[name] for name in ("unit", "of", "policy", "source")) if full else ()),
        ]
        for row in gates
    ]
    heads: tuple[str, ...] = ("held", "asked", "90 % of paths")
    if full:
        heads = ("held", "asked", "median", "90 % of paths", "unit", "of", "under", "source")
    names, left = [row["gate"] for row in gates], ("held", "asked", "unit", "of", "under")
    print_named(console, "Gates", "gate", names, heads, rows, left, ("of", "source"))
    fails, *beyond = answer.findings
    for text in beyond:
        print_words(console, text, "dim")
    print_words(console, fails, "yellow" if "no" in answer["gates"]["held"] else "")


def _band_as_text(*band: float | None) -> tuple[str, str]:
    if None in band:
        return "-", "-"
    low, median, high = (f"{value:,.4g}" for value in band)
    return median, f"{low} to {high}"
