"""Whether a program reproduces a run folder: some stored paths are computed again before new blocks are added."""

from __future__ import annotations

from collections.abc import Container, Iterator

import numpy as np

from engine.errors import Problem, UserError
from engine.program.contract import Outcomes, Program
from engine.risk.estimation.exclusion import without_excluded
from engine.risk.estimation.tallies import GROUP, group_size, tally, unkept
from engine.run_folder import ledger
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FinishedPart
from engine.run_folder.parts import stored_tally
from engine.run_folder.reading import Paths
from engine.study.study import Block

CAUSE = "The model has changed in what its trace does not show, such as what a function that JAX calls back reads."


def refuse_disagreeing(folder: RunFolder, program: Program, record: FinishedPart, remedy: str) -> None:
    """Compares the first paths of a stored block, bit for bit, with what the program gives for them.

    The paths are the first group of the block's tally (`tallies.group_size`), or the whole block where it is one group;
    without a tally, as many paths as a group of the first blocks has.
    Outcomes that are kept whole are compared path by path, all others by their tally. The program is the one that
    computes the blocks and is compiled anyway, so the check costs at most one of its passes.

    Args:
      record: of the stored block.
      remedy: what the user is told to do where they differ.

    Raises:
      UserError: they differ: which outcome on which path, what is stored and what is computed.
    """
    study, index = folder.study, int(record.part)
    whole = len(study.keep.outcomes) == len(study.model.outcomes)
    groups = -(-record.count // (GROUP if whole else group_size(index)))
    size = record.count // groups // study.unit * study.unit if groups > 1 else record.count
    some = Block(index, record.first, size)
    now = program.submit(some).of(some)
    now = without_excluded(study, now) if study.nonfinite else now
    if problems := [*_of_paths(folder, some, now), *(() if whole else _of_tally(folder, record, some, now))]:
        raise UserError(folder.path, [*problems, f"{CAUSE} {remedy}"])


def stored_block(folder: RunFolder, but: Container[int] = (), last: bool = False) -> FinishedPart | None:
    """The record of the first or last intact stored block, which may have fewer paths than the study asks for.

    None if there is none.

    Args:
      but: numbers of blocks to leave out.
      last: the last block instead of the first, and one whose files have the content that was written.
    """
    for index in sorted(ledger.recorded_blocks(folder.path), reverse=last):
        record = None if index in but else ledger.read(folder, index)
        if record is not None and ledger.intact(folder.path, record, thorough=last):
            return record
    return None


def _of_paths(folder: RunFolder, some: Block, now: Outcomes) -> Iterator[Problem]:
    """Outcomes that are kept whole and differ, each with the first path on which it does."""
    study, paths = folder.study, Paths(folder, [some])
    for name in study.keep.outcomes:
        stored, computed = paths[name], np.ascontiguousarray(now[:, study.places([name])[0]])
        bits = f"u{stored.dtype.itemsize}"
        differs = stored.view(bits) != computed.view(bits)
        if differs.any():
            first = np.unravel_index(np.argmax(differs), differs.shape)
            where = f"path {some.first + first[1]} under '{study.policy_names[first[0]]}'"
            values = f"expected {stored[first]!s}, as is stored, got {computed[first]!s}"
            count = f"{differs.any(axis=0).sum():,} of {some.count:,} paths"
            yield Problem(f"paths.{name}", f"{where}: {values}, on {count}.")


def _of_tally(folder: RunFolder, record: FinishedPart, some: Block, now: Outcomes) -> Iterator[Problem]:
    """Outcomes that are not kept whole and whose bins, sums or comparisons with the baseline differ."""
    study = folder.study
    if not np.isfinite(now).any():
        return
    both = stored_tally(folder.path, record), tally(study, now, group_size(some.index))
    for k, name in enumerate(unkept(study)):
        stored, computed = (
            [
                np.repeat(one.bins, one.counts[0]).reshape(len(one.totals), -1)[k],  # of each path
                *(of[k, :, 0] for of in (one.totals, one.worse, one.regret)),
            ]
            for one in both
        )
        if not all(map(np.array_equal, stored, computed)):
            means = [float(of[1].sum()) / some.count for of in (stored, computed)]
            differs = f"its distribution over paths {some.first} to {some.first + some.count - 1} differs"
            told = f"a mean over all policies of {means[0]:.9g}, as is stored, got {means[1]:.9g}"
            yield Problem(f"tally.{name}", f"{differs}: expected {told}.")
