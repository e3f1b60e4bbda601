"""Tables of a study's settings other than priors: groups, shocks, regimes, constants, assumptions, claims."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.cli.show.rows import print_named
from engine.cli.show.screen import print_words

if TYPE_CHECKING:
    from rich.console import Console

    from engine.study.study import Study

_MEASURES = ("Kendall", "Spearman", "lower tail", "upper tail")


def print_shocks(console: Console, study: Study) -> None:
    """Prints the shocks that the study sets, and its regimes."""
    from engine.study.tables.shocks import stationary

    of = {stream: name for name, group in study.shocks.groups.items() for stream in group.members}
    moving = study.shocks.moving
    rows = [(*shock.about, of.get(shock.streams[0], ""), shock.regime or "") for shock in moving.values()]
    heads = ("law", "given by", "group", "regime")
    words = ("law", "given by")
    print_named(console, "Shocks", "shock", [*moving], heads, rows, ("group", "regime"), words)
    names, rows = [], []
    for name, regime in study.shocks.regimes.items():
        shares = stationary(np.array(regime.transition))
        for k, state in enumerate(regime.states):
            moves = ", ".join(
                f"{other} {p:g}" for other, p in zip(regime.states, regime.transition[k], strict=True) if p
            )
            names.append(name if k == 0 else "")
            rows.append((state, f"{regime.start[k]:.3g}", f"{shares[k]:.3g}", moves))
    heads = ("state", "at the start", "in the long run", "after it")
    print_named(console, "Regimes", "regime", names, heads, rows, heads, ("after it",))


def print_stated(console: Console, study: Study) -> None:
    """Prints the constants that a study sets, its assumptions (what changes with each off and doubled), its claims."""
    from engine.study.tables.assumptions import in_words
    from engine.study.tables.constants import stated, written

    known, own = written(study.model), stated(study.model)
    numbers = [(f"{own[name]:.6g}", f"{known[name].value:.6g}", known[name].unit, known[name].about) for name in own]
    told = ("here", "in the model", "unit", "what it is")
    print_named(console, "Constants", "constant", [*own], told, numbers, ("unit",), ("what it is",))
    names = [one.name for one in study.assumptions]
    rows = [
        (in_words(one.table["off"]), in_words(one.table["doubled"]) or "as stated", one.about)
        for one in study.assumptions
    ]
    heads = ("off", "doubled", "what is assumed")
    print_named(console, "Assumptions", "assumption", names, heads, rows, words=heads)
    _print_challenge(console, study)


def _print_challenge(console: Console, study: Study) -> None:
    """Prints the study's claims, and the other choices of measurement under which they are tested."""
    from engine.risk.estimation.wording import claimed
    from engine.study.tables.challenge import CHOICES

    stated = study.challenge
    claims, said = [*map(str, stated.claims)], [(claimed(study, claim),) for claim in stated.claims]
    print_named(console, "Claims", "claim", claims, ("in words",), said, words=("in words",))
    names, rows = [], []
    for kind in CHOICES:
        for one in getattr(stated, kind):
            names.append(one.name)
            instead = ", ".join(f"{old} -> {new}" for old, new in one.instead.items())
            rows.append((kind[:-1], study.title("challenge", one.name), instead))
    for event, limits in stated.thresholds.items():
        names.append(event)
        shown = ", ".join(f"{one.value:g}{'x' * one.is_multiple}" for one in limits)
        rows.append(("threshold", study.title("events", event), shown))
    heads = ("kind", "label", "instead")
    print_named(console, "Other choices of what is measured", "choice", names, heads, rows, ("kind",), heads[1:])


def print_groups(console: Console, study: Study) -> None:
    """Prints copula, parameter and implied dependence of each group; a matrix as well if pairs of members differ."""
    names, rows, matrices, abouts = [], [], [], []
    for name, group in {**study.groups, **study.shocks.groups}.items():
        implied = group.copula.implied(group.members)
        off = ~np.eye(len(group.members), dtype=bool)
        shown = [_spread(matrix[off]) for matrix in (implied.kendall, implied.spearman, implied.lower, implied.upper)]
        if any(" to " in value for value in shown):
            matrices.append((name, group.members, implied))
        if implied.about:
            abouts.append(f"{name}: {implied.about}")
        names.append(name)
        rows.append(
            (group.copula.family, group.copula.describe() or "matrix", *shown, ", ".join(group.gathered_members))
        )
    heads = ("copula", "parameter", *_MEASURES, "members")
    words = ("parameter", "members")
    print_named(console, "Groups", "group", names, heads, rows, heads, words, _MEASURES)
    for about in abouts:
        print_words(console, about)
    if abouts:
        console.print()
    for name, members, implied in matrices:
        _print_matrix(console, name, members, implied)


def _print_matrix(console: Console, name: str, members: Sequence[str], implied: Any) -> None:
    """Prints Spearman's rho below the diagonal and Kendall's tau above it; then tail dependence, if there is any."""
    shown = [(f"{name}: Kendall above, Spearman below", implied.kendall, implied.spearman)]
    if np.any(np.triu(implied.lower + implied.upper, 1)):
        shown.append((f"{name}: upper tail above, lower tail below", implied.upper, implied.lower))
    factors = [f"{k + 1} {member}" for k, member in enumerate(members)]
    for title, above, below in shown:
        rows = [
            ["" if j == i else _share(above[i, j] if j > i else below[i, j]) for j in range(len(members))]
            for i in range(len(members))
        ]
        heads = [str(k + 1) for k in range(len(members))]
        print_named(console, title, "factor", factors, heads, rows, heads)


def _spread(values: np.ndarray) -> str:
    """The value if all are the same, else the smallest and the largest; "-" without values."""
    if not values.size:
        return "-"
    return f"{values.min():.2f} to {values.max():.2f}" if np.ptp(values) > 5e-4 else _share(values[0])


def _share(value: float) -> str:
    return f"{value:.3f}" if abs(value) >= 5e-4 else "0"
