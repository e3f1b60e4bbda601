"""Which paths are kept out of a run because something on them is not finite: one rule for all that is stored and tabulated.

A path is kept out if any outcome of the model under any policy is not finite on it, and with it the other half of its antithetic
pair: so every policy is looked at on the same futures, and no unit is half there. Of a replicate the other paths stay: one bad
path in a thousand would leave none.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.estimation.intervals import PAIR
from engine.study.study import Study

Out = Bool[np.ndarray, "path"]


def excluded(study: Study, values: Float[np.ndarray, "... path"]) -> Out:
    """Whether each path is kept out, bool [path].

    Args:
      values: all of the paths' outcomes, or yearly values; paths begin and end with a unit, or a run.
    """
    sound = np.isfinite(values).reshape(-1, values.shape[-1]).all(axis=0)
    return ~sound if sound.all() else with_units(study, ~sound)


def with_units(study: Study, bad: Out) -> Out:
    """The paths, and those that share a pair with one of them, bool [path]."""
    if study.unit != PAIR:
        return bad
    pairs = np.add.reduceat(bad, np.arange(0, len(bad), PAIR)) > 0
    return np.repeat(pairs, PAIR)[: len(bad)]


def without_excluded(
    study: Study, outcomes: Float[np.ndarray, "policy outcome path"]
) -> Float[np.ndarray, "policy outcome path"]:
    """The outcomes of a block as they are stored: NaN throughout on the paths that are kept out."""
    out = excluded(study, outcomes)
    return np.where(out, np.float32(np.nan), outcomes) if out.any() else outcomes


def most_excluded(study: Study) -> int:
    """How many paths of a run may be kept out, by its study's `run.nonfinite`: a share of them, rounded down."""
    return math.floor(study.nonfinite * study.paths * (1 + 1e-12))


def notice(count: int, paths: int) -> str:
    """`3 of 1,000,000 paths are kept out of every number: values on them are not finite`."""
    are = "is" if count == 1 else "are"
    return f"{count:,} of {paths:,} paths {are} kept out of every number: values on them are not finite"
