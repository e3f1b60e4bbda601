"""Single paths as an answer: outcomes, years, draws, levers and shocks in tables; and their agreement with the cube."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import amount, listed, named
from engine.answers.table import BRIEF, Row, Table, table
from engine.cli.show.study_digest import quantiles
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
    "The percentile is the share of the prior that is below the draw; the draws farthest from the middle come first."
)


def replayed(
    study: Study, story: xr.DataTree, ranked: xr.Dataset | None, under: str, variables: Collection[str] = ()
) -> Answer:
    """The first of some paths in full, and the draws of all of them.

    Args:
      story: the paths, under the policies to show.
      ranked: the worst paths that these are; None if they are not the worst.
      under: the policy under which they are the worst.
      variables: the yearly variables to show.
    """
    first, count = story.isel(path=0), story["outcomes"].sizes["path"]
    number, outcomes = int(first["outcomes"]["path"]), first["outcomes"].to_dataset()
    shown = outcomes["policy"].to_numpy()
    main = study.headline[0] if ranked is None else str(next(iter(ranked.data_vars)))
    texts = [
        f"{amount(study.unit_of(main), Estimate(float(value)))} under {study.phrase('policies', policy)}"
        for policy, value in zip(shown, outcomes[main].values, strict=True)
    ]
    finding = f"On path {number}, the value of {named(study, main)} is {listed(texts)}."
    if ranked is not None:
        worst = f"is the worst in {named(study, main)} under {study.phrase('policies', under)}"
        finding = f"Of {study.paths:,} paths, path {number} {worst}. {finding}"
    rows = (
        {"variable": name, "policy": policy, "unit": study.unit_of(name), "value": float(value)}
        | {BRIEF: name in study.headline}
        for name in sorted(map(str, outcomes.data_vars), key=lambda name: name not in study.headline)
        for policy, value in zip(shown, outcomes[name].values, strict=True)
    )
    yearly = {name: first["yearly"].data_vars[name] for name in variables}
    tables = [
        *([_worst(study, ranked)] if ranked is not None else []),
        table("outcomes", "Outcomes", rows, "variable", "policy", brief=("unit", "value"), across="policy"),
        _draws(study, story["draws"].to_dataset()),
        *(_by_year("yearly", name, values, study.model.yearly[name]) for name, values in yearly.items()),
        *_levers(study, first),
        *(
            _by_year("shock", name, first["shocks"].data_vars[name], shock, "Shock ")
            for name, shock in study.model.shocks.items()
        ),
    ]
    mean = "the mean of these paths" if count > 1 else "it"
    far = f"{100 / math.sqrt(12 * count):.2g} points"
    chance = "" if study.facts else f" By chance alone {mean} deviates from 50 % by about {far}."
    basis = f"{study.name}: seed {study.seed}, {story.attrs['precision']}"
    return Answer.about(study, [finding, *_not_finite(yearly)], tables, basis, READING + chance, question="replay")


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
    few = [name for name, entry in yearly.items() if len(entry.dims) <= 1 and not whole]
    folded = {term.variable for name in study.headline for term in outcomes[name].terms}
    return [name for name in few if name in folded] or few or [*yearly]


def _worst(study: Study, ranked: xr.Dataset) -> Table:
    ((of, values),) = ranked.data_vars.items()
    name = str(of)
    rows = (
        {"rank": str(rank), "policy": policy, "path": str(path), "value": float(value)}
        for rank, (path, own) in enumerate(zip(ranked["path"].values, values.values, strict=True), start=1)
        for policy, value in zip(study.policy_names, own, strict=True)
    )
    title = filter(None, [f"Worst paths in {name} [{study.unit_of(name)}]", study.worse_side(name)])
    return table("worst", "; ".join(title), rows, "rank", "policy", across="policy")


def _by_year(kind: str, name: str, values: xr.DataArray, entry: Yearly | Shock, title: str = "") -> Table:
    """A variable of one path: years down; its last dimension of places across, else policies."""
    places = [f"place_{dim}" for dim in entry.dims]
    policy = ["policy"] if "policy" in values.dims else []
    dims = [*policy, "year", *places] if places else ["year", *policy]
    renamed = values.astype(float).rename(dict(zip(entry.dims, places, strict=True))).rename("value")
    frame = renamed.reset_coords(drop=True).to_dataframe().reset_index()
    finite = np.isfinite(frame["value"])
    if not finite.all():  # a number that is not finite is a missing value
        frame["not_finite"] = frame["value"].map("{:g}".format).mask(finite, "")
    return table(
        f"{kind}_{name}",
        f"{title}{name}",
        frame.to_dict("records"),
        *dims,
        across=dims[-1] if len(dims) > 1 else "",
        apart="policy" if places and policy else "",
        units={"value": entry.unit},
    )


def _not_finite(yearly: Mapping[str, xr.DataArray]) -> list[str]:
    """A sentence on the first yearly value that is not finite; none if all are finite."""
    years = {name: float(values["year"].where(~np.isfinite(values)).min()) for name, values in yearly.items()}
    known = {name: year for name, year in years.items() if not math.isnan(year)}
    if not known:
        return []
    first = min(known, key=known.__getitem__)
    return [f"Values are not finite from {known[first]:.0f} on; the first of them shown is '{first}'."]


def _draws(study: Study, draws: xr.Dataset) -> Table:
    """The factors, those first whose draws are on average farthest from the middle of their priors."""
    shares = {name: float(own.mean()) for name, own in percentiles(study, draws).items()}
    inputs = sorted(study.inputs, key=lambda item: -abs(shares.get(item.name, 0.5) - 0.5))
    rows: Iterator[Row] = (
        {
            "factor": item.name,
            "percentile": shares.get(item.name),
            "draw": float(draws[item.name].values.astype(np.float64).mean()),
            **quantiles(item),
            "unit": item.unit,
            BRIEF: place < UNUSUAL,
        }
        for place, item in enumerate(inputs)
    )
    title = "Draws, the mean of these paths" if draws.sizes["path"] > 1 else "Draws"
    return table("draws", title, rows, "factor", brief=("percentile", "draw", "p05", "p50", "p95", "unit"))


def _levers(study: Study, story: xr.DataTree) -> Iterator[Table]:
    """Yields a table of the levers in force, if policies draw any: those drawn, or different between policies."""
    if "levers" not in story.children:
        return
    drawn = {lever for policy in study.policies for lever in policy.drawn}
    rows: list[Row] = []
    for lever, values in story["levers"].data_vars.items():
        entry, texts = study.model.levers[str(lever)], {}
        for own in values if study.years else values.expand_dims("year", 1):
            line = lever_table(own.to_numpy(), entry.dims, study.model, study.years)
            texts[own["policy"].item()] = in_line(line, "{:.4g}".format)
        if lever in drawn or len({*texts.values()}) > 1:
            rows += (
                {"lever": lever, "policy": name, "unit": entry.unit, "in_force": text} for name, text in texts.items()
            )
    yield table("levers", "Levers in force on this path", rows, "lever", "policy", brief=(), across="policy")


def agreement(folder: RunFolder, story: xr.DataTree) -> str:
    """Whether the outcomes are the cube's bit for bit, in a sentence."""
    study, attributes, kept = folder.study, cube.attributes(folder.path), folder.study.keep.outcomes
    if not kept:
        return "The cube stores no outcome path by path, so the path was not compared with it."
    if attributes.get("status") != "complete":
        return "The run is not finished, so the path was not compared with its cube."
    computed = story["outcomes"].to_dataset()
    paths = computed["path"].values
    by_path = [read_path(folder, kept, int(path)) for path in paths]
    stored = {name: np.array([own[name] for own in by_path]) for name in kept}
    excluded = np.isnan([*stored.values()]).all(axis=(0, 2))
    numbers = ", ".join(map(str, paths[excluded]))
    text = f"The run leaves out path {numbers}, as values on it or its pair are not finite. " * bool(numbers)
    if excluded.all():
        return text.strip()
    own = {name: computed[name].transpose("path", "policy").values for name in kept}
    differing = [n for n in kept if not np.array_equal(own[n][~excluded], stored[n][~excluded], equal_nan=True)]
    if differing:
        is_same_model = attributes.get("id") == f"{study.name}-{study.fingerprint}"
        other = "another device kind, or other versions, than the run's"
        why = other if is_same_model else "the model has changed since the run"
        return f"{text}These outcomes differ from those in the cube: {', '.join(differing)} ({why})."
    every = f" on all {len(paths)} paths" if len(paths) > 1 else ""
    return f"{text}The outcomes equal those in the cube, bit for bit{every}."
