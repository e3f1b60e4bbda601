"""Tables of yearly variables: how futures spread by year, measures in one year, one path in full."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.charts import labels, selection
from engine.charts.tables.frames import ends, frame, of_outcome
from engine.charts.tables.outcomes import exceedance
from engine.risk.estimation.intervals import Estimate, Z
from engine.study.study import Study

QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
MEASURES = ("mean", "VaR95", "VaR99", "ES99")
MOST = 12
"""Most variables of a replay that are drawn together."""
_ACROSS = {"sum": "sum", "mean": "mean", "peak": "max", "lowest": "min"}
_WORDS = {"sum": "sum over", "mean": "mean over", "peak": "highest of", "lowest": "lowest of"}
Place = Mapping[str, str]


def reach(units: int) -> float:
    """Half-width in probability of the median's 95 % interval: Z / (2 sqrt(units)); NaN below 4 units.

    The interval goes from the quantile at 0.5 minus this number to the quantile at 0.5 plus it.
    """
    return Z * 0.5 / float(np.sqrt(units)) if units > 3 else np.nan


def fan(
    cube: xr.DataTree, variable: str | None = None, where: Place | None = None, policies: Sequence[str] | None = None
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
    if not selection.by_year(cube, "distribution"):
        return _spread(cube, variable, policies)
    values = selection.yearly(cube, "distribution", variable, where, "fan").load()
    names, titles = selection.policies_to_show(values, policies), selection.titles(values)
    sample = int(values.attrs.get("sample_paths", cube.attrs.get("paths", 0)))
    far = reach(sample // int(cube.attrs["independent_unit"]))
    stored, levels = values["quantile"].values, {**QUANTILES, "low": 0.5 - far, "high": 0.5 + far}
    places = selection.places(values)
    rows = list[dict[str, Any]]()
    for place, name in ((place, name) for place in places for name in names):
        own = values.sel(place | {"policy": name}).transpose("quantile", "year").values
        for year, column in zip(values["year"].values.tolist(), own.T, strict=True):
            quantiles = {
                key: float(np.interp(q, stored, column)) if np.isfinite(q) else np.nan for key, q in levels.items()
            }
            rows.append({"panel": ", ".join(place.values()), "policy": titles[name], "year": int(year), **quantiles})
    last = {row["policy"]: row for row in rows if row["panel"] == rows[0]["panel"]}
    called = selection.called(values)
    medians = {called[name]: _median(last[titles[name]]) for name in names}
    at = {**(where or {}), **places[0]}
    return frame(
        rows,
        labels.sentence(f"{labels.heading(values)}{labels.place(at)}: the median of {rows[-1]['year']}", medians),
        f"{labels.counted(sample, 'path')}. Bands: half and nine tenths of the futures; points: median with its 95 %"
        f" interval.{labels.meaning(values)}",
        label=labels.label(values),
        unit=labels.unit(values),
        columns=selection.columns(values),
        policies=[*titles.values()],
        shown=[titles[name] for name in names],
        panels=[", ".join(place.values()) for place in places],
        nothing="no finite value",
    )


def _median(row: Mapping[str, Any]) -> Estimate:
    return Estimate(row["median"], np.nan, row["low"], row["high"])


def _spread(cube: xr.DataTree, variable: str | None, policies: Sequence[str] | None) -> pd.DataFrame:
    """Quantiles of an outcome, a row for each policy; in place of a fan for a model without years."""
    kept = selection.outcome(cube, variable, policies, "fan")
    rows, medians = list[dict[str, Any]](), dict[str, Estimate]()
    for name in kept.policies:
        values = kept.finite(name)
        if not len(values):
            medians[name] = labels.UNKNOWN
            continue
        far = reach(len(values) // kept.unit)
        levels = {**QUANTILES, "low": 0.5 - far, "high": 0.5 + far}
        row = {key: float(np.quantile(values, q)) if np.isfinite(q) else np.nan for key, q in levels.items()}
        rows.append({"panel": "", "policy": kept.titles[name], **row})
        medians[name] = _median(row)
    return frame(
        rows,
        labels.sentence(f"{kept.heading}: the median", kept.by_call(medians)),
        f"{kept.counted}, without years. Bars: half and nine tenths of the futures; points: median with its 95 %"
        f" interval.{kept.meaning()}{kept.lost()}",
        **of_outcome(kept),
        unit=kept.unit_text,
        columns=1,
        panels=[""],
        nothing="no finite value",
    )


def overview(
    cube: xr.DataTree,
    study: Study,
    variable: str | None = None,
    where: Place | None = None,
    policies: Sequence[str] | None = None,
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
    return curves, fan(cube, terms[0].variable, {**(where or {}), **free}, policies)


def tails(
    cube: xr.DataTree,
    variable: str | None = None,
    where: Place | None = None,
    policies: Sequence[str] | None = None,
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
    names, titles, called = (
        selection.policies_to_show(values, policies),
        selection.titles(values),
        selection.called(values),
    )
    places = selection.places(values)
    found = {
        (k, name, measure): Estimate(*values.sel(place | {"policy": name, "measure": measure}).values.tolist())
        for k, place in enumerate(places)
        for name in names
        for measure in MEASURES
    }
    rows = [
        {"panel": ", ".join(places[k].values()), "policy": titles[name], "measure": measure, **ends(one)}
        for (k, name, measure), one in found.items()
    ]
    low_is_worse = values.attrs.get("worse") == "low"
    worst = [np.nan_to_num(found[k, names[0], "ES99"].estimate, nan=-np.inf) for k in range(len(places))]
    k = int(np.argmin(worst) if low_is_worse else np.argmax(worst))
    at = labels.place({**(where or {}), **places[k]})
    title = labels.sentence(
        f"{labels.heading(values)}{at}{when}: the mean of the worst 1 %",
        {called[name]: found[k, name, "ES99"] for name in names},
    )
    note = "Bars: 95 % interval."
    note += " Each panel has a scale of its own." * (len(places) > 1)
    note += " Low is worse: VaR and ES are of the low side." * low_is_worse + labels.meaning(values)
    return frame(
        rows,
        title,
        note,
        label=labels.label(values),
        unit=labels.unit(values),
        columns=selection.columns(values),
        policies=[*titles.values()],
        shown=[titles[name] for name in names],
        panels=[", ".join(place.values()) for place in places],
        nothing="no finite value",
    )


def _measures(
    cube: xr.DataTree, variable: str | None, where: Place | None, year: int | None
) -> tuple[xr.DataArray, str]:
    """Measures of the variable [..., stat] in the order of `Estimate`, and the words for its year."""
    risk = {str(name): v for name, v in cube["risk"].data_vars.items() if "measure" in v.dims}
    by_year = selection.by_year(cube, "risk/yearly")
    name = variable if variable is not None or by_year else next(iter(selection.outcomes(cube)), next(iter(risk)))
    values, when = risk.get(str(name)), ""
    if values is None or (by_year and name in cube["risk/yearly"].data_vars):
        if not by_year:
            selection.refuse_unknown("variable", str(name), risk, "tails")
        values = selection.yearly(cube, "risk/yearly", name, where, "tails", risk)
        years = [int(y) for y in values["year"].values]
        chosen = years[-1] if year is None else year
        selection.refuse_year(chosen, years, "tails")
        values, when = values.sel(year=chosen), f" in {chosen}"
    stats = ["estimate", "standard_error", "low", "high"]
    return values.load().sel(stat=stats).transpose(..., "stat"), when


@dataclass(frozen=True)
class Line:
    """One number per year of a variable: which of its cells are taken, and how they are aggregated."""

    variable: str
    over: Mapping[str, tuple[str, ...]]
    across: str = "mean"


def replay(
    story: xr.DataTree,
    study: Study,
    variable: str | None = None,
    where: Place | None = None,
    policies: Sequence[str] | None = None,
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
    number = f"Path {story.attrs.get('path', '')}".strip()
    is_yearly = "yearly" in story.children
    group = story["yearly" if is_yearly else "outcomes"].to_dataset()
    names = [str(name) for name in group.data_vars]
    if is_yearly:
        lines = headline(study) if variable is None else [Line(variable, {})]
        _refuse_places(story, group, [variable] if variable is not None else names, where or {})
        shown = _series(group, lines, where or {}, variable)
    else:
        if variable is not None:
            selection.refuse_unknown("variable", variable, names, "replay")
        lines = [Line(name, {}) for name in names if variable in (None, name)]
        shown = {labels.label(group[one.variable]): group[one.variable] for one in lines}
    first = group[lines[0].variable]
    chosen, titles = selection.policies_to_show(first, policies), selection.titles(first)
    rows = [
        {"panel": panel, "policy": titles[name], "value": value, **({"year": int(year)} if is_yearly else {})}
        for panel, values in shown.items()
        for name in chosen
        for year, value in _by_year(values.sel(policy=name))
    ]
    what = (
        labels.heading(first) if variable else labels.counted(len(lines), "yearly variable" if is_yearly else "outcome")
    )
    under = labels.policies([selection.called(first)[name] for name in chosen])
    years = [int(year) for year in group["year"].values] if is_yearly else []
    span = f", {years[0]}-{years[-1]}" if len(years) > 1 else f", {years[0]}" if years else ""
    seed = f", seed {story.attrs['seed']}" if "seed" in story.attrs else ""
    left = labels.meaning(first) if variable else f" Those of {len(names)} that outcomes are made of." * is_yearly
    return frame(
        rows,
        f"{number}{labels.place(where or {})}: {what}{span}, under {under}",
        f"{story.attrs.get('title', '')}{seed}. One future, no estimate: no interval.{left}",
        policies=[*titles.values()],
        shown=[titles[name] for name in chosen],
        panels=[*shown],
        nothing="not finite",
    )


def headline(study: Study) -> list[Line]:
    """The recorded variables that outcomes are folded from, each once, in that order; else the model's first ones."""
    model, lines = study.model, dict[str, Line]()
    for outcome in model.outcomes.values():
        for term in outcome.terms:
            if term.variable in model.yearly:
                lines.setdefault(term.variable, Line(term.variable, dict(term.over), term.across))
    return [*lines.values()][:MOST] or [Line(name, {}) for name in [*model.yearly][:MOST]]


