"""The worst paths of a run on the screen, and which of their draws are unusual."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from engine.cli.show.replay_tables import number, percentile, prior
from engine.cli.show.rows import Column, columns_of, print_named, print_rows
from engine.cli.show.screen import print_words

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from engine.study.study import Study

UNUSUAL = 6
"""Most factors that are shown as unusual."""


def print_worst(console: Console, study: Study, ranked: xr.Dataset, policy: str) -> None:
    """Prints the worst paths of an outcome, worst first, with its values under every policy."""
    (name,) = ranked.data_vars
    outcome = study.model.outcomes[str(name)]
    side = "high" if outcome.loss else "low"
    title = f"worst in {name} [{outcome.unit}] under {policy} ({side} is worse)"
    print_words(console, title, "bold")
    rows = [
        (str(path), *(number(float(value)) for value in values))
        for path, values in zip(ranked["path"].values, ranked[name].values, strict=True)
    ]
    ranks = Column("rank", [str(k + 1) for k in range(len(rows))])
    print_rows(console, "", ranks, columns_of(["path", *study.policy_names], rows))


def print_unusual(console: Console, study: Study, story: xr.DataTree) -> None:
    """Prints the factors whose draws on these paths are, on average, farthest from the middle of their priors."""
    from engine.runs.replay import percentiles

    draws = story["draws"].to_dataset()
    means = {str(name): float(shares.mean()) for name, shares in percentiles(study, draws).items()}
    farthest = sorted(means, key=lambda name: -abs(means[name] - 0.5))[:UNUSUAL]
    if not farthest:
        return
    count = draws.sizes["path"]
    mean = "mean " if count > 1 else ""
    heads = (f"{mean}percentile", f"{mean}draw", "p05", "p50", "p95", "unit")
    inputs = {item.name: item for item in study.inputs}
    rows = []
    for item in map(inputs.__getitem__, farthest):
        draw = float(draws[item.name].values.astype(np.float64).mean())
        rows.append((percentile(means[item.name]), number(draw), *prior(item), item.unit))
    title = f"{'their' if count > 1 else 'its'} most unusual draws"
    print_named(console, title, "factor", farthest, heads, rows, ("unit",))
    chance = (
        ""
        if study.facts
        else (
            f"By chance alone {'the mean' if count > 1 else 'it'} strays from 50 by about"
            f" {100 / math.sqrt(12 * count):.2g}."
        )
    )
    print_words(console, f"Percentile: the share of the prior that is below the draw. {chance}", "dim")
    console.print()
