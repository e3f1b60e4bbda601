"""Tables of yearly variables: how futures spread by year, measures in one year, one path in full."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
import pandas as pd
import xarray as xr

from engine.answers.as_text import some
from engine.charts import labels, selection
from engine.charts.selection import EVERYWHERE, Place, Policies
from engine.charts.tables.frames import Rows, ends, frame
from engine.charts.tables.outcomes import exceedance
from engine.errors import Problem, UserError
from engine.formatting import counted
from engine.risk.estimation.intervals import Estimate, Z
from engine.study.study import Study

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
MEASURES = ("mean", "VaR95", "VaR99", "ES99")
MOST = 12
"""Most variables of a replay that are drawn together."""
_ACROSS = {"sum": "sum", "mean": "mean", "peak": "max", "lowest": "min"}
"""How cells make one number -> the method of an array that does it."""
Line: TypeAlias = tuple[Mapping[str, tuple[str, ...]], str]
"""Which cells of a yearly variable make one number a year, by dimension; and how they do."""


def fan(
    cube: xr.DataTree, variable: str | None = None, where: Place = EVERYWHERE, policies: Policies = None
) -> pd.DataFrame:
    """Quantiles of a yearly variable, a row for each place, policy and year; of an outcome for a model without years.

    The columns `low` and `high` are the 95 % interval of the median.

    Args:
      cube: what `engine.open_cube` gives.
      variable: a yearly variable; the first if not given.
      where: label by dimension; a panel for each label of those that are left.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: no such variable, label or policy.
    """
    rows, unit = Rows(), int(cube.attrs["independent_unit"])
    if selection.by_year(cube, "distribution"):
        values = (
            selection.yearly(cube, "distribution", variable, where, "fan").load().transpose(..., "year", "quantile")
        )
        kept, place = selection.shown(cube, values, policies), {**where, **selection.places(values)[0]}
        sample = int(values.attrs.get("sample_paths", cube.attrs.get("paths", 0)))
        at, years = values["quantile"].values, values["year"].values.tolist()
        for here, name in itertools.product(selection.places(values), kept.policies):
            named = {"panel": ", ".join(here.values()), "policy": kept.titles[name]}
            for year, stored in zip(years, values.sel(here | {"policy": name}).values, strict=True):
                rows.append({**named, "year": year, **_quantiles(at, stored, sample // unit)})
        what, note = f"{labels.place(place)}: the median of {years[-1]}", f"{counted(sample, 'path')}. Bands"
        left = labels.meaning(values)
    else:
        kept = selection.outcome(cube, variable, policies, "fan")
        for name in kept.policies:
            own = np.sort(kept.of(name)[np.isfinite(kept.of(name))])
            quantiles = _quantiles(np.linspace(0, 1, len(own)), own, len(own) // unit)
            rows.append({"panel": "", "policy": kept.titles[name], **quantiles})
        what, note, left = ": the median", f"{kept.counted}, without years. Bars", kept.note()
    last = {
        row["policy"]: Estimate(row["median"], np.nan, row["low"], row["high"])
        for row in rows
        if row["panel"] == rows[0]["panel"]
    }
    return frame(
        rows,
        kept.sentence(labels.heading(kept.values) + what, dict(zip(kept.policies, last.values(), strict=True))),
        f"{note} contain 50 % and 90 % of the futures; points are medians with 95 % intervals.{left}",
        **kept.about,
        nothing="no finite value",
    )


def _quantiles(at: np.ndarray, values: np.ndarray, units: int) -> dict[str, float]:
    """Quantiles, and the 95 % interval of the median, from the quantiles at some probabilities; NaN where none is.

    The interval goes from the quantile at 0.5 - Z / (2 sqrt(units)) to that at 0.5 + Z / (2 sqrt(units)); it is NaN
    below 4 units.
    """
    far = Z * 0.5 / np.sqrt(units) if units > 3 else np.nan
    levels = {**QUANTILES, "low": 0.5 - far, "high": 0.5 + far}
    found = np.interp([*levels.values()], at, values) if len(at) else np.full(len(levels), np.nan)
    return dict(zip(levels, found.tolist(), strict=True))


def overview(
    cube: xr.DataTree, study: Study, variable: str | None = None, where: Place = EVERYWHERE, policies: Policies = None
) -> tuple[pd.DataFrame, ...]:
    """Exceedance curves of an outcome, and the fan of the first recorded yearly variable that it is folded from.

    The curves alone for a model without years, or an outcome that is folded from no recorded variable.

    Args:
      cube: what `engine.open_cube` gives.
      study: its study, whose model says how outcomes are folded from yearly variables.
      variable: an outcome kept per path; the first if not given.
      where: label by dimension, of the fan; the first that the outcome takes of each dimension if not given.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: the outcome is not kept per path, no such label or policy.
    """
    curves = exceedance(cube, variable, policies)
    name = str(selection.outcome(cube, variable, policies, "overview").values.name)
    terms = [term for term in study.model.outcomes[name].terms if term.variable in study.model.yearly]
    if not terms or not selection.by_year(cube, "distribution"):
        return (curves,)
    values = selection.yearly(cube, "distribution", terms[0].variable, where, "overview")
    taken = dict(terms[0].over)
    free = {dim: taken.get(dim, tuple(map(str, values[dim].values)))[0] for dim in selection.place_dims(values)}
    place = {**where, **free}
    years = fan(cube, terms[0].variable, place, policies)
    years.attrs["head"] = f"{years.attrs['label']}{labels.place(place)}, year by year"
    return curves, years


def tails(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Place = EVERYWHERE,
    policies: Policies = None,
    year: int | None = None,
) -> pd.DataFrame:
    """Mean, VaR and ES of a yearly variable in one year, or of an outcome, with their 95 % intervals.

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
    values, when = _measures(cube, variable, where, year)
    kept, places = selection.shown(cube, values, policies), selection.places(values)

    def found(place: Place, policy: str, measure: str) -> Estimate:
        return Estimate(*values.sel({**place, "policy": policy, "measure": measure}).values.tolist())

    rows = [
        {"panel": ", ".join(place.values()), "policy": kept.titles[name], "measure": measure}
        | ends(found(place, name, measure))
        for place, name, measure in itertools.product(places, kept.policies, MEASURES)
    ]
    several = len(places) > 1
    at = {**where, **({} if several else places[0])}
    what = f"{labels.heading(values)}{labels.place(at)}{when}: the mean of the worst 1 %"
    note = "Bars: 95 % interval." + " Each panel has a scale of its own." * several
    note += " Low is worse: VaR and ES are of the low side." * (not kept.loss) + labels.meaning(values)
    worst = {
        kept.called[name] + f" in {', '.join(place.values())}" * several: found(place, name, "ES99")
        for place, name in itertools.product(places, kept.policies)
    }
    title = labels.sentence(what, worst, cases="pairs of policy and place" if several else "policies")
    return frame(rows, title, note, **kept.about, nothing="no finite value")


