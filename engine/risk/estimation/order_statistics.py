"""Order statistics: short rows are sorted whole; of long rows only the bins that hold the ranks asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from engine.risk.estimation.sums import Rows, sorted_rows

BINS = 1 << 12
LEAST = 1 << 18
"""Number of values from which on a row counts as long."""
SAMPLE = 1 << 12
"""Least number of values in the subsample from which the bins of a long row are chosen."""
BEYOND = 2
"""Values of the subsample that lie outside the range of the bins, on either side."""
Spans = Sequence[tuple[int, int]]
"""Ranges of ranks: first rank, and the rank after the last; ranks ascend from 0, the smallest value."""
Binning = Callable[[np.ndarray, np.float32, np.float32, np.ndarray | None, int], np.ndarray]


def by_numpy(
    values: Float32[np.ndarray, "path"],
    low: np.float32,
    scale: np.float32,
    held: Bool[np.ndarray, "bin"] | None,
    size: int,
) -> np.ndarray:
    """Number of values in each bin, int64 [bin]; or, if bins are `held`, the values in those bins, in any order.

    The bin of a value is (value - low) scale in single precision, truncated and clipped to 0 ... `BINS` - 1; the last
    bin for NaN.

    Args:
      low, scale: of the bins.
      held: bins whose values are wanted; None for counts.
      size: number of values in the held bins.
    """
    bins = placed(values, low, scale)
    return np.bincount(bins, minlength=BINS) if held is None else values[held[bins]]


def placed(values: Float32[np.ndarray, "value"], low: np.float32, scale: np.float32) -> Int[np.ndarray, "value"]:
    """Bin of each value, as in `by_numpy`."""
    with np.errstate(over="ignore", invalid="ignore"):
        at = np.fmin((values - low) * scale, np.float32(BINS - 1))
    return np.maximum(at, np.float32(0)).astype(np.int64)


binning: Binning = by_numpy
"""Implementation of binning; any other must give the same results."""


class LongRow:
    """A long row in ascending order, of which only bins that were asked for are sorted and kept.

    Args:
      values: in any order; must not be changed afterwards.
      low, scale: of the bins (`by_numpy`).
      spans: ranges of ranks that will be asked for; they are sorted at once.
    """

    def __init__(self, values: Float32[np.ndarray, "path"], low: np.float32, scale: np.float32, spans: Spans):
        self.dtype, self._values, self._bins = values.dtype, values, (low, scale)
        self._counts = binning(values, low, scale, None, 0)
        self._upto = np.cumsum(self._counts)
        self._held = np.zeros(BINS, bool)
        for span in spans:
            self._held[self._bins_of(*span)] = True
        self._sort()

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, rank: Any, /) -> Any:
        """Values of a slice of ranks."""
        first, last, _ = rank.indices(len(self))
        bins = self._bins_of(first, last)
        self._hold(bins)
        skipped = self._skipped[bins.start]
        return self._sorted[first - skipped : last - skipped]

    def searchsorted(self, v: Any, /, side: Any = "left") -> Any:
        """As `numpy.ndarray.searchsorted` of the sorted row."""
        at = placed(np.asarray(v, self.dtype), *self._bins)
        self._hold(at)
        return np.searchsorted(self._sorted, v, side) + self._skipped[at]

    def _bins_of(self, first: int, last: int) -> slice:
        begin, end = np.searchsorted(self._upto, (first, max(first, last - 1)), "right")
        return slice(begin, end + 1)

    def _hold(self, bins: slice | Int[np.ndarray, "bin"]) -> None:
        if not self._held[bins].all():
            self._held[bins] = True
            self._sort()

    def _sort(self) -> None:
        counts = np.where(self._held, self._counts, 0)
        self._skipped = self._upto - self._counts - (np.cumsum(counts) - counts)
        self._sorted = binning(self._values, *self._bins, self._held, int(counts.sum()))
        self._sorted.sort()


class Turned:
    """The negated values of an ascending row, ascending."""

    def __init__(self, row: Ascending):
        self.dtype: np.dtype = row.dtype
        self._row = row

    def __len__(self) -> int:
        return len(self._row)

    def __getitem__(self, rank: Any, /) -> Any:
        """Values of a slice of ranks."""
        first, last, _ = rank.indices(len(self))
        return -self._row[len(self) - last : len(self) - first][::-1]

    def searchsorted(self, v: Any, /, side: Any = "left") -> Any:
        """As `numpy.ndarray.searchsorted` of the sorted row."""
        return len(self) - self._row.searchsorted(-v, "right" if side == "left" else "left")


Ascending = np.ndarray | LongRow | Turned
"""Ascending values."""
Sorted = Sequence[Ascending] | np.ndarray
"""Rows of ascending values."""


def ascending_rows(values: Rows, spans: Spans) -> Sorted:
    """Each row in ascending order: sorted arrays for short rows or double precision, else `LongRow`s.

    Rows are also sorted whole where a subsample of them shows no range to divide into bins.

    Args:
      values: [row, path].
      spans: ranges of ranks that will be asked for.
    """
    size = values.shape[-1]
    if size < LEAST or values.dtype != np.float32 or values.strides[-1] != values.itemsize:
        return sorted_rows(values)
    some = np.sort(values[:, :: size // SAMPLE])
    low = some[:, BEYOND]
    with np.errstate(all="ignore"):
        scale = np.float32(BINS) / (some[:, -1 - BEYOND] - low)
    if not (np.isfinite(low) & np.isfinite(scale)).all():
        return sorted_rows(values)
    return [LongRow(*of_row, spans) for of_row in zip(values, low, scale, strict=True)]


def of_rank(rows: Sorted, rank: Int[np.ndarray, "row"] | int) -> Float[np.ndarray, "row"]:
    """Value of each row at a rank, the same for all rows or one for each, float64."""
    ranks = np.broadcast_to(rank, len(rows)).tolist()
    return np.array([row[at : at + 1][0] for row, at in zip(rows, ranks, strict=True)], np.float64)
