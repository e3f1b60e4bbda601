"""Sequential stopping: a run adds paths until it is as precise as the study asks.

How many paths come next depends only on the paths so far, which are pure functions of their numbers. A run that was
killed, or that followed another rule, is therefore looked at again from the first look on, and ends where an
undisturbed one does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from engine.errors import Problem, UserError
from engine.execution import job
from engine.execution.executors.local import Local
from engine.execution.job import Finished, Job, RunOptions, Shard
from engine.execution.outdated import refuse_outdated
from engine.execution.progress import Observer, Progress
from engine.program import devices
from engine.risk.estimation.stopping import Ended, Look, State, first_look, look, standing, walk
from engine.run_folder import ledger, ownership, reading
from engine.run_folder.finding import run_folder
from engine.run_folder.folder import RunFolder
from engine.study.study import BLOCK, Study
from engine.study.tables.stops import Target


def compute(study: Study, options: RunOptions) -> Finished:
    """As `job.compute`; where the study has targets of precision, with only as many of its paths as these need.

    A run that is finished already is compared with what its model gives now, as `refuse_outdated` has it.

    Raises:
      UserError: as `job.compute`; a relative target is on a number that is 0; no target is on policies that run; or
        the model of a finished run gives other values now.
    """
    _refuse_none_left(study)
    _refuse_outdated_run(study, options)
    if not study.until:
        return job.compute(study, options)
    computed, options = set[int](), replace(options, bound=study.paths)

    def extend(paths: int) -> None:
        some = study.of_paths(paths)
        executor, there = job.executor_of(some, options), job.prepared_for(some, options)
        with job.at_work(there, executor, options) as (own, holder):
            computed.update(own.extend(holder))

    ended = _ended(run_folder(study, options.out), extend, options.observe)
    finished = job.compute(study.of_paths(ended.paths), options, ended)
    return replace(finished, computed=tuple(sorted(computed.union(finished.computed))))


def compute_shard(study: Study, number: int, of: int, options: RunOptions) -> Shard:
    """As `job.compute_shard`; where the study has targets of precision, with only as many of its paths as these need.

    Every shard takes the same decisions, and waits for the blocks of the others as long as a process works in the
    folder or a block arrives every minute; else it ends, and the array must be started again.

    Raises:
      UserError: as `compute`.
    """
    _refuse_none_left(study)
    _refuse_outdated_run(study, options)
    if not study.until or not 1 <= number <= of:
        return job.compute_shard(study, number, of, options)
    computed, folder = set[int](), run_folder(study, options.out)
    options = replace(options, bound=study.paths)

    def extend(paths: int) -> None:
        there = job.prepared_for(study.of_paths(paths), options)
        with Local(options.device, there.study) as executor, folder.writing():
            size = devices.mesh(options.device, there.study).devices.size
            own = Job(there, replace(options, workers=of), executor, size)
            try:
                computed.update(own.shard(number, of))
            except UserError:
                if whole_to(folder, paths) < paths:
                    raise
        _wait(there)

    try:
        ended = _ended(folder, extend, options.observe)
    except Awaited as awaited:
        return Shard(folder, tuple(sorted(computed)), awaited.missing, None, awaits=True)
    final = study.of_paths(ended.paths)
    if ownership.paths_held(folder) > final.paths:
        return Shard(folder, (), 0, job.compute(final, options, ended))
    done = job.compute_shard(final, number, of, options, ended)
    return replace(done, computed=tuple(sorted(computed.union(done.computed))))


def _refuse_outdated_run(study: Study, options: RunOptions) -> None:
    folder = run_folder(study, options.out)
    held = 0 if options.force else ownership.paths_held(folder)
    if held and (study.until or held >= study.paths):  # else the run goes on, and is compared as it does
        refuse_outdated(folder, options.device)


def _refuse_none_left(study: Study) -> None:
    if study.idle_targets and not study.until:
        told = [f"has no target left: {why_idle(study, one)}." for one in study.idle_targets]
        remedy = "Add it to --policies, or state a target with --until."
        raise UserError(study.source, [Problem("run.until", f"{one} {remedy}") for one in told])


def why_idle(study: Study, target: Target) -> str:
    """Why a target is left out: `policy 'b' does not run (mean of cost under b within 1 %)`."""
    idle = [name for name in (target.policy, target.less) if name and name not in study.policy_names]
    return f"policy '{idle[0]}' does not run ({target})"


class Awaited(Exception):
    """Raised by a shard that gives up waiting for blocks which other shards have to compute.

    Args:
      missing: number of these blocks.
    """

    def __init__(self, missing: int):
        super().__init__(missing)
        self.missing = missing


def _wait(there: RunFolder) -> None:
    """Waits until all paths are stored, by whichever shard.

    Raises:
      Awaited: no block arrived for `job.PREPARING` seconds, and no process is writing.
    """
    left, patience = -1, 0.0
    while whole_to(there, there.study.paths) < there.study.paths:
        missing = len(ledger.pending(there))
        overdue = missing == left and time.monotonic() > patience
        if overdue and ownership.writer(there.path) is None:
            raise Awaited(missing)
        if overdue or missing != left:
            left, patience = missing, time.monotonic() + job.PREPARING
        time.sleep(0.2)


def _ended(folder: RunFolder, extend: Callable[[int], None], observe: Observer) -> Ended:
    """Applies the stopping rule: adds paths until all targets are met, and gives the end with all looks.

    Args:
      folder: of the run, with the study that states the targets; its number of paths is the most that may be computed.
      extend: computes what is missing of the first `paths` paths.
      observe: called at every look with how the targets stand.

    Raises:
      UserError: a relative target is on a number that is 0; stored files are damaged; or as `extend`.
    """
    study, unit, seen = folder.study, folder.study.unit, 0

    def look_at(paths: int) -> list[Look]:
        nonlocal seen
        if whole_to(folder, paths, thorough=paths > seen) < paths:
            extend(max(paths, ownership.paths_held(folder)))
        seen = paths
        outcomes = reading.Paths(replace(folder, study=study.of_paths(paths)))
        looks = [look(study, target, outcomes) for target in study.until]
        for one in looks:
            observe(Progress("looking", paths, paths, note=standing(one)))
        _refuse_share_of_nothing(folder, looks)
        return looks

    first = first_look(study.until, unit)
    return Ended(study.paths, tuple(walk(first, study.paths, look_at, unit)))


def whole_to(folder: RunFolder, paths: int, thorough: bool = False) -> int:
    """The largest n, at most `paths`, such that the folder holds all of the first n paths.

    Args:
      thorough: also compare the SHA-256 of every file.
    """
    held = ownership.paths_held(folder)
    there, end = replace(folder, study=folder.study.of_paths(max(held, 1))), 0
    for record in ledger.done_blocks(there, thorough, range(-(-min(paths, held) // BLOCK))).values():
        if record.first != end:
            break
        end += record.count
    return min(end, paths)


def _refuse_share_of_nothing(folder: RunFolder, looks: list[Look]) -> None:
    remedy = "Ask for it in the unit, such as within"
    problems = [
        Problem("run.until", f"{standing(one)}. {remedy} 0.1{' ' * bool(one.target.unit)}{one.target.unit}.")
        for one in looks
        if one.state is State.ZERO
    ]
    if problems:
        raise UserError(folder.study.source, problems)
