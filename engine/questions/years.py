"""Yearly values path by path, which a run does not store: its first paths are simulated again, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.lanes import compilation_cache
from engine.program import devices
from engine.risk.drivers.series import Series, Years
from engine.study.study import Study

FEWEST, MOST = 1 << 14, 1 << 16
"""Paths whatever memory they take, and most paths: enough exceedances for differences of ES99."""
MOST_VALUES = 1 << 27
"""Most values of all series together in memory (512 MiB)."""


def first_paths(study: Study, series: int, wanted: int | None = None) -> int:
    """How many of a study's first paths are simulated for yearly values, in whole units.

    Args:
      series: how many series are held in memory.
      wanted: number of paths; what memory allows if not given.
    """
    room = MOST_VALUES // max(series * len(study.policies) * max(len(study.years), 1), 1)
    count = min(wanted or max(min(MOST, room), FEWEST), study.paths)
    return count - count % study.unit if count > study.unit else count


def values(study: Study, series: Sequence[Series], count: int, device: str | None = None) -> list[Years]:
    """The values of each series on the first `count` paths [policy, year, path], bit for bit those of the run."""
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
