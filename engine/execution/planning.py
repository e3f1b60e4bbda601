"""Cost of a run on many workers, extrapolated from a few blocks computed here: time, bytes, files, tasks, obstacles."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.execution import results
from engine.execution.executors import cluster
from engine.execution.resources import above, bytes_free, bytes_needed, memory_needed
from engine.execution.work import Work
from engine.formatting import duration, size_as_text
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import in_a_row
from engine.program.devices import memory_free
from engine.program.programs import without_lanes
from engine.run_folder import cube, ledger, ownership
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, FORMS, Study

BLOCKS = 4
"""Blocks that a measurement computes: the first to warm up, the others to take the time; the last is also written."""
SCHEDULER_RATE = 1000.0
"""Empty tasks that one dask scheduler completes a second (`benchmarks/scheduler.py`)."""
SHORTEST = 10.0
"""Seconds below which a task is short: the overhead of starting it and reporting its end is no longer negligible."""
RECORD = 4096
"""Bytes that a record takes on disk."""
MANY_FILES = 20_000_000
"""Number of files above which listing and copying a folder takes hours."""


@dataclass(frozen=True)
class Measured:
    """The time and disk space that one block of a study takes on this machine.

    Args:
      worker: what computed it: "loop on 2 x cpu".
      start: seconds until the program was compiled, or found in the cache.
      compute: seconds a block takes.
      write: seconds to put its files together, write them and force them to the disk; the next block is computed
        meanwhile.
      estimate: seconds that its share of the tables takes at the end.
      size: bytes of its files; with factor draws only if the study keeps those of the fourth block.
      files: number of its files, its record included.
      thin: bytes of its files if no outcome were kept path by path.
    """

    worker: str
    start: float
    compute: float
    write: float
    estimate: float
    size: int
    files: int
    thin: int

    @property
    def block(self) -> float:
        """Seconds from one block to the next: the longer of computing and writing, which overlap."""
        return max(self.compute, self.write)


@dataclass(frozen=True)
class Plan:
    """The cost of a run on many workers, and what would prevent it.

    Args:
      workers: each like the machine that was measured.
      per_task: most blocks in one task of a scheduler.
      seconds: until the last block is committed.
      tables: seconds that the tables take after that, on this machine.
      rate: tasks a second that the scheduler has to complete.
      size, files: on disk, at the end.
      obstacles: reasons why it cannot be run here, with numbers.
      advice: changes that would make the run faster or smaller.
    """

    workers: int
    blocks: int
    tasks: int
    per_task: int
    seconds: float
    tables: float
    rate: float
    size: int
    files: int
    obstacles: tuple[str, ...]
    advice: tuple[str, ...]


def form(study: Study, platform: str) -> str:
    """The form of the program that a study gets on a platform ("cpu", "gpu"), in words, and why where it is XLA's."""
    if study.program != FORMS[0]:
        return "XLA's, as the study asks"
    if missing := without_lanes(study, study.dtype):
        return f"XLA's, as one loop has no form of: {missing}"
    if platform != "cpu":
        return "one loop as a GPU's kernel; on processors where it fails, or its bytes are not theirs"
    return "one loop" + (", the same bits on every machine" if study.precision == "float32" else "")


def devices_of(study: Study, device: str | None) -> tuple[str, str, int]:
    """The devices that compute a study ("2 x cpu") and the reason; their platform; and blocks per launch on cards.

    Args:
      device: "cpu" or "gpu"; if not given, the GPUs where there are any and they pay.

    Raises:
      UserError: there is no such device.
    """
    found = devices.chosen(device, study)
    words = in_a_row(found.mesh) + (f" ({found.why})" if found.why else "")
    return words, found.mesh.devices.flat[0].platform, devices.blocks_of_launch(device, study)


