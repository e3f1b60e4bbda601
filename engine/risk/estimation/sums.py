"""Sums over units of a function of each path, in a fixed order, so that all implementations agree bit by bit.

The units of a row are dealt to eight lanes in turn. Each lane adds its units in order, and the lanes are added from the
first to the last. This is done for each `BLOCK` of units, and the blocks are added in order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

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
        scale_x, centre_x, scale_y, centre_y = self.numbers.T[..., None]
        return self._side(x, scale_x, centre_x) - self._side(y, scale_y, centre_y)

    def parts(self) -> Iterator[Float[np.ndarray, "path"]]:
        """Values of the first row, of `BLOCK` paths at a time."""
        row = Made(self.kind, self.x[:1], self.y[:1], self.numbers[:1])
        return (row.values(slice(first, first + BLOCK))[0] for first in range(0, self.x.shape[1], BLOCK))

    def _side(self, values: Rows, scale: np.ndarray, centre: np.ndarray) -> Rows:
        away = values.astype(np.float64)
        away -= centre
        if self.kind == "squares":
            away *= away
        elif self.kind == "beyond":
            np.maximum(away, 0, out=away)
        elif self.kind == "above":
            away = (away > 0).astype(np.float64)
        away *= scale
        return away


Summing = Callable[[Kind, int, np.ndarray, np.ndarray, int, int, np.ndarray, np.ndarray], None]


def by_numpy(
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


summing: Summing = by_numpy
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
    adding = summing if kind in (np.float32, np.float64) else by_numpy
    total = np.empty((len(x), 3))
    adding(made.kind, size, x, y, units, BLOCK, np.column_stack((made.numbers, offset)), total)
    return total.T
