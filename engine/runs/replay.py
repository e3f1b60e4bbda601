"""Single paths in full, labelled, and as a table: draws, years, outcomes; and which paths are the worst."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from engine.errors import Problem, UserError, unknown
from engine.execution.anew import InFull, in_full
from engine.formatting import unit_name, words
from engine.run_folder import cube, ledger
from engine.run_folder.cube_groups import (
    CONVENTIONS,
    described,
    described_inputs,
    described_paths,
    described_value,
    policies,
    valid_range,
)
from engine.run_folder.finding import finishing_command
from engine.run_folder.folder import RunFolder
from engine.run_folder.reading import Paths
from engine.study.study import PRECISIONS, Block, Study
from engine.study.tables.policies import on_path

KINDS = {"yearly": "yearly", "outcomes": "outcome", "draws": "draw", "shocks": "shock", "levers": "lever"}
"""Groups of a replay, and the `kind` of their values in its table."""
COLUMNS = ("path", "policy", "variable", "kind", "year", "value", "unit")
_BLOCKS = 32  # blocks that `worst` reads at a time


def replay(
    study: Study, path: int | Sequence[int] | np.ndarray, device: str | None = None, precision: str | None = None
) -> xr.DataTree:
    """The course of single paths, computed anew: groups `yearly`, `outcomes` (by policy), `draws` and `shocks`.

    Where a policy is random, in its levers or in how far it is implemented, a group `levers` holds the levers in force,
    by policy and year.

    On the same kind of device and with the same versions as the run, outcomes in its precision equal those of its cube,
    bit for bit. The run's own program computes these few paths, so the time is that of compiling it.

    Args:
      path: number of the future, from 0; several give every variable a leading dimension `path`, in their order.
      device: "cpu" or "gpu"; the GPUs if there are any.
      precision: "float32" or "float64"; the study's if not given. The random words are the same in both, and everything
        computed from them is in this precision.

    Raises:
      UserError: the study has no such path, there is no such precision or device.
    """
    single = np.ndim(path) == 0
    numbers = [operator.index(number) for number in np.atleast_1d(np.asarray(path, object))]
    problems = [
        Problem("path", f"expected 0 to {study.paths - 1}, got {number}.")
        for number in numbers
        if not 0 <= number < study.paths
    ]
    if not numbers:
        problems.append(Problem("path", "expected at least one path, got none."))
    precision = study.precision if precision is None else precision
    if precision not in PRECISIONS:
        problems.append(Problem("precision", unknown("precision", precision, PRECISIONS)))
    if problems:
        raise UserError(study.source, problems)
    groups = _labelled(study, numbers, in_full(study, numbers, device, precision))
    about: dict[str, Any] = {
        "Conventions": CONVENTIONS,
        "title": study.name,
        "seed": study.seed,
        "precision": precision,
        "summary": study.question,
    }
    if single:
        groups = {name: group.isel(path=0, drop=True) for name, group in groups.items()}
        about["path"] = numbers[0]
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=about), **groups})


def _labelled(study: Study, numbers: Sequence[int], futures: InFull) -> dict[str, xr.Dataset]:
    """The groups of a replay; every variable has `path` first."""
    coords = {"path": _path_numbers(numbers)}
    by_policy = coords | {"policy": policies(study)}
    groups = {}
    places = {"year": xr.Variable("year", np.array(study.years), described("calendar year", "year"))}
    for dim, labels in study.model.dims.items():
        places[dim] = xr.Variable(dim, np.array(labels, dtype=object), described(words(dim), "1"))
    if futures.yearly is not None:
        yearly = study.model.yearly
        variables = {
            name: (
                ("path", "policy", "year", *yearly[name].dims),
                values,
                described_value(study, "yearly", name) | valid_range(yearly[name]),
            )
            for name, values in futures.yearly.items()
        }
        groups["yearly"] = xr.Dataset(variables, by_policy | places)
    groups["outcomes"] = xr.Dataset(
        {
            name: (("path", "policy"), values, described_value(study, "outcomes", name))
            for name, values in futures.outcomes.items()
        },
        by_policy,
    )
    groups["draws"] = xr.Dataset(
        {name: ("path", futures.draws[name], attributes) for name, attributes in described_inputs(study).items()},
        coords,
    )
    if any(policy.factors or (policy.before and policy.before.drawn) for policy in study.policies):
        groups["levers"] = xr.Dataset(_levers(study, futures.draws), by_policy | places)
    if futures.shocks is not None:
        shocks = {
            name: (
                ("path", "year", *shock.dims),
                futures.shocks[name],
                described(shock.about or words(name), shock.unit),
            )
            for name, shock in study.model.shocks.items()
        }
        groups["shocks"] = xr.Dataset(shocks, coords | places)
    return groups


def _levers(study: Study, draws: Mapping[str, np.ndarray]) -> dict[str, tuple[Any, ...]]:
    """Levers in force as labelled variables."""
    rows = np.stack([*draws.values()], axis=-1)
    named = [dict(zip(draws, row, strict=True)) for row in rows.astype(float)]
    in_force = [[on_path(policy, drawn, study.years).levers for policy in study.policies] for drawn in named]
    variables = {}
    for name, lever in study.model.levers.items():
        values = np.array([[levers[name] for levers in by_policy] for by_policy in in_force], rows.dtype)
        dims = ("path", "policy", "year", *lever.dims)
        about = described(lever.about or words(name), lever.unit)
        variables[name] = (
            (dims, values, about) if study.years else (("path", "policy", *lever.dims), values[:, :, 0], about)
        )
    return variables


def _path_numbers(numbers: Sequence[int] | np.ndarray) -> xr.Variable:
    return xr.Variable("path", np.array(numbers, np.int64), described_paths())


def as_table(story: xr.DataTree) -> pd.DataFrame:
    """Every value of a replay as a row of a data frame: path, policy, variable, kind, year, places, value, unit.

    `kind` is "yearly", "outcome", "draw", "shock" or "lever". Where a column does not apply, such as the policy of a
    draw or the year of an outcome, its entry is missing. `value` has the type that the replay was computed in. A
    dimension with the name of another column gets `_label` behind it.
    """
    renamed: dict[Any, str] = {}
    for group in ("yearly", "shocks", "levers"):
        coords = story[group].coords if group in story.children else ()
        dims = [dim for dim in coords if dim not in ("path", "policy", "year")]
        renamed |= {dim: f"{dim}_label" if dim in COLUMNS else str(dim) for dim in dims}
    columns = [*COLUMNS[:-2], *renamed.values(), *COLUMNS[-2:]]
    parts = []
    for group, kind in KINDS.items():
        variables = story[group].data_vars if group in story.children else {}
        for name, values in variables.items():
            own = {dim: label for dim, label in renamed.items() if dim in values.dims}
            flat = values.rename(own).rename("value")
            if "path" not in flat.coords:
                flat = flat.assign_coords(path=story.attrs["path"])
            part = flat.expand_dims([] if flat.dims else ["path"]).to_dataframe().reset_index()
            parts.append(part.assign(variable=name, kind=kind, unit=unit_name(values.attrs)))
    table = pd.concat([part.reindex(columns=columns) for part in parts], ignore_index=True)
    return table.astype({"year": "Int64"})


def worst(folder: RunFolder, variable: str, policy: str, count: int) -> xr.Dataset:
    """The `count` paths of a finished run on which an outcome is worst under a policy: [path, policy], worst first.

    The worst is the highest of an outcome that is a loss, else the lowest; of equal paths those with the lower numbers
    come first. The coordinate `path` holds their numbers, for `replay`.

    Args:
      folder: of the run.
      variable: an outcome that is kept path by path.
      policy: the policy that decides which paths are worst; values are given under all policies.
      count: how many paths.

    Raises:
      UserError: no such outcome or policy, too many paths or none, an outcome that is not kept path by path, or a run
        that is not finished; all problems at once. Blocks missing from a finished run are reported before these.
    """
    study = folder.study
    problems = []
    kept = study.keep.outcomes
    if variable not in study.model.outcomes:
        problems.append(Problem("variable", unknown("outcome", variable, study.model.outcomes)))
    elif variable not in kept:
        expected = f"expected an outcome that is kept path by path ({', '.join(kept) or 'none is'}), got '{variable}'."
        remedy = "Keep it: keep.outcomes in the study, and run it."
        problems.append(Problem("variable", f"{expected} {remedy}"))
    if policy not in study.policy_names:
        problems.append(Problem("policy", unknown("policy", policy, study.policy_names)))
    done = ledger.done_blocks(folder, short=True)
    blocks = [Block(index, record.first, record.count) for index, record in done.items()]
    there = sum(block.count for block in blocks)
    held = cube.attributes(folder.path)
    is_whole = held.get("status") == "complete" and held.get("paths", 0) >= study.paths
    gone = [block.index for block in study.blocks() if block.index not in done] if is_whole else []
    if gone:
        raise UserError(str(folder.path), [ledger.missing(folder.path, gone)])
    if not 1 <= count <= max(there, 1):
        problems.append(Problem("count", f"expected 1 to {there} paths, got {count}."))
    if not is_whole and not cube.was_finished(folder.path):
        expected = f"expected a run of {study.paths:,} paths that has come to its end."
        problems.append(Problem("", f"{expected} Finish it: {finishing_command(folder)}"))
    if problems:
        raise UserError(str(folder.path), problems)
    outcome, at = study.model.outcomes[variable], study.policy_names.index(policy)
    numbers: np.ndarray = np.zeros(0, np.int64)
    values: np.ndarray = np.zeros((len(study.policies), 0), study.dtype)
    for begin in range(0, len(blocks), _BLOCKS):
        part = blocks[begin : begin + _BLOCKS]
        block = Paths(folder, part)[variable]
        values = np.concatenate([values, block], axis=1)
        new = [np.arange(one.first, one.first + one.count) for one in part]
        numbers = np.concatenate([numbers, *new])
        first = _lowest_first(-values[at] if outcome.loss else values[at], count)
        numbers, values = numbers[first], values[:, first]
    return xr.Dataset(
        {variable: (("path", "policy"), values.T, described_value(study, "outcomes", variable))},
        {"path": _path_numbers(numbers), "policy": policies(study)},
        {"title": study.name, "comment": f"paths with the worst '{variable}' under '{policy}', worst first"},
    )


def _lowest_first(values: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` lowest values, lowest first; ties in their order."""
    limit = np.partition(values, min(count, len(values)) - 1)[:count].max()
    among = np.flatnonzero(values <= limit)  # these are few; to sort all values would take several times as long
    return among[np.argsort(values[among], kind="stable")[:count]]


def percentiles(study: Study, draws: xr.Dataset) -> xr.Dataset:
    """The prior's cumulative probability of each draw, 0 to 1, shaped like the draws.

    Inputs that are nearly fixed, whose prior has the same lower and upper quartile, are left out.

    Args:
      draws: group `draws` of a replay.
    """
    return xr.Dataset(
        {
            item.name: (draws[item.name].dims, item.marginal.share_below(draws[item.name].values))
            for item in study.inputs
            if item.marginal.quantile(0.25) < item.marginal.quantile(0.75)
        },
        draws.coords,
    )
