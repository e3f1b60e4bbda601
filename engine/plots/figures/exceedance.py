"""How likely each level of an outcome is passed, by policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.sheet import finish, labelled, single
from engine.plots.style import Axes
from engine.risk.intervals import Units
from engine.risk.measures import finite_units, probability, summary

_POINTS = 90
_FEWEST = 20
MARKED = 0.01
"""The probability at which each curve is marked."""


@style.styled
def exceedance(
    cube: xr.DataTree,
    variable: str | None = None,
    policies: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """P(outcome > x) on a log scale with its 95 % band, by policy.

    Where low is worse it is P(outcome < x), and the axis runs from good to bad all the same. A curve ends where fewer
    than 20 paths are left beyond it. The level that 1 % of futures pass is marked, with its interval in the legend.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      policies: which, in this order; all of them if not given.
      ax: axes to draw into; new ones if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    kept = selection.outcome(cube, variable, policies, "exceedance")
    ax, on = single(ax)
    sign, lowest, keys, worst = 1 if kept.loss else -1, 0.5, [], {}
    looks = style.looks(selection.known_policies(kept.values))
    for policy in kept.policies:
        look, values = looks[policy], kept.of(policy)
        (bad,), units, _ = finite_units((sign * values,), kept.unit)
        measures = summary(values, kept.unit, kept.loss)
        worst[policy], level = measures["ES99"], measures["VaR99"]
        marked = f"1 % beyond {labels.with_interval(level)}" if len(bad) else "no finite path"
        keys.append(style.key(look, f"{policy}: {marked}", marked=True))
        if len(bad):
            levels, chances = _curve(bad, units)
            ax.fill_between(sign * levels, chances[1], chances[2], color=look.colour, alpha=0.25, linewidth=0)
            ax.plot(sign * levels, chances[0], **look.line)
            inside = look.colour if np.isfinite(level.low) else style.PAPER
            ax.plot([level.estimate], [MARKED], **look.dot, markerfacecolor=inside, markersize=6, zorder=3)
            lowest = min(lowest, float(chances[0].min()))
    ax.axhline(MARKED, color=style.PALE, linewidth=0.8, zorder=0)
    if not kept.loss:
        ax.invert_xaxis()
    ax.set_yscale("log")
    ax.set_ylim(min(lowest, MARKED) / 1.5, 1.15)
    ticks.percents(ax)
    ticks.numbers(ax, y=False)
    labelled(ax, labels.label(kept.values), f"share of futures {'above' if kept.loss else 'below'} [%]")
    title = labels.sentence(
        f"{labels.heading(kept.values.name)}: the mean of the worst 1 % of futures", worst
    )
    note = f"{labels.counted(kept.values.sizes['path'], 'path')}, the same under every policy; band and brackets: 95 % interval; hollow: none, too few paths.{kept.lost()}"
    return finish(ax, on, title, note, keys)


def _curve(bad: np.ndarray, units: Units) -> tuple[np.ndarray, np.ndarray]:
    """Levels, and the chance to pass them: estimate, low and high [3, level]; high is bad."""
    if bad.min() == bad.max():
        floor = min(1 / len(bad), MARKED) / 2
        return np.repeat(bad[0], 2), np.repeat([[1.0, floor]], 3, axis=0)
    chances = np.geomspace(0.999, max(_FEWEST / bad.size, 1e-9), _POINTS) if bad.size > 2 * _FEWEST else [0.5]
    levels = np.unique(np.quantile(bad, 1 - np.asarray(chances), method="inverted_cdf"))
    passed = [probability(bad > level, units) for level in levels]
    table = np.array([(of.estimate, of.low, of.high) for of in passed]).T
    kept = table[0] > 0
    table = table[:, kept]
    return levels[kept], np.clip(np.where(np.isnan(table), table[0], table), 1e-12, 1.0)
