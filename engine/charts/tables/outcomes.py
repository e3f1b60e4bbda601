"""Tables of outcomes kept path by path: curves of exceedance, differences, thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.charts import labels, selection
from engine.charts.selection import Policies, Shown
from engine.charts.tables.frames import Rows, ends, frame
from engine.risk.estimation.intervals import Estimate, finite_units
from engine.risk.estimation.measures import difference, measure, probability
from engine.risk.policies.thresholds import Curve, drawn, tail_curve, threshold_curves
from engine.study.study import Study

MARKED = 0.01
"""Probability at which each curve of exceedance is marked."""
BINS = 60
SHOWN = (0.002, 0.998)
"""Quantiles between which the bins of differences lie; differences beyond are counted in the outermost bins."""


def exceedance(cube: xr.DataTree, variable: str | None = None, policies: Policies = None) -> pd.DataFrame:
    """P(outcome > x) with its 95 % interval by policy; where low is worse, P(outcome < x).

    A curve ends where fewer than 20 paths are left beyond it. The row with `marked` has the level that 1 % of futures
    pass (VaR99), in words.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    kept = selection.outcome(cube, variable, policies, "exceedance")
    rows, worst = Rows(), dict[str, Estimate]()
    for policy in kept.policies:
        values, name = kept.of(policy), kept.titles[policy]
        worst[policy], level = (measure(values, kept.unit, kept.loss, name) for name in ("ES99", "VaR99"))
        known = np.isfinite(level.estimate)
        if known or len(kept.policies) > 1:
            words = f"1 % beyond {labels.with_interval(level)}" if known else "no finite path"
            rows.append({"policy": name, "level": level.estimate, "share": MARKED, "marked": f"{name}: {words}"})
        curve = tail_curve(values, kept.unit, kept.loss)
        if known and not curve.share.size:
            share = np.array([1.0, min(1 / len(values), MARKED) / 2])
            curve = Curve(np.repeat(level.estimate, 2), share, share, share)
        low, high = (np.where(np.isfinite(end), end, curve.share) for end in (curve.low, curve.high))
        columns = {"policy": name, "level": curve.levels, "share": curve.share, "low": low, "high": high}
        rows += pd.DataFrame(columns).to_dict("records")
    return frame(
        rows,
        kept.sentence(f"{labels.heading(kept.values)}: the mean of the worst 1 % of futures", worst),
        f"{kept.counted}, the same under every policy; band and brackets: 95 % interval.{kept.note()}",
        **kept.about,
        side=f"share of futures {'above' if kept.loss else 'below'}",
        nothing="no finite path",
    )


