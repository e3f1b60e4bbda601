"""The loop over pending blocks: submit, collect, write, commit; and the paths whose years are looked at in full."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import cube, ledger
from engine.errors import UserError
from engine.kernel import BlockResult, Program
from engine.ledger import Record
from engine.models import SHIPPED
from engine.reducers import YearlySums, cell_count, cell_layout
from engine.study import Block, Study


@dataclass(frozen=True)
class Stage:
    """Where a run stands, for whoever shows it.

    Args:
      name: what is being done now.
      done: paths finished.
      total: paths asked for.
    """

    name: str
    done: int
    total: int


Observer = Callable[[Stage], None]


@dataclass(frozen=True)
class Simulated:
    """What the blocks of a study left.

    Args:
      computed: blocks that this run computed itself.
      records: of all blocks, by number.
      sums: yearly sums over all paths; None for a static model.
      yearly: values of the first paths in full, float32 [policy, year, cell, path]; None for a static model.
    """

    computed: tuple[int, ...]
    records: Mapping[int, Record]
    sums: YearlySums | None
    yearly: np.ndarray | None

    @property
    def nonfinite(self) -> np.ndarray:
        """Outcomes that are not finite over all blocks, int [policy, outcome]."""
        return np.sum([record.nonfinite for record in self.records.values()], axis=0)


def simulate(study: Study, folder: Path, program: Program, observe: Observer) -> Simulated:
    """Computes and commits every block that the folder lacks. The folder must be claimed and its cube created.

    Raises:
      UserError: the model gave values that are not finite (with the path to look at), or the folder cannot be written.
    """
    todo = ledger.pending(folder, study)
    done = study.paths - sum(block.count for block in todo)
    observe(Stage("compiling", done, study.paths))
    with ThreadPoolExecutor(max_workers=1) as compiler:
        prepared = compiler.submit(program.prepare) if todo else None
        shift = _shift(program)
        yearly = yearly_sample(study, program)
        if prepared is not None:
            prepared.result()
    # the next block is computed while this one is written
    with ThreadPoolExecutor(max_workers=1) as writer:
        writing: Future | None = None
        for result in _results(program, todo, shift):
            _refuse_nonfinite(study, program, result)
            if writing is not None:
                writing.result()
            writing = writer.submit(_store, study, folder, program, result)
            done += result.block.count
            observe(Stage("simulating", done, study.paths))
        if writing is not None:
            writing.result()
    records = ledger.done_blocks(folder, study)
    return Simulated(tuple(block.index for block in todo), records, ledger.read_sums(folder, records), yearly)


def _results(program: Program, todo: tuple[Block, ...], shift: np.ndarray | None) -> Iterator[BlockResult]:
    ahead = [(block, program.submit(block, shift)) for block in todo[:1]]
    for following in (*todo[1:], None):
        if following is not None:
            ahead.append((following, program.submit(following, shift)))
        if ahead:
            yield program.collect(*ahead.pop(0))


def _store(study: Study, folder: Path, program: Program, result: BlockResult) -> None:
    block = result.block
    kept = program.draws(block)[:, : cube.kept_draws(study, block)] if cube.kept_draws(study, block) else None
    draws = {} if kept is None else {item.name: kept[k] for k, item in enumerate(study.inputs)}
    shards = cube.write_block(folder, study, block, result.outcomes, draws)
    nonfinite = np.sum(~np.isfinite(result.outcomes), axis=-1)
    ledger.commit(folder, study, block, shards, nonfinite, -1, result.yearly)


def _shift(program: Program) -> np.ndarray | None:
    """What yearly sums are taken about, float32 [year, policy, cell]: means of the first tile, the same in every block.

    Near the mean, because sums of squares are kept in single precision: about a value k deviations away, k^2 of their
    digits are lost.
    """
    if not program.study.has_yearly:
        return None
    first = program.traced_years(0)[..., : program.study.tile].mean(axis=-1, dtype=np.float64)
    return np.nan_to_num(np.swapaxes(first, 0, 1), posinf=0.0, neginf=0.0).astype(np.float32)


def yearly_sample(study: Study, program: Program) -> np.ndarray | None:
    """Yearly values of the first `keep.yearly` paths, float32 [policy, year, cell, path]; None for a static model."""
    if not study.has_yearly:
        return None
    wanted = min(study.keep.yearly, study.paths)
    shape = len(study.policies), len(study.years), cell_count(study.model), wanted
    sample = np.empty(shape, np.float32)
    step = study.tile * program.mesh.devices.size
    for first in range(0, wanted, step):
        sample[..., first : first + step] = program.traced_years(first)[..., : wanted - first]
    return sample


def _refuse_nonfinite(study: Study, program: Program, result: BlockResult) -> None:
    bad = ~np.isfinite(result.outcomes)
    problems = []
    for p, policy in enumerate(study.policy_names):
        for k, outcome in enumerate(study.model.outcomes):
            count = int(bad[p, k].sum())
            if count:
                first = result.block.first + int(np.argmax(bad[p, k]))
                problems.append(
                    f"outcome '{outcome}' under '{policy}' is not finite on {count:,} of {result.block.count:,} paths, "
                    f"the first of them {first}. See its years: {replay_command(study, first, policy)}"
                )
    if not problems and result.yearly is not None and not np.isfinite(result.yearly.first).all():
        problems = [_first_bad_year(study, program, result.block)]
    if problems:
        raise UserError(f"model {study.model_name}", problems)


def _first_bad_year(study: Study, program: Program, block: Block) -> str:
    """The message for the first path of the block with a yearly value that is not finite."""
    found = "a sum of yearly values is beyond single precision"
    for first in range(block.first, block.first + block.count, study.tile * program.mesh.devices.size):
        bad = ~np.isfinite(program.traced_years(first))
        bad[..., max(0, block.first + block.count - first) :] = False
        if bad.any():
            lane = int(np.argmax(bad.any(axis=(0, 1, 2))))
            policy, year, cell = (int(part[0]) for part in np.nonzero(bad[..., lane]))
            layout = cell_layout(study.model)
            name = next(name for name, at in layout.items() if at.first <= cell < at.first + at.count)
            command = replay_command(study, first + lane, study.policy_names[policy])
            found = f"yearly variable '{name}' is not finite in {study.years[year]} on path {first + lane}. See its years: {command}"
            break
    return found


def replay_command(study: Study, path: int, policy: str) -> str:
    """The command that shows one path in full, also of a study whose run was refused."""
    words = [
        "rustbelt",
        "replay",
        study.source,
        "--path",
        str(path),
        "--policy",
        policy,
        "--seed",
        str(study.seed),
    ]
    own = sys.modules.get(type(study.model).__module__)
    file = getattr(own, "__file__", None)
    if study.model_name not in SHIPPED and file:
        short = os.path.relpath(file)
        words += ["--model", f"{file if short.startswith('..') else short}:{type(study.model).__name__}"]
    return shlex.join(words)
