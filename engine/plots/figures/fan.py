"""Fan charts: quantiles of a yearly variable by year and policy, a panel per place (combination of labels)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import BANDS, at, bar, medians, reach, spread, whiskers
from engine.plots.sheet import Sheet, blank, finish, labelled, one_scale, sheet, single
from engine.plots.style import Artist, Axes, Figure, Look

MOST_BANDS = 3
"""Most policies whose bands are drawn over one another; more policies have a panel each."""
MOST_PANELS = 60
"""Most panels of one figure; if there would be more, bands are drawn over one another, lighter and with their edges."""
MOST_BESIDE = 6
"""Most panels of one place in a row."""


@style.styled
def fan(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
    *,
    ax: Axes | None = None,
) -> Axes:
    """A yearly variable by year and policy: the median with its interval, and bands of the middle 50 % and 90 %.

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
    names = selection.policies_to_show(values, policies)
    ax, on = single(ax)
    draw(ax, values, names, count(cube, values))
    labelled(ax, "year", labels.label(values))
    title, keys = _title(cube, values, names, where or {}), _keys(values, names)
    return finish(ax, on, title, note(values, len(names) > MOST_BANDS), keys)


@style.styled
def fans(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
) -> Figure:
    """As `fan`, a panel for each label that `where` leaves open; `bars.spread` of an outcome for a model without years.

    Raises:
      UserError: no such variable, label or policy.
    """
    if not selection.by_year(cube, "distribution"):
        return spread(cube, variable, policies)
    values = selection.yearly(cube, "distribution", variable, where, "fan").load()
    names, places = selection.policies_to_show(values, policies), selection.places(values)
    title = _title(cube, values.sel(places[0]), names, {**(where or {}), **places[0]})
    apart = len(names) > MOST_BANDS and len(names) * len(places) <= MOST_PANELS
    if apart:
        on, scale = (
            _panels_apart(cube, values, names, places),
            " Panels of one place have one scale; in grey: the median under the baseline.",
        )
    else:
        units = count(cube, values)
        on, scale = by_place(values, lambda ax, here: draw(ax, here, names, units)), ""
    crowded = len(names) > MOST_BANDS and not apart
    return on.close(title, note(values, crowded) + scale, _keys(values, names))


def by_place(values: xr.DataArray, drawn: Callable[[Axes, xr.DataArray], None]) -> Sheet:
    """A panel for each place, drawn by `drawn(ax, values there)`."""
    places = selection.places(values)
    several = len(places) > 1
    axis = labels.unit(values) if several else labels.label(values)
    on = sheet(len(places), selection.columns(values), (2.5, 1.9) if several else (5.4, 3.3))
    for ax, place in zip(on.panels, places, strict=True):
        drawn(ax, values.sel(place))
        labelled(ax, "year", axis, ", ".join(place.values()))
    return on