def differences(cube: xr.DataTree, variable: str | None = None, policies: Policies = None) -> pd.DataFrame:
    """Policy minus baseline on the same paths: histogram, and mean difference, a panel for each policy.

    Rows with `part` "bin" have a bin's ends, its share of futures and whether it is better, worse or the same; one row
    "mean" a panel has the mean difference with its interval.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      policies: which are compared with the baseline; all others if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    kept = selection.outcome(cube, variable, policies, "differences")
    rows, better, heads = Rows(), dict[str, Estimate](), list[str]()
    others, base, titles = [name for name in kept.policies if name != kept.baseline], kept.baseline, kept.titles
    for policy in others:
        (one, two), units, _ = finite_units((kept.of(policy), kept.of(base)), kept.unit)
        gap = one - two if kept.loss else two - one
        sides = {"better": gap < 0, "worse": gap > 0, "same": gap == 0}
        shares = {side: probability(own, units) if len(gap) else labels.UNKNOWN for side, own in sides.items()}
        worse, same = (labels.with_interval(shares[side], 100, " %") for side in ("worse", "same"))
        better[policy] = shares["better"]
        heads.append(f"{titles[policy]}: worse in {worse}, the same in {same}")
        if len(gap):
            mean = difference(kept.of(policy), kept.of(base), kept.unit, kept.loss)["mean"]
            own = _bins(one - two, kept.loss)
            top = {"part": "mean", "share": 1.12 * max(row["share"] for row in own), **ends(mean)}
            rows += [{"panel": heads[-1], "policy": titles[policy], **row} for row in (*own, top)]
    what = f"{kept.name}: the share of futures better than with {kept.called[base]}"
    short = f"difference {kept.about['unit']}"
    alone = f"{kept.name} under the only policy of the run"
    return frame(
        rows,
        kept.sentence(what, better, 100, " %") if others else alone,
        f"Each policy less “{kept.called[base]}” on the same {kept.counted}; point: mean difference with its 95 %"
        f" interval, brackets likewise. The last bin on each side contains all values beyond it.{kept.note()}",
        **kept.about | {"label": labels.label(kept.values, ": difference"), "unit": short, "panels": heads},
        nothing="no path on which both are finite" if others else f"{titles[base]} runs alone",
    )


def _bins(gap: np.ndarray, loss: bool) -> Rows:
    """Shares of futures in bins of differences, better or worse; and of those without a difference, as a narrow bin."""
    edges, apart = _edges(gap), gap[gap != 0]
    counts, _ = np.histogram(np.clip(apart, edges[0], edges[-1]), edges)
    sides = np.where((edges[1:] + edges[:-1] > 0) == loss, "worse", "better")
    bins = pd.DataFrame({"part": "bin", "from": edges[:-1], "to": edges[1:], "share": counts / len(gap), "side": sides})
    rows: Rows = bins.to_dict("records")
    if len(apart) < len(gap):
        half, same = 0.3 * (edges[1] - edges[0]), 1 - len(apart) / len(gap)
        rows.append({"part": "bin", "from": -half, "to": half, "share": same, "side": "same"})
    return rows


def _edges(gap: np.ndarray) -> np.ndarray:
    """Bin edges that include zero, so that no bin holds both better and worse futures."""
    low, high = np.quantile(gap, SHOWN)
    low, high = min(low, 0.0), max(high, 0.0)
    if not high > low:
        half = max(float(np.abs(gap).max()), 1.0)
        low, high = -half, half
    step = (high - low) / BINS
    return np.asarray(step * np.arange(np.floor(low / step), np.ceil(high / step) + 1))


def thresholds(cube: xr.DataTree, study: Study, variable: str | None = None, policies: Policies = None) -> pd.DataFrame:
    """Exceedance probability of each level with its 95 % interval, a panel for each event, by policy.

    The row with `marked` is that at the threshold of the event, where it lies on the axis.

    Args:
      cube: what `engine.open_cube` gives.
      study: its study, which has the events.
      variable: an outcome or an event; all events of one outcome if not given, the first outcome where there are none.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    rows, heads, first = Rows(), dict[str, dict[str, Any]](), dict[str, Estimate]()
    shown = _events(cube, study, variable, policies)
    for title, above, threshold, kept in shown:
        own, estimates = _curves(threshold, kept, above)
        side = f"share {'above' if above else 'below'}"
        rows += [{"panel": title, **row} for row in own]
        heads[title] = {"label": labels.label(kept.values), "side": side, "above": above}
        first = first or estimates
    title, above, threshold, kept = shown[0]
    what = f"{title}: the probability to be {'above' if above else 'below'} the median of all policies together"
    note = f"{kept.counted}, the same under every policy. Band: 95 % interval, point by point.{kept.note()}"
    if threshold is not None:
        what = f"{title}: the probability at the threshold of the study"
        note += " Dotted: the threshold of the study, unless it lies far beyond the axis."
    said, nothing = kept.sentence(what, first, 100, " %"), "no path on which all policies are finite"
    return frame(rows, said, note, **kept.about | {"panels": heads}, nothing=nothing)


def _events(
    cube: xr.DataTree, study: Study, variable: str | None, policies: Policies
) -> list[tuple[str, bool, float | None, Shown]]:
    """Title, whether it is above its threshold, threshold and outcome of each event; of an outcome without events."""
    there = selection.outcomes(cube)
    named = [one for one in study.events if one.outcome in there and variable in (None, one.name, one.outcome)]
    if not named:
        kept = selection.outcome(cube, variable, policies, "thresholds")
        return [(labels.heading(kept.values), kept.loss, None, kept)]
    return [
        (
            study.title("events", one.name),
            one.above is not None,
            one.threshold,
            selection.outcome(cube, one.outcome, policies, "thresholds"),
        )
        for one in named
    ]


def _curves(marked: float | None, kept: Shown, above: bool) -> tuple[Rows, dict[str, Estimate]]:
    """Rows of one event, and its probability by policy."""
    known = list(kept.titles)
    values = np.stack([kept.of(name) for name in known]).astype(np.float32)
    curves = threshold_curves(values, kept.unit, above, marked)
    if curves is None:
        return [], dict.fromkeys(kept.policies, labels.UNKNOWN)
    levels = curves.levels
    at = len(levels) // 2 if marked is None else int(np.abs(levels - marked).argmin())
    near, is_marked = drawn(levels, marked), (np.arange(len(levels)) == at) & (marked is not None)
    rows, estimates = Rows(), dict[str, Estimate]()
    for name in kept.policies:
        p = known.index(name)
        own = {"share": curves.share[p], "low": curves.low[p], "high": curves.high[p]}
        table = pd.DataFrame({"policy": kept.titles[name], "level": levels, **own, "marked": is_marked})
        rows += table[near].to_dict("records")
        estimates[name] = Estimate(own["share"][at], np.nan, own["low"][at], own["high"][at])
    return rows, estimates
