"""The main job: a study to its run folder, with the tail tables, alone or as one shard of a job array."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from engine.errors import UserError
from engine.execution import results
from engine.execution.executors.cluster import Cluster
from engine.execution.executors.local import Executor, Local
from engine.execution.executors.processes import Workers
from engine.execution.resources import refuse_if_memory_too_small
from engine.execution.simulate import finished, missing, simulate
from engine.execution.work import Observer, Stage, yearly_fields, yearly_missing
from engine.modelling import contract
from engine.program import devices
from engine.risk.tables import Record
from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.finding import run_folder
from engine.storage.files import writing
from engine.storage.locks import Holder
from engine.study.study import BLOCK, Block, Study

PREPARING = 60.0
"""Seconds that a shard waits while another one prepares the folder."""


@dataclass(frozen=True)
class Run:
    """A finished run.

    Args:
      folder: its run folder.
      study: the resolved study.
      computed: numbers of the blocks that this call computed; empty where all was there already.
      risk: mean, VaR, ES and event probabilities by policy.
      comparison: paired differences from the baseline, probabilities of being worse, regret.
    """

    folder: Path
    study: Study
    computed: tuple[int, ...]
    risk: list[Record]
    comparison: list[Record]


@dataclass(frozen=True)
class Shard:
    """One shard of a job array, done; others may still be at work.

    Args:
      folder: the run folder.
      computed: numbers of the blocks that this call computed.
      missing: how many blocks of the run are still missing.
      run: the finished run where this shard was the last one; None otherwise.
    """

    folder: Path
    computed: tuple[int, ...]
    missing: int
    run: Run | None


def run(
    study: Study,
    out: str | Path | None = None,
    device: str | None = None,
    memory: int | str | None = None,
    observe: Observer = lambda stage: None,
    command: Sequence[str] = (),
    workers: int | None = None,
    scheduler: str | None = None,
    force: bool = False,
) -> Run:
    """Computes what the study's run folder lacks, and its tables. Compiled programs are kept: `devices.use_compilation_cache`.

    What is there is compared with its checksums first, and computed again where it is not what was written.

    Args:
      out: the run folder itself; `outputs/<name>-<fingerprint>` if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      memory: main memory that the run may take, in bytes or as "4GiB"; what is free if not given.
      observe: called with the `Stage` that is reached.
      command: the words that started the run, for `provenance.json`.
      workers: processes on this machine that compute; this process itself if not given.
      scheduler: address of a `dask.distributed` scheduler whose workers compute.
      force: go on although other versions or another device kind made the blocks that are there; this is written down.

    Raises:
      UserError: the disk or the memory is too small, the folder holds something else or cannot be written, the model
        does not keep its contract or gives values that are not finite, workers or the scheduler are lost.
    """
    chosen = _executor(device, workers, scheduler)
    folder = _looked_over(study, out)
    refuse_if_memory_too_small(study, memory, workers or 0)
    own = None if workers or scheduler else devices.mesh(device).devices.size
    told, there = _Told(command, force, workers, own), folder.exists()
    with (
        writing(folder),
        ownership.claim(folder, study) as holder,
        _nothing_left_of_a_refused_run(folder, study, there),
        chosen as executor,  # its workers end first
    ):
        return _finished(study, folder, executor, holder, observe, told)


def run_shard(
    study: Study,
    number: int,
    of: int,
    out: str | Path | None = None,
    device: str | None = None,
    memory: int | str | None = None,
    observe: Observer = lambda stage: None,
    command: Sequence[str] = (),
) -> Shard:
    """One task of a job array with no live scheduler: every `of`-th block; the last shard to end makes the tables.

    All shards are given the same study, paths and folder, which lies on a disk that they share.

    Args:
      number: of this shard, from 1 to `of`.

    Raises:
      UserError: as `run`.
    """
    if not 1 <= number <= of:
        raise UserError("--shard", [f"expected 1/{of} to {of}/{of}, got {number}/{of}."])
    folder = _looked_over(study, out)
    refuse_if_memory_too_small(replace(study, paths=min(study.paths, BLOCK)), memory)
    told = _Told(command, False, of, devices.mesh(device).devices.size)
    with Local(device) as executor, writing(folder):
        computed = _shard_computed(study, folder, executor, observe, told, number, of)
        left = len(ledger.pending(folder, study))
        if left:
            return Shard(folder, computed, left, None)
        refuse_if_memory_too_small(study, memory)
        try:
            with ownership.claim(folder, study) as holder:
                return Shard(folder, computed, 0, _finished(study, folder, executor, holder, observe, told))
        except ownership.Busy:  # another shard that has come as far
            return Shard(folder, computed, 0, None)


def _shard_computed(
    study: Study, folder: Path, executor: Executor, observe: Observer, told: _Told, number: int, of: int
) -> tuple[int, ...]:
    """Numbers of the blocks that a shard has computed, beside others that compute theirs."""
    until = time.monotonic() + PREPARING
    while True:
        try:
            _prepare(study, folder, executor)
            with ownership.claim(folder, study, shared=True) as holder:
                own = range(number - 1, len(study.blocks()), of)
                done = ledger.done_blocks(folder, study, only=own)
                mine = [study.block(index) for index in own if index not in done]
                yearly = number == 1 and yearly_missing(folder, study)
                if mine or yearly:
                    with _written_down(study, folder, told, mine):
                        simulate(study, folder, executor, holder, yearly, mine, observe)
                return tuple(block.index for block in mine)
        except ownership.Busy:
            # somebody prepares the folder, or makes the tables, which needs no shard any more
            if ownership.entered(folder, study) and not ledger.pending(folder, study):
                return ()
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


@dataclass(frozen=True)
class _Told:
    """What `provenance.json` is told of a run: its words, when it began, how many workers or devices, whether versions may mix."""

    command: Sequence[str]
    force: bool
    workers: int | None
    devices: int | None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))


def _looked_over(study: Study, out: str | Path | None) -> Path:
    """The run folder of a study that can be run: it keeps its contract, and there is room for it on the disk."""
    folder = run_folder(study, out)
    cube.refuse_if_too_large(folder, study)
    contract.refuse_broken(study.model, study.model_name)
    devices.use_compilation_cache()
    return folder


def _executor(device: str | None, workers: int | None, scheduler: str | None) -> Executor:
    if workers is not None and scheduler is not None:
        raise UserError("--workers", ["goes without --scheduler: a cluster has workers of its own."])
    if scheduler is not None:
        return Cluster(scheduler, device)
    return Local(device) if workers is None else Workers(workers, device)


def _finished(
    study: Study, folder: Path, executor: Executor, holder: Holder, observe: Observer, told: _Told
) -> Run:
    """What is missing computed, and the cube finished; in a folder that this process holds alone."""
    if finished(folder, study):
        observe(Stage("estimating", study.paths, study.paths))
        tables = results.of_run(folder, study).tables()
        return Run(folder, study, (), tables.risk, tables.comparison)
    yearly, blocks = missing(folder, study)
    with _written_down(study, folder, told, blocks):
        if yearly or blocks:
            simulate(study, folder, executor, holder, yearly, blocks, observe, told.force)
        else:
            cube.create(folder, study)
        observe(Stage("estimating", study.paths, study.paths))
        found = results.of_run(folder, study)
        tables = found.tables()
        summaries = found.summaries(tables, yearly_fields(folder, study))
    cube.finish(folder, study, summaries)
    return Run(folder, study, tuple(block.index for block in blocks), tables.risk, tables.comparison)


@contextmanager
def _written_down(study: Study, folder: Path, told: _Told, blocks: Sequence[Block]) -> Iterator[None]:
    """A stretch of work as a run in `provenance.json`, with how it ended; before the cube is marked complete."""

    def append(error: str | None) -> None:
        made = ownership.versions_of(folder)[-1:]
        kind = made[0]["device_kind"] if made else "unknown"
        numbers = ledger.done_blocks(folder, study, only=[block.index for block in blocks])
        record = provenance.run_record(
            study,
            kind,
            told.command or sys.argv,
            told.started,
            datetime.now(UTC),
            numbers,
            devices=told.devices,
            workers=told.workers,
            error=error,
            forced=ownership.versions_of(folder),
        )
        provenance.append(folder, study, record)

    try:
        yield
    except BaseException as failure:
        if ownership.study_file(folder).exists():
            with suppress(Exception):  # the failure itself is what must be told
                append(f"{type(failure).__name__}: {failure}")
        raise
    append(None)


def _prepare(study: Study, folder: Path, executor: Executor) -> None:
    """Makes a folder ready for shards that share it: whoever comes first does, alone.

    Raises:
      Busy: another one is at it, or shards of other path counts are at work.
    """

    def ready() -> bool:
        return ownership.entered(folder, study) and cube.has_arrays(folder, study)

    if ready():
        return
    with ownership.claim(folder, study):
        if not ready():  # while this one waited
            ownership.enter(folder, study, executor.versions())
            cube.create(folder, study)


@contextmanager
def _nothing_left_of_a_refused_run(folder: Path, study: Study, there: bool) -> Iterator[None]:
    """Takes away what a run that is refused began in a folder that held no run, unless a block is done.

    The folder is claimed, so that nobody else's is taken away.

    Args:
      there: whether the folder was there before.
    """
    begun = not ownership.study_file(folder).exists()
    try:
        yield
    except UserError:
        with suppress(OSError):  # a disk that fails: what is there stays
            if begun and not ledger.done_blocks(folder, study):
                shutil.rmtree(folder, ignore_errors=True)
                if there:
                    folder.mkdir(exist_ok=True)
        raise
