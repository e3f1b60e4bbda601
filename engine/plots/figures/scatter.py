"""An outcome against a factor: futures in grey, the worst 1 % marked, means with intervals by tenth of the factor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import arms
from engine.plots.rank_correlation import rank_correlation, ranks
from engine.plots.selection import StoredOutcome
from engine.plots.sheet import blank, labelled, one_scale, sheet
from engine.plots.style import Axes, Figure
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import summary

WORST = 0.01
MOST_MARKED = 1500
"""Most of the worst paths that are drawn; more are thinned evenly."""
TENTHS = 10
ENOUGH = 1 << 14
"""Number of first paths from which the factor is chosen where none is named."""


@style.styled
def scatter(
    cube: xr.DataTree, variable: str | None = None, factor: str | None = None, policies: Sequence[str] | None = None
) -> Figure:
    """An outcome against a factor on the paths that keep their draws, one panel a policy.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      factor: a factor with stored draws; if not given the one whose rank correlation with the outcome is the largest
        under the first policy shown.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, no such factor or policy.
    """
    kept, drawn = selection.outcome(cube, variable, policies, "scatter"), selection.draws(cube)
    several = len(kept.policies) > 1
    on = sheet(len(kept.policies), 2 if len(kept.policies) < 5 else 4, (3.4, 2.7) if several else (5.0, 3.3))
    if not drawn.data_vars:
        for ax, policy in zip(on.panels, kept.policies, strict=True):
            blank(ax, "no factor varies in the stored draws")
            labelled(ax, "factor [1]", kept.label, kept.titles[policy])
        return on.close(f"{kept.name}: no draws to set it against")
    along = _strongest(kept, drawn) if factor is None else selection.factor(drawn, factor, "scatter")
    along_axis = labels.label(along)
    rho, shading = {}, []
    for ax, policy in zip(on.panels, kept.policies, strict=True):
        rho[policy], cells = _panel(ax, kept, policy, along)
        shading += [cells] if cells is not None else []
        head = f"{kept.titles[policy]}: rank correlation {labels.with_interval(rho[policy])}"
        labelled(ax, along_axis, kept.label, head)
    drawn_in = [ax for ax in on.panels if ax.collections]
    one_scale(drawn_in, "x")
    one_scale(drawn_in, "y")
    for ax in drawn_in:
        ticks.numbers(ax)
    if shading:
        top = max(float(cells.get_array().max()) for cells in shading)
        for cells in shading:
            cells.set_clim(1, max(top, 2))
        on.strip = (shading[0], "paths per cell [1]")
    worst = "highest" if kept.loss else "lowest"
    note = (
        f"{labels.counted(along.sizes['path'], 'path')} with stored draws, those furthest out left aside. Grey: all;"
        f" points: the worst 1 % ({worst}); line: mean of each tenth of the factor, with its 95 %"
        f" interval.{kept.meaning()}{labels.meaning(along)}{kept.lost()}"
    )
    return on.close(f"{kept.heading} {_claim(kept.by_call(rho), labels.called(along))}", note)


def _panel(ax: Axes, kept: StoredOutcome, policy: str, along: xr.DataArray) -> tuple[Estimate, Any]:
    look = kept.looks[policy]
    x, y, units = kept.along(policy, along)
    if not len(x):
        blank(ax, "no finite path")
        return labels.UNKNOWN, None
    ends = [np.quantile(part, (0.0005, 0.9995)) for part in (x, y)]
    (x0, x1), (y0, y1) = (_apart(*pair) for pair in ends)
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    cells = ax.hexbin(
        x[inside],
        y[inside],
        gridsize=(34, 20),
        extent=(x0, x1, y0, y1),
        cmap=style.COUNTS,
        bins="log",
        mincnt=1,
        linewidths=0,
        alpha=0.75,
    )
    count = max(int(WORST * len(y)), 1)
    worst = np.argsort(y)[-count:] if kept.loss else np.argsort(y)[:count]
    worst = worst[inside[worst]][:: max(count // MOST_MARKED, 1)]
    ax.plot(x[worst], y[worst], **look.dot, markersize=2.4, alpha=0.55, markeredgewidth=0, rasterized=True)
    at, means = _tenths(x, y, as_units(len(x), units), kept.loss)
    if len(at):
        ax.errorbar(
            at,
            [mean.estimate for mean in means],
            arms(means),
            color=style.INK,
            linestyle="-",
            marker=look.marker,
            markersize=4,
            linewidth=1.2,
            capsize=2,
            markeredgecolor=style.PAPER,
            markeredgewidth=0.5,
        )
    ax.set_xlim(x0, x1)
    ax.set_ylim(y0, y1)
    return rank_correlation(x, y, units.count), cells


def _tenths(x: np.ndarray, y: np.ndarray, units: Units, loss: bool) -> tuple[np.ndarray, list[Estimate]]:
    """Median of the factor [tenth], and mean of the outcome with its interval, by tenth of the factor with paths."""
    edges = np.quantile(x, np.linspace(0, 1, TENTHS + 1))
    tenth = np.clip(np.searchsorted(edges, x, side="right") - 1, 0, TENTHS - 1)
    at, means = [], []
    for k in np.unique(tenth):
        own = tenth == k
        at.append(float(np.median(x[own])))
        means.append(summary(y[own], units.take(own), loss)["mean"])
    return np.array(at), means


def _apart(low: float, high: float) -> tuple[float, float]:
    """Axis limits that differ, with a little room on either side."""
    half = 0.03 * (high - low) if high > low else max(0.1 * abs(low), 0.5)
    return float(low - half), float(high + half)


def _strongest(kept: StoredOutcome, drawn: xr.Dataset) -> xr.DataArray:
    """The factor with the largest absolute rank correlation with the outcome, over the first `ENOUGH` paths."""
    own = kept.of(kept.policies[0], min(drawn.sizes["path"], ENOUGH))
    sound = np.isfinite(own)
    of = ranks(own[sound])
    names = [str(name) for name in drawn.data_vars]
    strength = [abs(float(ranks(np.nan_to_num(drawn[name].values[: len(own)])[sound]) @ of)) for name in names]
    return drawn[names[int(np.argmax(strength))]]


def _claim(rho: Mapping[str, Estimate], factor: str) -> str:
    """Whether the outcome rises or falls with the factor, by policy, where the interval excludes zero."""
    ways: dict[str, list[str]] = {}
    for policy, of in rho.items():
        way = "rises" if of.low > 0 else "falls" if of.high < 0 else "shows no clear relation"
        ways.setdefault(way, []).append(policy)
    if len(ways) == 1:
        return f"{next(iter(ways))} with {factor} under {'each policy' if len(rho) > 1 else next(iter(rho))}"
    return f"along {factor} " + ", ".join(f"{way} under {labels.policies(names)}" for way, names in ways.items())
