"""How a run came about: versions, machine, command and times. Kept beside the cube, never inside."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.ledger import write_atomically, writing
from engine.study import Study

_PACKAGES = ("rustbelt", "jax", "jaxlib", "numpy", "scipy", "xarray", "zarr")


def versions(device_kind: str) -> dict[str, str]:
    """Versions of the packages that a cube comes from, of Python, and the device kind, by name."""
    found = {name: _version(name) for name in _PACKAGES}
    return {**found, "python": platform.python_version(), "device_kind": device_kind}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"


def cpu_model() -> str:
    """Name of the processor, as the system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def run_record(
    study: Study,
    device_kind: str,
    command: Sequence[str],
    started: datetime,
    ended: datetime,
    blocks: Sequence[int],
) -> dict[str, Any]:
    """One run as plain data.

    Args:
      command: the words it was started with.
      started, ended: times with their zone.
      blocks: numbers of the blocks that this run computed; a resumed study has several runs.
    """
    return {
        "command": list(command),
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
        "paths": study.paths,
        "blocks": list(blocks),
        "versions": versions(device_kind),
        "cpu": cpu_model(),
        "platform": platform.platform(),
    }


def append(folder: Path, study: Study, run: Mapping[str, Any]) -> None:
    """Adds a run to the folder's `provenance.json`, which starts anew where it cannot be read."""
    path = folder / "provenance.json"
    try:
        runs = list(json.loads(path.read_bytes())["runs"])
    except (OSError, ValueError, KeyError, TypeError):
        runs = []
    whole = {
        "study": study.name,
        "fingerprint": study.fingerprint,
        "model": study.model_name,
        "model_digest": study.model_digest,
        "seed": study.seed,
        "sampler": study.sampler,
        "tile": study.tile,
        "runs": [*runs, dict(run)],
    }
    with writing(folder):
        write_atomically(path, (json.dumps(whole, indent=1) + "\n").encode())
