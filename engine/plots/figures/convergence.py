"""Convergence of mean, VaR99 and ES99: each with its interval, from a growing number of first paths."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import arms
from engine.plots.sheet import labelled, sheet
from engine.plots.style import Figure
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import summary

HEADLINE = ("mean", "VaR99", "ES99")
FIRST = 1024


@style.styled
def convergence(cube: xr.DataTree, variable: str | None = None, policies: Sequence[str] | None = None) -> Figure:
    """Mean, VaR99 and ES99 of an outcome over its first 1,024, 2,048, ... paths, with 95 % intervals; whole units only.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    kept = selection.outcome(cube, variable, policies, "convergence")
    counts = lengths(kept.values.sizes["path"], kept.unit)
    measures = {
        name: [summary(kept.of(name)[:count], kept.unit, kept.loss) for count in counts] for name in kept.policies
    }
    on = sheet(len(HEADLINE), 3, (2.9, 2.5))
    for ax, measure in zip(on.panels, HEADLINE, strict=True):
        for k, (name, rows) in enumerate(measures.items()):
            look = kept.looks[name]
            estimates = [row[measure] for row in rows]
            y = np.array([of.estimate for of in estimates])
            known = np.isfinite(y)
            # policies side by side, not over each other: shifted by at most a fifth of the way to the next number
            x = np.array(counts) * 2.0 ** (0.4 * ((k + 0.5) / len(measures) - 0.5))
            ends = arms(estimates)[:, known]
            ax.errorbar(x[known], y[known], ends, **look.line, linewidth=1, elinewidth=1.3, capsize=1.5)
            sure = known & np.isfinite([of.low for of in estimates])
            for own, face in ((sure, look.colour), (known & ~sure, style.PAPER)):
                ax.plot(x[own], y[own], **look.dot, markersize=4, markerfacecolor=face)
        ax.set_xscale("log", base=2)
        ax.set_xlim(counts[0] / 1.4, counts[-1] * 1.4)
        ticks.counts(ax, counts)
        ticks.numbers(ax, x=False)
        labelled(ax, "first paths [1]", kept.label, measure)
    last = {name: rows[-1]["ES99"] for name, rows in measures.items()}
    note = (
        "Bars: 95 % interval; hollow: none, because there are too few paths. Half as wide takes four times the"
        f" paths.{kept.lost()}"
    )
    keys = style.keys(kept.looks, kept.titles, kept.policies)
    return on.close(_claim(kept.heading, counts[-1], kept.by_call(last)), note, keys)


def lengths(paths: int, unit: int) -> list[int]:
    """Growing numbers of first paths: doublings of 1,024 in whole units, then all of the whole units there are."""
    whole = max(paths - paths % unit, 1)
    counts, count = [], FIRST
    while count < whole:
        if count - count % unit:
            counts.append(count - count % unit)
        count *= 2
    if not counts:
        counts = [n for n in (whole // 8, whole // 4, whole // 2) if n >= unit and n % unit == 0]
    return [*dict.fromkeys(n for n in counts if n < whole), whole]


def _claim(name: str, paths: int, last: dict[str, Estimate]) -> str:
    """The title: the half-width of the interval of ES99 over all paths, for the policy where it is widest."""
    half = {policy: 0.5 * (e.high - e.low) for policy, e in last.items() if np.isfinite(e.high - e.low)}
    after = f"{name} after {labels.counted(paths, 'path')}: the mean of the worst 1 %"
    if len(half) < len(last):
        return f"{after} has no interval yet{'' if not half else ' under some policies'}"
    widest = max(half, key=lambda policy: half[policy])
    if not half[widest] > 0:
        return f"{after} is {labels.with_interval(last[widest])}: all paths are alike"
    return (
        f"{after} is known to ± {labels.number(half[widest], half[widest])} or better, widest under {widest}:"
        f" {labels.with_interval(last[widest])}"
    )
