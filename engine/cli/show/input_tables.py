"""What a study says of its inputs beside priors, as tables: groups and what they imply, shocks, regimes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape
from rich.table import Table

from engine.cli.show.screen import print_line, print_table, table

if TYPE_CHECKING:
    from rich.console import Console

    from engine.draws.copulas.contract import Implied
    from engine.study.study import Study

_MEASURES = ("Kendall", "Spearman", "lower tail", "upper tail")
_UNBROKEN = ("factor", "lever", "group", "unit", "shock", "regime")


def listing(title: str, *columns: str) -> Table:
    """A table without a frame, its title above it."""
    shown = table(title)
    for name in columns:
        shown.add_column(escape(name), overflow="fold", no_wrap=name in _UNBROKEN)
    return shown


def print_shocks(console: Console, study: Study) -> None:
    """Shocks that the study says something of, and the regimes that they follow."""
    from engine.study.shock_tables import stationary

    rows = listing("Shocks", "shock", "law", "given by", "group", "regime")
    of = {stream: name for name, group in study.shocks.groups.items() for stream in group.members}
    for name, shock in study.shocks.moving.items():
        cells = name, *shock.about, of.get(shock.streams[0], ""), shock.regime or ""
        rows.add_row(*map(escape, cells))
    print_table(console, rows)
    rows = listing("Regimes", "regime", "state", "at the start", "in the long run", "after it")
    for name, regime in study.shocks.regimes.items():
        shares = stationary(np.array(regime.transition))
        for k, state in enumerate(regime.states):
            moves = ", ".join(
                f"{other} {p:g}" for other, p in zip(regime.states, regime.transition[k], strict=True) if p
            )
            cells = name if k == 0 else "", state, f"{regime.start[k]:.3g}", f"{shares[k]:.3g}", moves
            rows.add_row(*map(escape, cells))
    print_table(console, rows)


def print_groups(console: Console, study: Study) -> None:
    """Copula and parameter of each group, and the dependence that they imply: one row if it is the same for any two members."""
    rows = listing("Groups", "group", "copula", "parameter", *_MEASURES, "members")
    matrices, abouts = [], []
    for name, group in {**study.groups, **study.shocks.groups}.items():
        implied = group.copula.implied(group.members)
        off = ~np.eye(len(group.members), dtype=bool)
        shown = [
            _spread(matrix[off])
            for matrix in (implied.kendall, implied.spearman, implied.lower, implied.upper)
        ]
        if any(" to " in value for value in shown):
            matrices.append((name, group.members, implied))
        if implied.about:
            abouts.append(f"{name}: {implied.about}")
        members = escape(", ".join(group.gathered_members))
        rows.add_row(escape(name), group.copula.family, group.copula.describe() or "matrix", *shown, members)
    if rows.row_count:
        console.print(rows)
        for about in abouts:
            print_line(console, "", about)
        console.print()
    for name, names, implied in matrices:
        _print_matrix(console, name, names, implied)


def _print_matrix(console: Console, name: str, members: Sequence[str], implied: Implied) -> None:
    """Spearman's rho below the diagonal and Kendall's tau above it; the tails likewise where there are any."""
    shown = [(f"{name}: Kendall above, Spearman below", implied.kendall, implied.spearman)]
    if np.any(np.triu(implied.lower + implied.upper, 1)):
        shown.append((f"{name}: upper tail above, lower tail below", implied.upper, implied.lower))
    for title, above, below in shown:
        rows = listing(title, "factor", *(str(k + 1) for k in range(len(members))))
        for i, member in enumerate(members):
            cells = [
                _share(above[i, j] if j > i else below[i, j]) if j != i else "" for j in range(len(members))
            ]
            rows.add_row(escape(f"{i + 1} {member}"), *cells)
        print_table(console, rows)


def _spread(values: np.ndarray) -> str:
    """The value if all are the same, else the least and the largest."""
    if not values.size:
        return "-"
    return f"{values.min():.2f} to {values.max():.2f}" if np.ptp(values) > 5e-4 else _share(values[0])


def _share(value: float) -> str:
    return f"{value:.3f}" if abs(value) >= 5e-4 else "0"
