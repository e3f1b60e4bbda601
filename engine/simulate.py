"""The loop over pending blocks: submit, collect, write, commit; and the paths whose years are looked at in full."""

from __future__ import annotations

import os
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine import cube, devices, ledger
from engine.errors import UserError
from engine.kernel import BlockResult, Program
from engine.ledger import Record
from engine.models import SHIPPED
from engine.reducers import cell_layout
from engine.study import Block, Study
from engine.tallies import tally, unkept


@dataclass(frozen=True)
class Stage:
    """Where a run stands, for whoever shows it.

    Args:
      name: what is being done now.
      done: paths finished.
      total: paths asked for.
      note: what there is to say of a stage that is over.
    """

    name: str
    done: int
    total: int
    note: str = ""


Observer = Callable[[Stage], None]


@dataclass(frozen=True)
class Simulated:
    """What the blocks of a study left.

    Args:
      computed: blocks that this run computed itself.
      records: of all blocks, by number.
      yearly: values of the first paths in full, float32 [policy, year, cell, path]; None for a static model.
    """

    computed: tuple[int, ...]
    records: Mapping[int, Record]
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
    began = time.monotonic()
    with devices.programs_watched() as all_found, ThreadPoolExecutor(max_workers=1) as compiler:
        prepared = compiler.submit(_prepared, program) if todo else None
        yearly = yearly_sample(study, program)
        bad_year = _first_bad_year(study, yearly)
        if prepared is not None:
            taken = prepared.result() - began
            told = f"compiled programs found ({taken:.1f} s)" if all_found() else f"compiled in {taken:.1f} s"
            observe(Stage("compiled", done, study.paths, told))
    # the next block is computed while this one is written
    with ThreadPoolExecutor(max_workers=1) as writer:
        writing: Future | None = None
        for result in _results(program, todo):
            _refuse_nonfinite(study, result, bad_year)
            if writing is not None:
                writing.result()
            writing = writer.submit(_store, study, folder, program, result)
            done += result.block.count
            observe(Stage("simulating", done, study.paths))
        if writing is not None:
            writing.result()
    return Simulated(tuple(block.index for block in todo), ledger.done_blocks(folder, study), yearly)


def _prepared(program: Program) -> float:
    """The time at which the program was ready for blocks."""
    program.prepare()
    return time.monotonic()


def _results(program: Program, todo: tuple[Block, ...]) -> Iterator[BlockResult]:
    ahead = [(block, program.submit(block)) for block in todo[:1]]
    for following in (*todo[1:], None):
        if following is not None:
            ahead.append((following, program.submit(following)))
        if ahead:
            yield program.collect(*ahead.pop(0))


def _store(study: Study, folder: Path, program: Program, result: BlockResult) -> None:
    block = result.block
    kept = program.draws(block)[:, : cube.kept_draws(study, block)] if cube.kept_draws(study, block) else None
    draws = {} if kept is None else {item.name: kept[k] for k, item in enumerate(study.inputs)}
    shards = cube.write_block(folder, study, block, result.outcomes, draws)
    nonfinite = np.sum(~np.isfinite(result.outcomes), axis=-1)
    content = tally(study, result.outcomes).content() if unkept(study) else None
    ledger.commit(folder, study, block, shards, nonfinite, -1, content)


def yearly_sample(study: Study, program: Program) -> np.ndarray | None:
    """Yearly values of the first `keep.yearly` paths, float32 [policy, year, cell, path]; None for a static model."""
    return program.first_years(min(study.keep.yearly, study.paths)) if study.has_yearly else None


def _refuse_nonfinite(study: Study, result: BlockResult, bad_year: str) -> None:
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
    if not problems and bad_year:
        problems = [bad_year]
    if problems:
        raise UserError(f"model {study.model_name}", problems)


def _first_bad_year(study: Study, yearly: np.ndarray | None) -> str:
    """The message for the first path of the yearly sample with a value that is not finite; empty if there is none."""
    if yearly is None:
        return ""
    sound = np.isfinite(yearly).all(axis=(0, 1, 2))
    if sound.all():
        return ""
    path = int(np.argmin(sound))
    policy, year, cell = (int(part[0]) for part in np.nonzero(~np.isfinite(yearly[..., path])))
    layout = cell_layout(study.model)
    name = next(name for name, at in layout.items() if at.first <= cell < at.first + at.count)
    return (
        f"yearly variable '{name}' is not finite in {study.years[year]} on path {path}. "
        f"See its years: {replay_command(study, path, study.policy_names[policy])}"
    )


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