def measure(folder: RunFolder, device: str | None = None) -> Measured:
    """Times the first blocks of a study; one is written into a temporary folder beside the run's, then removed.

    Raises:
      UserError: nothing can be written there.
    """
    compilation_cache.keep_programs()
    few = replace(folder.study, paths=BLOCKS * BLOCK, facts=None)
    began = time.monotonic()
    program = devices.program(few, device)
    program.prepare()
    start = time.monotonic() - began
    trial = RunFolder(Path(tempfile.mkdtemp(prefix="rustbelt-check-", dir=above(folder.path))), few)
    try:
        work = Work(trial, program, whole=True)
        computed = work.results(few.blocks())
        next(computed)
        began = time.monotonic()
        last = list(computed)[-1]
        compute = (time.monotonic() - began) / (BLOCKS - 1)
        with ownership.claim(trial):
            cube.create(trial)
            began = time.monotonic()
            work.store(last)
            write = time.monotonic() - began
        began = time.monotonic()
        record = ledger.read(trial, last.block.index)
        assert record is not None
        results.Answers(trial, {last.block.index: record}).tables()
        estimate = time.monotonic() - began
        none_kept = replace(few, keep=replace(few.keep, outcomes=(), draws=0))
        thin = sum(map(len, Work(replace(trial, study=none_kept), program).files(last)[0].values()))
    finally:
        shutil.rmtree(trial.path, ignore_errors=True)
    worker = ", ".join(map(str, program.forms))
    size = sum(file.size for file in record.files)
    return Measured(worker, start, compute, write, estimate, size, len(record.files) + 1, thin)


def plan(folder: RunFolder, measured: Measured, workers: int) -> Plan:
    """The cost of a study on `workers` workers, each like the machine that was measured."""
    study = folder.study
    blocks = -(-study.paths // BLOCK)
    per_task = cluster.blocks_of_task(blocks, workers)
    tasks = -(-blocks // per_task)
    seconds = measured.start + measured.block * per_task * -(-tasks // workers)
    rate = workers / (measured.block * per_task)
    draws = np.dtype(study.dtype).itemsize * len(study.inputs) * min(study.keep.draws, study.paths)
    fixed = bytes_needed(replace(study, paths=1)) + draws
    size, files = fixed + blocks * (measured.size + RECORD), blocks * measured.files
    needed, free = memory_needed(study), memory_free()
    room, places = bytes_free(folder.path), os.statvfs(above(folder.path)).f_favail
    obstacles, advice = [], []
    thin = (
        "Keep no outcome path by path (keep.outcomes = []): tallies have every table but --given, in "
        f"{size_as_text(fixed + blocks * (measured.thin + RECORD))} and {2 * blocks:,} files"
    )
    heavy = bool(study.keep.outcomes)
    if size > room:
        obstacles.append(f"disk: {size_as_text(size)} needed, {size_as_text(room)} free.")
    if free is not None and needed > free:
        obstacles.append(f"memory: the tables take {size_as_text(needed)}, {size_as_text(free)} are free.")
    if places and files > places:
        obstacles.append(f"files: {files:,} needed, the disk has room for {places:,} more.")
    elif files > MANY_FILES:
        advice.append(f"{files:,} files: listing and copying the folder will take hours.")
    if rate > SCHEDULER_RATE:
        most = int(SCHEDULER_RATE * measured.block * per_task)
        advice.append(
            f"a scheduler gets about {SCHEDULER_RATE:,.0f} tasks/s done, which keeps {most:,} workers busy. Split the"
            " run over several schedulers or a job array (--shard I/N), or give each worker more devices."
        )
    elif measured.block * per_task < SHORTEST and tasks > workers:
        advice.append(
            f"tasks of {measured.block * per_task:.1f} s are short; a run of this size takes about as long on fewer"
            " workers, or on one machine with --workers."
        )
    if tasks < workers:
        advice.append(
            f"{workers - tasks:,} of {workers:,} workers will have nothing to do: there are {blocks:,} blocks."
        )
    tables = measured.estimate * blocks
    if tables > seconds:
        advice.append(
            f"the tables, which one machine makes in the end, will take {duration(tables)}, longer than the paths."
        )
    if heavy and (obstacles or files > MANY_FILES or tables > seconds):
        advice.append(f"{thin}.")
    return Plan(workers, blocks, tasks, per_task, seconds, tables, rate, size, files, tuple(obstacles), tuple(advice))
