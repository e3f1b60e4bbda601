"""Bars of quantiles with the median and its interval; and a fan without years, which is one bar a policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.sheet import labelled, sheet
from engine.plots.style import Axes, Figure, Look
from engine.risk.intervals import Estimate, Z

BANDS = ((0.05, 0.95, 0.13), (0.25, 0.75, 0.26))
"""Quantiles that a band lies between, and how strong its colour is."""


def reach(units: int) -> float:
    """How far from a half the probabilities are whose quantiles hold the median with 95 %; NaN where units are too few."""
    return Z * 0.5 / float(np.sqrt(units)) if units > 3 else np.nan


def whiskers(
    ax: Axes, x: np.ndarray, levels: np.ndarray, quantiles: np.ndarray, far: float, look: Look
) -> None:
    """Medians with their 95 % interval: the quantiles that far on either side of the middle, whatever the law."""
    middle = at(levels, quantiles, 0.5)
    ends = np.array([at(levels, quantiles, 0.5 - far), at(levels, quantiles, 0.5 + far)])
    if not np.isfinite(far):
        ends[:] = np.nan
    error = np.abs(np.nan_to_num(ends - middle))
    ax.errorbar(x, middle, error, **look.dot, markersize=3.5, markeredgecolor=style.PAPER, markeredgewidth=0.4, ecolor=look.colour, elinewidth=1, capsize=2, zorder=4)  # fmt: skip


def bar(ax: Axes, x: float, quantiles: Mapping[float, float], look: Look) -> None:
    """Nine tenths of the futures as a thin bar, half of them as a thick one."""
    for low, high, strength in BANDS:
        ax.plot([x, x], [quantiles[low], quantiles[high]], color=look.colour, linewidth=2 if low == 0.05 else 5, alpha=min(2.2 * strength, 1), solid_capstyle="butt")  # fmt: skip


def at(levels: np.ndarray, quantiles: np.ndarray, level: float) -> np.ndarray:
    """Quantiles at a level, between those that are stored by a straight line [year]."""
    if not np.isfinite(level):
        return np.full(quantiles.shape[1], np.nan)
    return np.array([np.interp(level, levels, column) for column in quantiles.T])


def spread(cube: xr.DataTree, variable: str | None, policies: Sequence[str] | None) -> Figure:
    """Bars of an outcome, one a policy: what is left of a fan where there are no years."""
    kept = selection.outcome(cube, variable, policies, "fan")
    looks = style.looks(selection.known_policies(kept.values))
    on = sheet(1, 1, (5.4, 3.3))
    (ax,) = on.panels
    found: dict[str, Any] = {}
    for k, name in enumerate(kept.policies):
        values, levels = kept.finite(name), np.array([0.05, 0.25, 0.5, 0.75, 0.95])
        if not len(values):
            found[name] = Estimate(np.nan, np.nan, np.nan, np.nan)
            continue
        units = len(values) // kept.unit
        far = reach(units)
        bar(ax, k, dict(zip(levels.tolist(), np.quantile(values, levels).tolist(), strict=True)), looks[name])
        fine = np.linspace(0, 1, 201)
        quantiles = np.quantile(values, fine)[:, None]
        whiskers(ax, np.array([k]), fine, quantiles, far, looks[name])
        middle, low, high = (float(at(fine, quantiles, q)[0]) for q in (0.5, 0.5 - far, 0.5 + far))
        found[name] = Estimate(middle, np.nan, low, high)
    ax.set_xlim(-0.7, len(kept.policies) - 0.3)
    ax.set_xticks([])
    ticks.numbers(ax, x=False)
    labelled(ax, "policy [in the order of the legend]", labels.label(kept.values))
    title = labels.sentence(f"{labels.heading(kept.values.name)}: the median", found)
    note = f"{labels.counted(kept.values.sizes['path'], 'path')}, without years. Bars: half and nine tenths of the futures; points: median with its 95 % interval.{kept.lost()}"
    return on.close(
        title, note, [style.key(looks[name], name, marked=True, lined=False) for name in kept.policies]
    )
