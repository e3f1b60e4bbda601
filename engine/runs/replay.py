"""Single paths in full, labelled: draws, years, outcomes; and which paths are the worst."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from engine.errors import Problem, UserError, unknown
from engine.execution import results
from engine.execution.anew import InFull, in_full
from engine.formatting import words
from engine.questions.prior_scores import varies
from engine.run_folder import cube
from engine.run_folder.cube_groups import (
    CONVENTIONS,
    Attributes,
    coordinate,
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
from engine.study.study import PRECISIONS, Study
from engine.study.tables.policies import on_path
from engine.study.tables.triggers import whole

TOGETHER = 32
"""Blocks that `worst` reads at a time."""
_Variables = Mapping[str, tuple[tuple[str, ...], np.ndarray, Attributes]]


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
    about = {
        "Conventions": CONVENTIONS,
        "title": study.name,
        "seed": study.seed,
        "precision": precision,
        "summary": study.question,
        **({"path": numbers[0]} if single else {}),
    }
    story = xr.DataTree.from_dict({"/": xr.Dataset(attrs=about), **groups})
    return story.isel(path=0, drop=True) if single else story


def _labelled(study: Study, numbers: Sequence[int], futures: InFull) -> dict[str, xr.Dataset]:
    """The groups of a replay; every variable has `path` first."""
    model = study.model
    labels = {
        "path": _path_numbers(numbers),
        "policy": policies(study),
        "year": coordinate("year", study.years, "calendar year", np.int64, "year"),
        **{dim: coordinate(dim, names, words(dim)) for dim, names in model.dims.items()},
    }
    yearly = {
        name: (
            ("path", "policy", "year", *model.yearly[name].dims),
            values,
            described_value(study, "yearly", name) | valid_range(model.yearly[name]),
        )
        for name, values in futures.yearly.items()
    }
    outcomes = {
        name: (("path", "policy"), values, described_value(study, "outcomes", name))
        for name, values in futures.outcomes.items()
    }
    draws = {name: (("path",), futures.draws[name], about) for name, about in described_inputs(study).items()}
    shocks = {
        name: (("path", "year", *shock.dims), futures.shocks[name], described(shock.about or words(name), shock.unit))
        for name, shock in model.shocks.items()
    }
    groups: dict[str, _Variables] = {
        "yearly": yearly,
        "outcomes": outcomes,
        "draws": draws,
        "shocks": shocks,
        "levers": _levers(study, futures.draws),
    }

    def labelled(variables: _Variables) -> xr.Dataset:
        used = {"path", *(dim for dims, _, _ in variables.values() for dim in dims)}
        return xr.Dataset(variables, {dim: label for dim, label in labels.items() if dim in used})

    return {name: labelled(variables) for name, variables in groups.items() if variables or name == "draws"}


def _levers(study: Study, draws: Mapping[str, np.ndarray]) -> _Variables:
    """Levers in force as labelled variables, [path, policy, year, *dims]; none if no policy is random."""
    if not any(policy.factors or (policy.before and policy.before.drawn) for policy in study.policies):
        return {}
    rows = np.stack([*draws.values()], axis=-1)
    named = [dict(zip(draws, row, strict=True)) for row in rows.astype(float)]
    in_force = [[whole(on_path(policy, drawn, study.years)).levers for policy in study.policies] for drawn in named]
    variables = {}
    for name, lever in study.model.levers.items():
        values = np.array([[levers[name] for levers in by_policy] for by_policy in in_force], rows.dtype)
        dims, held = (("year",), values) if study.years else ((), values[:, :, 0])
        about = described(lever.about or words(name), lever.unit)
        variables[name] = (("path", "policy", *dims, *lever.dims), held, about)
    return variables


def _path_numbers(numbers: Sequence[int] | np.ndarray) -> xr.Variable:
    return xr.Variable("path", np.array(numbers, np.int64), described_paths())


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
      UserError: no such outcome or policy, an outcome that is not kept path by path, or a run that is not finished,
        all problems at once; else blocks missing from a finished run, or too many paths or none.
    """
    study, kept = folder.study, folder.study.keep.outcomes
    problems = []
    if variable not in study.model.outcomes:
        problems.append(Problem("variable", unknown("outcome", variable, study.model.outcomes)))
    elif variable not in kept:
        expected = f"expected an outcome stored path by path ({', '.join(kept) or 'none is'}), got '{variable}'."
        problems.append(Problem("variable", f"{expected} Add it to keep.outcomes in the study, and run it again."))
    if policy not in study.policy_names:
        problems.append(Problem("policy", unknown("policy", policy, study.policy_names)))
    held = cube.attributes(folder.path)
    is_whole = held.get("status") == "complete" and held.get("paths", 0) >= study.paths
    if not is_whole and not cube.was_finished(folder.path):
        expected = f"expected a run of {study.paths:,} paths that is finished."
        problems.append(Problem("", f"{expected} Finish it: {finishing_command(folder)}"))
    if problems:
        raise UserError(folder.path, problems)
    answers = results.of_run(folder, partial=not is_whole)
    if not 1 <= count <= answers.study.paths:
        raise UserError(
            str(folder.path), [Problem("count", f"expected 1 to {answers.study.paths} paths, got {count}.")]
        )
    numbers = np.zeros(0, np.int64)
    values: np.ndarray = np.zeros((len(study.policies), 0), study.dtype)
    for begin in range(0, len(answers.blocks), TOGETHER):
        part = answers.blocks[begin : begin + TOGETHER]
        numbers = np.concatenate([numbers, *(np.arange(one.first, one.first + one.count) for one in part)])
        values = np.concatenate([values, Paths(folder, part)[variable]], axis=1)
        own = values[study.policy_names.index(policy)]
        goodness = -own if study.is_loss(variable) else own
        most = min(count, len(own))
        among = np.flatnonzero(goodness <= np.partition(goodness, most - 1)[most - 1])  # few; sorting all is slow
        first = among[np.argsort(goodness[among], kind="stable")][:count]
        numbers, values = numbers[first], values[:, first]
    return xr.Dataset(
        {variable: (("path", "policy"), values.T, described_value(study, "outcomes", variable))},
        {"path": _path_numbers(numbers), "policy": policies(study)},
        {"title": study.name, "comment": f"paths with the worst '{variable}' under '{policy}', worst first"},
    )


def percentiles(study: Study, draws: xr.Dataset) -> dict[str, np.ndarray]:
    """The prior's cumulative probability of each draw, 0 to 1, [path], by factor.

    Inputs that are nearly fixed, whose prior has the same lower and upper quartile, are left out.

    Args:
      draws: group `draws` of a replay.
    """
    return {item.name: item.marginal.share_below(draws[item.name].values) for item in study.inputs if varies(item)}
