"""A process that computes parts of a run which another process coordinates; also what such a process does on a cluster.

Lines of JSON come in and go out: no pickle, and nothing but numbers and names. First how the process is set up, answered by
its versions; then the site; then blocks, each answered when it is committed. The end of the lines is the end of the work,
also where the coordinator was killed.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from engine.errors import Problem, UserError
from engine.execution.work import Work
from engine.models import known
from engine.program import devices
from engine.run_folder import ownership, provenance
from engine.storage import locks
from engine.study.loading import load_model_file, load_study
from engine.study.study import Block, Study

_ONE_AT_A_TIME = threading.Lock()
_KEPT: dict[Site, Work] = {}


@dataclass(frozen=True)
class Site:
    """Which run a worker works for.

    Args:
      folder: the run folder, absolute; on a disk that all workers share.
      fingerprint: of its study.
      token: of the coordinator's hold on the folder.
      model: FILE:CLASS of a model of one's own, absolute; None for one that the study names.
      device: "cpu" or "gpu"; None takes the GPUs if there are any.
      made_by: versions and device kind that every worker must have, as `claims.enter` was told.
    """

    folder: str
    fingerprint: str
    token: str
    model: str | None
    device: str | None
    made_by: tuple[tuple[str, str], ...]


def site(folder: Path, study: Study, token: str, device: str | None, made_by: Mapping[str, str]) -> Site:
    """The site of a run that this process coordinates.

    Raises:
      UserError: the model stands in no file that another process could load.
    """
    if study.model_spec is None and study.model_name not in known():
        message = f"model {study.model_name} stands in no file that a worker could load. Put it into one."
        raise UserError(study.source, [message])
    decisive = tuple((key, made_by.get(key, "")) for key in ownership.DECISIVE)
    return Site(str(folder.resolve()), study.fingerprint, token, study.model_spec, device, decisive)


def versions(device: str | None) -> dict[str, str]:
    """Versions of this process, XLA's flags, and the kind of its devices."""
    return provenance.versions(devices.kind(devices.mesh(device))) | {"xla_flags": devices.flags()}


def work_at(site: Site) -> Work:
    """The work at a site, its program traced once in this process.

    Raises:
      UserError: this machine sees another folder than the coordinator, or its study, model, versions or devices differ.
    """
    if site not in _KEPT:
        _KEPT.clear()
        _KEPT[site] = _work_at(site)
    return _KEPT[site]


def _work_at(site: Site) -> Work:
    folder, here = Path(site.folder), f"worker on {socket.gethostname()}"

    def still_ours() -> bool:
        holder = locks.holder(ownership.lock_file(folder))
        return holder is not None and holder.token == site.token

    if not still_ours():
        message = (
            "is not here, or another run holds it. A run folder must lie on a disk that all workers share, under the same "
            "path. Choose such a place with --out."
        )
        raise UserError(here, [Problem(site.folder, message)])
    model = load_model_file(site.model) if site.model else None
    study = load_study(folder / "study.toml", model=model)
    ours, made_by = versions(site.device), dict(site.made_by)
    problems = [
        Problem(
            key,
            f"expected {made_by[key]}, got {ours.get(key)}. Install the same versions, or take such workers only.",
        )
        for key in ownership.DECISIVE
        if made_by.get(key, "") != ours.get(key, "")
    ]
    if study.fingerprint != site.fingerprint:
        message = (
            f"expected fingerprint {site.fingerprint}, got {study.fingerprint}: the model's file has changed."
        )
        problems.append(Problem("study", message))
    if problems:
        raise UserError(here, problems)
    devices.use_compilation_cache()
    return Work(study, folder, devices.program(study, site.device), still_ours)


# ---------------------------------------------------------------------------------------------- on a cluster


def hello(device: str | None) -> dict[str, str]:
    """`versions` of a worker of a cluster, which it is set up for."""
    with _ONE_AT_A_TIME:
        _set_up_cluster_worker()
        return versions(device)


def perform(site: Mapping[str, Any], first: int, last: int, yearly: bool = False) -> None:
    """One task of a cluster: blocks `first` to `last` - 1 committed, after the yearly sample if that is asked for.

    Args:
      site: the fields of a `Site`.
    """
    with _ONE_AT_A_TIME:
        _set_up_cluster_worker()
        work = work_at(site_of(site))
        bad = work.yearly() if yearly else ""
        done = list(work.blocks((work.study.block(index) for index in range(first, last)), bad))
        if bad and not done:
            raise UserError(f"model {work.study.model_name}", [bad])


def site_of(plain: Mapping[str, Any]) -> Site:
    """The site whose fields these are, as JSON gives them."""
    return Site(**{**plain, "made_by": tuple((str(key), str(value)) for key, value in plain["made_by"])})


def _set_up_cluster_worker() -> None:
    """One GPU, the first that the worker was given, before JAX looks at any; and as many CPU devices as it has threads.

    JAX would take memory on every GPU that it sees, and dask-cuda shows each worker all of them, in another order.
    """
    if _KEPT or getattr(_set_up_cluster_worker, "done", False):
        return
    given = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    if "," in given:
        os.environ["CUDA_VISIBLE_DEVICES"] = given.split(",")[0]
    if "RUSTBELT_CPU_DEVICES" not in os.environ:
        try:
            from distributed import get_worker

            os.environ["RUSTBELT_CPU_DEVICES"] = str(get_worker().state.nthreads)
        except (ImportError, ValueError):  # called outside a cluster
            pass
    devices.use_every_core()
    _set_up_cluster_worker.done = True  # type: ignore[attr-defined]


# ---------------------------------------------------------------------------------------------- as a process of its own


def main() -> None:
    """Works through the lines of standard input."""
    lines, replies = sys.stdin, os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a model prints is no reply

    def reply(**message: Any) -> None:
        replies.write(json.dumps(message) + "\n")

    try:
        try:
            _serve(lines, reply)
        except BrokenPipeError:
            raise
        except UserError as error:
            reply(source=error.source, problems=[asdict(problem) for problem in error.problems])
        except BaseException:
            reply(failure=traceback.format_exc())
    except BrokenPipeError:  # the coordinator is gone, and so is whoever would read a complaint about it
        os.dup2(os.open(os.devnull, os.O_WRONLY), replies.fileno())


def _serve(lines: IO[str], reply: Any) -> None:
    start = json.loads(lines.readline())
    if start["cores"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, start["cores"])
    devices.use_every_core()
    reply(versions=versions(start["device"]))
    told = lines.readline()
    if not told:
        return
    work = work_at(site_of(json.loads(told)))

    def asked() -> Iterator[Block]:
        for line in lines:
            index = json.loads(line)
            if index is None:
                bad = work.yearly()
                if bad:
                    raise UserError(f"model {work.study.model_name}", [bad])
                reply(done=None)
            else:
                yield work.study.block(index)

    for block in work.blocks(asked()):
        reply(done=block.index)


if __name__ == "__main__":
    main()
