"""Tables of factors: tornado, priors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from engine.charts import labels, selection
from engine.charts.selection import Policies, Shown
from engine.charts.tables.frames import Rows, each, ends, frame
from engine.formatting import counted
from engine.risk.estimation.influences import levels_of, measures
from engine.risk.estimation.intervals import Estimate, as_units, finite_units
from engine.risk.estimation.measures import measure as measure_of
from engine.study.study import Study

TENTH = 0.1
MOVES, FEWEST, RANKED = 0.1, 5, 1 << 14
"""Absolute rank correlation with another factor above which a factor is marked; fewest and most paths for one."""
ENDS_OF_LAW, DRAWN, BINS = (0.002, 0.998), 4000, 30
"""Quantiles between which the law of a factor is drawn; quantiles that are counted, and bins."""


def tornado(
    cube: xr.DataTree, variable: str | None = None, policies: Policies = None, measure: str = "mean", *, most: int = 12
) -> pd.DataFrame:
    """A measure of the outcome in the lowest and in the highest tenth of each factor, by policy, the widest first.

    Other factors are not held fixed: the bar of a factor that is correlated with others includes their effect, and is
    marked with a dagger. The column `whole` is the measure over all paths.

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
    first, known = kept.policies[0], [str(factor) for factor in drawn.data_vars]
    values = {policy: kept.of(policy) for policy in kept.policies}
    swings = {name: _swing(values[first], drawn[name], kept, measure) for name in known}
    widths = {name: np.nan_to_num(abs(high.estimate - low.estimate), nan=-1.0) for name, (low, high) in swings.items()}
    order = sorted(known, key=lambda name: -widths[name])[:most]
    moving = _moving(drawn, order)
    called = {name: labels.name(drawn[name]) + "†" * (name in moving) for name in order}
    rows = Rows()
    for policy in kept.policies:
        whole = measure_of(values[policy], kept.unit, kept.loss, measure).estimate
        for name in order:
            swing = swings[name] if policy == first else _swing(values[policy], drawn[name], kept, measure)
            for end, one in zip(("lowest tenth of the factor", "highest tenth"), swing, strict=True):
                shown = dict.fromkeys(("panel", "policy"), kept.titles[policy])
                rows.append(shown | {"factor": called[name], "end": end, "whole": whole, **ends(one)})
    note = (
        f"{counted(drawn.sizes.get('path', 0), 'path')} with stored draws, {len(order)} of"
        f" {counted(len(known), 'factor')}; the vertical line is the mean of all paths; whiskers are 95 % intervals."
    )
    if moving:
        note += (
            f" † moves with other factors (rank correlation above {MOVES:g} in size): its bar includes their effect."
        )
    return frame(
        rows,
        f"{labels.heading(kept.values)}, {measure}: {_widest(order, swings, drawn, kept.called[first])}",
        note + kept.note(),
        **kept.about | {"label": labels.label(kept.values, f": {measure}"), "panels": kept.about["shown"]},
        rows=[*called.values()],
        nothing="no factor varies in the stored draws",
    )


def _swing(values: np.ndarray, factor: xr.DataArray, kept: Shown, measure: str) -> tuple[Estimate, Estimate]:
    """The measure in the lowest and in the highest tenth of the factor, on the paths where both are finite."""
    (x, y), units, _ = finite_units((np.asarray(factor.values, np.float64), values[: factor.size]), kept.unit)
    if not len(x):
        return labels.UNKNOWN, labels.UNKNOWN
    low, high = np.quantile(x, (TENTH, 1 - TENTH))
    of = as_units(len(y), units)
    one, two = (measure_of(y[own], of.take(own), kept.loss, measure) for own in (x <= low, x >= high))
    return one, two


def _moving(drawn: xr.Dataset, order: Sequence[str]) -> set[str]:
    """The factors whose rank correlation with another exceeds `MOVES` and, to exclude chance, 5 / sqrt(paths)."""
    if len(drawn.data_vars) < 2 or drawn.sizes["path"] < FEWEST:
        return set()
    table = np.stack([np.nan_to_num(values.values[:RANKED]) for values in drawn.data_vars.values()])
    strength = np.abs(np.corrcoef(pd.DataFrame(table).rank(axis=1))) - np.eye(len(table))
    moving = strength.max(axis=1) > max(MOVES, 5 / np.sqrt(table.shape[1]))
    return {str(name) for name, moves in zip(drawn.data_vars, moving, strict=True) if moves} & set(order)


def _widest(
    order: Sequence[str], swings: Mapping[str, tuple[Estimate, Estimate]], drawn: xr.Dataset, policy: str
) -> str:
    if not order:
        return "no factor that varies"
    low, high = swings[order[0]]
    if not (low.high < high.low or high.high < low.low):
        return f"no factor moves it clearly under {policy}; the intervals of the widest swing overlap"
    return (
        f"the widest estimated swing under {policy} is that of {labels.called(drawn[order[0]])}:"
        f" {labels.with_interval(low)} where it is lowest, {labels.with_interval(high)} where it is highest"
    )


def priors(study: Study, factor: str | None = None) -> pd.DataFrame:
    """The distribution of each factor as a histogram of quantiles of its law, a panel for each factor.

    Args:
      study: a study, run or not.
      factor: one factor; all if not given.

    Raises:
      UserError: there is no such factor.
    """
    if factor is not None:
        selection.refuse_unknown("factor", factor, [item.name for item in study.inputs], "priors")
    rows, at = Rows(), np.linspace(*ENDS_OF_LAW, DRAWN)
    for law in (item for item in study.inputs if factor in (None, item.name)):
        counts, edges = np.histogram(law.marginal.quantile(at), BINS)
        panel = labels.with_unit(study.title("factors", law.name), law.unit)
        bins = pd.DataFrame({"panel": panel, "from": edges[:-1], "to": edges[1:], "share": counts / DRAWN})
        rows += bins[counts > 0].to_dict("records")
    what = study.name if factor is None else study.title("factors", factor)
    note = f"Bars are shares of futures, from the quantile {ENDS_OF_LAW[0]:g} to the quantile {ENDS_OF_LAW[1]:g}."
    return frame(rows, f"Priors of {what}", note, panels=each(rows, "panel"), nothing="the model has no factors")
