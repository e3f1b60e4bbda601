"""Bars: error bars of estimates, bars of quantiles, and one such bar a policy as the fan of a model without years."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.sheet import labelled, sheet
from engine.plots.style import Axes, Figure, Look
from engine.risk.estimation.intervals import Estimate, Z

BANDS = ((0.05, 0.95, 0.13), (0.25, 0.75, 0.26))
"""Lower and upper quantile of each band, and the opacity of its colour."""


def reach(units: int) -> float:
    """Half-width in probability of the median's 95 % interval: Z / (2 sqrt(units)); NaN below 4 units.

    The interval runs from the quantile at 0.5 minus this number to the quantile at 0.5 plus it.
    """
    return Z * 0.5 / float(np.sqrt(units)) if units > 3 else np.nan


def whiskers(ax: Axes, x: Sequence[float], estimates: Sequence[Estimate], look: Look) -> None:
    """Draws estimates as points with their 95 % intervals as error bars, one at each x."""
    ax.errorbar(
        x,
        [of.estimate for of in estimates],
        arms(estimates),
        **look.dot,
        markersize=3.5,
        markeredgecolor=style.PAPER,
        markeredgewidth=0.4,
        ecolor=look.colour,
        elinewidth=1,
        capsize=2,
        zorder=4,
    )


def medians(levels: np.ndarray, quantiles: np.ndarray, far: float) -> list[Estimate]:
    """Median of each column of quantiles [level, year], with the quantiles at 0.5 -/+ `far` as its 95 % interval.

    The interval assumes no distribution.
    """
    rows = [at(levels, quantiles, q).tolist() for q in (0.5, 0.5 - far, 0.5 + far)]
    return [Estimate(middle, np.nan, low, high) for middle, low, high in zip(*rows, strict=True)]


def arms(estimates: Sequence[Estimate]) -> np.ndarray:
    """Lengths of error bars below and above each estimate [2, estimate]; zero where there is no interval."""
    lengths = np.array([(of.estimate - of.low, of.high - of.estimate) for of in estimates])
    return np.maximum(np.nan_to_num(lengths), 0.0).T


def lying(ax: Axes, one: Estimate, y: float, colour: str, hollow: bool = False) -> None:
    """Draws an estimate with its 95 % interval as a horizontal error bar at height y."""
    ax.errorbar(
        [one.estimate],
        [y],
        xerr=arms([one]),
        color=colour,
        marker="o",
        markersize=4,
        linestyle="none",
        elinewidth=1,
        capsize=2,
        markerfacecolor=style.PAPER if hollow else colour,
    )


def stretch(ax: Axes, ends: Sequence[float], y: float, colour: str) -> None:
    """Draws a pale horizontal bar between two ends at height y."""
    ax.plot(ends, [y, y], color=colour, linewidth=4, alpha=0.25, solid_capstyle="butt")


def bar(ax: Axes, x: float, quantiles: Mapping[float, float], look: Look) -> None:
    """Draws a vertical bar at x: thin from the 5 % to the 95 % quantile, thick from the 25 % to the 75 % quantile."""
    for low, high, strength in BANDS:
        ax.plot(
            [x, x],
            [quantiles[low], quantiles[high]],
            color=look.colour,
            linewidth=2 if low == 0.05 else 5,
            alpha=min(2.2 * strength, 1),
            solid_capstyle="butt",
        )


def at(levels: np.ndarray, quantiles: np.ndarray, level: float) -> np.ndarray:
    """Quantiles at a level [year], interpolated linearly between the stored levels; NaN for a non-finite level."""
    if not np.isfinite(level):
        return np.full(quantiles.shape[1], np.nan)
    return np.array([np.interp(level, levels, column) for column in quantiles.T])


def spread(cube: xr.DataTree, variable: str | None, policies: Sequence[str] | None) -> Figure:
    """Quantile bars of an outcome, one per policy; in place of a fan for a model without years."""
    kept = selection.outcome(cube, variable, policies, "fan")
    looks = kept.looks
    on = sheet(1, 1, (5.4, 3.3))
    (ax,) = on.panels
    estimates = dict.fromkeys(kept.policies, labels.UNKNOWN)
    levels, fine = np.array([0.05, 0.25, 0.5, 0.75, 0.95]), np.linspace(0, 1, 201)
    for k, name in enumerate(kept.policies):
        values = kept.finite(name)
        if not len(values):
            continue
        far = reach(len(values) // kept.unit)
        bar(ax, k, dict(zip(levels.tolist(), np.quantile(values, levels).tolist(), strict=True)), looks[name])
        (estimates[name],) = medians(fine, np.quantile(values, fine)[:, None], far)
        whiskers(ax, [k], [estimates[name]], looks[name])
    ax.set_xlim(-0.7, len(kept.policies) - 0.3)
    ax.set_xticks([])
    ticks.numbers(ax, x=False)
    labelled(ax, "policy [in the order of the legend]", kept.label)
    title = labels.sentence(f"{kept.heading}: the median", kept.by_call(estimates))
    note = (
        f"{kept.counted}, without years. Bars: half and nine tenths of the futures; points: median with its 95 %"
        f" interval.{kept.meaning()}{kept.lost()}"
    )
    return on.close(title, note, style.keys(looks, kept.titles, kept.policies, lined=False))
