"""Tables of factors: tornado, priors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.charts import labels, selection
from engine.charts.selection import Shown
from engine.charts.tables.frames import ends, frame
from engine.risk.estimation.evidence import levels_of, measures
from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.measures import finite_units, summary
from engine.study.study import Input, Study

TENTH = 0.1
MOVES, FEWEST = 0.1, 5
"""Absolute rank correlation with another factor above which a factor is marked; fewest paths for one."""
DENSITY_ENDS, POINTS = (0.002, 0.998), 160
"""Quantiles between which a density is drawn, further out where a stated value lies beyond; points of a density."""
CLOSE = 0.02
"""Largest relative deviation from a stated value at which a law counts as matching it."""


def tornado(
    cube: xr.DataTree,
    variable: str | None = None,
    policies: Sequence[str] | None = None,
    measure: str = "mean",
    *,
    most: int = 12,
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
    swings = {name: _swing(kept, first, drawn[name], measure) for name in known}
    order = sorted(known, key=lambda name: -_width(swings[name]))[:most]
    moving = _moving(drawn, order)
    called = {name: labels.name(drawn[name]) + "†" * (name in moving) for name in order}
    rows = list[dict[str, Any]]()
    for policy in kept.policies:
        whole = summary(kept.of(policy), kept.unit, kept.loss, levels_of(measure))[measure].estimate
        for name in order:
            swing = swings[name] if policy == first else _swing(kept, policy, drawn[name], measure)
            for end, one in zip(("lowest tenth of the factor", "highest tenth"), swing, strict=True):
                row = {"policy": kept.titles[policy], "factor": called[name], "end": end, "whole": whole}
                rows.append({"panel": kept.titles[policy], **row, **ends(one)})
    note = (
        f"{labels.counted(drawn.sizes.get('path', 0), 'path')} with stored draws, {len(order)} of"
        f" {labels.counted(len(known), 'factor')}; upright line: all paths; whiskers: 95 % interval."
    )
    if moving:
        note += (
            f" † moves with other factors (rank correlation above {MOVES:g} in size): its bar includes their effect."
        )
    return frame(
        rows,
        f"{labels.heading(kept.values)}, {measure}: {_widest(order, swings, drawn, kept.called[first])}",
        note + kept.note(),
        **kept.about | {"label": f"{kept.name}: {measure} {kept.unit_text}", "panels": kept.about["shown"]},
        rows=[*called.values()],
        nothing="no factor varies in the stored draws",
    )


def _swing(kept: Shown, policy: str, factor: xr.DataArray, measure: str) -> tuple[Estimate, Estimate]:
    """The measure in the lowest and in the highest tenth of the factor, on the paths where both are finite."""
    values = kept.of(policy)[: factor.sizes["path"]]
    (x, y), units, _ = finite_units((np.asarray(factor.values, np.float64), values), kept.unit)
    if not len(x):
        return labels.UNKNOWN, labels.UNKNOWN
    low, high = np.quantile(x, (TENTH, 1 - TENTH))
    of, levels = as_units(len(y), units), levels_of(measure)
    one, two = (summary(y[own], of.take(own), kept.loss, levels)[measure] for own in (x <= low, x >= high))
    return one, two


def _width(swing: tuple[Estimate, Estimate]) -> float:
    return float(np.nan_to_num(abs(swing[1].estimate - swing[0].estimate), nan=-1.0))


def _moving(drawn: xr.Dataset, order: Sequence[str]) -> set[str]:
    """The factors whose rank correlation with another exceeds `MOVES` and, to exclude chance, 5 / sqrt(paths)."""
    from scipy.stats import rankdata  # takes half a second to import

    if len(drawn.data_vars) < 2 or drawn.sizes["path"] < FEWEST:
        return set()
    table = np.stack([np.nan_to_num(values) for values in drawn.data_vars.values()])
    strength = np.abs(np.corrcoef(rankdata(table, axis=1))) - np.eye(len(table))
    moving = strength.max(axis=1) > max(MOVES, 5 / np.sqrt(drawn.sizes["path"]))
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
    """The density of each factor's law, and what the study states of it, a panel for each factor.

    Rows with `part` "density" have points of a density, scaled to a maximum of 1; "bar" probabilities of separate
    values; "asked" the values that the study states, and "fitted" what the law gives there.

    Args:
      study: a study, run or not.
      factor: one factor; all if not given.

    Raises:
      UserError: there is no such factor.
    """
    inputs = study.gathered_inputs
    if factor is not None:
        selection.refuse_unknown("factor", factor, [item.name for item in study.inputs], "priors")
        inputs = [item for item in study.inputs if item.name == factor]
    names = {item.name: study.title("factors", item.name) for item in inputs}
    rows = [{"panel": names[item.name], **row} for item in inputs for row in _law(item)]
    axes = {names[item.name]: labels.with_unit(item.family or "given", item.unit) for item in inputs}
    note = (
        "Densities are scaled to the same height; separate values are bars of their probability. No triangle: given by"
        " its parameters."
    )
    title = _matches(study, inputs) if inputs else f"Priors of {study.name}: none"
    return frame(rows, title, note, panels=axes, nothing="the model has no factors")


def _law(item: Input) -> Iterator[dict[str, Any]]:
    law = item.marginal
    # a standard deviation is no place on the axis
    places = [target for target in item.targets if not target.label.endswith("sd")]
    low, high = (float(x) for x in law.quantile(np.array(DENSITY_ENDS)))
    stated = [place.value for place in places if np.isfinite(place.value)]
    low, high = min([low, *stated]), max([high, *stated])
    steps = law.steps if high > low else (np.array([low]),)
    if steps is not None:
        at = np.asarray(steps[0], np.float64)
        at = at[(at >= low) & (at <= high)]
        chance = law.cdf(at) - law.below(at) if high > low else np.ones(1)
        half = 0.4 * float(np.diff(at).min()) if len(at) > 1 else 0.02 * max(abs(low), 1.0)
        for x, share in zip(at.tolist(), (chance / max(chance.max(), 1e-300)).tolist(), strict=True):
            yield {"part": "bar", "x": x - half, "x2": x + half, "y": share, "y2": 0.0}
    else:
        room = 0.04 * (high - low)
        for x, height in zip(*density(item, low - room, high + room), strict=True):
            yield {"part": "density", "x": float(x), "y": float(height), "y2": 0.0}
    for place in places:
        yield {"part": "asked", "x": float(place.value), "y": 1.12}
        yield {"part": "fitted", "x": float(place.fitted), "y": 0.14, "y2": 0.0}


def density(item: Input, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """Points between two ends and the density there, scaled to a maximum of 1, from differences of the cdf."""
    edges = np.linspace(low, high, POINTS + 1)
    share = np.diff(item.marginal.cdf(edges))
    return 0.5 * (edges[1:] + edges[:-1]), share / max(float(share.max()), 1e-300)


def _matches(study: Study, inputs: Sequence[Input]) -> str:
    """The title: how many laws match what the study states."""
    stated = [item for item in inputs if item.targets]
    off = [
        study.title("factors", item.name)
        for item in stated
        if any(abs(a.fitted - a.value) > CLOSE * max(abs(a.value), 1e-12) for a in item.targets)
    ]
    head = f"{len(inputs)} priors of {study.name}"
    if len(inputs) == 1:
        head = f"Prior of {study.title('factors', inputs[0].name)}"
    if not stated:
        return f"{head}: given by parameters"
    if not off:
        return f"{head}: what the study states of {len(stated)} is met within {100 * CLOSE:g} %"
    named = f", {off[0]} among them" if len(off) > 1 else f", {off[0]}"
    return f"{head}: of {len(stated)} with stated values, {len(off)} miss them by more than {100 * CLOSE:g} %{named}"
