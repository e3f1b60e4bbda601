"""The folder of a run together with the study that it is of: what everything that reads or writes a run takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.study.study import Study


@dataclass(frozen=True)
class RunFolder:
    """Where a run is, and what it is a run of.

    Args:
      path: the folder, with `cube.zarr` and `ledger/` inside once something has been written.
      study: the resolved study.
    """

    path: Path
    study: Study
