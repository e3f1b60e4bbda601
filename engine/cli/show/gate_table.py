"""The gates of a study on the screen: what each asks, what the model gives, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.cli.show.rows import print_named
from engine.cli.show.screen import print_words

if TYPE_CHECKING:
    from rich.console import Console

    from engine.runs.gates import Answer
    from engine.study.study import Gate

_ASKED = {
    "median_above": "median above {}",
    "median_below": "median below {}",
    "median_within": "median {} to {}",
    "inside_90": "{} inside the 90 %",
}
_HELD = {True: "yes", False: "NO", None: "-"}


def print_gates(console: Console, answers: Sequence[Answer]) -> None:
    """A row a gate, then how many fail."""
    rows = [
        [
            _HELD[one.held],
            _ASKED[one.gate.asked].format(*(f"{limit:g}" for limit in one.gate.limits)),
            *_given(one),
            one.unit,
            _place(one.gate),
            one.gate.policy,
            one.gate.source,
        ]
        for one in answers
    ]
    heads = ("held", "asked", "median", "90 % of paths", "unit", "of", "under", "source")
    gates, left = [one.gate.name for one in answers], ("held", "asked", "unit", "of", "under")
    print_named(console, "Gates", "gate", gates, heads, rows, left, ("of", "source"))
    failed = [one.gate.name for one in answers if one.held is False]
    beyond = [one.gate.name for one in answers if one.held is None]
    if beyond:
        print_words(console, f"Of years that the study does not have: {', '.join(beyond)}.", "dim")
    names = f": {', '.join(failed)}" if failed else ""
    print_words(
        console,
        f"{len(failed)} of {len(answers)} gates fail{'s' * (len(failed) == 1)}{names}.",
        "yellow" if failed else "",
    )


def _place(gate: Gate) -> str:
    labels = [" and ".join(names) for names in gate.at.values()]
    years = [
        f"{gate.years[0]}-{gate.years[-1]}" if _in_a_row(gate.years) else " and ".join(map(str, gate.years))
    ]
    across = f"{gate.across} of " if gate.across else ""
    return f"{across}{', '.join([gate.variable, *labels, *filter(None, years)])}"


def _in_a_row(years: Sequence[int]) -> bool:
    return len(years) > 1 and list(years) == list(range(years[0], years[-1] + 1))


def _given(one: Answer) -> tuple[str, str]:
    if not one.paths:
        return "-", "-"
    low, median, high = (f"{value:,.4g}" for value in (one.low, one.median, one.high))
    return median, f"{low} to {high}"
