"""Many means over the same paths that are judged together: counts beyond levels, and the reach of their intervals.

Units are gathered into at most `MOST` batches, which are as independent as units are, so that memory does not grow with
the number of paths.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Num
from scipy.special import stdtrit

from engine.risk.estimation.intervals import TAIL, Units

MOST = 4096
"""Greatest number of batches; a standard error from so many has a relative error of 1 %."""


def batched(units: Units) -> Units:
    """Neighbouring units gathered into at most `MOST` batches, which serve as units."""
    if units.count <= MOST:
        return units
    owner = units.owners(np.arange(units.paths)) * np.int64(MOST) // units.count
    return Units(units.paths, units.size, owner)


def beyond(
    values: Num[np.ndarray, "path"],
    levels: Num[np.ndarray, "level"],
    batches: Units,
    weights: Num[np.ndarray, "path"] | None = None,
) -> Float[np.ndarray, "level batch"]:
    """Number, or weight, of each batch's paths with a value above each level; a first row is for all its paths."""
    rows = len(levels) + 1
    cell = batches.owners(np.arange(batches.paths)) * np.int64(rows) + np.searchsorted(levels, values)
    held = np.bincount(cell, weights, batches.count * rows).reshape(batches.count, rows)
    return held[:, ::-1].cumsum(axis=1, dtype=np.float64)[:, ::-1].T


def reach(numbers: int, batches: Units) -> float:
    """Half-width, in standard errors, of intervals that hold for so many means at once with 95 % confidence.

    Bonferroni's limit for Student's t with one degree of freedom less than there are batches; NaN for one batch.
    """
    return float(stdtrit(batches.count - 1, 1 - TAIL / numbers)) if batches.count > 1 and numbers else np.nan
