"""How often yearly values stand on the bounds that a model clips them at: a table before a run, and a line after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.cli.show.rows import print_named
from engine.cli.show.screen import print_words

if TYPE_CHECKING:
    import numpy as np
    from rich.console import Console

    from engine.risk.estimation.bounds import OnBound
    from engine.study.study import Study


def print_standings(console: Console, study: Study, yearly: np.ndarray | None) -> None:
    """Prints a table of the bounds on which more than a few of these values lie; nothing where there are none.

    Args:
      yearly: yearly values of a few paths, [policy, year, cell, path], if there are any.
    """
    from engine.risk.estimation.bounds import MANY, TOLD, by_year, standings

    if yearly is None or not yearly.size:
        return
    shares: dict[tuple[str, str], dict[str, OnBound]] = {}
    for one in standings(study, by_year(study.model, yearly)):
        shares.setdefault((one.variable, one.side), {})[one.policy] = one
    told = {key: row for key, row in shares.items() if max(one.share for one in row.values()) > TOLD}
    if not told:
        return
    names = study.policy_names
    rows = [
        [
            f"{next(iter(row.values())).limit:g}",
            study.model.yearly[name].unit,
            *(_percent(row[policy].share) for policy in names),
        ]
        for (name, _), row in told.items()
    ]
    title, heads = "Yearly values on their bounds [% of paths and years]", ["bound", "unit", *names]
    print_named(console, title, "yearly variable", [name for name, _ in told], heads, rows, ("unit",))
    words = f"A first look, at {yearly.shape[-1]} paths; a run counts its own: /diagnostics/bounds."
    if max(one.share for row in told.values() for one in row.values()) > MANY:
        words += f" *: above {100 * MANY:g} %; futures pile up there."
    print_words(console, words, "dim")
    console.print()


def print_piled_up(console: Console, on_bounds: Sequence[OnBound]) -> None:
    """Prints one line if a run's values lie on a bound too often; nothing if none do.

    Args:
      on_bounds: the most frequent first.
    """
    if text := piled_up(on_bounds):
        print_words(console, text, "yellow")
        console.print()


def piled_up(on_bounds: Sequence[OnBound]) -> str:
    """The line that `print_piled_up` prints; "" where there is none."""
    from engine.risk.estimation.bounds import MANY

    many = [one for one in on_bounds if one.share > MANY]
    if not many:
        return ""
    others = f"; {len(many) - 1} more above {100 * MANY:g} %" if len(many) > 1 else ""
    return f"Bounds: {many[0].text}{others} (/diagnostics/bounds)."


def _percent(share: float) -> str:
    from engine.risk.estimation.bounds import MANY

    return f"{100 * share:.1f}{'*' if share > MANY else ' '}"
