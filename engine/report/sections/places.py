"""Year by year: for the whole and for every place, how the main yearly variables go, and a table of all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from engine.modelling.records import Fold, Yearly
from engine.report.charts import Chart
from engine.report.markup import Section, render
from engine.report.run_records import Material
from engine.report.sections.chances import KEYED
from engine.report.sections.headline import Group, Row, notes
from engine.report.sentences import NAMED
from engine.report.text import cell, compact, distance, listed, unit_of
from engine.risk.as_text import Cell, judged
from engine.risk.flags import Reason
from engine.risk.intervals import Estimate
from engine.risk.tables import Record, record
from engine.run_folder.cube_groups import STATS, words

MOST_CHARTS = 6
MOST_PLACES = 40
QUANTILES = {"q05": 0.05, "q25": 0.25, "y": 0.5, "q75": 0.75, "q95": 0.95}


def section(material: Material) -> Section | None:
    """A page for the whole, if something is recorded of it, and one for every label of the first dimension."""
    study = material.study
    spread = material.group("distribution")
    if not spread.data_vars or "year" not in spread.dims:
        return None
    yearly: Mapping[str, Yearly] = {
        name: entry for name, entry in getattr(study.model, "yearly", {}).items() if name in spread
    }
    dim = _main_dimension(yearly)
    wholes = [name for name, entry in yearly.items() if not entry.dims]
    pages = [_page(material, yearly, wholes, {}, "The whole", "place-whole")] if wholes else []
    labels = list(study.model.dims[dim])[:MOST_PLACES] if dim else []
    for k, label in enumerate(labels):
        names = [name for name, entry in yearly.items() if dim in entry.dims]
        pages.append(_page(material, yearly, names, {str(dim): label}, label, f"place-{k}"))
    pages = [page for page in pages if page["charts"] or page["groups"]]
    if not pages:
        return None
    sample = int(next(iter(spread.data_vars.values())).attrs.get("sample_paths", 0))
    others = sorted({d for entry in yearly.values() for d in entry.dims} - {dim})
    beyond = f" What is recorded by {listed(others)} alone is in the cube." if others else ""
    lead = (
        f"Medians, the middle half and the middle nine tenths of futures, from the first {sample:,} paths. "
        f"Means have 95 % intervals.{beyond}"
    )
    charts = tuple(chart for page in pages for chart in page["charts"])
    gap = f"less “{study.baseline}”"
    markup = render(
        "places.html", places=pages, policies=study.policy_names, keyed=len(study.policies) <= KEYED, lead=lead,
        year=study.years[-1], columns=("Mean", gap) if material.others else ("Mean",),
        marks=notes([row for page in pages for group in page["groups"] for row in group[2]]),
    )  # fmt: skip
    heading = f"By year and {words(dim)}" if dim else "By year"
    parts = tuple((page["anchor"], page["title"]) for page in pages) if len(pages) > 1 else ()
    return Section("years", heading, markup, charts, parts)


def _main_dimension(yearly: Mapping[str, Yearly]) -> str | None:
    """The dimension that pages are made for: the one that most variables have alone, "region" where it is one."""
    alone = [entry.dims[0] for entry in yearly.values() if len(entry.dims) == 1]
    return max(dict.fromkeys(alone), key=lambda d: (d == "region", alone.count(d)), default=None)


def _page(
    material: Material,
    yearly: Mapping[str, Yearly],
    names: list[str],
    at: dict[str, str],
    heading: str,
    anchor: str,
) -> dict[str, Any]:
    drawn = [name for name in _ranked(material, names) if set(yearly[name].dims) == set(at)][:MOST_CHARTS]
    charts = [
        _fan(material, name, yearly[name], at, f"{anchor}-{k}", heading) for k, name in enumerate(drawn)
    ]
    groups = [group for name in names for group in _groups(material, name, yearly[name], at)]
    sides = [_sign(material, name, yearly[name], at) for name in names if set(yearly[name].dims) == set(at)]
    return {
        "anchor": anchor,
        "title": heading,
        "charts": charts,
        "groups": groups,
        "finding": _finding(material, sides),
    }


def _ranked(material: Material, names: list[str]) -> list[str]:
    """Variables that an outcome is made of first, in the order of the outcomes; then in the model's."""
    folded = [o.fold.variable for o in material.study.model.outcomes.values() if isinstance(o.fold, Fold)]
    order = {name: k for k, name in reversed(list(enumerate(folded)))}
    return sorted(names, key=lambda name: order.get(name, len(folded)))


def _sign(material: Material, name: str, entry: Yearly, at: dict[str, str]) -> list[int | None]:
    """By policy, 1 where it is the worse one in the last year by its interval."""
    found = []
    for policy in material.others:
        sign = judged(_record(material, "comparison/yearly", name, policy, at, -1))
        found.append(None if sign is None else sign if entry.loss else -sign)
    return found


