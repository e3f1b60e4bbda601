"""Observed figures, and what would be observed on the futures of a study, with the error of the observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.analyses import years
from engine.analyses.futures import Futures
from engine.risk.drivers.series import across
from engine.study.study import Study
from engine.study.tables.observed import FOLDED, Observation, observable


@dataclass(frozen=True)
class Figure:
    """One observed figure and its futures.

    Args:
      observation: what was observed, with its source and error.
      loss: whether high is worse.
      values: what would be observed on each path: the model's value plus a normal draw of the observation error.
    """

    observation: Observation
    loss: bool
    values: Float[np.ndarray, "path"]

    @property
    def observed(self) -> float:
        """The observed value."""
        return self.observation.value


@dataclass(frozen=True)
class Line:
    """A series of observed figures, and its futures year by year.

    Args:
      rows: all its figures, in order of time.
      by_year: values of the variable [year, path]; a single row for a model without years.
    """

    name: str
    rows: tuple[Observation, ...]
    loss: bool
    by_year: Float[np.ndarray, "year path"]

    def figure(self, study: Study, row: Observation) -> Figure:
        """One figure of the series with its futures; its years must lie within the study's."""
        first, last = (study.years.index(year) for year in (row.first, row.time)) if study.years else (0, 0)
        values = FOLDED[row.fold](self.by_year[first : last + 1].astype(np.float64))
        if row.standard_error:
            values = values + row.standard_error * _noise(study, row).standard_normal(len(values))
        return Figure(row, self.loss, values)


def lines(study: Study, rows: Sequence[Observation], count: int, device: str | None = None) -> list[Line]:
    """The series of some figures with their first `count` futures, in the order of their first figures.

    The study must have a single policy.
    """
    by_name: dict[str, list[Observation]] = {}
    for row in rows:
        by_name.setdefault(row.series, []).append(row)
    held: list[np.ndarray]
    if study.is_path_model:
        found = [across(study, own[0].variable, own[0].at, own[0].across or "sum") for own in by_name.values()]
        held = [of[0] for of in years.values(study, found, count, device)] if found else []
    else:
        outcomes = next(Futures(study, [own[0].variable for own in by_name.values()], device).mixed([{}], count))
        held = [outcomes[own[0].variable] for own in by_name.values()]
    known = observable(study.model)
    return [
        Line(name, tuple(sorted(own, key=lambda row: row.time)), bool(known[own[0].variable].loss), of)
        for (name, own), of in zip(by_name.items(), held, strict=True)
    ]


def sound(figures: Sequence[Figure], paths: int) -> tuple[list[Figure], Bool[np.ndarray, "path"]]:
    """The figures restricted to the paths on which all of them are finite, and a mask of these paths."""
    good = np.logical_and.reduce([np.ones(paths, bool), *(np.isfinite(one.values) for one in figures)])
    return [one if good.all() else replace(one, values=one.values[good]) for one in figures], good


def _noise(study: Study, row: Observation) -> np.random.Generator:
    """A random generator for the observation errors of one figure: a stream of its own."""
    return np.random.default_rng([study.seed, *f"observed {row.name} {row.reading}".encode()])
