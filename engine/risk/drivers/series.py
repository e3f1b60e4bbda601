"""Yearly series: an outcome accumulated up to each year, or a yearly variable in one place."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from engine.modelling.cell_axis import cell_layout
from engine.modelling.folds import Term, summed_unit
from engine.study.study import Study

Years = Float[np.ndarray, "policy year path"]
_ACROSS: Mapping[str, Callable[..., np.ndarray]] = {"sum": np.sum, "mean": np.mean, "peak": np.max, "lowest": np.min}
_ALONG: Mapping[str, Callable[..., np.ndarray]] = {
    "total": np.cumsum,
    "peak": np.maximum.accumulate,
    "lowest": np.minimum.accumulate,
    "last": lambda values, axis: values,
}
"""Folds over the years that have a value after every year."""


@dataclass(frozen=True)
class Part:
    """Some cells of one yearly variable, combined into one number per year and then folded along the years.

    Args:
      cells: indices on the cell axis.
      across: how the cells of a year are combined: "sum", "mean", "peak" or "lowest".
      along: how the years up to each year are folded: "total", "peak", "lowest" or "last".
      scale: factor applied to the result.
      count: number of years that are folded, after which the number stays as it is; all years if not given.
    """

    cells: tuple[int, ...]
    across: str = "sum"
    along: str = "last"
    scale: float = 1.0
    count: int | None = None

    def values(self, yearly: Float[np.ndarray, "policy year cell path"]) -> Years:
        """The number in each year [policy, year, path]."""
        one, years = _ACROSS[self.across](yearly[:, :, list(self.cells)], axis=2), yearly.shape[1]
        counted = np.minimum(np.arange(years), (self.count or years) - 1)
        return (self.scale * _ALONG[self.along](one, axis=1))[:, counted]


@dataclass(frozen=True)
class Series:
    """A sum of parts: one number per year.

    Args:
      variable: name of the outcome or of the yearly variable.
      loss: whether high is worse; None where neither high nor low is.
      parts: the summands.
      place: labels of the place by dimension; empty for all places.
    """

    variable: str
    loss: bool | None
    parts: tuple[Part, ...]
    place: Mapping[str, str] = field(default_factory=dict)

    def values(self, yearly: Float[np.ndarray, "policy year cell path"]) -> Years:
        """The series on some paths, from their yearly values [policy, year, path]."""
        first, *rest = (part.values(yearly) for part in self.parts)
        return sum(rest, first)


def by_place(study: Study, name: str) -> list[Series]:
    """An outcome accumulated up to each year in each of its places; empty where there are fewer than two.

    Places are the labels of the first dimension of its yearly variables, as far as all terms include them. It is empty
    too where the first dimensions differ, and where a term has no value after every year or is not recorded.
    """
    outcome, layout = study.model.outcomes[name], cell_layout(study.model)
    terms = outcome.terms
    dims = {layout[term.variable].dims[:1] if term.variable in layout else () for term in terms}
    if any(term.kind.name not in _ALONG for term in terms) or len(dims) != 1 or dims == {()}:
        return []
    ((dim,),) = dims
    first, *others = (summed_over(study, term, dim) for term in terms)
    places = [{dim: label} for label in first if all(label in labels for labels in others)]
    if len(places) < 2:
        return []
    return [Series(name, outcome.loss, tuple(_part(study, term, place) for term in terms), place) for place in places]


def of_yearly(study: Study, name: str, at: Mapping[str, str]) -> list[Series]:
    """A yearly variable in each of its places, or in those with the labels `at`."""
    variable, columns = study.model.yearly[name], cell_layout(study.model)[name]
    labels = [study.model.dims[dim] for dim in columns.dims]
    places = (dict(zip(columns.dims, chosen, strict=True)) for chosen in itertools.product(*labels))
    return [
        Series(name, variable.loss, (Part((columns.first + k,)),), place)
        for k, place in enumerate(places)
        if all(place.get(dim) == label for dim, label in at.items())
    ]


def across(study: Study, name: str, at: Mapping[str, str], rule: str) -> Series:
    """A yearly variable over all places with the labels `at`, combined into one number per year.

    Args:
      rule: how places are combined: "sum", "mean", "peak" or "lowest".
    """
    places = of_yearly(study, name, at)
    cells = tuple(cell for place in places for part in place.parts for cell in part.cells)
    return Series(name, places[0].loss, (Part(cells, rule),), at)


def unit_of_whole(study: Study, name: str, whole: str) -> str:
    """Unit of a yearly variable after its years are combined.

    Args:
      whole: "total" for their sum, "peak" or "lowest" for one of them.
    """
    unit: str = study.model.yearly[name].unit
    return summed_unit(unit) if whole == "total" else unit


def _part(study: Study, term: Term, place: Mapping[str, str]) -> Part:
    """The cells of a term in one place."""
    columns = cell_layout(study.model)[term.variable]
    cells = np.arange(columns.first, columns.first + columns.count).reshape(columns.shape)
    for axis, dim in enumerate(columns.dims):
        labels = (place[dim],) if dim in place else summed_over(study, term, dim)
        cells = cells.take([study.model.dims[dim].index(label) for label in labels], axis)
    return Part(tuple(cells.ravel().tolist()), term.across, term.kind.name, term.scale, len(term.years(study.years)))


def summed_over(study: Study, term: Term, dim: str) -> tuple[str, ...]:
    """Labels of a dimension that a term sums over."""
    return dict(term.over).get(dim, study.model.dims[dim])
