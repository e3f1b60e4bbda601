"""Unsound values: paths that non-finite ones exclude, and the errors where they are too many or beyond bounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import Problem, Problems, UserError
from engine.formatting import command_line
from engine.modelling.cell_axis import cell_layout
from engine.modelling.records import cell_names
from engine.program.contract import Outcomes
from engine.risk.estimation.bounds import beyond, bounded, limits_of
from engine.risk.estimation.exclusion import PAIR, excluded, most_excluded
from engine.study.study import Block, Study


@dataclass(frozen=True)
class BlockResult:
    """The outcomes of a block's paths [policy, outcome, path], in path order."""

    block: Block
    outcomes: Outcomes


def refuse_nonfinite(study: Study, result: BlockResult, before: int) -> int:
    """Number of paths of a block that are excluded because a value is not finite.

    Args:
      before: number of paths of other blocks that are excluded.

    Raises:
      UserError: both together exceed what the run allows; the message names the outcomes, the first path of each, and
        the command that replays it.
    """
    count = int(excluded(study, result.outcomes).sum())
    if before + count > most_excluded(study):
        bad, problems, outcomes = ~np.isfinite(result.outcomes), list[str](), list(study.model.outcomes)
        for p, k in np.argwhere(bad.any(axis=-1)):
            policy, first = study.policy_names[p], result.block.first + int(np.argmax(bad[p, k]))
            what = f"outcome '{outcomes[k]}' under '{policy}' is not finite on {bad[p, k].sum():,} of"
            seen = f"To see its years: {replay_command(study, first, policy)}"
            problems.append(f"{what} {result.block.count:,} paths, the first of them {first}. {seen}")
        if problems:
            _refuse(study, problems, before + count)
    return count


def refuse_too_many(study: Study, count: int) -> None:
    """Raises a `UserError` where `count`, the excluded paths of the whole run, exceeds what the study allows."""
    if count > most_excluded(study):
        _refuse(study, [], count)


def _refuse(study: Study, problems: list[str], count: int) -> None:
    most, share = most_excluded(study), study.nonfinite
    if share:
        partners = ", or on the other half of their antithetic pair," if study.unit == PAIR else ""
        text = (
            f"expected to exclude at most {most:,} of {study.paths:,} paths ({share:g}), got {count:,} so far: values"
        )
        message = f"{text} on them{partners} are not finite. Correct the model, or allow more."
    else:
        text = "expected finite values on all paths. Correct the model, or state which share may be left out of all"
        message = f"{text} numbers, such as 0.0001."
    raise UserError(f"model {study.model_name}", [Problem("run.nonfinite", message), *problems])


def refuse_bad_year(
    study: Study, yearly: Float[np.ndarray, "policy year cell path"], out: Bool[np.ndarray, "path"]
) -> None:
    """Raises a `UserError` with the first path of the yearly sample that has a non-finite value.

    Args:
      yearly: values of the study's first paths in all years.
      out: which of the paths are excluded from all numbers, and not checked.
    """
    bad = ~np.isfinite(yearly).all(axis=(0, 1, 2)) & ~out
    if bad.any():
        path = int(np.argmax(bad))
        policy, year, cell = np.argwhere(~np.isfinite(yearly[..., path]))[0]
        layout = cell_layout(study.model)
        name = next(name for name, at in layout.items() if at.first <= cell < at.first + at.count)
        seen = f"To see its years: {replay_command(study, path, study.policy_names[policy])}"
        _refuse(study, [f"yearly variable '{name}' is not finite in {study.years[year]} on path {path}. {seen}"], 0)


def refuse_beyond(
    study: Study, yearly: Float[np.ndarray, "policy year cell path"], out: Bool[np.ndarray, "path"] | None = None
) -> None:
    """Raises a `UserError` where a model gives yearly values outside the bounds that it states for them.

    Args:
      yearly: values of the study's first paths in all years; of any paths where `out` is None (the message then
        suggests no replay).
      out: which of the paths are excluded from all numbers, and not checked.

    Raises:
      UserError: with the first value out of bounds of every variable that has one.
    """
    model, problems = study.model, Problems()
    layout, limits = cell_layout(model), limits_of(model)
    for name in bounded(model):
        columns = layout[name]
        cells = slice(columns.first, columns.first + columns.count)
        values = yearly[:, :, cells]
        bad = beyond(values.reshape(-1, *values.shape[2:]), limits[:, cells]).reshape(values.shape)
        if out is not None:
            bad &= ~out
        if not bad.any():
            continue
        policy, year, cell, path = first = np.unravel_index(np.argmax(bad), bad.shape)
        label, entry = cell_names(columns.dims, model.dims)[cell], model.yearly[name]
        under, unit = study.policy_names[policy], f" [{entry.unit}]" if entry.unit != "1" else ""
        place = f"in {study.years[year]}" + (f" for {label}" if label else "")
        text = f"expected {entry.bounds}{unit}, as it states, got {values[first]:.6g} {place} under '{under}'. Clip it"
        text += " there, or state other bounds."
        if out is not None:
            text += f" To see the years of path {path}: {replay_command(study, int(path), under)}"
        problems.add(f"model.yearly.{name}", text)
    problems.refuse(f"model {study.model_name}")


def replay_command(study: Study, path: int, policy: str) -> str:
    """The command that shows one path in full, also of a study whose run was refused."""
    words = "--path", path, "--policy", policy, "--seed", study.seed, "--full"
    return command_line("replay", Path(study.source), *words, model=study.model_spec)
