"""Yearly values path by path, which a run does not keep: its first paths computed anew, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.program.running import compilation_cache, devices
from engine.risk.drivers.series import Series, Years
from engine.study.study import Study

PATHS = 1 << 14
"""Paths that are looked at, unless there are fewer: as many as yearly tables come from."""
FOR_TAILS = 1 << 16
"""Paths where differences of ES99 are asked for: they have exceedances enough."""
MOST_VALUES = 1 << 27
"""Values of all series together that are held in memory, at most (512 MiB)."""


def first_paths(study: Study, series: int, tails: bool) -> int:
    """How many of a study's first paths are looked at: whole units.

    Args:
      series: how many are held.
      tails: whether differences of ES are asked for.
    """
    room = MOST_VALUES // max(series * len(study.policies) * max(len(study.years), 1), 1)
    count = min(max(min(FOR_TAILS, room), PATHS) if tails else PATHS, study.paths)
    return count - count % study.unit if count > study.unit else count


def values(study: Study, series: Sequence[Series], count: int, device: str | None = None) -> list[Years]:
    """Each series on so many of the first paths of a study, [policy, year, path]; the bits are those of the run."""
    study.refuse_broken_model()
    compilation_cache.keep_programs()
    program = devices.program(study, device)
    parts: list[list[np.ndarray]] = [[] for _ in series]
    first = 0
    while first < count:
        yearly = program.trace(first).yearly
        assert yearly is not None
        for held, one in zip(parts, series, strict=True):
            held.append(one.values(yearly[..., : count - first]))
        first += yearly.shape[-1]
    return [np.concatenate(held, axis=-1) for held in parts]