def _refuse_places(story: xr.DataTree, group: xr.Dataset, names: Sequence[str], where: Place) -> None:
    """Refuses an unknown variable, and labels of dimensions that none of the variables has."""
    has = {dim for values in group.data_vars.values() for dim in selection.place_dims(values)}
    for name in names:
        own = {d: v for d, v in where.items() if name not in group or d not in has or d in group[name].dims}
        selection.yearly(story, "yearly", name, own, "replay")


def _series(group: xr.Dataset, lines: Sequence[Line], where: Place, variable: str | None) -> dict[str, xr.DataArray]:
    """Values [policy, year] by the heading of their panel."""
    if variable is not None:
        values = group[variable].sel({dim: label for dim, label in where.items() if dim in group[variable].dims})
        return {
            ", ".join(place.values()) or labels.label(values): values.sel(place) for place in selection.places(values)
        }
    return dict(_folded(group[line.variable], line, where) for line in lines)


def _folded(values: xr.DataArray, line: Line, where: Place) -> tuple[str, xr.DataArray]:
    here = {dim: label for dim, label in where.items() if dim in values.dims}
    values = values.sel(here)
    free = selection.place_dims(values)
    taken = {dim: chosen for dim, chosen in line.over.items() if dim in free}
    cells = values.sel({dim: list(chosen) for dim, chosen in taken.items()})
    one = getattr(cells, _ACROSS[line.across])(list(free), skipna=False) if free else cells
    named = ", ".join(label for chosen in taken.values() for label in chosen)
    whole = " and ".join(dim for dim in free if dim not in taken)
    over = f"{_WORDS[line.across]} {' by '.join(filter(None, (named, whole)))}" if free else ""
    about = ", ".join(filter(None, (*here.values(), over)))
    return f"{labels.label(values)}{f', {about}' if about else ''}", one


def _by_year(values: xr.DataArray) -> Iterator[tuple[int, float]]:
    years = values["year"].values.tolist() if "year" in values.dims else [0]
    return zip(years, np.atleast_1d(values.values).astype(float).tolist(), strict=True)
