"""Measures of many cells at once, for studies of coverage: the functions of `engine.risk` that judge exceedances, not
tails.
"""

from __future__ import annotations

import numpy as np

from engine.risk.estimation import shares, tails
from engine.risk.estimation.influences import MEASURES, oriented
from engine.risk.estimation.intervals import as_units, moments_of_totals

CHUNK = 1 << 20
DIFFERENCES = (*MEASURES, "worse")


def moments(values, units):
    """Moments of means over paths, from values [..., path]."""
    return moments_of_totals(units.totals(values), units)


def summary_cells(values, unit, loss):
    """Measures of cells [..., path]: (estimate, standard error, low, high), each [..., measure] in the order of
    `MEASURES`.

    `low` and `high` are NaN where exceedances are too few; a cell with values that are not finite is NaN throughout.
    """

    def one(chunk, units):
        seen = tails.Measured(chunk, units)
        return tails.table(seen.measures, seen.constant)

    return _by_chunk(one, (values,), unit, loss, MEASURES)


def difference_cells(values, baseline, unit, loss):
    """Paired differences of many cells at once, as `summary_cells`, in the order of `DIFFERENCES` ("worse" last)."""

    def one(x, y, units):
        gaps, constant = tails.Measured(x, units).gaps(tails.Measured(y, units))
        parts = zip(tails.table(gaps, constant), shares.share(x > y, units), strict=True)
        return tuple(np.column_stack(part) for part in parts)

    return _by_chunk(one, (values, baseline), unit, loss, DIFFERENCES)


def _by_chunk(one, arrays, unit, loss, names):
    *shape, n = arrays[0].shape
    flat = [array.reshape(-1, n) for array in arrays]
    units, cells = as_units(n, unit), len(flat[0])
    full = np.full((4, cells, len(names)), np.nan)
    step = max(CHUNK // max(n, 1), 1)
    for first in range(0, cells, step):
        chunk = [array[first : first + step] for array in flat]
        finite = np.logical_and.reduce([np.isfinite(array).all(axis=-1) for array in chunk])
        if finite.any():
            table = one(*(array[finite] if loss else -array[finite] for array in chunk), units)
            same = [loss or name in ("sd", "worse") for name in names]
            full[:, first + np.flatnonzero(finite)] = oriented(table, same)
    return tuple(full.reshape(4, *shape, len(names)))
