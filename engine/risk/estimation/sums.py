"""Sums over units of what is made of each path: a row at a time, in one stated order, by NumPy or by whoever is faster at the same bits.

A row's units are dealt to eight lanes in turn. Each lane adds up in the order of its units, and lanes are added from the first to the last; so it
is for each `BLOCK` of units, and blocks are added in their order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

Rows = Float[np.ndarray, "row path"]
Each = Float[np.ndarray, "row"]
Kind = Literal["difference", "squares", "beyond", "excess"]
LANES = 8
BLOCK = 1 << 16
"""Units whose sums are added up by lanes; the error of a sum grows with it."""


@dataclass(frozen=True)
class Made:
    """What is made of each path of rows x and y.

    Args:
      kind: "difference" is scale_x (x - centre_x) - scale_y (y - centre_y), "squares" the same with squares of what is in brackets,
        "beyond" with 0 for what is less, all in double precision; "excess" is (x - y)+, in that of the values.
      x, y: values.
      scale_x, centre_x, scale_y, centre_y: of each row.
    """

    kind: Kind
    x: Rows
    y: Rows
    scale_x: Each
    centre_x: Each
    scale_y: Each
    centre_y: Each

    @staticmethod
    def of(
        kind: Kind, x: Rows, y: Rows | None = None, at: Each | float = 0.0, scale: Each | float = 1.0,
        at_y: Each | float = 0.0, scale_y: Each | float = 1.0,
    ) -> Made:  # fmt: skip
        """The same from what differs from the values themselves; x alone where no y is given."""
        numbers = (scale, at, 0.0 if y is None else scale_y, at_y)
        return Made(
            kind,
            x,
            x if y is None else y,
            *(np.broadcast_to(one, len(x)).astype(np.float64) for one in numbers),
        )

    def values(self, paths: slice = slice(None)) -> Float[np.ndarray, "row path"]:
        """What is made, float64 but of excesses."""
        x, y = self.x[:, paths], self.y[:, paths]
        if self.kind == "excess":
            excess: np.ndarray = np.maximum(x - y, 0)
            return excess
        return self._side(x, self.scale_x, self.centre_x) - self._side(y, self.scale_y, self.centre_y)

    def _side(self, values: Rows, scale: Each, centre: Each) -> Rows:
        away = values.astype(np.float64)
        away -= centre[:, None]
        if self.kind == "squares":
            away *= away
        elif self.kind == "beyond":
            np.maximum(away, 0, out=away)
        away *= scale[:, None]
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
    """Writes the sums of r, r^2 and r^3 of each row, r the total of a unit less an offset, the last of its numbers; so many units are a block."""
    made, out[:] = Made(kind, x, y, *(numbers[:, k] for k in range(4))), 0
    for first in range(0, units, block):
        count = min(block, units - first)
        values = made.values(slice(size * first, size * (first + count))).astype(np.float64, copy=False)
        total = (values if size == 1 else values[:, 0::2] + values[:, 1::2]) - numbers[:, 4:]
        lanes: np.ndarray = np.zeros((len(x), -(-count // LANES) * LANES))
        for k, power in enumerate((total, total * total, total * total * total)):
            lanes[:, :count] = power
            by_lane = lanes.reshape(len(x), -1, LANES).sum(axis=1)
            out[:, k] += functools.reduce(np.add, by_lane.T)


_SUMMING: list[Summing] = [by_numpy]
_ROOM: list[Callable[..., np.ndarray]] = [np.empty]


def use(summing: Summing) -> None:
    """Has sums made by another, of the same bits, for values of single and of double precision."""
    _SUMMING[0] = summing


def take_room_by(room: Callable[..., np.ndarray]) -> None:
    """Has memory for rows taken by another, who is given a shape and a type: fresh pages cost more than what is computed into them."""
    _ROOM[0] = room


def sorted_rows(values: Rows) -> Rows:
    """Each row ascending."""
    ascending: np.ndarray = _ROOM[0](values.shape, values.dtype)
    ascending[:] = values
    ascending.sort(axis=-1)
    return ascending


def sums(made: Made, size: int, units: int, offset: Each) -> Float[np.ndarray, "3 row"]:
    """Sums over units of 1 or 2 paths of r, r^2 and r^3, r the total of a unit less the offset."""
    columns = (made.scale_x, made.centre_x, made.scale_y, made.centre_y, offset)
    numbers = np.ascontiguousarray(np.stack(columns, axis=1))
    kind = np.result_type(made.x, made.y).newbyteorder("=")
    x, y = (part.astype(kind, copy=False) for part in (made.x, made.y))
    x, y = (part if part.strides[1] == part.itemsize else np.ascontiguousarray(part) for part in (x, y))
    adding = _SUMMING[0] if kind in (np.float32, np.float64) else by_numpy
    total = np.empty((len(x), 3))
    adding(made.kind, size, x, y, units, BLOCK, numbers, total)
    return total.T
