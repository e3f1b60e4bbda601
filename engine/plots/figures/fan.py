"""Fans: how the futures spread year by year, by policy, one panel a place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import BANDS, at, bar, medians, reach, spread, whiskers
from engine.plots.sheet import blank, finish, labelled, sheet, single
from engine.plots.style import Axes, Figure

MOST_BANDS = 3
"""Policies whose bands can lie over one another; of more the last year has bars instead."""


@style.styled
def fan(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """Years of a yearly variable by policy: the median with its interval, and the bands that hold half and nine tenths of the futures.

    Args:
      cube: what `engine.open_cube` gives.
      variable: a yearly variable; the first if not given.
      where: label by dimension, for each dimension that the variable has.
      policies: which, in this order; all of them if not given.
      ax: axes to draw into; new ones if not given.

    Raises:
      UserError: no such variable, label or policy; a dimension without a label (`fans` draws a panel for each).
    """
    values = selection.yearly(cube, "distribution", variable, where, "fan").load()
    values = values.squeeze([dim for dim in selection.place_dims(values) if values.sizes[dim] == 1])
    selection.refuse_free(values, "fan")
    names = selection.shown(values, policies)
    ax, on = single(ax)
    _draw(ax, values, names, _count(cube, values))
    labelled(ax, "year", labels.label(values))
    return finish(
        ax,
        on,
        _title(cube, values, names, where or {}),
        _note(values, names),
        style.keys(selection.looks(values), names, marked=True),
    )


@style.styled
def fans(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
) -> Figure:
    """The same with a panel for each label that `where` leaves open; of a model without years, the spread of an outcome.

    Raises:
      UserError: no such variable, label or policy.
    """
    if not selection.by_year(cube, "distribution"):
        return spread(cube, variable, policies)
    values = selection.yearly(cube, "distribution", variable, where, "fan").load()
    names, places = selection.shown(values, policies), selection.places(values)
    several = len(places) > 1
    axis = labels.unit(values) if several else labels.label(values)
    on = sheet(len(places), selection.columns(values), (2.5, 1.9) if several else (5.4, 3.3))
    for ax, place in zip(on.panels, places, strict=True):
        _draw(ax, values.sel(place), names, _count(cube, values))
        labelled(ax, "year", axis, ", ".join(place.values()))
    title = _title(cube, values.sel(places[0]), names, {**(where or {}), **places[0]})
    more = f" {labels.heading(labels.label(values))}." if several else ""
    return on.close(
        title, _note(values, names) + more, style.keys(selection.looks(values), names, marked=True)
    )


def _draw(ax: Axes, values: xr.DataArray, names: Sequence[str], units: int) -> None:
    years = values["year"].values.astype(int)
    looks = selection.looks(values)
    lone, banded = len(years) == 1, len(names) <= MOST_BANDS and len(years) > 1
    beyond = 0.0 if banded or lone else 0.3 * (years[-1] - years[0])
    marks = np.unique(np.linspace(0, len(years) - 1, min(len(years), 4)).astype(int))
    for k, name in enumerate(names):
        look, levels = looks[name], values["quantile"].values
        quantiles = values.sel(policy=name).transpose("quantile", "year").values
        # beside each other, not over each other
        aside = (k + 1) / (len(names) + 1)
        if banded:
            for low, high, strength in BANDS:
                below, above = (at(levels, quantiles, q) for q in (low, high))
                ax.fill_between(years, below, above, color=look.colour, alpha=strength, linewidth=0)
        else:
            ends = {q: float(at(levels, quantiles, q)[-1]) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
            bar(ax, years[-1] + (aside - 0.5 if lone else aside * beyond), ends, look)
        if not lone:
            ax.plot(years, at(levels, quantiles, 0.5), **look.line)
        x = years[marks] + (aside - 0.5) * (1.0 if lone else 0.02 * (years[-1] - years[0]))
        whiskers(ax, x.tolist(), medians(levels, quantiles[:, marks], reach(units)), look)
    if not np.isfinite(values.sel(policy=list(names)).values).any():
        blank(ax, "no finite value")
        return
    ticks.years(ax, int(years[0]), int(years[-1]), beyond)
    ticks.numbers(ax, x=False)


def _count(cube: xr.DataTree, values: xr.DataArray) -> int:
    """Independent units that the quantiles come from."""
    paths = int(values.attrs.get("sample_paths", cube.attrs.get("paths", 0)))
    return paths // int(cube.attrs["independent_unit"])


def _title(cube: xr.DataTree, values: xr.DataArray, names: Sequence[str], where: Mapping[str, str]) -> str:
    last = values.sel(policy=list(names)).isel(year=-1).transpose("quantile", "policy")
    estimates = medians(last["quantile"].values, last.values, reach(_count(cube, values)))
    what = f"{labels.heading(values.name)}{labels.place(where)}: the median of {int(last['year'])}"
    return labels.sentence(what, dict(zip(names, estimates, strict=True)))


def _note(values: xr.DataArray, names: Sequence[str]) -> str:
    sample = values.attrs.get("sample_paths")
    over = f"{labels.counted(int(sample), 'path')}. " if sample else ""
    spread = "Bands" if len(names) <= MOST_BANDS and values.sizes["year"] > 1 else "Bars of the last year"
    return f"{over}{spread}: half and nine tenths of the futures; points: median with its 95 % interval."