def _measures(cube: xr.DataTree, variable: str | None, where: Place, year: int | None) -> tuple[xr.DataArray, str]:
    """Measures of the variable [..., stat] in the order of `Estimate`, and the words for its year."""
    risk = {str(name): v for name, v in cube["risk"].data_vars.items() if "measure" in v.dims}
    by_year, when = selection.by_year(cube, "risk/yearly"), ""
    if by_year and (variable not in risk or variable in cube["risk/yearly"].data_vars):
        values = selection.yearly(cube, "risk/yearly", variable, where, "tails", risk)
        years = values["year"].values.tolist()
        chosen = years[-1] if year is None else year
        if chosen not in years:
            raise UserError("tails", [Problem("year", f"expected {years[0]} to {years[-1]}, got {year}.")])
        values, when = values.sel(year=chosen), f" in {chosen}"
    else:
        name = next(iter(selection.outcomes(cube)), next(iter(risk))) if variable is None else variable
        selection.refuse_unknown("variable", name, risk, "tails")
        values = risk[name]
    stats = ["estimate", "standard_error", "low", "high"]
    return values.load().sel(stat=stats).transpose(..., "stat"), when


def replay(
    story: xr.DataTree, study: Study, variable: str | None = None, where: Place = EVERYWHERE, policies: Policies = None
) -> pd.DataFrame:
    """One path: a panel per yearly variable that an outcome is folded from, its cells aggregated as the outcome does.

    For one variable a panel per place; for a model without years a panel per outcome. Nothing here is an estimate.

    Args:
      story: what `engine.runs.replay` gives for one path.
      study: its study, whose model says how outcomes are folded from yearly variables.
      variable: one yearly variable; if not given, those that outcomes are folded from.
      where: label by dimension, for the variables that have it.
      policies: which, in this order; all of them if not given.

    Raises:
      UserError: no such variable, label or policy.
    """
    is_yearly = "yearly" in story.children
    group = story["yearly" if is_yearly else "outcomes"].to_dataset()
    if is_yearly:
        shown = _courses(story, group, study, variable, where)
    else:
        if variable is not None:
            selection.refuse_unknown("variable", variable, map(str, group), "replay")
        shown = {labels.label(values): values for name, values in group.items() if variable in (None, name)}
    kept = selection.shown(story, group[variable or next(iter(group))], policies)
    rows = [
        {"panel": panel, "policy": kept.titles[name], **row}
        for panel, values in shown.items()
        for name in kept.policies
        for row in _by_year(values.sel(policy=name))
    ]
    what = f"{counted(len(shown), 'yearly variable' if is_yearly else 'outcome')}"
    left = f" {counted(len(group), 'variable')} in all." * is_yearly
    if variable is not None:
        what, left = labels.heading(kept.values), labels.meaning(kept.values)
    span = ", " + "-".join(dict.fromkeys(map(str, group["year"].values[[0, -1]]))) if is_yearly else ""
    return frame(
        rows,
        f"Path {story.attrs['path']}{labels.place(where)}: {what}{span},"
        f" under {some([kept.called[name] for name in kept.policies])}",
        f"{story.attrs['title']}, seed {story.attrs['seed']}. The values of one path have no interval.{left}",
        **kept.about | {"panels": [*shown]},
        nothing="not finite",
    )


