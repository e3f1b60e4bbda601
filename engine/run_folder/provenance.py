"""How a run came about: versions, machine, command and times. Kept beside the cube, never inside.

`provenance.json` holds the study and a record of every run that worked on the folder, with a digest of its own. The ledger has
a copy, from which a damaged one is restored; `crate.py` derives from the records what other tools read.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.run_folder.crate import CRATE, as_crate
from engine.run_folder.folder import RunFolder
from engine.storage.files import digest, digest_of_file, sealed, unsealed, write_atomically, writing
from engine.study.loading import resolved_text
from engine.study.study import Study

NAME = "provenance.json"

_COPY = "ledger/provenance.json"
_PACKAGES = ("rustbelt", "jax", "jaxlib", "numpy", "scipy", "xarray", "zarr")


def versions(device_kind: str) -> dict[str, str]:
    """Versions of the packages that a cube comes from, of Python, and the device kind, by name."""
    packages = {name: _version(name) for name in _PACKAGES}
    return {**packages, "python": platform.python_version(), "device_kind": device_kind}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cpu_model() -> str:
    """Name of the processor, as the system gives it."""
    names = []
    with suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def run_record(
    study: Study,
    device_kind: str,
    command: Sequence[str],
    started: datetime,
    ended: datetime,
    blocks: Iterable[int],
    devices: int | None = None,
    workers: int | None = None,
    error: str | None = None,
    forced: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """One run as plain data.

    Args:
      command: the words it was started with; of the program's path only the name is kept.
      started, ended: times with their zone; the real ones, whatever SOURCE_DATE_EPOCH says.
      blocks: numbers of the blocks that this run computed, kept as ranges ("0-6,9"); a resumed study has several runs.
      devices, workers: how many of them took part, where that is known.
      error: what ended the run, if it did not complete.
      forced: versions and device kinds that made the folder's blocks, where they were mixed by force.
    """
    software = versions(device_kind)
    return {
        "command": [Path(word).name if k == 0 else word for k, word in enumerate(command)],
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "status": "completed" if error is None else "failed",
        "error": error,
        **{key: getattr(study, key) for key in ("paths", "seed", "sampler", "tile", "fingerprint")},
        "study_sha256": digest(resolved_text(study).encode()),
        "blocks": _ranges(blocks),
        "device_kind": software.pop("device_kind"),
        "devices": devices,
        "workers": workers,
        "cpu": cpu_model(),
        "platform": platform.platform(),
        "forced": _mixed(forced),
        "versions": software,
    }


def append(folder: RunFolder, run: Mapping[str, Any]) -> None:
    """Adds a run, as `run_record` gives it, to the folder's document, which starts anew where no copy is whole.

    Raises:
      UserError: the folder cannot be written.
    """
    about = {key: getattr(folder.study, key) for key in ("name", "question", "model_name", "model_digest")}
    with writing(folder.path), _alone(folder.path):
        _write(folder.path, about, [*runs(folder.path), run])


def damage(folder: Path) -> dict[str, str]:
    """What is wrong with the document, its copy and its crate where they are not as they were written, by file."""
    if not any((folder / name).exists() for name in (NAME, CRATE, _COPY)):
        return {}
    document, copy = _document(folder / NAME), _document(folder / _COPY)
    broken = [name for name, content in ((NAME, document), (_COPY, copy)) if content is None]
    if document and copy and document["runs"] not in (copy["runs"], copy["runs"][:-1]):
        broken.append(NAME)
    digests = {content["crate_sha256"] for content in (document, copy) if content}
    crate = folder / CRATE
    if digests - {None} and (digest_of_file(crate) if crate.is_file() else None) not in digests:
        broken.append(CRATE)
    return {name: "not as it was written" if (folder / name).exists() else "missing" for name in broken}


def mend(folder: Path) -> None:
    """Writes all files again from the copy or the document; where neither is whole, takes them away: the next run starts anew."""
    with writing(folder), _alone(folder):
        whole = _whole(folder)
        if whole:
            return _write(folder, whole["study"], whole["runs"])
        for name in (NAME, CRATE, _COPY):
            (folder / name).unlink(missing_ok=True)


def runs(folder: Path) -> list[dict[str, Any]]:
    """The runs that worked on the folder, first to last, as `run_record` gave them.

    The list is empty where neither the document nor its copy is whole.
    """
    whole = _whole(folder)
    return whole["runs"] if whole else []


def _whole(folder: Path) -> dict[str, Any] | None:
    """The copy, which is written first, or else the document."""
    return _document(folder / _COPY) or _document(folder / NAME)


def _document(file: Path) -> dict[str, Any] | None:
    content = unsealed(file)
    return content if content and "crate_sha256" in content else None


def _write(folder: Path, study: Mapping[str, Any], entries: Sequence[Mapping[str, Any]]) -> None:
    crate = as_crate(folder, study, entries)
    content = sealed({"study": study, "runs": entries, "crate_sha256": digest(crate) if crate else None})
    # The copy first, the document last: whatever a kill leaves, both are whole, and one of them knows the crate.
    if (folder / _COPY).parent.is_dir():
        write_atomically(folder / _COPY, content)
    if crate:
        write_atomically(folder / CRATE, crate)
    else:  # one of earlier runs would lack this one
        (folder / CRATE).unlink(missing_ok=True)
    write_atomically(folder / NAME, content)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Shards of a job array that end together write one after the other, where the file system knows locks."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _ranges(blocks: Iterable[int]) -> str:
    """Numbers as ranges of neighbours, such as "0-6,9"."""
    ranges: list[list[int]] = []
    for block in sorted(set(blocks)):
        if ranges and block == ranges[-1][1] + 1:
            ranges[-1][1] = block
        else:
            ranges.append([block, block])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges)


def _mixed(software: Sequence[Mapping[str, Any]]) -> str | None:
    """What differs among these versions, such as "jax 0.10.1, 0.10.2"; None where nothing does."""
    names = dict.fromkeys(name for one in software for name in one)
    values = {name: dict.fromkeys(str(one.get(name)) for one in software) for name in names}
    return "; ".join(f"{name} {', '.join(some)}" for name, some in values.items() if len(some) > 1) or None
