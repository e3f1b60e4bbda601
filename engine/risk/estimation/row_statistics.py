"""Sums and order statistics of rows of values, in forms of which an implementation in machine code has the same bits.

Sums have a fixed order. The units of a row are dealt to eight lanes in turn. Each lane adds its units in order, and the
lanes are added from the first to the last. This is done for each `BLOCK` of units, and the blocks are added in order.
Of order statistics, short rows are sorted whole; of long rows only the bins that hold the ranks asked for.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

Rows = Float[np.ndarray, "row path"]
Each = Float[np.ndarray, "row"]
Kind = Literal["difference", "squares", "beyond", "above", "excess"]
LANES = 8
BLOCK = 1 << 16
"""Number of units that are summed by lanes at a time; the rounding error of a sum grows with it."""


@dataclass(frozen=True)
class Made:
    """A function of each path of rows x and y, evaluated when it is summed.

    With u = x - centre_x and v = y - centre_y: "difference" is scale_x u - scale_y v, "squares" is scale_x u^2 -
    scale_y v^2, "beyond" is scale_x u+ - scale_y v+, "above" is scale_x 1{u > 0} - scale_y 1{v > 0}, all in double
    precision; "excess" is (x - y)+ in the precision of the values. The term of y is zero until a function of y is
    subtracted.

    Args:
      kind: which of these functions.
      x, y: values.
      numbers: scale_x, centre_x, scale_y and centre_y of each row.
    """

    kind: Kind
    x: Rows
    y: Rows
    numbers: Float[np.ndarray, "row 4"]

    @staticmethod
    def of(kind: Kind, x: Rows, at: Each | float = 0.0, scale: Each | float = 1.0) -> Made:
        """The function of x alone, with its centre and scale."""
        numbers = np.zeros((len(x), 4))
        numbers[:, 0], numbers[:, 1] = scale, at
        return Made(kind, x, x, numbers)

    def __sub__(self, other: Made) -> Made:
        return Made(self.kind, self.x, other.x, np.hstack([self.numbers[:, :2], other.numbers[:, :2]]))

    def values(self, paths: slice = slice(None)) -> Float[np.ndarray, "row path"]:
        """Values of the function, float64 except for "excess"."""
        x, y = self.x[:, paths], self.y[:, paths]
        if self.kind == "excess":
            return np.maximum(x - y, 0)
        if self.kind == "difference" and (self.numbers == [1, 0, 1, 0]).all():
            return np.subtract(x, y, dtype=np.float64)
        scale_x, centre_x, scale_y, centre_y = self.numbers.T[..., None]
        of_x = self._side(x, scale_x, centre_x)
        if self.x is self.y and not scale_y.any():
            return of_x
        return of_x - self._side(y, scale_y, centre_y)

    def parts(self) -> Iterator[Float[np.ndarray, "path"]]:
        """Values of the first row, of `BLOCK` paths at a time."""
        row = Made(self.kind, self.x[:1], self.y[:1], self.numbers[:1])
        return (row.values(slice(first, first + BLOCK))[0] for first in range(0, self.x.shape[1], BLOCK))

    def _side(self, values: Rows, scale: np.ndarray, centre: np.ndarray) -> Rows:
        away = values.astype(np.float64)
        if centre.any():
            away -= centre
        if self.kind == "squares":
            away *= away
        elif self.kind == "beyond":
            np.maximum(away, 0, out=away)
        elif self.kind == "above":
            away = (away > 0).astype(np.float64)
        if np.any(scale != 1):
            away *= scale
        return away


Summing = Callable[[Kind, int, np.ndarray, np.ndarray, int, int, np.ndarray, np.ndarray], None]


def summed_by_numpy(
    kind: Kind,
    size: int,
    x: Rows,
    y: Rows,
    units: int,
    block: int,
    numbers: Float[np.ndarray, "row 5"],
    out: np.ndarray,
) -> None:
    """Writes the sums of r, r^2 and r^3 of each row to `out`, r being the total of a unit less an offset.

    Args:
      size: paths in a unit, 1 or 2.
      units: number of units.
      block: number of units that are summed by lanes at a time.
      numbers: scale_x, centre_x, scale_y, centre_y and the offset of each row.
    """
    made, out[:] = Made(kind, x, y, numbers[:, :4]), 0
    for first in range(0, units, block):
        count = min(block, units - first)
        values = made.values(slice(size * first, size * (first + count))).astype(np.float64, copy=False)
        total = (values if size == 1 else values[:, 0::2] + values[:, 1::2]) - numbers[:, 4:]
        lanes = np.zeros((len(x), -(-count // LANES) * LANES))
        for k, power in enumerate((total, total * total, total * total * total)):
            lanes[:, :count] = power
            by_lane = lanes.reshape(len(x), -1, LANES).sum(axis=1)
            out[:, k] += functools.reduce(np.add, by_lane.T)


summing: Summing = summed_by_numpy
"""Implementation of sums in single and double precision; any other must give the same bits."""
room: Callable[..., np.ndarray] = np.empty
"""Gives memory for rows, from a shape and a type; to touch new pages takes longer than to sort."""


def sorted_rows(values: Rows) -> Rows:
    """Each row in ascending order, as a new array."""
    ascending = room(values.shape, values.dtype)
    ascending[:] = values
    ascending.sort(axis=-1)
    return ascending


def sums(made: Made, size: int, units: int, offset: Each) -> Float[np.ndarray, "3 row"]:
    """Sums over units of 1 or 2 paths of r, r^2 and r^3, r being the total of a unit less the offset."""
    kind = np.result_type(made.x, made.y).newbyteorder("=")
    x, y = (part.astype(kind, copy=False) for part in (made.x, made.y))
    x, y = (part if part.strides[1] == part.itemsize else np.ascontiguousarray(part) for part in (x, y))
    adding = summing if kind in (np.float32, np.float64) else summed_by_numpy
    total = np.empty((len(x), 3))
    adding(made.kind, size, x, y, units, BLOCK, np.column_stack((made.numbers, offset)), total)
    return total.T


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


def binned_by_numpy(
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
    """Bin of each value, as in `binned_by_numpy`."""
    with np.errstate(over="ignore", invalid="ignore"):
        at = np.fmin((values - low) * scale, np.float32(BINS - 1))
    return np.maximum(at, np.float32(0)).astype(np.int64)


binning: Binning = binned_by_numpy
"""Implementation of binning; any other must give the same results."""


class LongRow:
    """A long row in ascending order, of which only bins that were asked for are sorted and kept.

    Args:
      values: in any order; must not be changed afterwards.
      low, scale: of the bins (`binned_by_numpy`).
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
    if isinstance(rows, np.ndarray):
        return rows[np.arange(len(rows)), rank].astype(np.float64)
    ranks = np.asarray(rank).tolist() if np.ndim(rank) else [int(rank)] * len(rows)
    return np.array([row[at : at + 1][0] for row, at in zip(rows, ranks, strict=True)], np.float64)