def _panels_apart(
    cube: xr.DataTree, values: xr.DataArray, names: Sequence[str], places: Sequence[Mapping[str, str]]
) -> Sheet:
    """A panel per place and policy, policies of a place side by side, with the baseline's median in grey in each."""
    columns = -(-len(names) // -(-len(names) // MOST_BESIDE))
    rows = -(-len(names) // columns)
    on = sheet(len(places) * rows * columns, columns, (2.3, 1.7) if len(places) == 1 else (1.7, 1.25))
    titles, base = selection.titles(values), selection.baseline(values)
    units = count(cube, values)
    for k, place in enumerate(places):
        own, here = on.panels[k * rows * columns :][: rows * columns], values.sel(place)
        for ax in own[len(names) :]:
            ax.set_visible(False)
        for ax, name in zip(own, names, strict=False):
            draw(ax, here, [name], units, behind=base if base in names and base != name else None)
            head = ", ".join([*place.values(), titles[name]])
            labelled(ax, "year", labels.unit(values), head)
        drawn = [ax for ax in own[: len(names)] if ax.lines]
        one_scale(drawn, "y")
        for ax in drawn:
            ticks.numbers(ax, x=False)
    return on


def draw(ax: Axes, values: xr.DataArray, names: Sequence[str], units: int, behind: str | None = None) -> None:
    """Draws the fans of some policies over one another; of more than `MOST_BANDS` policies lighter, and with edges.

    Args:
      behind: a policy whose median is drawn in grey behind them.
    """
    years = values["year"].values.astype(int)
    looks = selection.looks(values)
    lone, crowded = len(years) == 1, len(names) > MOST_BANDS
    beyond = 0.3 * (years[-1] - years[0]) if crowded and not lone else 0.0
    marks = np.unique(np.linspace(0, len(years) - 1, min(len(years), 4)).astype(int))
    levels = values["quantile"].values
    if behind is not None and not lone:
        median = at(levels, values.sel(policy=behind).transpose("quantile", "year").values, 0.5)
        ax.plot(years, median, color=style.GREY, linestyle=looks[behind].dash, linewidth=1)
    for k, name in enumerate(names):
        look = looks[name]
        quantiles = values.sel(policy=name).transpose("quantile", "year").values
        # policies side by side, not over each other
        aside = (k + 1) / (len(names) + 1)
        if not lone:
            bands(ax, years, levels, quantiles, look, len(names))
            ax.plot(years, at(levels, quantiles, 0.5), **look.line)
        if lone or crowded:
            ends = {q: float(at(levels, quantiles, q)[-1]) for q in (0.05, 0.25, 0.5, 0.75, 0.95)}
            bar(ax, years[-1] + (aside - 0.5 if lone else aside * beyond), ends, look)
        x = years[marks] + (aside - 0.5) * (1.0 if lone else 0.02 * (years[-1] - years[0]))
        whiskers(ax, x.tolist(), medians(levels, quantiles[:, marks], reach(units)), look)
    if not np.isfinite(values.sel(policy=list(names)).values).any():
        ax.clear()
        blank(ax, "no finite value")
        return
    ticks.years(ax, int(years[0]), int(years[-1]), beyond)
    ticks.numbers(ax, x=False)


def bands(
    ax: Axes, years: np.ndarray, levels: np.ndarray, quantiles: np.ndarray, look: Look, policies: int = 1
) -> None:
    """Draws the bands of the middle 50 % and 90 % of futures under one of `policies` policies."""
    crowded = policies > MOST_BANDS
    for low, high, strength in BANDS:
        below, above = (at(levels, quantiles, q) for q in (low, high))
        alpha = strength * (MOST_BANDS / policies if crowded else 1.0)
        ax.fill_between(years, below, above, color=look.colour, alpha=alpha, linewidth=0)
    if crowded:
        for q in (BANDS[0][0], BANDS[0][1]):
            ax.plot(years, at(levels, quantiles, q), **look.line, linewidth=0.6, alpha=0.7)


def count(cube: xr.DataTree, values: xr.DataArray) -> int:
    """Number of independent units that the quantiles come from."""
    paths = int(values.attrs.get("sample_paths", cube.attrs.get("paths", 0)))
    return paths // int(cube.attrs["independent_unit"])


def _title(cube: xr.DataTree, values: xr.DataArray, names: Sequence[str], where: Mapping[str, str]) -> str:
    last = values.sel(policy=list(names)).isel(year=-1).transpose("quantile", "policy")
    estimates = medians(last["quantile"].values, last.values, reach(count(cube, values)))
    what = f"{labels.heading(values)}{labels.place(where)}: the median of {int(last['year'])}"
    called = selection.called(values)
    return labels.sentence(what, dict(zip(map(called.__getitem__, names), estimates, strict=True)))


def _keys(values: xr.DataArray, names: Sequence[str]) -> list[Artist]:
    return [*style.keys(selection.looks(values), selection.titles(values), names)]


def note(values: xr.DataArray, crowded: bool) -> str:
    """The note that explains bands and points."""
    sample = values.attrs.get("sample_paths")
    over = f"{labels.counted(int(sample), 'path')}. " if sample else ""
    spread = "Bands" if values.sizes["year"] > 1 else "Bars of the one year"
    edges = " (their ends: thin lines, and bars behind the last year)" if crowded else ""
    return (
        f"{over}{spread}{edges}: half and nine tenths of the futures; points: median with its 95 %"
        f" interval.{labels.meaning(values)}"
    )
