"""Probability of an event as a function of its threshold, by policy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.selection import StoredOutcome
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure
from engine.risk.estimation.intervals import Estimate
from engine.risk.policies.thresholds import ThresholdCurves, drawn, threshold_curves
from engine.study.components import Event
from engine.study.study import Study


@style.styled
def thresholds(
    cube: xr.DataTree, study: Study, variable: str | None = None, policies: Sequence[str] | None = None
) -> Figure:
    """Exceedance probability of each level, a panel per event, with the event's threshold marked.

    The band is the 95 % interval at each level. A threshold far from all outcomes is in the title only, as an axis that
    reached it would leave no room for the curves.

    Args:
      cube: what `engine.open_cube` gives.
      study: its study, which has the events.
      variable: an outcome or an event; all events of one outcome if not given, the first outcome where there are none.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, or there is no such policy.
    """
    panels = _panels(cube, study, variable, policies)
    several = len(panels) > 1
    on = sheet(len(panels), 1 if not several else 2, (3.6, 2.4) if several else (5.4, 3.3))
    estimates: list[dict[str, Estimate]] = []
    for ax, (event, kept) in zip(on.panels, panels, strict=True):
        estimates.append(_panel(ax, study, event, kept, _curves(event, kept)))
    event, kept = panels[0]
    note = f"{kept.counted}, the same under every policy. Band: 95 % interval, point by point.{kept.lost()}"
    if any(event is not None for event, _ in panels):
        note += " Dotted: the threshold of the study, unless it lies far beyond the axis."
    head = labels.sentence(_what(study, event, kept), kept.by_call(estimates[0]), 100, " %")
    return on.close(head, note, style.keys(kept.looks, kept.titles, kept.policies))


def _panels(
    cube: xr.DataTree, study: Study, variable: str | None, policies: Sequence[str] | None
) -> list[tuple[Event | None, StoredOutcome]]:
    """Events, each with its outcome; or None with an outcome that no event is on."""
    there = selection.outcomes(cube)
    events = [event for event in study.events if event.outcome in there]
    named = [event for event in events if variable in (None, event.name, event.outcome)]
    if named:
        return [(event, selection.outcome(cube, event.outcome, policies, "thresholds")) for event in named]
    return [(None, selection.outcome(cube, variable, policies, "thresholds"))]


def _curves(event: Event | None, kept: StoredOutcome) -> ThresholdCurves | None:
    values = np.stack([kept.of(name) for name in selection.known_policies(kept.values)]).astype(np.float32)
    base = list(selection.known_policies(kept.values)).index(kept.baseline)
    return threshold_curves(values, kept.unit, base, _above(event, kept), event.threshold if event else None)


def _above(event: Event | None, kept: StoredOutcome) -> bool:
    return kept.loss if event is None else event.above is not None


def _what(study: Study, event: Event | None, kept: StoredOutcome) -> str:
    """What the numbers in the title are estimates of."""
    if event is None:
        side = "above" if kept.loss else "below"
        return f"{kept.heading}: the probability to be {side} the median of all policies together"
    return f"{study.title('events', event.name)}: its probability as the study has it"


def _panel(
    ax: Axes, study: Study, event: Event | None, kept: StoredOutcome, curves: ThresholdCurves | None
) -> dict[str, Estimate]:
    """Draws the curves of one event, and gives its probability by policy."""
    above = _above(event, kept)
    title = "" if event is None else study.title("events", event.name)
    labelled(ax, kept.label, f"share of futures {'above' if above else 'below'} [%]", title)
    if curves is None:
        blank(ax, "no path on which all policies are finite")
        return dict.fromkeys(kept.policies, labels.UNKNOWN)
    marked = event.threshold if event else None
    at = len(curves.levels) // 2 if marked is None else int(np.abs(curves.levels - marked).argmin())
    estimates = {}
    share, known = curves.share, selection.known_policies(kept.values)
    near = drawn(curves.levels, marked)
    levels = curves.levels[near]
    for name in kept.policies:
        p, look = known.index(name), kept.looks[name]
        sides = (100 * end[p, near] for end in (share.low, share.high))
        ax.fill_between(levels, *sides, color=look.colour, alpha=0.3, linewidth=0)
        ax.plot(levels, 100 * share.estimate[p, near], **look.line)
        if near[at]:
            ax.plot([curves.levels[at]], [100 * share.estimate[p, at]], **look.dot, markersize=5, zorder=3)
        ends = float(share.low[p, at]), float(share.high[p, at])
        estimates[name] = Estimate(float(share.estimate[p, at]), np.nan, *ends)
    if marked is not None and near[at]:
        ax.axvline(marked, color=style.GREY, linewidth=1, linestyle=":", zorder=1.5)
    if not above:
        ax.invert_xaxis()
    ax.set_ylim(0, 105)
    ticks.numbers(ax)
    return estimates
