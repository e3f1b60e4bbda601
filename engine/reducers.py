"""Summaries that merge: sums over blocks of every yearly cell, and the display histogram of one outcome."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any

import numpy as np

from engine.model import Model


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
    for name, variable in getattr(model, "yearly", {}).items():
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


@dataclass(frozen=True)
class YearlySums:
    """Sums over paths of every yearly cell, and over tiles for their errors; they merge by addition.

    With x the value on a path, S_t = sum over the paths of tile t of (x - shift), n_t its number of paths, and D_t the
    difference of S_t from the baseline's. A tile holds whole independent units, so tiles are independent.
    Arrays are float64 [policy, year, cell].

    Args:
      count: paths.
      clusters: tiles.
      count_squares: sum over tiles of n_t^2.
      shift: fixed reference value near the mean, the same in every block; it keeps the squares small.
      first: sum over paths of (x - shift).
      second: sum over paths of (x - shift)^2.
      cluster: sum over tiles of S_t^2.
      cluster_count: sum over tiles of n_t S_t.
      pair: sum over tiles of D_t^2.
      pair_count: sum over tiles of n_t D_t.
      baseline: index of the policy that differences are taken from.
    """

    count: int
    clusters: int
    count_squares: float
    shift: np.ndarray
    first: np.ndarray
    second: np.ndarray
    cluster: np.ndarray
    cluster_count: np.ndarray
    pair: np.ndarray
    pair_count: np.ndarray
    baseline: int

    def merge(self, other: YearlySums) -> YearlySums:
        """Sums over the paths of both. Float sums depend on the order in the last bits: merge in block order.

        Raises:
          ValueError: where the two were taken about different shifts or baselines.
        """
        if self.baseline != other.baseline or not np.array_equal(self.shift, other.shift):
            raise ValueError("sums about different shifts or baselines do not merge")
        fixed: dict[str, Any] = {"shift": self.shift, "baseline": self.baseline}
        added: dict[str, Any] = {
            field.name: getattr(self, field.name) + getattr(other, field.name)
            for field in fields(self)
            if field.name not in fixed
        }
        return YearlySums(**added, **fixed)

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the errors: tiles less one."""
        return self.clusters - 1

    def mean(self) -> np.ndarray:
        """Mean over paths [policy, year, cell]."""
        return self.shift + self.first / self.count

    def deviation(self) -> np.ndarray:
        """Standard deviation over paths, n - 1 in the denominator [policy, year, cell]."""
        if self.count < 2:
            return np.full_like(self.first, np.nan)
        spread = self.second - self.first**2 / self.count
        return np.sqrt(np.maximum(spread, 0.0) / (self.count - 1))

    def standard_error(self) -> np.ndarray:
        """Standard error of the mean by the ratio estimator over T tiles [policy, year, cell].

        Var = T/(T-1) sum_t (S_t - n_t mean)^2 / N^2; NaN for a single tile.
        W. G. Cochran, Sampling Techniques, 3rd ed. 1977, section 6.4.
        """
        return self._ratio_error(self.cluster, self.cluster_count, self.first / self.count)

    def difference(self) -> np.ndarray:
        """Mean of the paired difference from the baseline, on the same paths [policy, year, cell]."""
        return self.mean() - self.mean()[self.baseline]

    def difference_error(self) -> np.ndarray:
        """Standard error of `difference`, from the paired tile sums [policy, year, cell]; 0 for the baseline itself."""
        paired = (self.first - self.first[self.baseline]) / self.count
        return self._ratio_error(self.pair, self.pair_count, paired)

    def _ratio_error(self, squares: np.ndarray, products: np.ndarray, mean: np.ndarray) -> np.ndarray:
        if self.clusters < 2:
            return np.full_like(mean, np.nan)
        total = squares - 2.0 * mean * products + mean**2 * self.count_squares
        return np.sqrt(np.maximum(total, 0.0) * self.clusters / (self.clusters - 1)) / self.count


def merged(sums: Iterable[YearlySums]) -> YearlySums | None:
    """All of them merged from left to right; None if there are none."""
    parts: Sequence[YearlySums] = tuple(sums)
    return reduce(YearlySums.merge, parts) if parts else None


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
