"""Tables of outcomes kept path by path: curves of exceedance, differences, thresholds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.charts import labels, selection
from engine.charts.selection import StoredOutcome
from engine.charts.tables.frames import ends, frame, of_outcome
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import difference, finite_units, probability, summary
from engine.risk.policies.thresholds import Curve, drawn, tail_curve, threshold_curves
from engine.study.components import Event
from engine.study.study import Study

MARKED = 0.01
"""Probability at which each curve of exceedance is marked."""
BINS = 60
SHOWN = (0.002, 0.998)
"""Quantiles between which the bins of differences lie; differences beyond are counted in the outermost bins."""


def exceedance(cube: xr.DataTree, variable: str | None = None, policies: Sequence[str] | None = None) -> pd.DataFrame:
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
    rows, worst = list[dict[str, Any]](), dict[str, Estimate]()
    for policy in kept.policies:
        values, name = kept.of(policy), kept.titles[policy]
        measures = summary(values, kept.unit, kept.loss)
        worst[policy], level = measures["ES99"], measures["VaR99"]
        known = np.isfinite(level.estimate)
        words = f"{name}: 1 % beyond {labels.with_interval(level)}" if known else f"{name}: no finite path"
        if known or len(kept.policies) > 1:
            rows.append(
                {
                    "policy": name,
                    "level": level.estimate,
                    "share": MARKED,
                    "marked": words,
                    "low": np.nan,
                    "high": np.nan,
                }
            )
        curve = tail_curve(values, kept.unit, kept.loss) if known else Curve(*[np.zeros(0)] * 4)
        if known and not curve.share.size:
            share = np.array([1.0, min(1 / len(values), MARKED) / 2])
            curve = Curve(np.repeat(level.estimate, 2), share, share, share)
        low, high = (np.where(np.isfinite(end), end, curve.share) for end in (curve.low, curve.high))
        rows += [
            {"policy": name, "level": x, "share": y, "low": below, "high": above}
            for x, y, below, above in zip(curve.levels, curve.share, low, high, strict=True)
        ]
    return frame(
        rows,
        labels.sentence(f"{kept.heading}: the mean of the worst 1 % of futures", kept.by_call(worst)),
        f"{kept.counted}, the same under every policy; band and brackets: 95 % interval.{kept.meaning()}{kept.lost()}",
        **of_outcome(kept),
        side=f"share of futures {'above' if kept.loss else 'below'}",
        nothing="no finite path",
    )


def differences(cube: xr.DataTree, variable: str | None = None, policies: Sequence[str] | None = None) -> pd.DataFrame:
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
    others = [name for name in kept.policies if name != kept.baseline]
    rows, shares, heads = list[dict[str, Any]](), dict[str, dict[str, Estimate]](), dict[str, str]()
    for policy in others:
        shares[policy] = dict.fromkeys(("better", "worse", "same"), labels.UNKNOWN)
        own = [*_gaps(kept, policy, shares[policy])]
        worse, same = (labels.with_interval(shares[policy][part], 100, " %") for part in ("worse", "same"))
        heads[policy] = f"{kept.titles[policy]}: worse in {worse}, the same in {same}"
        rows += [{"panel": heads[policy], "policy": kept.titles[policy], **row} for row in own]
    base = kept.called[kept.baseline]
    alone = f"{kept.name}: one policy, and nothing to compare it with"
    better = kept.by_call({policy: parts["better"] for policy, parts in shares.items()})
    what = f"{kept.name}: the share of futures better than with {base}"
    return frame(
        rows,
        labels.sentence(what, better, 100, " %") if others else alone,
        f"Each policy less “{base}” on the same {kept.counted}; point: mean difference with its 95 % interval, brackets"
        f" likewise. The last bin on each side holds all beyond it.{kept.meaning()}{kept.lost()}",
        **of_outcome(kept) | {"label": f"{kept.name}: difference {kept.unit_text}"},
        panels=[*heads.values()],
        nothing="no path on which both are finite" if others else f"{kept.titles[kept.baseline]} runs alone",
    )


def _gaps(kept: StoredOutcome, policy: str, shares: dict[str, Estimate]) -> Iterator[dict[str, Any]]:
    """Bins and mean of the differences of a policy; fills in the shares of better, worse and equal paths."""
    (one, two), units, _ = finite_units((kept.of(policy), kept.of(kept.baseline)), kept.unit)
    if not len(one):
        return
    gap = one - two
    edges, apart = _edges(gap), gap[gap != 0]
    counts, _ = np.histogram(np.clip(apart, edges[0], edges[-1]), edges)
    for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True):
        side = "worse" if (low + high > 0) == kept.loss else "better"
        yield {"part": "bin", "from": low, "to": high, "share": count / len(gap), "side": side}
    if len(apart) < len(gap):
        half = 0.3 * (edges[1] - edges[0])
        yield {"part": "bin", "from": -half, "to": half, "share": 1 - len(apart) / len(gap), "side": "same"}
    mean = difference(kept.of(policy), kept.of(kept.baseline), kept.unit, kept.loss)["mean"]
    top = 1.12 * max(counts.max(), len(gap) - len(apart)) / len(gap)
    yield {"part": "mean", "share": top, **ends(mean)}
    worse = gap > 0 if kept.loss else gap < 0
    kinds = {"better": (gap != 0) & ~worse, "worse": worse, "same": gap == 0}
    shares.update({name: probability(own, units) for name, own in kinds.items()})


def _edges(gap: np.ndarray) -> np.ndarray:
    """Bin edges that include zero, so that no bin holds both better and worse futures."""
    low, high = np.quantile(gap, SHOWN)
    low, high = min(low, 0.0), max(high, 0.0)
    if not high > low:
        half = max(abs(float(gap.max())), abs(float(gap.min())), 1.0)
        low, high = -half, half
    step = (high - low) / BINS
    return np.asarray(step * np.arange(np.floor(low / step), np.ceil(high / step) + 1))


def thresholds(
    cube: xr.DataTree, study: Study, variable: str | None = None, policies: Sequence[str] | None = None
) -> pd.DataFrame:
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
    rows, heads = list[dict[str, Any]](), dict[str, Mapping[str, Any]]()
    first = dict[str, Estimate]()
    shown = _events(cube, study, variable, policies)
    for event, kept in shown:
        title = kept.heading if event is None else study.title("events", event.name)
        above = kept.loss if event is None else event.above is not None
        estimates = dict.fromkeys(kept.policies, labels.UNKNOWN)
        rows += [{"panel": title, **row} for row in _curves(event, kept, above, estimates)]
        heads[title] = {"label": kept.label, "side": f"share {'above' if above else 'below'}", "above": above}
        first = first or estimates
    event, kept = shown[0]
    side = "above" if kept.loss else "below"
    what = f"{kept.heading}: the probability to be {side} the median of all policies together"
    if event is not None:
        what = f"{study.title('events', event.name)}: its probability as the study has it"
    note = f"{kept.counted}, the same under every policy. Band: 95 % interval, point by point.{kept.lost()}"
    if event is not None:
        note += " Dotted: the threshold of the study, unless it lies far beyond the axis."
    title = labels.sentence(what, kept.by_call(first), 100, " %")
    nothing = "no path on which all policies are finite"
    return frame(rows, title, note, **of_outcome(kept), panels=heads, nothing=nothing)


def _events(
    cube: xr.DataTree, study: Study, variable: str | None, policies: Sequence[str] | None
) -> list[tuple[Event | None, StoredOutcome]]:
    """Events, each with its outcome; or None with an outcome that no event is on."""
    there = selection.outcomes(cube)
    named = [one for one in study.events if one.outcome in there and variable in (None, one.name, one.outcome)]
    if named:
        return [(event, selection.outcome(cube, event.outcome, policies, "thresholds")) for event in named]
    return [(None, selection.outcome(cube, variable, policies, "thresholds"))]


def _curves(
    event: Event | None, kept: StoredOutcome, above: bool, estimates: dict[str, Estimate]
) -> Iterator[dict[str, Any]]:
    """Rows of one event; fills in its probability by policy."""
    known = list(selection.known_policies(kept.values))
    values = np.stack([kept.of(name) for name in known]).astype(np.float32)
    marked = event.threshold if event else None
    curves = threshold_curves(values, kept.unit, above, marked)
    if curves is None:
        return
    at = len(curves.levels) // 2 if marked is None else int(np.abs(curves.levels - marked).argmin())
    near, shares = drawn(curves.levels, marked), np.stack([curves.share, curves.low, curves.high])
    for name in kept.policies:
        p = known.index(name)
        value, low, high = shares[:, p, at].tolist()
        estimates[name] = Estimate(value, np.nan, low, high)
        for k in np.flatnonzero(near):
            value, low, high = shares[:, p, k].tolist()
            yield {
                "policy": kept.titles[name],
                "level": float(curves.levels[k]),
                "share": value,
                "low": low,
                "high": high,
                "marked": bool(k == at and marked is not None),
            }
