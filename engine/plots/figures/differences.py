"""Paired differences of a policy from the baseline on the same paths, as a histogram with zero marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import arms
from engine.plots.selection import StoredOutcome
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import difference, finite_units, probability

BINS = 60
SHOWN = (0.002, 0.998)
"""Quantiles between which the bins lie; differences beyond are counted in the outermost bins."""


@style.styled
def differences(cube: xr.DataTree, variable: str | None = None, policies: Sequence[str] | None = None) -> Figure:
    """Policy minus baseline on the same paths, a panel each: shares of better and worse futures, mean difference.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      policies: which are compared with the baseline; all others if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    kept = selection.outcome(cube, variable, policies, "differences")
    others = [name for name in kept.policies if name != kept.baseline]
    on = sheet(max(len(others), 1), 1 if len(others) == 1 else 3, (5.4, 3.0) if len(others) < 2 else (3.0, 2.0))
    if not others:
        blank(on.panels[0], f"{kept.titles[kept.baseline]} runs alone")
        labelled(on.panels[0], f"{kept.name}: difference {kept.unit_text}", "share of futures [%]")
        return on.close(f"{kept.name}: one policy, and nothing to compare it with")
    shares: dict[str, dict[str, Estimate]] = {}
    for ax, policy in zip(on.panels, others, strict=True):
        shares[policy] = _panel(ax, kept, policy)
        worse, same = (labels.with_interval(shares[policy][part], 100, " %") for part in ("worse", "same"))
        head = f"{kept.titles[policy]}: worse in {worse}, the same in {same}"
        labelled(ax, f"{kept.name}: difference {kept.unit_text}", "share of futures [%]", head)
    note = (
        f"Each policy less “{kept.called[kept.baseline]}” on the same {kept.counted}; point: mean difference with its"
        " 95 % interval, brackets likewise. The last bin on each side holds all beyond"
        f" it.{kept.meaning()}{kept.lost()}"
    )
    better = kept.by_call({policy: parts["better"] for policy, parts in shares.items()})
    keys = [
        style.shade("better than the baseline", style.GREY, 0.35),
        style.shade("worse", style.INK, 0.85),
        style.frame("the same"),
    ]
    what = f"{kept.name}: the share of futures better than with {kept.called[kept.baseline]}"
    return on.close(labels.sentence(what, better, 100, " %"), note, keys)


def _panel(ax: Axes, kept: StoredOutcome, policy: str) -> dict[str, Estimate]:
    """Draws one histogram, and gives the shares of better, worse and equal paths."""
    look = kept.looks[policy]
    (one, two), units, _ = finite_units((kept.of(policy), kept.of(kept.baseline)), kept.unit)
    if not len(one):
        blank(ax, "no path on which both are finite")
        return dict.fromkeys(("better", "worse", "same"), labels.UNKNOWN)
    gap = one - two
    edges = _edges(gap)
    apart = gap[gap != 0]
    share, _ = np.histogram(np.clip(apart, edges[0], edges[-1]), edges)
    middle, high = 0.5 * (edges[1:] + edges[:-1]), 100 * share / len(gap)
    bad = (middle > 0) == kept.loss
    for own, filling in ((~bad, {"alpha": 0.4}), (bad, {"hatch": "////", "edgecolor": style.PAPER})):
        ax.bar(middle[own], high[own], np.diff(edges)[own], color=look.colour, linewidth=0, **filling)
    ax.axvline(0, color=style.INK, linewidth=1)
    equal = 100 * (1 - len(apart) / len(gap))
    if equal:
        wide = 0.6 * (edges[1] - edges[0])
        ax.bar([0], [equal], wide, color=style.PAPER, edgecolor=style.INK, linewidth=0.9, zorder=3)
    mean = difference(kept.of(policy), kept.of(kept.baseline), kept.unit, kept.loss)["mean"]
    most = max(float(high.max()), equal)
    top = 1.12 * most
    if np.isfinite(mean.estimate):
        ax.errorbar([mean.estimate], [top], xerr=arms([mean]), **look.dot, markeredgecolor=style.PAPER, capsize=3)
    ax.set_ylim(0, 1.22 * most)
    ticks.numbers(ax)
    worse = gap > 0 if kept.loss else gap < 0
    kinds = {"better": (gap != 0) & ~worse, "worse": worse, "same": gap == 0}
    return {name: probability(own, units) for name, own in kinds.items()}


def _edges(gap: np.ndarray) -> np.ndarray:
    """Bin edges that include zero, so that no bin holds both better and worse futures."""
    low, high = np.quantile(gap, SHOWN)
    low, high = min(low, 0.0), max(high, 0.0)
    if not high > low:
        half = max(abs(float(gap.max())), abs(float(gap.min())), 1.0)
        low, high = -half, half
    step = (high - low) / BINS
    return step * np.arange(np.floor(low / step), np.ceil(high / step) + 1)
