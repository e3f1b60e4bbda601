"""Risk measures as small multiples: mean, VaR and ES with their intervals, by policy, a panel per place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from engine.plots import labels, selection, style, ticks
from engine.plots.bars import arms
from engine.plots.sheet import blank, labelled, sheet
from engine.plots.style import Axes, Figure, Look
from engine.risk.estimation.intervals import Estimate

MEASURES = ("mean", "VaR95", "VaR99", "ES99")


@style.styled
def tails(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Mapping[str, str] | None = None,
    policies: Sequence[str] | None = None,
    year: int | None = None,
) -> Figure:
    """Mean, VaR and ES of a yearly variable in one year, or of an outcome, with their 95 % intervals.

    Where a variable has several dimensions, the labels of the last one are the columns.

    Args:
      cube: what `engine.open_cube` gives.
      variable: a yearly variable or an outcome; the first yearly one if not given, the first outcome where there is
        none.
      where: label by dimension; a panel for each label of those that are left.
      policies: which, in this order; all of them if not given.
      year: of a yearly variable; the last if not given.

    Raises:
      UserError: no such variable, label, policy or year.
    """
    values, when = _values(cube, variable, where, year)
    names, places = selection.policies_to_show(values, policies), selection.places(values)
    looks = selection.looks(values)
    several = len(places) > 1
    axis = labels.unit(values) if several else labels.label(values)
    high = max(1.5 if several else 2.6, len(MEASURES) * (0.08 + 0.075 * len(names)))
    on = sheet(len(places), selection.columns(values), (2.3 if several else 5.0, high))
    for ax, place in zip(on.panels, places, strict=True):
        _panel(ax, values.sel(place), names, looks)
        labelled(ax, axis, None, ", ".join(place.values()))
    for ax in on.panels:
        if ax.containers:
            ax.set_xlim(*ticks.roomy(*ax.get_xlim()))
            ticks.numbers(ax, y=False)
    worst = {name: [estimate(values.sel(place), name, "ES99") for place in places] for name in names}
    title, at = _worst(values, worst, places)
    name = labels.heading(values) + labels.place({**(where or {}), **at}) + when
    low = "" if values.attrs.get("worse") != "low" else " Low is worse: VaR and ES are of the low side."
    scale = " Each panel has a scale of its own." if several else ""
    note = f"Bars: 95 % interval; hollow: too few paths for one.{scale}{low}{labels.meaning(values)}"
    keys = style.keys(looks, selection.titles(values), names, lined=False)
    return on.close(f"{name}: {title}", note, keys)


def _values(
    cube: xr.DataTree, variable: str | None, where: Mapping[str, str] | None, year: int | None
) -> tuple[xr.DataArray, str]:
    """Measures of the variable [policy, measure, stat, ...], and the words for its year."""
    risk = {str(name): v for name, v in cube["risk"].data_vars.items() if "measure" in v.dims}
    by_year = selection.by_year(cube, "risk/yearly")
    name = variable if variable is not None or by_year else next(iter(selection.outcomes(cube)), next(iter(risk)))
    if name in risk and not (by_year and name in cube["risk/yearly"].data_vars):
        return risk[name].load(), ""
    if not by_year:
        selection.refuse_unknown("variable", str(name), risk, "tails")
    values = selection.yearly(cube, "risk/yearly", name, where, "tails", risk)
    years = [int(y) for y in values["year"].values]
    chosen = years[-1] if year is None else year
    selection.refuse_year(chosen, years, "tails")
    return values.sel(year=chosen).load(), f" in {chosen}"


def _panel(ax: Axes, values: xr.DataArray, names: Sequence[str], looks: Mapping[str, Look]) -> None:
    step = 0.8 / max(len(names), 1)
    for k, name in enumerate(names):
        look = looks[name]
        for row, measure in enumerate(MEASURES):
            of, y = estimate(values, name, measure), row + step * (k - (len(names) - 1) / 2)
            if not np.isfinite(of.estimate):
                continue
            known = np.isfinite(of.low) and np.isfinite(of.high)
            ax.errorbar(
                [of.estimate],
                [y],
                xerr=arms([of]) if known else None,
                **look.dot,
                markersize=4.5 if len(names) < 6 else 3,
                markerfacecolor=look.colour if known else style.PAPER,
                elinewidth=1.2,
                capsize=0 if len(names) > 5 else 2,
            )
    if not np.isfinite([estimate(values, name, m).estimate for name in names for m in MEASURES]).any():
        blank(ax, "no finite value")
        return
    ax.set_ylim(len(MEASURES) - 0.5, -0.5)
    ax.set_yticks(range(len(MEASURES)), labels=list(MEASURES))


def estimate(values: xr.DataArray, policy: str, measure: str) -> Estimate:
    """One number of a table [policy, measure, stat] with its interval."""
    return Estimate(*values.sel(policy=policy, measure=measure).values.tolist())


def _worst(
    values: xr.DataArray, tails: Mapping[str, Sequence[Estimate]], places: Sequence[Mapping[str, str]]
) -> tuple[str, Mapping[str, str]]:
    """The title on the mean of the worst 1 %, and the place it is for, where the estimate is worst."""
    sign = -1 if values.attrs.get("worse") == "low" else 1
    table = sign * np.array([[e.estimate for e in row] for row in tails.values()])
    worst = int(np.nanargmax(np.nanmax(np.where(np.isnan(table), -np.inf, table), axis=0)))
    more = f" (of {len(places)} places the worst estimate)" if len(places) > 1 else ""
    called = selection.called(values)
    title = labels.sentence(
        "the mean of the worst 1 % of futures", {called[name]: row[worst] for name, row in tails.items()}
    )
    return title + more, places[worst]
