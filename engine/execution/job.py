"""The main job: computes a study into its run folder, with all tables, alone or as one shard of a job array."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

from engine.errors import UserError
from engine.execution import precision, results
from engine.execution.executors import site
from engine.execution.executors.cluster import Cluster
from engine.execution.executors.own_workers import OwnWorkers
from engine.execution.executors.site import Assignment, Local
from engine.execution.kept import kept
from engine.execution.moving import move
from engine.execution.options import RunOptions as RunOptions
from engine.execution.progress import Progress
from engine.execution.resources import refuse_if_memory_too_small, refuse_if_too_large, writers_for
from engine.execution.results import Finished as Finished
from engine.execution.soundness import refuse_too_many
from engine.lanes import compilation_cache, machine_code
from engine.lanes.compilation_cache import Watch
from engine.lanes.llvm import EMITTER
from engine.program import cache_keys, programs
from engine.risk.estimation.stopping import Ended
from engine.run_folder import cube, ledger, ownership, provenance
from engine.run_folder.finding import kept_paths, refuse_other_format, run_folder, stored_study
from engine.run_folder.folder import RunFolder
from engine.run_folder.ledger import FinishedPart
from engine.run_folder.moved_runs import runs_of
from engine.run_folder.parts import yearly_fields, yearly_missing, yearly_paths
from engine.study.loading import own_model
from engine.study.study import BLOCK, Block, Study

Executor = Local | Cluster
"""Computes the parts of a run; `close` ends the processes and connections that it has started."""
PREPARING = 60.0
"""Seconds that a shard waits while another one prepares the folder."""


@dataclass(frozen=True)
class Shard:
    """The work of one shard of a job array; other shards may still be at work.

    Args:
      folder: of the run.
      computed: numbers of the blocks that this call computed.
      missing: how many blocks of the run are still missing.
      finished: the finished run where this shard was the last one; None otherwise.
    """

    folder: RunFolder
    computed: tuple[int, ...]
    missing: int
    finished: Finished | None


def compute(study: Study, options: RunOptions, ended: Ended | None = None) -> Finished:
    """Computes what the study's run folder lacks, and its tables; compiled programs are cached (`compilation_cache`).

    Where the run is not finished, stored files are compared with their SHA-256 first, and parts that differ are
    computed again. Where the folder holds more paths than the study asks for, the result is over all of them, and
    nothing is computed.

    Args:
      ended: how a stopping rule has decided the study's number of paths; None where there is no rule.

    Raises:
      UserError: the disk or the memory is too small, the folder holds something else or cannot be written, the model
        does not keep its contract or gives values that are not finite, workers or the scheduler are lost.
    """
    executor = executor_of(study, options)
    folder = prepared_for(study, options)
    if ownership.paths_held(folder) > study.paths:
        held = RunFolder(folder.path, stored_study(folder.path, own_model(study)))
        return Finished(results.of_run(held, partial=True), (), cube.rounding(folder.path), ended)
    with at_work(folder, executor, options, ended) as job:
        return job.finish()


@contextmanager
def at_work(folder: RunFolder, executor: Executor, options: RunOptions, ended: Ended | None = None) -> Iterator[Job]:
    """A `with` block: the `Job` of a folder that this process holds alone; the executor ends with it.

    Args:
      ended: as `compute` has it.
    """
    study, there = folder.study, folder.path.exists()
    refuse_if_memory_too_small(study, options.memory, options.workers or 0, executor.launch)
    writers = writers_for(study, options.memory, executor.launch) if executor.devices else 1
    with (
        ownership.claim(folder) as holder,
        _nothing_left_of_a_refused_run(folder, there),
        closing(executor),  # entered last, so that its workers end before the folder is removed or released
    ):
        yield Job(folder, options, executor, ended, writers, holder)


def extend(study: Study, options: RunOptions) -> tuple[int, ...]:
    """Computes the blocks that the study's run folder lacks, without tables, and gives their numbers.

    Raises:
      UserError: as `compute`.
    """
    executor = executor_of(study, options)
    with at_work(prepared_for(study, options), executor, options) as job:
        return job.extend()


def compute_shard(study: Study, number: int, of: int, options: RunOptions) -> Shard:
    """Computes every `of`-th block, as one task of a job array; the last shard to end makes the tables.

    No scheduler takes part: all shards are given the same study, paths and folder, on a disk that they share.

    Args:
      number: of this shard, from 1 to `of`.
      options: without `scheduler` and `force`; the number of workers is `of`.

    Raises:
      UserError: as `compute`.
    """
    if not 1 <= number <= of:
        raise UserError("--shard", [f"expected 1/{of} to {of}/{of}, got {number}/{of}."])
    executor = Local(options.device, study)
    refuse_if_memory_too_small(replace(study, paths=min(study.paths, BLOCK)), options.memory, 0, executor.launch)
    folder = prepared_for(study, options)
    with folder.writing():
        job = Job(folder, replace(options, workers=of), executor)
        computed = job.shard(number, of)
        missing = len(ledger.pending(folder))
        if missing:
            return Shard(folder, computed, missing, None)
        refuse_if_memory_too_small(study, options.memory, 0, executor.launch)
        try:
            with ownership.claim(folder) as holder:
                by_another = computed and job.is_finished(ledger.done_blocks(folder))
                return Shard(folder, computed, 0, None if by_another else replace(job, holder=holder).finish())
        except ownership.Busy:  # another shard is still at work here, and will make the tables
            return Shard(folder, computed, 0, None)


def executor_of(study: Study, options: RunOptions) -> Executor:
    """The executor that the options ask for: a dask cluster, one of own worker processes, or this process itself.

    Raises:
      UserError: both workers and a scheduler are asked for, or the executor cannot be had.
    """
    if options.workers is not None and options.scheduler is not None:
        raise UserError("--workers", ["cannot be combined with --scheduler, as a cluster has its own workers."])
    if options.scheduler is not None:
        return Cluster(options.scheduler, options.device)
    if options.workers is None:
        return Local(options.device, study)
    return Cluster(OwnWorkers(options.workers, options.device, study))


def prepared_for(study: Study, options: RunOptions) -> RunFolder:
    """The run folder of a study, once its format, the room on the disk and the model's contract are checked.

    Raises:
      UserError: one of these does not hold.
    """
    folder = run_folder(study, options.out)
    with folder.writing():
        refuse_other_format(folder.path)
    refuse_if_too_large(folder)
    compilation_cache.keep_programs()

    def checked() -> bytes:
        study.refuse_broken_model()
        return b"kept"

    kept("contract", cache_keys.key_of(study, "contract"), checked)
    return folder


@dataclass(frozen=True)
class Job:
    """A run while it is computed by this process, or by workers that it coordinates.

    Args:
      ended: how a stopping rule has decided the study's number of paths; None where there is no rule.
      holder: this process's hold on the folder; None for a shard, which holds it only while it computes.
    """

    folder: RunFolder
    options: RunOptions
    executor: Executor
    ended: Ended | None = None
    writers: int = 1
    holder: ownership.Holder | None = None
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    compiling: Watch = field(default_factory=Watch)

    def finish(self) -> Finished:
        """Computes what is missing, and finishes the cube; in a folder that this process holds alone."""
        folder, study = self.folder, self.folder.study
        done = ledger.done_blocks(folder)
        refuse_too_many(study, ledger.excluded_of(done))
        if self.is_finished(done) and not ownership.names_changed(folder):
            self._observe("estimating")
            answers = results.Answers(folder, done)
            _ = answers.all_tables  # read now, so that a damaged file is found before somebody asks
            return Finished(answers, (), cube.rounding(folder.path), self.ended)
        blocks, yearly = ledger.pending(folder, thorough=True), yearly_missing(folder, thorough=True)
        with self._recorded(blocks), ThreadPoolExecutor(1) as beside:
            if yearly or blocks:
                assignment = self._opened(self.holder, yearly, blocks)
                rounding = beside.submit(precision.too_coarse, study)
                self._simulate(assignment)
            else:
                cube.create(folder)
                ownership.rename(folder)
                rounding = beside.submit(precision.too_coarse, study)
            self._observe("estimating")
            answers = results.of_run(folder)
            refuse_too_many(study, ledger.excluded_of(answers.records))
            finished = Finished(answers, _numbers(blocks), rounding.result(), self.ended)
            _ = answers.all_tables
            self.options.answered(finished)
            self._observe("writing")
            summaries = answers.summaries(yearly_fields(folder), finished.rounding)
        cube.finish(folder, summaries)
        return finished

    def is_finished(self, done: Mapping[int, FinishedPart]) -> bool:
        """Whether the cube is made of these records, and nothing is missing."""
        return cube.is_finished(self.folder, done) and not yearly_missing(self.folder)

    def extend(self) -> tuple[int, ...]:
        """Computes missing blocks, without tables, in a folder that this process holds alone; gives their numbers."""
        blocks = ledger.pending(self.folder, thorough=True)
        with self._recorded(blocks):
            self._simulate(self._opened(self.holder, yearly_missing(self.folder, thorough=True), blocks))
        return _numbers(blocks)

    def shard(self, number: int, of: int) -> tuple[int, ...]:
        """Computes this shard's missing blocks, while other shards compute theirs, and gives their numbers."""
        folder, study = self.folder, self.folder.study
        until = time.monotonic() + PREPARING
        while True:
            try:
                self._prepare()
                with ownership.claim(folder, shared=True) as holder:
                    own = range(number - 1, len(study.blocks()), of)
                    done = ledger.done_blocks(folder, only=own)
                    mine = tuple(study.block(index) for index in own if index not in done)
                    yearly = number == 1 and yearly_missing(folder)
                    if mine or yearly:
                        with self._recorded(mine):
                            self._simulate(self._opened(holder, yearly, mine))
                    return _numbers(mine)
            except ownership.Busy:
                # another process prepares the folder, or makes the tables, when no block is missing any more
                if ownership.entered(folder) and not ledger.pending(folder):
                    return ()
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def _prepare(self) -> None:
        """Makes the folder ready for shards that share it; the first shard to come does so, holding the folder alone.

        Raises:
          Busy: another shard is preparing it, or shards of a run with another number of paths are at work.
        """

        def ready() -> bool:
            return ownership.entered(self.folder) and cube.has_arrays(self.folder)

        if ready():
            return
        with ownership.claim(self.folder):
            if not ready():  # another shard may have prepared it while this one waited
                ownership.enter(self.folder, self._versions(), bound=self.options.bound)
                cube.create(self.folder)

    def _opened(self, holder: ownership.Holder | None, yearly: bool, blocks: tuple[Block, ...]) -> Assignment:
        """Compiles the program, opens the folder and gives the assignment of the blocks and the yearly sample.

        Raises:
          UserError: the folder cannot be written, or holds blocks that others made.
        """
        assert holder is not None
        folder, study, observe = self.folder, self.folder.study, self.options.observe
        alone, force = not holder.shared, self.options.force
        compiling = Progress("compiling", study.paths - sum(block.count for block in blocks), study.paths)
        observe(compiling)
        if self.executor.devices:  # else workers compute
            with self.compiling:
                programs.compile_ahead(study, bool(blocks), yearly)
        ownership.enter(folder, self._versions(), force, alone, self.options.bound)
        if alone:  # shards find the arrays ready
            cube.create(folder)
        if study.facts is not None:
            wanted = (Block(0, 0, yearly_paths(study) if yearly else 0), *blocks)
            move(folder, (run for block in wanted for run in runs_of(block)), self.options.device, observe)
            observe(compiling)
        return Assignment(folder, holder.token, yearly, blocks, observe, self.compiling, force, self.writers)

    def _simulate(self, assignment: Assignment) -> None:
        """Has the executor compute and commit the parts.

        Raises:
          UserError: the model gave values that are not finite (with the path to look at), or the folder cannot be
            written.
        """
        paths = self.folder.study.paths
        done = paths - sum(block.count for block in assignment.blocks)
        for block in self.executor.perform(assignment):
            done += block.count
            self.options.observe(Progress("simulating", done, paths, block=block))

    def _versions(self) -> dict[str, str]:
        with self.compiling:
            return site.of_study(self.folder.study, self.executor.versions())

    def _observe(self, stage: str) -> None:
        paths = self.folder.study.paths
        self.options.observe(Progress(stage, paths, paths))

    @contextmanager
    def _recorded(self, blocks: Sequence[Block]) -> Iterator[None]:
        """A `with` block recorded as one run in `provenance.json`, with how it ended, before the cube is complete."""
        try:
            yield
        except BaseException as failure:
            if ownership.study_file(self.folder.path).exists():
                with suppress(Exception):  # the failure itself is what must be reported
                    self._record(blocks, f"{type(failure).__name__}: {failure}")
            raise
        self._record(blocks, None)

    def _record(self, blocks: Sequence[Block], error: str | None) -> None:
        """Writes of this run into `provenance.json`.

        `compiler` is that of the coordinator; `forms` are those of the program that computed the blocks, with their
        devices and the reasons; `until` is there where a stopping rule ended the run.
        """
        folder = self.folder
        versions = ownership.versions_of(folder.path)
        record = provenance.run_record(
            folder.study,
            versions[-1]["device_kind"] if versions else "unknown",
            self.options.command or sys.argv,
            self.started,
            datetime.now(UTC),
            ledger.done_blocks(folder, only=_numbers(blocks)),
            error,
            devices=self.executor.devices,
            workers=self.options.workers,
            compiler=f"emitter {EMITTER}, {machine_code.made_by()}",
            forms=[asdict(form) for form in self.executor.forms()],
            **({} if self.ended is None else {"until": self.ended.as_dict()}),
        )
        provenance.append(folder, record)


def _numbers(blocks: Sequence[Block]) -> tuple[int, ...]:
    return tuple(block.index for block in blocks)


@contextmanager
def _nothing_left_of_a_refused_run(folder: RunFolder, there: bool) -> Iterator[None]:
    """A `with` block: if it fails, a folder that held no run before is removed, unless a block is done.

    Where blocks are done, a `UserError` also says how to finish the run with them alone.

    The folder is locked by this process, so that no other run's folder is removed.

    Args:
      there: whether the folder was there before.
    """
    begun = not ownership.study_file(folder.path).exists()
    try:
        yield
    except Exception as failure:
        with suppress(OSError):  # a disk that fails: what is there stays
            if begun and not ledger.done_blocks(folder):
                shutil.rmtree(folder.path, ignore_errors=True)
                if there:
                    folder.path.mkdir(exist_ok=True)
            elif isinstance(failure, UserError) and (remedy := kept_paths(folder)):
                raise UserError(failure.source, [*failure.problems, remedy]) from failure
        raise
