"""What is computed of a run, by this process or by a worker that checks before it begins what a coordinator states."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from engine.errors import Problem, UserError
from engine.execution.progress import Observer, Progress
from engine.execution.work import Work
from engine.lanes import compilation_cache
from engine.lanes.compilation_cache import Watch
from engine.program import devices
from engine.program.contract import Form
from engine.program.programs import kind_for
from engine.run_folder import ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.run_folder.moved_runs import placed
from engine.study.loading import load_model_file, load_study, own_model
from engine.study.study import Block, Study


@dataclass(frozen=True)
class Assignment:
    """Parts of a run that an executor is to compute and commit.

    Args:
      folder: the run folder, on which this process holds the lock.
      token: identifies this process's hold on the folder.
      yearly: whether to compute the yearly sample.
      blocks: the blocks to compute.
      observe: called with each stage of the run.
      compiling: counts the time of compilation; it has counted what the coordinator compiled so far, and a `Local`
        executor goes on.
      force: go on even where the program does not reproduce blocks that are stored.
      writers: blocks written at a time where one process computes alone; each of several workers writes one.
    """

    folder: RunFolder
    token: str
    yearly: bool
    blocks: tuple[Block, ...]
    observe: Observer
    compiling: Watch
    force: bool = False
    writers: int = 1


def of_assignment(
    assignment: Assignment, device: str | None, required: Mapping[str, str], why: str = ""
) -> dict[str, Any]:
    """The arguments of `work_at` that this process, as coordinator, sends to its workers.

    Args:
      required: versions that the workers have reported.

    Raises:
      UserError: the model is in no file that another process could load.
    """
    folder, study = assignment.folder, assignment.folder.study
    model = study.model_spec
    if model is None and own_model(study) is not None:
        message = f"model {study.model_name} is not in a file that a worker can load. Move it into a file."
        raise UserError(study.source, [message])
    required = of_study(study, required)
    decisive = tuple((key, required.get(key, "")) for key in ownership.decisive_of(study, required))
    return {
        "place": str(folder.path.resolve()),
        "fingerprint": study.fingerprint,
        "token": assignment.token,
        "model": model,
        "device": device,
        "decisive": decisive,
        "force": assignment.force,
        "why": why,
    }


def versions(device: str | None, study: Study | None = None) -> dict[str, str]:
    """Versions of this process's packages, XLA's flags and the device kind, by name.

    Args:
      device: "cpu" or "gpu"; if not given, the usual choice.
      study: the study whose devices count, where it is known.
    """
    return provenance.versions(devices.kind(devices.mesh(device, study))) | {"xla_flags": devices.flags()}


def of_study(study: Study, versions: Mapping[str, str]) -> dict[str, str]:
    """The versions, with `device_kind` reduced to what the bits of the study's program depend on."""
    kind = versions.get("device_kind", "")
    return {**versions, "device_kind": kind_for(study, kind)}


@lru_cache(maxsize=1)
def work_at(
    place: str,
    fingerprint: str,
    token: str,
    model: str | None,
    device: str | None,
    decisive: tuple[tuple[str, str], ...],
    force: bool,
    why: str,
) -> Work:
    """The `Work` of a run on this worker; kept until another is asked for, so that its program is traced once.

    Args:
      place: the run folder, absolute; on a disk that all workers share.
      fingerprint: of its study.
      token: identifies the coordinator's hold on the folder.
      model: FILE:CLASS of the user's own model, absolute; None for one that the study names.
      device: "cpu" or "gpu"; None takes the GPUs if there are any.
      decisive: versions and device kind that every worker must have: names, each with its value.
      force: go on even where the program does not reproduce blocks that are stored.
      why: reason for this device, where another may have been expected; "" otherwise.

    Raises:
      UserError: this machine sees another folder than the coordinator, or its study, model, versions or devices differ.
    """
    work_at.cache_clear()  # the former one's program and buffers are freed before another is built
    folder, here = Path(place), f"worker on {socket.gethostname()}"

    def still_ours() -> bool:
        return ownership.is_held(folder, token)

    if not still_ours():
        message = "does not exist here, or another run uses it. All workers need the run folder on a shared disk, under"
        raise UserError(here, [Problem(place, f"{message} the same path. Choose such a place with --out.")])
    own = load_model_file(model) if model else None
    study = placed(load_study(folder / "study.toml", model=own), folder)
    ours = of_study(study, versions(device))
    required, remedy = dict(decisive), "Install the same versions, or use other workers."
    problems = [
        Problem(key, f"expected {required[key]}, got {ours.get(key)}. {remedy}")
        for key in ownership.decisive_of(study, ours)
        if required.get(key, "") != ours.get(key, "")
    ]
    if study.fingerprint != fingerprint:
        cause = "The model's file, or a file that it reads, is different here, or the model was changed in memory"
        message = f"expected fingerprint {fingerprint}, got {study.fingerprint}. {cause} before the run."
        problems.append(Problem("study", message))
    if problems:
        raise UserError(here, problems)
    compilation_cache.keep_programs()
    return Work(RunFolder(folder, study), devices.program(study, device, why), still_ours, force)


class Local:
    """This process's own devices as executor: `devices` of them, with `launch` blocks a launch of cards, else 0.

    Args:
      device: "cpu" or "gpu"; if not given, the GPUs where they pay.
      study: what is to be computed.
    """

    def __init__(self, device: str | None, study: Study):
        # refuses a kind of device that this machine lacks before anything is written
        self.devices = devices.mesh(device, study).devices.size
        self.launch = devices.blocks_of_launch(device, study)
        self._device, self._study = device, study
        self._work: Work | None = None

    def close(self) -> None:
        """Nothing is left to end."""

    def versions(self) -> dict[str, str]:
        """Versions and device kind of this process."""
        return versions(self._device, self._study)

    def forms(self) -> tuple[Form, ...]:
        """Forms of the program (loop, kernel, XLA) that have computed blocks so far; empty where none has."""
        return () if self._work is None else self._work.forms

    def perform(self, assignment: Assignment) -> Iterator[Block]:
        """Computes and commits the parts; yields each block once it is committed.

        The program of the yearly sample is compiled while blocks are computed.

        Raises:
          UserError: as `Work.blocks`; `CardLost` where XLA's program fails on a card.
        """
        study, blocks, compiling = assignment.folder.study, assignment.blocks, assignment.compiling
        with compiling:
            program = devices.program(study, self._device)
            if blocks:
                program.prepare()
        work = Work(assignment.folder, program, force=assignment.force, writers=assignment.writers)
        if blocks:
            self._work, done = work, study.paths - sum(block.count for block in blocks)
            note = f"{compiling.told()}: {', '.join(map(str, program.forms))}"
            assignment.observe(Progress("compiled", done, study.paths, note))
        yield from work.blocks(blocks, assignment.yearly)
