"""Exceedance curves of an outcome: the probability that each level is passed, by policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.selection import StoredOutcome
from engine.plots.sheet import finish, labelled, single
from engine.plots.style import Artist, Axes
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import summary
from engine.risk.policies.thresholds import Curve, tail_curve

MARKED = 0.01
"""The probability at which each curve is marked."""


@style.styled
def exceedance(
    cube: xr.DataTree, variable: str | None = None, policies: Sequence[str] | None = None, *, ax: Axes | None = None
) -> Axes:
    """P(outcome > x) on a log scale with its 95 % band, by policy.

    Where low is worse it is P(outcome < x), with the x axis reversed, so that bad is always on the right. A curve ends
    where fewer than 20 paths are left beyond it. The level that 1 % of futures pass (VaR99) is marked, with its
    interval in the legend.

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
    keys, worst = curves(ax, kept)
    return finish(ax, on, title(kept, worst), note(kept), keys)


def curves(ax: Axes, kept: StoredOutcome) -> tuple[list[Artist], dict[str, Estimate]]:
    """Draws curves and bands, and labels the axes; gives legend entries, and the mean of the worst 1 % by policy."""
    lowest = MARKED
    keys: list[Artist] = []
    worst: dict[str, Estimate] = {}
    for policy in kept.policies:
        look, values = kept.looks[policy], kept.of(policy)
        measures = summary(values, kept.unit, kept.loss)
        worst[policy], level = measures["ES99"], measures["VaR99"]
        known = np.isfinite(level.estimate)
        marked = f"1 % beyond {labels.with_interval(level)}" if known else "no finite path"
        keys.append(style.key(look, f"{kept.titles[policy]}: {marked}"))
        if known:
            curve = tail_curve(values, kept.unit, kept.loss)
            if not curve.share.size:
                curve = _step(level.estimate, len(values))
            low, high = (np.where(np.isfinite(end), end, curve.share) for end in (curve.low, curve.high))
            ax.fill_between(curve.levels, low, high, color=look.colour, alpha=0.25, linewidth=0)
            ax.plot(curve.levels, curve.share, **look.line)
            inside = look.colour if np.isfinite(level.low) else style.PAPER
            ax.plot([level.estimate], [MARKED], **look.dot, markerfacecolor=inside, markersize=6, zorder=3)
            lowest = min(lowest, float(curve.share.min()))
    ax.axhline(MARKED, color=style.PALE, linewidth=0.8, zorder=0)
    if not kept.loss:
        ax.invert_xaxis()
    ax.set_yscale("log")
    ax.set_ylim(lowest / 1.5, 1.15)
    ticks.percents(ax)
    ticks.numbers(ax, y=False)
    labelled(ax, kept.label, f"share of futures {'above' if kept.loss else 'below'} [%]")
    return keys, worst


def title(kept: StoredOutcome, worst: Mapping[str, Estimate]) -> str:
    """The title: the mean of the worst 1 % of futures, by policy."""
    return labels.sentence(f"{kept.heading}: the mean of the worst 1 % of futures", kept.by_call(worst))


def note(kept: StoredOutcome) -> str:
    """The note that explains curves, bands and points."""
    return (
        f"{kept.counted}, the same under every policy; band and brackets: 95 % interval; hollow: none, too few"
        f" paths.{kept.meaning()}{kept.lost()}"
    )


def _step(level: float, paths: int) -> Curve:
    """The curve of an outcome with the same value on every path: a vertical step."""
    share = np.array([1.0, min(1 / paths, MARKED) / 2])
    return Curve(np.repeat(level, 2), share, share, share)
