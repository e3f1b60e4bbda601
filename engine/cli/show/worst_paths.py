"""The worst paths of a run on the screen, and which of their draws are unusual."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from rich.markup import escape
from rich.text import Text

from engine.cli.show.replay_tables import number, percentile, prior
from engine.cli.show.screen import print_line, print_table, table

if TYPE_CHECKING:
    import xarray as xr
    from rich.console import Console

    from engine.study.study import Study

UNUSUAL = 6
"""Factors that are shown as the most unusual."""


def print_worst(console: Console, study: Study, ranked: xr.Dataset, policy: str) -> None:
    """The worst paths of an outcome, worst first, with its values under every policy."""
    (name,) = ranked.data_vars
    outcome = study.model.outcomes[str(name)]
    side = "high" if outcome.loss else "low"
    title = f"worst in {name} [{outcome.unit}] under {policy} ({side} is worse)"
    print_line(console, title)
    shown = table("", "rank", "path", *study.policy_names)
    for rank, (path, values) in enumerate(zip(ranked["path"].values, ranked[name].values, strict=True), 1):
        shown.add_row(str(rank), str(path), *(number(float(value)) for value in values))
    print_table(console, shown)


def print_unusual(console: Console, study: Study, story: xr.DataTree) -> None:
    """The factors whose draws on these paths are, on average, farthest from the middle of their priors."""
    from engine.execution.replay import percentiles

    draws = story["draws"].to_dataset()
    means = {str(name): float(shares.mean()) for name, shares in percentiles(study, draws).items()}
    farthest = sorted(means, key=lambda name: -abs(means[name] - 0.5))[:UNUSUAL]
    if not farthest:
        return
    count = draws.sizes["path"]
    mean = "mean " if count > 1 else ""
    console.print(Text(f"{'their' if count > 1 else 'its'} most unusual draws", style="bold"))
    heads = ("factor", f"{mean}percentile", f"{mean}draw", "p05", "p50", "p95", "unit")
    shown = table("", *heads, left=("factor", "unit"))
    inputs = {item.name: item for item in study.inputs}
    for item in map(inputs.__getitem__, farthest):
        draw = float(draws[item.name].values.astype(np.float64).mean())
        shown.add_row(
            escape(item.name), percentile(means[item.name]), number(draw), *prior(item), escape(item.unit)
        )
    console.print(shown)
    chance = f"By chance alone {'the mean' if count > 1 else 'it'} strays from 50 by about {100 / math.sqrt(12 * count):.2g}."
    console.print(
        f"Percentile: the share of the prior that is below the draw. {chance}", style="dim", soft_wrap=True
    )
    console.print()
