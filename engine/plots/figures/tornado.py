"""A tornado chart from stored draws: an outcome's measure where each factor is low, and where it is high."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import arms
from engine.plots.rank_correlation import ranks
from engine.plots.selection import StoredOutcome
from engine.plots.sheet import blank, labelled, one_scale, row_names, sheet
from engine.plots.style import Axes, Figure, Look
from engine.risk.estimation.evidence import levels_of, measures
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import summary

TENTH = 0.1
MOVES = 0.1
"""Absolute rank correlation with another factor above which a factor is marked."""


@dataclass(frozen=True)
class Swing:
    """A measure of the outcome in the lowest and the highest tenth of a factor."""

    low: Estimate
    high: Estimate


@style.styled
def tornado(
    cube: xr.DataTree,
    variable: str | None = None,
    policies: Sequence[str] | None = None,
    measure: str = "mean",
    *,
    most: int = 12,
) -> Figure:
    """A measure of the outcome on paths in the lowest and in the highest tenth of each factor, one panel a policy.

    Other factors are not held fixed: the bar of a factor that is correlated with others includes their effect, and is
    marked with a dagger.

    Args:
      cube: what `engine.open_cube` gives.
      variable: an outcome kept per path; the first if not given.
      policies: which, in this order; all of them if not given. The first one decides the order of the factors.
      measure: mean, median or sd, or VaR or ES at any level by name, such as ES97.5.
      most: factors that are shown, those with the widest swing.

    Raises:
      UserError: the outcome is not kept per path, no such policy or measure.
    """
    kept, drawn = selection.outcome(cube, variable, policies, "tornado"), selection.draws(cube)
    selection.refuse_unknown("measure", measure, measures(levels_of(measure)), "tornado")
    name = f"{kept.heading}, {measure}"
    first, known = kept.policies[0], [str(factor) for factor in drawn.data_vars]
    swings = {factor: _swing(kept, first, drawn[factor], measure) for factor in known}
    order = sorted(known, key=lambda factor: -_width(swings[factor]))[:most]
    high = max(1.6, 0.22 * len(order))
    on = sheet(len(kept.policies), 3 if len(kept.policies) > 2 else 2, (2.8 if len(kept.policies) > 1 else 4.2, high))
    moving = _moving(drawn, order)
    for ax, policy in zip(on.panels, kept.policies, strict=True):
        looks = kept.looks[policy]
        if not order:
            blank(ax, "no factor varies in the stored draws")
        else:
            rows = [swings[f] if policy == first else _swing(kept, policy, drawn[f], measure) for f in order]
            whole = summary(kept.of(policy), kept.unit, kept.loss, levels_of(measure))[measure]
            _panel(ax, rows, whole, looks)
            row_names(ax, [labels.name(drawn[f]) + ("†" if f in moving else "") for f in order], 2.3)
        labelled(ax, f"{kept.name}: {measure} {kept.unit_text}", None, kept.titles[policy])
    filled = on.panels if order else []
    one_scale(filled, "x")
    for ax in filled:
        ticks.numbers(ax, y=False)
    note = (
        f"{labels.counted(drawn.sizes.get('path', 0), 'path')} with stored draws, {len(order)} of"
        f" {labels.counted(len(known), 'factor')}; upright line: all paths; whiskers: 95 % interval."
    )
    if moving:
        note += (
            f" † moves with other factors (rank correlation above {MOVES:g} in size): its bar holds what they do, too."
        )
    keys = [style.frame("lowest tenth of the factor"), style.shade("highest tenth", style.INK, 0.75)]
    return on.close(
        f"{name}: {_claim(order, swings, drawn, kept.called[first])}", note + kept.meaning() + kept.lost(), keys
    )


def _swing(kept: StoredOutcome, policy: str, factor: xr.DataArray, measure: str) -> Swing:
    x, y, units = kept.along(policy, factor)
    if not len(x):
        return Swing(labels.UNKNOWN, labels.UNKNOWN)
    ends = np.quantile(x, (TENTH, 1 - TENTH))
    return Swing(*(_within(y, units, own, kept.loss, measure) for own in (x <= ends[0], x >= ends[1])))


def _within(y: np.ndarray, units: Units, own: np.ndarray, loss: bool, measure: str) -> Estimate:
    return summary(y[own], as_units(len(y), units).take(own), loss, levels_of(measure))[measure]


def _width(swing: Swing) -> float:
    return float(np.nan_to_num(abs(swing.high.estimate - swing.low.estimate), nan=-1.0))


def _panel(ax: Axes, rows: Sequence[Swing], whole: Estimate, look: Look) -> None:
    for y, swing in enumerate(rows):
        for end, filled, shift in ((swing.low, False, -0.18), (swing.high, True, 0.18)):
            if not (np.isfinite(end.estimate) and np.isfinite(whole.estimate)):
                continue
            ax.barh(
                [y + shift], [end.estimate - whole.estimate], left=whole.estimate, height=0.32, linewidth=0.9,
                color=look.colour if filled else style.PAPER, edgecolor=look.colour, alpha=0.75 if filled else 1,
            )  # fmt: skip
            ax.errorbar([end.estimate], [y + shift], xerr=arms([end]), color=style.INK, elinewidth=0.9, capsize=1.5)
    if np.isfinite(whole.estimate):
        ax.axvline(whole.estimate, color=style.INK, linewidth=0.9)


def _moving(drawn: xr.Dataset, order: Sequence[str]) -> set[str]:
    """The factors whose rank correlation with another exceeds `MOVES` and, to exclude chance, 5 / sqrt(paths)."""
    if len(drawn.data_vars) < 2 or drawn.sizes["path"] < 5:
        return set()
    table = np.array([ranks(np.nan_to_num(drawn[name].values)) for name in drawn.data_vars])
    strength = np.abs(table @ table.T) - np.eye(len(table))
    limit = max(MOVES, 5 / np.sqrt(drawn.sizes["path"]))
    moving = strength.max(axis=1) > limit
    return {str(name) for name, moves in zip(drawn.data_vars, moving, strict=True) if moves} & set(order)


def _claim(order: Sequence[str], swings: dict[str, Swing], drawn: xr.Dataset, policy: str) -> str:
    if not order:
        return "no factor that varies"
    widest, swing = order[0], swings[order[0]]
    if not (swing.low.high < swing.high.low or swing.high.high < swing.low.low):
        return f"no factor moves it clearly under {policy}; the intervals of the widest swing overlap"
    low, high = labels.with_interval(swing.low), labels.with_interval(swing.high)
    return (
        f"the widest estimated swing under {policy} goes with {labels.called(drawn[widest])}: "
        f"{low} where it is lowest, {high} where it is highest"
    )
