"""Contribution of each place to an outcome that sums over places; on each path the parts add up to the outcome."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.modelling.cell_axis import cell_layout
from engine.risk.drivers.series import summed_over
from engine.study.study import Study

SUMS = ("total", "last", "at_year")
"""Folds over the years that are linear in the yearly values."""
NOWHERE = "(no place)"
"""Label of the part from terms that do not have the dimension."""


@dataclass(frozen=True)
class PlaceParts:
    """An outcome split by the labels of one dimension.

    Args:
      study: the study.
      variable: name of the outcome.
      dim: the dimension.
      labels: labels that the outcome sums over, and `NOWHERE` where some term does not have the dimension.
    """

    study: Study
    variable: str
    dim: str
    labels: tuple[str, ...]

    def of(self, yearly: Float[np.ndarray, "year cell path"]) -> Float[np.ndarray, "label path"]:
        """Part of each label on some paths, float64, from the yearly values under one policy."""
        model, years = self.study.model, self.study.years
        parts = np.zeros((len(self.labels), yearly.shape[-1]))
        for term in model.outcomes[self.variable].terms:
            columns = cell_layout(model)[term.variable]
            cells = yearly[: len(term.years(years)), columns.first : columns.first + columns.count].astype(np.float64)
            match term.kind.name:
                case "total":
                    cells = cells.sum(axis=0)
                case "last":
                    cells = cells[-1]
                case _:
                    cells = cells[years.index(term.kind.calendar[0])]
            cells = cells.reshape(*columns.shape, -1) * term.scale
            for axis, dim in enumerate(columns.dims):
                taken = summed_over(self.study, term, dim)
                cells = cells.take([model.dims[dim].index(label) for label in taken], axis)
            if term.across == "mean":
                cells = cells / math.prod(cells.shape[:-1])
            others = tuple(axis for axis, dim in enumerate(columns.dims) if dim != self.dim)
            by_label = cells.sum(axis=others).reshape(-1, yearly.shape[-1])
            own = summed_over(self.study, term, self.dim) if self.dim in columns.dims else (NOWHERE,)
            for label, row in zip(own, by_label, strict=True):
                parts[self.labels.index(label)] += row
        return parts


def place_parts(study: Study, variable: str) -> tuple[tuple[PlaceParts, ...], str]:
    """The splits of an outcome, one for each dimension that it sums over, and ""; or none, and the reason as text."""
    model = study.model
    terms = model.outcomes[variable].terms
    if not study.is_path_model:
        return (), "a static model's outcomes have no places"
    if not terms:
        return (), f"{variable} is the model's own function of its last state, and no sum over places"
    dims: dict[str, dict[str, None]] = {}
    for term in terms:
        if term.kind.name not in SUMS:
            return ((), f"{variable} takes a {term.kind.name.replace('_', ' ')} along the years, which is no sum")
        if term.variable not in model.yearly:
            return (), f"{term.variable} is not recorded by place"
        if term.across not in ("sum", "mean"):
            return (), f"{variable} takes the {term.across} of its places, which is no sum"
        for dim in model.yearly[term.variable].dims:
            dims.setdefault(dim, {}).update(dict.fromkeys(summed_over(study, term, dim)))
    if not dims:
        return (), f"{variable} is of no place"
    parts = []
    for dim, labels in dims.items():
        apart = any(dim not in model.yearly[term.variable].dims for term in terms)
        ordered = [label for label in model.dims[dim] if label in labels]
        parts.append(PlaceParts(study, variable, dim, (*ordered, *([NOWHERE] if apart else []))))
    return tuple(parts), ""
