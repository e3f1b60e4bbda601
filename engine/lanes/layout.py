"""The layout of compiled code's memory, as plain data that later processes read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.lanes.nest import Nest, Outputs


@dataclass(frozen=True)
class Layout:
    """How compiled code reads and writes memory.

    Args:
      width: lanes of a vector.
      items: items that a lane computes.
      shared, own: 32-bit words of the shared inputs with the constants behind them, and of the inputs of each lane.
      scratch: 32-bit words of scratch memory for each lane.
      outputs: name -> (type, offsets of its numbers in scratch memory, int64 [item, ...]).
      pool: the constants behind the shared inputs, as 32-bit words.
    """

    width: int
    items: int
    shared: int
    own: int
    scratch: int
    outputs: Outputs
    pool: np.ndarray

    def as_plain(self) -> dict[str, Any]:
        """The layout as a dictionary that JSON can hold."""
        outputs = {name: [dtype.name, at.shape, at.ravel().tolist()] for name, (dtype, at) in self.outputs.items()}
        return {**vars(self), "outputs": outputs, "pool": self.pool.tolist()}

    @classmethod
    def of_plain(cls, held: Mapping[str, Any]) -> Layout:
        """The layout of which `as_plain` gave the dictionary."""
        outputs = {
            name: (np.dtype(kind), np.array(offsets, np.int64).reshape(shape))
            for name, (kind, shape, offsets) in held["outputs"].items()
        }
        return cls(**{**held, "outputs": outputs, "pool": np.array(held["pool"], np.uint32)})


def layout_of(nest: Nest, width: int, items: int) -> Layout:
    """The layout of a nest's code; arguments as of `cpu.compile`."""
    outputs = {name: (dtype, at if items > 1 else at[None]) for name, (dtype, at) in nest.outputs.items()}
    return Layout(width, items, nest.shared, nest.own, nest.scratch, outputs, nest.pool)