def _finding(material: Material, sides: list[list[int | None]]) -> str:
    if not material.others or not sides:
        return ""
    year, base = material.study.years[-1], material.study.baseline
    parts = []
    for p, policy in enumerate(material.others[:NAMED]):
        signs = [side[p] for side in sides]
        counts = [
            (signs.count(-1), "better"),
            (signs.count(1), "worse"),
            (signs.count(0) + signs.count(None), "not told apart"),
        ]
        parts.append(f"{policy} is {listed([f'{word} in {count}' for count, word in counts if count])}")
    more = (
        f"; {len(material.others) - NAMED} more policies are in the table"
        if len(material.others) > NAMED
        else ""
    )
    return f"By the means of {year}, of {len(sides)} variables here and against {base}: {'; '.join(parts)}{more}."


def _table(material: Material, place: str, name: str, at: Mapping[str, str]) -> xr.DataArray | None:
    group = material.group(place)
    return group[name].sel(dict(at)) if name in group else None


def _record(
    material: Material, place: str, name: str, policy: str, at: Mapping[str, str], year: int
) -> Record | None:
    table = _table(material, place, name, at)
    if table is None:
        return None
    if "measure" in table.dims:
        table = table.sel(measure="mean")
    row = table.sel(policy=policy, stat=list(STATS)).isel(year=year).transpose("stat").values
    return record("mean", policy, name, Estimate.of_row(row, Reason.UNRECORDED))


def _groups(material: Material, name: str, entry: Yearly, at: dict[str, str]) -> list[Group]:
    """Rows of a variable in the last year: one group, or one for each cell of the dimensions that are left."""
    cells: list[dict[str, str]] = [{}]
    for dim in entry.dims:
        if dim not in at:
            cells = [{**one, dim: label} for one in cells for label in material.study.model.dims[dim]]
    unit = "" if entry.unit == "1" else f" [{entry.unit}]"
    groups = []
    for one in cells:
        rows: list[Row] = []
        for k, policy in enumerate(material.study.policy_names):
            place = {**at, **one}
            found = [cell(_record(material, "risk/yearly", name, policy, place, -1))]
            if material.others:
                gap = _record(material, "comparison/yearly", name, policy, place, -1)
                found.append(cell(gap, 1.0, entry.loss) if policy in material.others else Cell(""))
            rows.append((k, policy, found))
        where = f", {', '.join(one.values())}" if one else ""
        groups.append((f"{material.title(name)}{where}{unit}", entry.about, rows))
    return groups


def _fan(material: Material, name: str, entry: Yearly, at: dict[str, str], anchor: str, place: str) -> Chart:
    study, years = material.study, [int(year) for year in material.study.years]
    spread = _table(material, "distribution", name, at)
    assert spread is not None
    known = spread["quantile"].values
    columns: dict[str, list] = {key: [] for key in ("p", "x", *QUANTILES, "mean", "median", "half", "most")}
    rows = []
    for k, policy in enumerate(study.policy_names):
        table = spread.sel(policy=policy).transpose("quantile", "year").values
        at_quantile = {key: table[int(np.argmin(abs(known - q)))] for key, q in QUANTILES.items()}
        for y, year in enumerate(years):
            low, first, median, third, high = (float(series[y]) for series in at_quantile.values())
            mean = cell(_record(material, "risk/yearly", name, policy, at, y))
            told = f"{mean.estimate} {mean.interval}".strip()
            rows.append(
                (
                    str(year),
                    policy,
                    compact(low),
                    compact(first),
                    compact(median),
                    compact(third),
                    compact(high),
                    told,
                )
            )
            if not np.isfinite(median):
                continue
            columns["p"].append(k)
            columns["x"].append(year)
            for key, value in zip(QUANTILES, (low, first, median, third, high), strict=True):
                columns[key].append(float(f"{value:.5g}"))
            columns["mean"].append(told)
            columns["median"].append(compact(median))
            columns["half"].append(f"{compact(first)} to {compact(third)}")
            columns["most"].append(f"{compact(low)} to {compact(high)}")
    finding = _fan_finding(material, name, entry, at)
    axis = "" if entry.unit == "1" else entry.unit
    return Chart(
        anchor, material.title(name), entry.about, finding,
        f"{material.title(name)} by year and policy, {place}: median and the middle half and nine tenths of futures. {finding}",
        "fan", {"axis": axis, "years": years}, columns,
        ("Year", "Policy", "5 %", "25 %", "Median", "75 %", "95 %", "Mean [95 % interval]"), tuple(rows), 190,
    )  # fmt: skip


def _fan_finding(material: Material, name: str, entry: Yearly, at: dict[str, str]) -> str:
    year, base, unit = material.study.years[-1], material.study.baseline, unit_of(entry.unit)
    if not material.others:
        found = cell(_record(material, "risk/yearly", name, base, at, -1))
        return f"Mean of {year}: {found.estimate}{unit} {found.interval}".strip() + "."
    parts = []
    for policy in material.others[:NAMED]:
        gap = _record(material, "comparison/yearly", name, policy, at, -1)
        sign = judged(gap)
        if gap is None or not sign:
            parts.append(f"{policy} {'cannot be told apart' if sign == 0 else 'cannot be judged'}")
            continue
        parts.append(f"{policy} {distance(gap, 1.0, f'{unit} ' + ('higher' if sign > 0 else 'lower'))}")
    more = f"; {len(material.others) - NAMED} more in the numbers" if len(material.others) > NAMED else ""
    return f"Mean of {year} against {base}: {'; '.join(parts)}{more}."
