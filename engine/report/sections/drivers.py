"""What the worst futures have in common, as the run was last asked: inputs away from their priors, places, the likeliest of them, the worst."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from engine.formatting import rounded
from engine.report.markup import Section, render
from engine.report.run_records import RunRecords
from engine.report.text import compact, minus, with_interval
from engine.risk.as_text import shown_in
from engine.risk.farthest import Standing, sentence
from engine.risk.intervals import Estimate
from engine.risk.tables import Record, record
from engine.run_folder.stored_estimates import put_together

SHOWN = 12
_FACTORS, _SHOCKS, _YEARS = 10, 24, 0.05


def section(run: RunRecords) -> Section | None:
    """A sentence and tables; None of a run that has not been explained."""
    answer = run.answers.get("explain")
    if answer is None:
        return None
    about = answer.attrs
    if "points" not in answer.children["reverse"].attrs:
        return None  # of an older version, which asked less: `explain` asks anew
    rows = _inputs(run, answer)
    shown = sorted(rows, key=lambda row: -row[0].distance.estimate)[:SHOWN]
    kind = "events" if about["is_event"] else "outcomes"
    policy = run.title("policies", str(about["policy"]))
    name = run.words(kind, str(about["variable"]))
    if about["is_event"]:
        head, what = f"Where “{name}” happens under {policy}", f"“{name}” happens under {policy}"
    else:
        head = f"In the worst {100 * (1 - about['level']):.6g} % of futures of {name} under {policy}"
        what = f"{name} under {policy} passes its VaR{100 * about['level']:g}"
    looked_at = (
        f"{int(about['worst_paths']):,} of the first {int(about['paths']):,} futures; {len(shown)} of {len(rows)} inputs, "
        "those that stand farthest from their priors."
    )
    markup = render(
        "drivers.html",
        finding=sentence(head, [row[0] for row in rows]),
        looked_at=looked_at,
        inputs=[_row(run, *row) for row in shown],
        parts=[*_parts(run, answer), *_rates(run, answer)],
        without_places=about["without_places"],
        worst_head=("Future", *_worst_names(run, answer)),
        worst=_worst(answer),
        place=run.study.name,
        **_likeliest(run, answer, what),
    )
    return Section("drivers", "What drives the worst", markup)


Table = tuple[str, tuple[str, ...], Sequence[tuple[str, ...]]]
"""Title, head, rows."""
Input = tuple[Standing, float, float, str]
"""How it stands, its mean there, its prior's mean, its unit."""


def _inputs(run: RunRecords, answer: xr.DataTree) -> list[Input]:
    rows: list[Input] = []
    names = ("shift", "density", "distance", "p_value", "mean", "prior_mean")
    for group, dims in (("factors", ("factor",)), ("shocks", ("shock", "year"))):
        if group not in answer.children:
            continue
        held = put_together(answer.children[group]).stack(row=dims)
        tables = [held[name].transpose("row", ...).values for name in names]
        units = held["unit"].values if "unit" in held.coords else [""] * held.sizes["row"]
        for at, shift, density, distance, p_value, mean, prior, unit in zip(
            held.indexes["row"], *tables, units, strict=True
        ):
            name = run.title("factors", str(at if isinstance(at, str) else at[0]))
            called = f"{name}, {at[1]}" if len(dims) > 1 else name
            if np.isfinite(shift.estimate):
                standing = Standing(called, shift, tuple(density), distance, float(p_value))
                rows.append((standing, mean.estimate, float(prior), str(unit)))
    return rows


def _row(run: RunRecords, one: Standing, mean: float, prior: float, unit: str) -> tuple[object, ...]:
    tenths = [f"{10 * max(part.estimate, 0.0):.0f} %" for part in (one.density[0], one.density[-1])]
    return (
        (one.name, "" if unit in ("", "1") else unit),
        with_interval(_record(run, one.distance)),
        with_interval(_record(run, one.shift)),
        *tenths,
        compact(mean),
        compact(prior),
    )


def _record(run: RunRecords, one: Estimate) -> Record:
    return record("shift", run.study.baseline, "", one)


def _parts(run: RunRecords, answer: xr.DataTree) -> list[Table]:
    if "places" not in answer.children:
        return []
    tables: list[Table] = []
    for dim, node in answer.children["places"].children.items():
        part = put_together(node)["part"]
        whole = sum(one.estimate for one in part.values)
        texts: list[tuple[str, ...]] = [
            (
                str(label),
                with_interval(_record(run, one)),
                f"{100 * one.estimate / whole:.0f} %" if whole else "",
            )
            for label, one in zip(part[dim].values, part.values, strict=True)
        ]
        unit = str(answer.attrs["unit"])
        head = (run.study.words(dim).capitalize(), f"Part{'' if unit == '1' else f' [{unit}]'}", "Share")
        tables.append(
            (f"By {run.study.words(dim)}: parts that add up to the mean of these futures", head, texts)
        )
    return tables


