"""The layout of compiled code's memory, as plain data that later processes read."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.lanes.nest import Nest


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
    outputs: Mapping[str, tuple[np.dtype, np.ndarray]]
    pool: np.ndarray

    def as_plain(self) -> dict[str, Any]:
        """The layout as a dictionary that JSON can hold."""
        outputs = {name: [dtype.name, list(at.shape), _as_text(at)] for name, (dtype, at) in self.outputs.items()}
        return {**vars(self), "outputs": outputs, "pool": _as_text(self.pool)}

    @classmethod
    def of_plain(cls, held: Mapping[str, Any]) -> Layout:
        """The layout of which `as_plain` gave the dictionary."""
        outputs = {
            name: (np.dtype(kind), _of_text(text, np.int64).reshape(shape))
            for name, (kind, shape, text) in held["outputs"].items()
        }
        return cls(**{**held, "outputs": outputs, "pool": _of_text(held["pool"], np.uint32)})


def layout_of(nest: Nest, width: int, items: int) -> Layout:
    """The layout of a nest's code; arguments as of `cpu.compile`."""
    outputs = {
        name: (
            one.dtype if one.dtype.kind != "b" else np.dtype(np.int32),
            one.places if items > 1 else one.places[None],
        )
        for name, one in nest.outputs.items()
    }
    return Layout(width, items, nest.shared, nest.own, nest.scratch, outputs, nest.pool)


def _as_text(array: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()


def _of_text(text: str, dtype: Any) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)
