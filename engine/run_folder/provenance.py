"""Provenance of a run: versions, machine, command and times, stored beside the cube and never inside it.

`provenance.json` holds the study and a record of every run that ended in the folder, with a digest of its own.
"""

from __future__ import annotations

import fcntl
import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from engine.run_folder import ledger
from engine.run_folder.folder import Plain, RunFolder
from engine.storage.files import digest, sealed, unsealed, write_atomically, writing
from engine.study.loading import resolved_text
from engine.study.study import Study

NAME = "provenance.json"
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
    ended: datetime,
    blocks: Iterable[int],
    error: str | None = None,
    **made: Any,
) -> dict[str, Any]:
    """One run as plain data, ready for JSON.

    Args:
      command: the words it was started with; of the program's path only the name is kept.
      started, ended: times with their zone; the real ones, whatever SOURCE_DATE_EPOCH says.
      blocks: numbers of the blocks that this run computed, kept as ranges ("0-6,9"); a resumed study has several runs.
      error: what ended the run, if it did not complete.
      made: further facts on how the blocks were computed, as plain data by name.
    """
    software = versions(device_kind)
    failed = "stopped" if str(error).startswith(KeyboardInterrupt.__name__) else "failed"
    return {
        "format": ledger.FORMAT,
        "command": [Path(word).name if k == 0 else word for k, word in enumerate(command)],
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "status": "completed" if error is None else failed,
        "error": error,
        **{key: getattr(study, key) for key in ("paths", "seed", "sampler", "tile", "fingerprint")},
        "study_sha256": digest(resolved_text(study).encode()),
        "blocks": _ranges(blocks),
        "device_kind": software.pop("device_kind"),
        "cpu": cpu_model(),
        "platform": platform.platform(),
        **made,
        "versions": software,
    }


def append(folder: RunFolder, *ended: Plain) -> None:
    """Records runs that have ended, as `run_record` gives them; the document starts anew where it is not whole.

    Raises:
      UserError: the folder cannot be written.
    """
    study = {key: getattr(folder.study, key) for key in ("name", "question", "model_name", "model_digest")}
    with writing(folder.path), _alone(folder.path):
        content = sealed({"study": study, "runs": [*runs(folder.path), *ended]})
        write_atomically(folder.path / NAME, content)


def runs(folder: Path) -> list[dict[str, Any]]:
    """The runs that ended in the folder, first to last, as `run_record` gave them; none without a whole document."""
    listed: list[dict[str, Any]] = (unsealed(folder / NAME) or {}).get("runs", [])
    return listed


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
    numbers = np.unique([*blocks]).astype(int)
    ranges = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1)
    return ",".join("-".join(dict.fromkeys((str(of[0]), str(of[-1])))) for of in ranges if len(of))