def _rates(run: RunRecords, answer: xr.DataTree) -> list[Table]:
    """What priors, levers and assumptions do to it, those that do most first."""
    measure = "difference_probability" if answer.attrs["is_event"] else "difference"
    scale, unit = shown_in(measure, str(answer.attrs["unit"]))
    behind = "" if unit == "1" else f" [{unit}]"
    tables: list[Table] = []
    if "slopes" in answer.children:
        slope = put_together(answer.children["slopes"])["slope"]
        mean, spread = (slope.sel(parameter=name).values for name in ("location", "scale"))
        order = _largest(mean)
        rows = [
            (
                run.title("factors", str(slope["factor"].values[k])),
                *(_said(run, of[k], scale) for of in (mean, spread)),
            )
            for k in order
        ]
        head = ("Factor", f"Its mean{behind}", f"Its spread{behind}")
        tables.append(("What one standard deviation more of a prior does to it", head, rows))
    for group, name, kind, title, column in (
        ("levers", "effect", "levers", "What a tenth more of a lever does to it", "Change"),
        ("mechanisms", "share", "assumptions", "What assumptions make up of it", "Shapley share"),
    ):
        if group in answer.children:
            held = put_together(answer.children[group])[name]
            (dim,), values = held.dims, held.values
            order = _largest(values)
            called = [run.title(kind, str(held[dim].values[k])) for k in order]
            own = [(one, _said(run, values[k], scale)) for one, k in zip(called, order, strict=True)]
            tables.append((title, (str(dim).capitalize(), f"{column}{behind}"), [*own]))
    return tables


def _largest(values: np.ndarray) -> list[int]:
    sizes = [abs(one.estimate) for one in values.tolist()]
    return sorted(range(len(sizes)), key=lambda k: -sizes[k])[:SHOWN]


def _said(run: RunRecords, one: Estimate, scale: float) -> str:
    return with_interval(_record(run, one), scale)


def _likeliest(run: RunRecords, answer: xr.DataTree, what: str) -> dict[str, object]:
    every = put_together(answer.children["reverse"])
    distance = float(every.attrs["distance"])
    if "share" not in every or not distance:
        return {
            "likeliest": "",
            "likeliest_about": "",
            "likeliest_points": [],
            "likeliest_factors": [],
            "likeliest_years": [],
        }
    held, count = every.isel(point=0), every.sizes["point"]
    which = (
        "It"
        if count == 1
        else f"There are {count} about as near, each nearer than the edge around it. The first"
    )
    about = (
        f"{which} lies {rounded(distance, 2)} standard deviations from the middle future, in normal scores of all that is drawn; none seen is nearer. "
        f"Of the squared distance: {_unusual(run, held, 0.03)}."
    )
    points = [
        (
            str(k),
            rounded(float(of["distance"]), 2),
            _said(run, of["nearest"].item(), 100.0),
            _unusual(run, of, 0.05),
        )
        for k, of in ((k + 1, every.isel(point=k)) for k in range(count if count > 1 else 0))
    ]
    units = {item.name: item.unit for item in run.study.inputs}
    scores = held["score"].values if "score" in held else np.zeros(0)
    order = np.argsort(-np.abs(scores), kind="stable")[:_FACTORS]
    factors = [
        (
            (
                run.title("factors", str(held["factor"].values[k])),
                units.get(str(held["factor"].values[k]), ""),
            ),
            minus(f"{scores[k]:.2f}"),
            compact(float(held["draw"].values[k])),
        )
        for k in order
    ]
    return {
        "likeliest": f"The likeliest future in which {what}",
        "likeliest_about": about,
        "likeliest_points": points,
        "likeliest_factors": factors,
        "likeliest_years": _years(run, answer, held),
    }


def _unusual(run: RunRecords, held: xr.Dataset, least: float) -> str:
    """What makes at least so much of the squared distance, the largest part first; with the score of a factor of which there is one."""
    share = held["share"].sortby(-held["share"])
    scores = dict(zip(held["factor"].values, held["score"].values, strict=True)) if "score" in held else {}
    return ", ".join(
        f"{run.words('factors', str(name))}{minus(f' {scores[name]:+.2f}') if name in scores else ''} {100 * part:.0f} %"
        for name, part in zip(share["input"].values, share.values, strict=True)
        if part >= least
    )


def _years(run: RunRecords, answer: xr.DataTree, held: xr.Dataset) -> list[tuple[str, str]]:
    """Shocks of the likeliest future that stand away from their priors, by year."""
    if "shock" not in held or "shocks" not in answer.children:
        return []
    priors = answer.children["shocks"].to_dataset(inherit=False).load()
    streams = [name for name in priors["shock"].values if name in held["stream"].values]
    values = held["shock"].sel(stream=streams).transpose("stream", "year").values
    away = (values - priors["prior_mean"].sel(shock=streams).values) / priors["prior_sd"].sel(
        shock=streams
    ).values
    away = np.nan_to_num(away)
    least = max(float(np.sort(np.abs(away), axis=None)[::-1][min(_SHOCKS, away.size) - 1]), _YEARS)
    rows = []
    for y, year in enumerate(held["year"].values):
        said = [
            f"{run.words('factors', str(streams[k]))} {minus(f'{away[k, y]:+.2f}')}"
            for k in np.argsort(-np.abs(away[:, y]), kind="stable")
            if abs(away[k, y]) >= least
        ]
        if said:
            rows.append((str(int(year)), f"{', '.join(said)} standard deviations from its prior"))
    return rows


def _worst_names(run: RunRecords, answer: xr.DataTree) -> list[str]:
    outcomes = run.study.model.outcomes
    names = map(str, answer.children["worst"].to_dataset(inherit=False).data_vars)
    return [run.heading("outcomes", name, outcomes[name].unit) for name in names]


def _worst(answer: xr.DataTree) -> list[tuple[str, ...]]:
    held = answer.children["worst"].to_dataset(inherit=False).load()
    return [
        (str(int(path)), *(compact(float(held[name].values[k])) for name in held.data_vars))
        for k, path in enumerate(held["path"].values)
    ]
