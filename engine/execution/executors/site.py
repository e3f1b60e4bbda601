"""The run as a coordinator describes it to its workers, and the checks that these make before they begin."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from engine.errors import Problem, UserError
from engine.execution.executors.contract import Assignment
from engine.execution.work import Work
from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.programs import kind_for
from engine.run_folder import ownership, provenance
from engine.run_folder.folder import RunFolder
from engine.run_folder.moved_runs import placed
from engine.study.loading import load_model_file, load_study, own_model
from engine.study.study import Study


@dataclass(frozen=True)
class Site:
    """The run that a worker computes for, and what must hold there.

    Args:
      folder: the run folder, absolute; on a disk that all workers share.
      fingerprint: of its study.
      token: identifies the coordinator's hold on the folder.
      model: FILE:CLASS of the user's own model, absolute; None for one that the study names.
      device: "cpu" or "gpu"; None takes the GPUs if there are any.
      required: versions and device kind that every worker must have: names, each with its value.
      force: go on even where the program does not reproduce blocks that are stored.
      why: reason for this device, where another may have been expected; "" otherwise.
    """

    folder: str
    fingerprint: str
    token: str
    model: str | None
    device: str | None
    required: tuple[tuple[str, str], ...]
    force: bool = False
    why: str = ""


def of_assignment(assignment: Assignment, device: str | None, required: Mapping[str, str], why: str = "") -> Site:
    """The `Site` that this process, as coordinator, sends to its workers.

    Args:
      required: versions that the workers have reported.
      why: as in `Site`.

    Raises:
      UserError: the model is in no file that another process could load.
    """
    folder, study = assignment.folder, assignment.folder.study
    model = study.model_spec
    if model is None and own_model(study) is not None:
        message = f"model {study.model_name} stands in no file that a worker could load. Put it into one."
        raise UserError(study.source, [message])
    required = of_study(study, required)
    decisive = tuple((key, required.get(key, "")) for key in ownership.decisive_of(study, required))
    return Site(
        str(folder.path.resolve()), study.fingerprint, assignment.token, model, device, decisive, assignment.force, why
    )


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
def work_at(site: Site) -> Work:
    """The `Work` at a site; kept until another site is asked for, so that its program is traced once.

    Raises:
      UserError: this machine sees another folder than the coordinator, or its study, model, versions or devices differ.
    """
    work_at.cache_clear()  # the former one's program and buffers are freed before another is built
    folder, here = Path(site.folder), f"worker on {socket.gethostname()}"

    def still_ours() -> bool:
        return ownership.is_held(folder, site.token)

    if not still_ours():
        message = "is not here, or another run holds it. A run folder must lie on a disk that all workers share, under"
        raise UserError(here, [Problem(site.folder, f"{message} the same path. Choose such a place with --out.")])
    model = load_model_file(site.model) if site.model else None
    study = placed(load_study(folder / "study.toml", model=model), folder)
    ours = of_study(study, versions(site.device))
    required, remedy = dict(site.required), "Install the same versions, or use other workers."
    problems = [
        Problem(key, f"expected {required[key]}, got {ours.get(key)}. {remedy}")
        for key in ownership.decisive_of(study, ours)
        if required.get(key, "") != ours.get(key, "")
    ]
    if study.fingerprint != site.fingerprint:
        cause = "The model's file, or a file that it reads, is different here, or the model was changed in memory"
        message = f"expected fingerprint {site.fingerprint}, got {study.fingerprint}. {cause} before the run."
        problems.append(Problem("study", message))
    if problems:
        raise UserError(here, problems)
    compilation_cache.keep_programs()
    program = devices.program(study, site.device, site.why)
    return Work(RunFolder(folder, study), program, still_ours, site.force)
