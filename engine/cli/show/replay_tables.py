"""Single paths as an answer: outcomes, years, draws, levers and shocks in tables; and their agreement with the cube."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.rows import BRIEF, table
from engine.answers.table import Table
from engine.answers.wording import amount, listed, named
from engine.errors import UserError, unknown
from engine.risk.estimation.intervals import Estimate
from engine.run_folder import cube
from engine.run_folder.reading import read_path
from engine.runs.replay import percentiles
from engine.study.tables.levers import in_line, lever_table

if TYPE_CHECKING:
    import xarray as xr

    from engine.modelling.records import Shock, Yearly
    from engine.run_folder.folder import RunFolder
    from engine.study.study import Study

UNUSUAL = 6
"""Most factors whose draws the brief form shows."""
READING = (
    "percentile: the share of the prior that is below the draw; the first draws are those farthest from its middle."
)


def replayed(study: Study, story: xr.DataTree, part: xr.DataTree, ranked: xr.Dataset | None, under: str) -> Answer:
    """The first of some paths in full, and the draws of all of them.

    Args:
      story: the paths.
      part: the same under the policies and with the yearly variables to show.
      ranked: the worst paths that these are; None if they are not the worst.
      under: the policy under which they are the worst.
    """
    first = part.isel(path=0)
    number, outcomes = int(first["outcomes"]["path"]), first["outcomes"].to_dataset()
    main = study.headline[0] if ranked is None else str(next(iter(ranked.data_vars)))
    values = (Estimate(float(value), math.nan, math.nan, math.nan) for value in outcomes[main])
    texts = [
        f"{amount(study.unit_of(main), value)} under {study.phrase('policies', str(policy))}"
        for policy, value in zip(outcomes["policy"].values, values, strict=True)
    ]
    finding = f"On path {number}, the value of {named(study, main)} is {listed(texts)}."
    if ranked is not None:
        worst = f"is the worst in {named(study, main)} under {study.phrase('policies', under)}"
        finding = f"Of {study.paths:,} paths, path {number} {worst}. {finding}"
    rows = (
        {"variable": name, "policy": policy, "unit": study.unit_of(name), "value": float(value)}
        | {BRIEF: name in study.headline}
        for name in sorted(map(str, outcomes.data_vars), key=lambda name: name not in study.headline)
        for policy, value in zip(outcomes["policy"].values, outcomes[name].values, strict=True)
    )
    tables = [
        *([_worst(study, ranked)] if ranked is not None else []),
        table("outcomes", "Outcomes", rows, "variable", "policy", brief=("unit", "value"), across="policy"),
        _draws(study, story),
        *_by_year(first, "yearly", study.model.yearly),
        *_levers(study, first),
        *_by_year(first, "shocks", study.model.shocks, "Shock "),
    ]
    count = story["outcomes"].sizes["path"]
    mean = "the mean of these paths" if count > 1 else "it"
    far = f"{100 / math.sqrt(12 * count):.2g} points"
    chance = "" if study.facts else f" By chance alone {mean} deviates from 50 % by about {far}."
    basis = f"{study.name}: seed {study.seed}, {story.attrs['precision']}"
    findings = finding, *_not_finite(first)
    return Answer(Subject.of(study), findings, tuple(filter(len, tables)), basis, READING + chance)


def yearly_variables(study: Study, chosen: str | None, whole: bool) -> list[str]:
    """Yearly variables to show: the chosen one, all, or those of few cells that headline outcomes are folded from.

    Raises:
      UserError: there is no variable of the chosen name.
    """
    yearly, outcomes = study.model.yearly, study.model.outcomes
    if chosen is not None:
        if chosen not in yearly:
            raise UserError("--variable", [unknown("yearly variable", chosen, yearly)])
        return [chosen]
    few = [name for name, entry in yearly.items() if len(entry.dims) <= 1]
    for names in () if whole else (study.headline, outcomes):
        folded = {term.variable for name in names for term in outcomes[name].terms}
        if main := [name for name in few if name in folded]:
            return main
    return [*yearly] if whole else few or [*yearly]


def _worst(study: Study, ranked: xr.Dataset) -> Table:
    ((name, values),) = ranked.data_vars.items()
    rows = (
        {"rank": str(rank), "policy": policy, "path": str(path), "value": float(value)}
        for rank, (path, own) in enumerate(zip(ranked["path"].values, values.values, strict=True), start=1)
        for policy, value in zip(study.policy_names, own, strict=True)
    )
    side = {True: "; high is worse", False: "; low is worse", None: ""}[study.loss_of(str(name))]
    title = f"Worst paths in {name} [{study.unit_of(str(name))}]{side}"
    return table("worst", title, rows, "rank", "policy", across="policy")


def _by_year(story: xr.DataTree, group: str, entries: Mapping[str, Yearly | Shock], title: str = "") -> Iterator[Table]:
    """Yields a table of each variable: years down; its last dimension of places across, else policies."""
    for name, values in story[group].data_vars.items() if group in story.children else ():
        entry = entries[str(name)]
        places = [f"place_{dim}" for dim in entry.dims]
        policy = ["policy"] if "policy" in values.dims else []
        rows = values.astype(float).rename(dict(zip(entry.dims, places, strict=True))).rename("value")
        dims = [*policy, "year", *places] if places else ["year", *policy]
        frame = rows.reset_coords(drop=True).to_dataframe().reset_index()
        if not np.isfinite(frame["value"]).all():  # a number that is not finite would be a missing value
            frame["value"] = frame["value"].map("{:.4g}".format)
        yield table(
            str(name),
            f"{title}{name} [{entry.unit}]",
            frame.to_dict("records"),
            *dims,
            across=dims[-1] if len(dims) > 1 else "",
            apart="policy" if places and policy else "",
        )


def _not_finite(story: xr.DataTree) -> list[str]:
    """A sentence on the first yearly value that is not finite; none if all are finite."""
    yearly = story["yearly"].data_vars if "yearly" in story.children else {}
    years: dict[str, int] = {}
    for name, values in yearly.items():
        finite = np.isfinite(values.transpose("year", ...).to_numpy()).reshape(values.sizes["year"], -1).all(axis=1)
        years |= {str(name): int(year) for year in values["year"].values[~finite][:1]}
    if not years:
        return []
    first = min(years, key=lambda name: years[name])
    return [f"Values are not finite from {years[first]} on; the first of them shown is '{first}'."]


def _draws(study: Study, story: xr.DataTree) -> Table:
    """The factors, those first whose draws are on average farthest from the middle of their priors."""
    draws = story["draws"].to_dataset()
    shares = {str(name): float(own.mean()) for name, own in percentiles(study, draws).items()}
    rows: list[dict[str, Any]] = [
        {
            "factor": item.name,
            "percentile": shares.get(item.name),
            "draw": float(draws[item.name].values.astype(np.float64).mean()),
            **{f"p{100 * p:02.0f}": float(item.marginal.quantile(p)) for p in (0.05, 0.5, 0.95)},
            "unit": item.unit,
        }
        for item in study.inputs
    ]
    rows.sort(key=lambda row: -abs(shares.get(row["factor"], 0.5) - 0.5))
    for place, row in enumerate(rows):
        row[BRIEF] = place < UNUSUAL
    title = "Draws, the mean of these paths" if draws.sizes["path"] > 1 else "Draws"
    return table("draws", title, rows, "factor", brief=("percentile", "draw", "p05", "p50", "p95", "unit"))


def _levers(study: Study, story: xr.DataTree) -> Iterator[Table]:
    """Yields a table of the levers in force, if policies draw any: those drawn, or different between policies."""
    if "levers" not in story.children:
        return
    drawn = {lever for policy in study.policies for lever in policy.drawn}
    rows = []
    for lever, values in story["levers"].data_vars.items():
        entry, texts = study.model.levers[str(lever)], {}
        for policy in map(str, values["policy"].values):
            own = values.sel(policy=policy).to_numpy()
            by_year = own if study.years else own[None]
            line = lever_table(by_year, entry.dims, study.model, study.years)
            texts[policy] = in_line(line, "{:.4g}".format)
        if lever in drawn or len({*texts.values()}) > 1:
            rows += [
                {"lever": lever, "policy": name, "unit": entry.unit, "value": text} for name, text in texts.items()
            ]
    yield table("levers", "Levers in force on this path", rows, "lever", "policy", brief=(), across="policy")


def agreement(folder: RunFolder, story: xr.DataTree) -> str:
    """Whether the outcomes are the cube's bit for bit, in a sentence; for another precision, how far they are off."""
    study, attributes = folder.study, cube.attributes(folder.path)
    if not study.keep.outcomes:
        return "The cube has no outcome path by path to compare with."
    if attributes.get("status") != "complete":
        return "The run is not finished, so nothing is compared with its cube."
    outcomes = story["outcomes"].to_dataset()[[*study.keep.outcomes]].transpose("path", "policy")
    paths = [read_path(folder, study.keep.outcomes, int(number)) for number in outcomes["path"]]
    stored = {name: np.stack([path[name] for path in paths]) for name in study.keep.outcomes}
    excluded = np.all([np.isnan(values).all(axis=1) for values in stored.values()], axis=0)
    text = ""
    if excluded.any():
        numbers = ", ".join(map(str, outcomes["path"].values[excluded]))
        text = f"Excluded from the run, as values on it or on its pair are not finite: path {numbers}. "
        outcomes, stored = outcomes.isel(path=~excluded), {name: own[~excluded] for name, own in stored.items()}
    if not outcomes.sizes["path"]:
        return text.strip()
    changed = attributes.get("id") != f"{study.name}-{study.fingerprint}"
    why = "the model has changed since the run" if changed else "another device kind, or other versions, than the run's"
    if story.attrs["precision"] != study.precision:
        return text + _distance(outcomes, stored) + (f" ({why})." if changed else ".")
    differing = [name for name, own in stored.items() if not np.array_equal(own, outcomes[name].values, equal_nan=True)]
    if differing:
        return f"{text}Not bit for bit the cube's: {', '.join(differing)} ({why})."
    every = f" on all {len(paths)} paths" if len(paths) > 1 else ""
    return f"{text}These are the outcomes in the cube, bit for bit{every}."


def _distance(outcomes: xr.Dataset, stored: Mapping[str, np.ndarray]) -> str:
    exact = np.stack([outcomes[name].values for name in stored])
    single = np.stack([*stored.values()])
    size = np.maximum(np.abs(exact), np.abs(single))
    relative = np.abs(exact - single) / np.where(size > 0, size, 1.0)
    largest = np.unravel_index(np.argmax(np.nan_to_num(relative, nan=np.inf)), relative.shape)
    name, (path, policy) = [*stored][largest[0]], largest[1:]
    place = f"{name} under {outcomes['policy'].values[policy]}, path {outcomes['path'].values[path]}"
    words = "In double precision, so not compared with the cube bit for bit. Largest relative difference of an outcome"
    return f"{words}: {relative[largest]:.1e} ({place})"
