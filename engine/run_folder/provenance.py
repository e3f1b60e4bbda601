"""How a run came about: versions, machine, command and times. Kept beside the cube, never inside.

`provenance.json` holds the study and a record of every run that worked on the folder, with a digest of its own. The
ledger has a copy, from which a damaged one is restored.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import Any

from engine.run_folder import ledger
from engine.run_folder.folder import Plain, RunFolder
from engine.storage.files import digest, sealed, unsealed, write_atomically, writing
from engine.study.loading import resolved_text
from engine.study.study import BLOCK, Study

NAME = "provenance.json"
RUNNING = "running"
"""Status of a run in progress, or of one that was killed and not yet found to be."""

_COPY = "ledger/provenance.json"
_PACKAGES = ("rustbelt", "jax", "jaxlib", "llvmlite", "numpy", "scipy", "xarray", "zarr")


def versions(device_kind: str) -> dict[str, str]:
    """Versions of the packages that a cube comes from, of Python, and the device kind, by name."""
    packages = {name: release_of(name) for name in _PACKAGES}
    return {**packages, "python": platform.python_version(), "device_kind": device_kind}


def release_of(package: str) -> str:
    """The version of a package that is installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cpu_model() -> str:
    """Name of the processor, as the system gives it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def run_record(
    study: Study,
    device_kind: str,
    command: Sequence[str],
    started: datetime,
    ended: datetime | None,
    blocks: Iterable[int],
    devices: int | None = None,
    workers: int | None = None,
    error: str | None = None,
    forced: Sequence[Plain] = (),
    compiler: str = "",
    until: Plain | None = None,
    forms: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """One run as plain data, ready for JSON.

    Args:
      command: the words it was started with; of the program's path only the name is kept.
      started, ended: times with their zone; the real ones, whatever SOURCE_DATE_EPOCH says. None while it goes on.
      blocks: numbers of the blocks that this run computed, kept as ranges ("0-6,9"); a resumed study has several runs.
      devices, workers: how many of them took part, where that is known.
      error: what ended the run, if it did not complete.
      compiler: compiler and target of the coordinator's code, such as "emitter 2, LLVM 22.1.0 for
        x86_64-unknown-linux-gnu, znver4".
      until: how a stopping rule ended the run, with its looks; None where it had no rule.
      forms: what computed the blocks, each as its name ("loop", "kernel" or "XLA"), the devices that it was on, and
        why.
      forced: versions and device kinds that made the folder's blocks, where they were mixed by force.
    """
    software = versions(device_kind)
    return {
        "format": ledger.FORMAT,
        "command": [Path(word).name if k == 0 else word for k, word in enumerate(command)],
        "started": started.isoformat(timespec="seconds"),
        "ended": ended and ended.isoformat(timespec="seconds"),
        "status": RUNNING if ended is None else "completed" if error is None else "failed",
        "error": error,
        **{key: getattr(study, key) for key in ("paths", "seed", "sampler", "tile", "fingerprint")},
        "study_sha256": digest(resolved_text(study).encode()),
        "blocks": _ranges(blocks),
        "device_kind": software.pop("device_kind"),
        "forms": [*map(dict, forms)],
        "devices": devices,
        "workers": workers,
        "cpu": cpu_model(),
        "compiler": compiler,
        "platform": platform.platform(),
        "forced": _mixed(forced),
        **({} if until is None else {"until": dict(until)}),
        "versions": software,
    }


def begin(folder: RunFolder, run: Plain, planned: Iterable[int], alone: bool) -> None:
    """Records a run as it begins, so that its blocks are attributed to it even if it is killed.

    Args:
      planned: numbers of the blocks that it is to compute.
      alone: no other process is at work here, so that runs still marked as running were killed. Each of these is given
        the blocks that it planned, are done, and belong to no other run.

    Raises:
      UserError: the folder cannot be written.
    """
    with writing(folder.path), _alone(folder.path):
        past: Sequence[Plain] = runs(folder.path)
        if alone and any(entry["status"] == RUNNING for entry in past):
            past = _closed(past, set(ledger.done_blocks(folder)))
        _write(folder.path, _about(folder), [*past, {**run, "planned": _ranges(planned)}])


def append(folder: RunFolder, run: Plain) -> None:
    """Records a run that has ended, as `run_record` gives it; the document starts anew where no copy is whole.

    It takes the place of the entry that `begin` made.

    Raises:
      UserError: the folder cannot be written.
    """
    with writing(folder.path), _alone(folder.path):
        own = RUNNING, run["started"], run["command"]
        past = [r for r in runs(folder.path) if (r["status"], r["started"], r["command"]) != own]
        _write(folder.path, _about(folder), [*past, run])


def _about(folder: RunFolder) -> Plain:
    return {key: getattr(folder.study, key) for key in ("name", "question", "model_name", "model_digest")}


def _closed(entries: Sequence[Plain], done: set[int]) -> Sequence[Plain]:
    """The runs; those still marked as running count as killed and get the finished blocks that they planned."""
    left = done.difference(*(_numbers(entry["blocks"]) for entry in entries))
    closed = []
    for entry in entries:
        if entry["status"] == RUNNING:
            own = left & _numbers(entry["planned"])
            left -= own
            error = "ended without a word: killed, or the machine went down"
            entry = {**entry, "status": "killed", "error": error, "blocks": _ranges(own)}
            del entry["planned"]
        closed.append(entry)
    return closed


def damage(folder: Path) -> dict[str, str]:
    """What is wrong with the document and its copy, by file; empty where both are as they were written."""
    if not any((folder / name).exists() for name in (NAME, _COPY)):
        return {}
    document, copy = _document(folder / NAME), _document(folder / _COPY)
    broken = [name for name, content in ((NAME, document), (_COPY, copy)) if not content]
    if document and copy and not _is_before(document["runs"], copy["runs"]):
        broken.append(NAME)
    return {name: "not as it was written" if (folder / name).exists() else "missing" for name in broken}


def _is_before(earlier: Sequence[Plain], later: Sequence[Plain]) -> bool:
    """Whether `earlier` equals `later`, or is its state before the last run was recorded."""
    kept = all(entry in later for entry in earlier if entry["status"] != RUNNING)
    return kept and len(later) - len(earlier) in (0, 1)


def mend(folder: Path) -> None:
    """Writes all files again from the copy or the document; takes them away where neither is whole, for a new start."""
    with writing(folder), _alone(folder):
        if whole := _whole(folder):
            return _write(folder, whole["study"], whole["runs"])
        for name in (NAME, _COPY):
            (folder / name).unlink(missing_ok=True)


def runs(folder: Path) -> list[dict[str, Any]]:
    """The runs that worked on the folder, first to last, as `run_record` gave them.

    The list is empty where neither the document nor its copy is whole.
    """
    listed: list[dict[str, Any]] = _whole(folder).get("runs", [])
    return listed


def was_finished(folder: Path) -> bool:
    """Whether a run on the folder was once finished, for as many paths as are asked for now or for fewer."""
    computed: set[int] = set()
    for entry in runs(folder):
        computed |= _numbers(entry["blocks"])
        asked = range(-(-entry["paths"] // BLOCK))
        if entry["status"] == "completed" and computed.issuperset(asked):  # one shard of several completes a part
            return True
    return False


def _whole(folder: Path) -> Plain:
    """Content of the copy, which is written first, or else of the document; empty where neither is whole."""
    return _document(folder / _COPY) or _document(folder / NAME)


def _document(file: Path) -> Plain:
    content = unsealed(file) or {}
    return content if "runs" in content else {}


def _write(folder: Path, study: Plain, entries: Sequence[Plain]) -> None:
    content = sealed({"study": study, "runs": entries})
    # the copy first, the document last: whatever a kill leaves, both are whole
    if (folder / _COPY).parent.is_dir():
        write_atomically(folder / _COPY, content)
    write_atomically(folder / NAME, content)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """A `with` block for one process at a time, as shards may end together; open to all where there are no locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _ranges(blocks: Iterable[int]) -> str:
    """Numbers as ranges of neighbours, such as "0-6,9"."""
    runs = (list(run) for _, run in groupby(enumerate(sorted(set(blocks))), lambda held: held[1] - held[0]))
    ends = ((run[0][1], run[-1][1]) for run in runs)
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ends)


def _numbers(ranges: str) -> set[int]:
    """The numbers in a text that `_ranges` gave."""
    spans = (span.partition("-") for span in ranges.split(",") if span)
    return {number for first, _, last in spans for number in range(int(first), int(last or first) + 1)}


def _mixed(software: Sequence[Plain]) -> str | None:
    """What differs among these versions, such as "jax 0.10.1, 0.10.2"; None where nothing does."""
    names = dict.fromkeys(name for one in software for name in one)
    values = {name: dict.fromkeys(str(one.get(name)) for one in software) for name in names}
    return "; ".join(f"{name} {', '.join(some)}" for name, some in values.items() if len(some) > 1) or None
