"""Computes the runs of moved futures (sequential Monte Carlo given facts) that a run folder lacks, one by one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.execution.progress import Observer, Progress
from engine.program.posterior import tempering
from engine.program.posterior.agreement import LOOKS, refuse_disagreement
from engine.program.posterior.sight import Sight
from engine.run_folder.folder import RunFolder
from engine.run_folder.moved_runs import MovedRuns
from engine.study.actual_policy import followed
from engine.study.holdout import known_and_later
from engine.study.tables.facts import FUTURES, INDEPENDENT


def move(folder: RunFolder, wanted: Iterable[int], device: str | None, observe: Observer) -> None:
    """Computes and stores those runs of moved futures among `wanted` (their numbers) that are not stored yet.

    Raises:
      UserError: the first runs disagree or got stuck: the facts are too far from all futures, or impossible.
    """
    study, kept = folder.study, MovedRuns(folder.path, folder.study.fingerprint)
    assert study.facts is not None
    runs = sorted({*wanted})
    missing = [run for run in runs if kept.read(run) is None]
    alone = replace(followed(study, study.facts.policy), sampler=INDEPENDENT)
    sight = Sight(alone, known_and_later(alone, study.facts.until)[0], device)
    for done, run in enumerate(missing):
        observe(Progress("moving", done * FUTURES, len(missing) * FUTURES))
        kept.write(run, tempering.moved(sight, run))
        if run + 1 in LOOKS:
            refuse_disagreement(sight, [one for k in range(run + 1) if (one := kept.read(k)) is not None])
    observe(Progress("moving", len(missing) * FUTURES, len(missing) * FUTURES))
    refuse_disagreement(sight, [kept(run) for run in runs])
