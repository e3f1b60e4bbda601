"""The cell axis: the cells of all yearly variables, variable by variable; and the place of each variable on it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.modelling.records import Model


@dataclass(frozen=True)
class Columns:
    """Place of one yearly variable on the cell axis: `count` cells from `first` on, row-major over `dims` of
    `shape`."""

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
        first += layout[name].count
    return layout


def cell_count(model: Model) -> int:
    """Number of yearly cells of one year."""
    return sum(columns.count for columns in cell_layout(model).values())


def split_cells(model: Model, array: np.ndarray, axis: int = -1) -> dict[str, np.ndarray]:
    """The array split by yearly variable; in each part the cell axis is replaced by the variable's own dimensions.

    Raises:
      ValueError: the axis has another length than the cell axis.
    """
    at, layout = axis % array.ndim, cell_layout(model)
    parts = np.split(array, [columns.first for columns in layout.values()][1:], at)
    return {
        name: part.reshape(array.shape[:at] + columns.shape + array.shape[at + 1 :])
        for (name, columns), part in zip(layout.items(), parts, strict=False)
    }
