"""Yearly values path by path, which a run does not keep: its first paths computed anew, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.program import compilation_cache, devices
from engine.risk.series import Series, Years
from engine.study.study import Study

PATHS = 1 << 14
"""Paths that are looked at, unless there are fewer: as many as yearly tables come from."""


def first_paths(study: Study) -> int:
    """How many of a study's first paths are looked at: whole units."""
    count = min(PATHS, study.paths)
    return count - count % study.unit if count > study.unit else count


def values(study: Study, series: Sequence[Series], device: str | None = None) -> list[Years]:
    """Each series on the first paths of a study, [policy, year, path]; the bits are those of the run."""
    study.refuse_broken_model()
    compilation_cache.keep_programs()
    program, count = devices.program(study, device), first_paths(study)
    parts: list[list[np.ndarray]] = [[] for _ in series]
    first = 0
    while first < count:
        yearly = program.trace(first).yearly
        assert yearly is not None
        for held, one in zip(parts, series, strict=True):
            held.append(one.values(yearly[..., : count - first]))
        first += yearly.shape[-1]
    return [np.concatenate(held, axis=-1) for held in parts]
