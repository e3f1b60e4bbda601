"""Sequential stopping: a run adds paths until it is as precise as the study asks.

How many paths come next depends only on the paths so far, which are pure functions of their numbers. A run that was
killed, or that followed another rule, is therefore looked at again from the first look on, and ends where an
undisturbed one does.
"""

from __future__ import annotations

from dataclasses import replace

from engine.errors import Problem, Problems, UserError
from engine.execution import job
from engine.execution.job import Finished, RunOptions, Shard
from engine.execution.outdated import refuse_outdated
from engine.execution.progress import Progress
from engine.risk.estimation.stopping import Ended, Look, State, first_look, look, standing, walk
from engine.run_folder import ledger, ownership, reading
from engine.run_folder.finding import run_folder
from engine.study.study import BLOCK, Study
from engine.study.tables.stops import Target


def compute(study: Study, options: RunOptions) -> Finished:
    """As `job.compute`; where the study has targets of precision, with only as many of its paths as these need.

    A run that is finished already is compared with what its model gives now, as `refuse_outdated` has it.

    Raises:
      UserError: as `job.compute`; a relative target is on a number that is 0; no target is on policies that run; or
        the model of a finished run gives other values now.
    """
    _refuse_unfit(study, options)
    if not study.until:
        return job.compute(study, options)
    folder, computed, seen = run_folder(study, options.out), set[int](), 0
    options = replace(options, bound=study.paths)

    def look_at(paths: int) -> list[Look]:
        nonlocal seen
        held, blocks, problems = ownership.paths_held(folder), range(-(-paths // BLOCK)), Problems()
        there = replace(folder, study=folder.study.of_paths(max(held, 1)))
        # files that were not looked at before are compared with their SHA-256
        if paths > held or len(ledger.done_blocks(there, paths > seen, blocks)) < len(blocks):
            computed.update(job.extend(study.of_paths(max(paths, held)), options))
        seen = paths
        outcomes = reading.Paths(replace(folder, study=study.of_paths(paths)))
        looks = [look(study, target, outcomes) for target in study.until]
        for one in looks:
            options.observe(Progress("looking", paths, paths, note=standing(one)))
            if one.state is State.ZERO:
                example = f"0.1 {one.target.unit}".rstrip()
                problems.add("run.until", f"{standing(one)}. Ask for it in the unit, such as within {example}.")
        problems.refuse(study.source)
        return looks

    looks = walk(first_look(study.until, study.unit), study.paths, look_at, study.unit)
    ended = Ended(study.paths, tuple(looks))
    finished = job.compute(study.of_paths(ended.paths), options, ended)
    return replace(finished, computed=tuple(sorted(computed.union(finished.computed))))


def compute_shard(study: Study, number: int, of: int, options: RunOptions) -> Shard:
    """As `job.compute_shard`, of a study without targets of precision.

    Raises:
      UserError: as `job.compute_shard`; the study has targets; or the model of a finished run gives other values now.
    """
    if study.until:
        remedy = "Use --workers or --scheduler, or remove run.until from the study (and --until) and state --paths."
        raise UserError("--shard", [f"cannot be combined with targets, which need all paths. {remedy}"])
    _refuse_unfit(study, options)
    return job.compute_shard(study, number, of, options)


def _refuse_unfit(study: Study, options: RunOptions) -> None:
    """Raises a `UserError` where no target of precision is left, or a finished run has other values."""
    if study.idle_targets and not study.until:
        remedy = "Add it to --policies, or state a target with --until."
        told = [f"has no target left: {why_idle(study, one)}. {remedy}" for one in study.idle_targets]
        raise UserError(study.source, [Problem("run.until", one) for one in told])
    folder = run_folder(study, options.out)
    held = 0 if options.force else ownership.paths_held(folder)
    if held and (study.until or held >= study.paths):  # else the run goes on, and is compared as it does
        refuse_outdated(folder, options.device)


def why_idle(study: Study, target: Target) -> str:
    """Why a target is left out: `policy 'b' does not run (mean of cost under b within 1 %)`."""
    idle = [name for name in (target.policy, target.less) if name and name not in study.policy_names]
    return f"policy '{idle[0]}' does not run ({target})"
