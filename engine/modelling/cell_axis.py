"""Where every yearly variable stands on the cell axis, and the display histogram of one outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.modelling.records import Model


@dataclass(frozen=True)
class Columns:
    """Where one yearly variable stands on the cell axis: `count` cells from `first` on, row-major over `dims`."""

    first: int
    count: int
    dims: tuple[str, ...]
    shape: tuple[int, ...]


def cell_layout(model: Model) -> dict[str, Columns]:
    """Place of every yearly variable on the cell axis, in the order of the model."""
    layout: dict[str, Columns] = {}
    first = 0
    for name, variable in model.yearly.items():
        shape = tuple(len(model.dims[dim]) for dim in variable.dims)
        layout[name] = Columns(first, math.prod(shape), tuple(variable.dims), shape)
        first += math.prod(shape)
    return layout


def cell_count(model: Model) -> int:
    """Number of yearly cells of one year."""
    return sum(columns.count for columns in cell_layout(model).values())


def split_cells(model: Model, array: np.ndarray, axis: int = -1) -> dict[str, np.ndarray]:
    """The array by yearly variable: its cell axis becomes the variable's own dimensions, in place."""
    at = axis % array.ndim
    if array.shape[at] != cell_count(model):
        raise ValueError(f"cell axis: expected {cell_count(model)} cells, got {array.shape[at]}")
    parts = {}
    for name, columns in cell_layout(model).items():
        part = array[(slice(None),) * at + (slice(columns.first, columns.first + columns.count),)]
        parts[name] = part.reshape(array.shape[:at] + columns.shape + array.shape[at + 1 :])
    return parts


def histogram(values: np.ndarray, bins: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Counts int64 [policy, bin] and edges float64 [bin + 1] of values [policy, path], for charts.

    Inner bins are equally wide between the 0.1 % and 99.9 % quantiles over all policies; the first and the last bin
    reach out to the smallest and largest value. The edges come from the data, so two histograms do not merge: it is
    taken once, from all stored paths. Values that are not finite are left out.
    """
    if bins < 3:
        raise ValueError(f"bins: expected 3 or more, got {bins}")
    finite = [row[np.isfinite(row)].astype(np.float64) for row in values]
    pooled = np.concatenate(finite)
    if pooled.size == 0:
        return np.zeros((len(values), bins), np.int64), np.full(bins + 1, np.nan)
    low, high = np.quantile(pooled, [0.001, 0.999])
    if low == high:
        low, high = low - 0.5, high + 0.5
    counts = np.zeros((len(values), bins), np.int64)
    for row, kept in zip(counts, finite, strict=True):
        row[1:-1] = np.histogram(kept, bins - 2, range=(low, high))[0]
        row[0] = np.count_nonzero(kept < low)
        row[-1] = np.count_nonzero(kept > high)
    inner = np.linspace(low, high, bins - 1)
    return counts, np.concatenate([[min(low, pooled.min())], inner, [max(high, pooled.max())]])
