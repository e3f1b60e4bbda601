"""Which paths are left out of a run because a value is not finite: one rule for all that is stored and tabulated.

A path is left out if any outcome of the model under any policy is not finite on it, and with it the other half of its
antithetic pair. So all policies are compared on the same futures, and no pair is incomplete. In a replicate the other
paths stay, as one bad path in a thousand would otherwise leave none.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.events import Happens
from engine.study.study import Study

PAIR = 2
"""Largest number of paths in a unit that is no replicate; replicates are few, and errors from them uncertain."""


def excluded(study: Study, values: Float[np.ndarray, "... path"]) -> Happens:
    """Whether each path is left out, bool [path].

    Args:
      values: all outcomes, or all yearly values, of the paths, which are whole pairs except at a run's end.
    """
    sound = np.isfinite(values).reshape(-1, values.shape[-1]).all(axis=0)
    return with_units(study, ~sound)


def with_units(study: Study, bad: Happens) -> Happens:
    """Which paths are bad or share an antithetic pair with a bad path, bool [path]."""
    if study.unit != PAIR:
        return bad
    pairs = np.add.reduceat(bad, np.arange(0, len(bad), PAIR)) > 0
    return np.repeat(pairs, PAIR)[: len(bad)]


def without_excluded(
    study: Study, outcomes: Float[np.ndarray, "policy outcome path"]
) -> Float[np.ndarray, "policy outcome path"]:
    """The outcomes of a block as they are stored: NaN for all policies and outcomes on paths that are left out."""
    out = excluded(study, outcomes)
    return np.where(out, np.float32(np.nan), outcomes) if out.any() else outcomes


def most_excluded(study: Study) -> int:
    """Largest number of paths that a run may leave out: the share `run.nonfinite` of its paths, rounded down."""
    return math.floor(study.nonfinite * study.paths * (1 + 1e-12))


def notice(count: int, paths: int) -> str:
    """The clause `3 of 1,000,000 paths are left out of every number, as values on them are not finite`."""
    are = "is" if count == 1 else "are"
    return f"{count:,} of {paths:,} paths {are} left out of every number, as values on them are not finite"
