"""Yearly series: a yearly variable in one place, or over several places."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from engine.modelling import folds
from engine.modelling.cell_axis import cell_layout
from engine.study.study import Study

Years = Float[np.ndarray, "policy year path"]
_ACROSS: Mapping[str, Callable[..., np.ndarray]] = {"sum": np.sum, "mean": np.mean, "peak": np.max, "lowest": np.min}


@dataclass(frozen=True)
class Series:
    """Some cells of one yearly variable, combined into one number per year.

    Args:
      variable: name of the yearly variable.
      loss: whether high is worse; None where neither high nor low is.
      cells: indices on the cell axis.
      place: labels of the place by dimension; empty for all places.
      across: how the cells of a year are combined: "sum", "mean", "peak" or "lowest".
    """

    variable: str
    loss: bool | None
    cells: tuple[int, ...]
    place: Mapping[str, str] = field(default_factory=dict)
    across: str = "sum"

    def values(self, yearly: Float[np.ndarray, "policy year cell path"]) -> Years:
        """The number in each year [policy, year, path], from yearly values of some paths."""
        return _ACROSS[self.across](yearly[:, :, list(self.cells)], axis=2)


def of_yearly(study: Study, name: str, at: Mapping[str, str]) -> list[Series]:
    """A yearly variable in each of its places, or in those with the labels `at`."""
    variable, columns = study.model.yearly[name], cell_layout(study.model)[name]
    labels = [study.model.dims[dim] for dim in columns.dims]
    places = (dict(zip(columns.dims, chosen, strict=True)) for chosen in itertools.product(*labels))
    return [
        Series(name, variable.loss, (columns.first + k,), place)
        for k, place in enumerate(places)
        if all(place.get(dim) == label for dim, label in at.items())
    ]


def across(study: Study, name: str, at: Mapping[str, str], rule: str) -> Series:
    """A yearly variable over all places with the labels `at`, combined into one number per year.

    Args:
      rule: how places are combined: "sum", "mean", "peak" or "lowest".
    """
    places = of_yearly(study, name, at)
    return Series(name, places[0].loss, tuple(cell for place in places for cell in place.cells), at, rule)


def summed_unit(study: Study, name: str) -> str:
    """Unit of the sum of a yearly variable over years."""
    return folds.summed_unit(study.model.yearly[name].unit)
