"""The loop over what is missing of a run: blocks and the yearly sample, computed by an executor until none are left."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.execution.executors.local import Executor
from engine.execution.work import Observer, Stage, yearly_missing
from engine.run_folder import cube, ledger, ownership
from engine.storage.locks import Holder
from engine.study.study import Block, Study


def finished(folder: Path, study: Study) -> bool:
    """Whether nothing is missing: every part, and the tables over all paths in the cube. Sizes of files are looked at."""
    return cube.is_finished(folder, study) and not yearly_missing(folder, study)


def missing(folder: Path, study: Study) -> tuple[bool, tuple[Block, ...]]:
    """Whether the yearly sample is missing, and the blocks that are: not there, or not what was written."""
    return yearly_missing(folder, study, thorough=True), ledger.pending(folder, study, thorough=True)


def simulate(
    study: Study,
    folder: Path,
    executor: Executor,
    holder: Holder,
    yearly: bool,
    blocks: Sequence[Block],
    observe: Observer,
    force: bool = False,
) -> None:
    """Computes and commits blocks, and the yearly sample if that is asked for.

    Args:
      holder: this process's hold on the folder.
      force: go on although other versions or device kinds made what is there.

    Raises:
      UserError: the model gave values that are not finite (with the path to look at), the folder cannot be written, or
        holds blocks that others made.
    """
    ownership.enter(folder, study, executor.versions(), force, alone=not holder.shared)
    if not holder.shared:  # shards find the arrays ready
        cube.create(folder, study)
    done = study.paths - sum(block.count for block in blocks)
    for block in executor.perform(study, folder, holder.token, yearly, blocks, observe):
        done += block.count
        observe(Stage("simulating", done, study.paths, block=block))