def headline(study: Study) -> dict[str, Line]:
    """The recorded variables that outcomes are folded from, or else the model's first ones: their cells, and how."""
    lines = dict[str, Line]()
    for outcome in study.model.outcomes.values():
        for term in outcome.terms:
            if term.variable in study.model.yearly:
                lines.setdefault(term.variable, (dict(term.over), term.across))
    lines = lines or {name: ({}, "mean") for name in study.model.yearly}
    return dict([*lines.items()][:MOST])


def _courses(
    story: xr.DataTree, group: xr.Dataset, study: Study, variable: str | None, where: Place
) -> dict[str, xr.DataArray]:
    """Values [policy, year] by the heading of their panel: a place of the variable, or a variable.

    Raises:
      UserError: no such variable, or a label that none of the variables has.
    """
    lines = headline(study) if variable is None else {variable: ({}, "mean")}
    known = {dim for name in lines if name in group for dim in group[name].dims}
    shown = dict[str, xr.DataArray]()
    for name, (over, across) in lines.items():
        here = {dim: label for dim, label in where.items() if dim not in known or dim in group[name].dims}
        values = selection.yearly(story, "yearly", name, here, "replay")
        if variable is None:
            about, folded = _folded(values, over, across)
            shown[", ".join([labels.label(values), *here.values(), *about])] = folded
        else:
            places = {", ".join(place.values()) or labels.label(values): place for place in selection.places(values)}
            shown = {panel: values.sel(place) for panel, place in places.items()}
    return shown


def _folded(values: xr.DataArray, over: Mapping[str, Sequence[str]], across: str) -> tuple[list[str], xr.DataArray]:
    """The cells of a variable as one number a year, and that in words."""
    free = selection.place_dims(values)
    if not free:
        return [], values
    taken = {dim: list(chosen) for dim, chosen in over.items() if dim in free}
    named = ", ".join(label for chosen in taken.values() for label in chosen)
    whole = " and ".join(dim for dim in free if dim not in taken)
    reduced = getattr(values.sel(taken), _ACROSS[across])(list(free), skipna=False)
    return [f"{across} of {' by '.join(filter(None, (named, whole)))}"], reduced


def _by_year(values: xr.DataArray) -> list[dict[str, float]]:
    if "year" not in values.dims:
        return [{"value": float(values)}]
    return [
        {"value": value, "year": year}
        for year, value in zip(values["year"].values.tolist(), values.values.tolist(), strict=True)
    ]
