"""Non-finite values: how many paths they exclude, how many a run may exclude, and the error where there are more."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import Problem, UserError
from engine.formatting import command_line
from engine.modelling.cell_axis import cell_layout
from engine.program.contract import Outcomes
from engine.risk.estimation.exclusion import excluded, most_excluded
from engine.risk.estimation.intervals import PAIR
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
    problems: list[Problem | str] = []
    if before + count > most_excluded(study):
        bad = ~np.isfinite(result.outcomes)
        for p, policy in enumerate(study.policy_names):
            for k, outcome in enumerate(study.model.outcomes):
                if bad[p, k].any():
                    first = result.block.first + int(np.argmax(bad[p, k]))
                    problems.append(
                        f"outcome '{outcome}' under '{policy}' is not finite on {bad[p, k].sum():,} of "
                        f"{result.block.count:,} paths, the first of them {first}. See its years: "
                        f"{replay_command(study, first, policy)}"
                    )
    if problems:
        _refuse(study, problems, before + count)
    return count


def refuse_too_many(study: Study, count: int) -> None:
    """Raises a `UserError` where `count`, the excluded paths of the whole run, exceeds what the study allows."""
    if count > most_excluded(study):
        _refuse(study, [], count)


def _refuse(study: Study, problems: list[Problem | str], count: int) -> None:
    most, share = most_excluded(study), study.nonfinite
    if share:
        partners = ", or on the other half of their antithetic pair," if study.unit == PAIR else ""
        message = (
            f"expected to exclude at most {most:,} of {study.paths:,} paths ({share:g}), got {count:,} so far:"
            f" values on them{partners} are not finite. Mend the model, or allow more."
        )
    else:
        message = (
            "expected only paths on which all is finite. Mend the model, or say which share may be kept out of all"
            " numbers, such as 0.0001."
        )
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
    if not bad.any():
        return
    path = int(np.argmax(bad))
    policy, year, cell = (int(part[0]) for part in np.nonzero(~np.isfinite(yearly[..., path])))
    layout = cell_layout(study.model)
    name = next(name for name, at in layout.items() if at.first <= cell < at.first + at.count)
    place = f"in {study.years[year]} on path {path}"
    seen = f"See its years: {replay_command(study, path, study.policy_names[policy])}"
    _refuse(study, [f"yearly variable '{name}' is not finite {place}. {seen}"], 0)


def replay_command(study: Study, path: int, policy: str) -> str:
    """The command that shows one path in full, also of a study whose run was refused."""
    words = "--path", path, "--policy", policy, "--seed", study.seed, "--full"
    return command_line("replay", Path(study.source), *words, model=study.model_spec)
