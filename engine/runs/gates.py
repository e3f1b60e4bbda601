"""A study held against the facts that its gates name: a moderate number of paths computed, and nothing written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.execution.anew import first_paths
from engine.study.study import Gate, Study

MOST_PATHS = 16_384
"""Paths that gates are computed from, at most."""
BAND = (0.05, 0.5, 0.95)
"""Lower end, middle and upper end of what a model gives."""


@dataclass(frozen=True)
class Answer:
    """What a study gives where a gate asks.

    Args:
      low: the 5 % quantile over the paths; `high`, the 95 % quantile. NaN beyond the study's years.
      held: whether it is as the gate asks; None where its years are not the study's.
      paths: how many it is from: those on which the value is finite.
    """

    gate: Gate
    unit: str
    low: float
    median: float
    high: float
    held: bool | None
    paths: int

    def as_dict(self) -> dict[str, Any]:
        """As plain data; numbers that there are not are None."""
        gate, there = self.gate, self.paths > 0
        limits = gate.limits if gate.asked == "median_within" else gate.limits[0]
        return {
            "gate": gate.name,
            "about": gate.about,
            "source": gate.source,
            "policy": gate.policy,
            "variable": gate.variable,
            "at": {dim: list(labels) for dim, labels in gate.at.items()},
            "years": list(gate.years),
            "across": gate.across or None,
            gate.asked: limits,
            "median": self.median if there else None,
            "p05": self.low if there else None,
            "p95": self.high if there else None,
            "unit": self.unit,
            "paths": self.paths,
            "held": self.held,
        }


def paths_of(study: Study) -> int:
    """How many paths its gates are computed from: those whose yearly values a run keeps, 16,384 at most."""
    return min(study.paths, study.keep.yearly or MOST_PATHS, MOST_PATHS)


def answers(study: Study, device: str | None = None) -> tuple[Answer, ...]:
    """What the study gives for each of its gates.

    Args:
      study: their policies are among those that run.
      device: "cpu" or "gpu"; the GPUs if there are any.

    Raises:
      UserError: there is no such device.
    """
    by_year = [bool(gate.years) for gate in study.gates]
    yearly, outcomes = first_paths(study, paths_of(study), device, any(by_year), not all(by_year))
    return tuple(
        _answer(study, gate, _of_years(study, gate, yearly) if gate.years else _own(study, gate, outcomes))
        for gate in study.gates
    )


def _own(study: Study, gate: Gate, outcomes: dict[str, np.ndarray]) -> np.ndarray:
    return outcomes[gate.variable][study.policy_names.index(gate.policy)]


def _of_years(study: Study, gate: Gate, yearly: dict[str, np.ndarray]) -> np.ndarray:
    """The number that a gate asks for on each path; none beyond the study's years."""
    if not set(gate.years) <= set(study.years):
        return np.zeros(0)
    entry = study.model.yearly[gate.variable]
    values = yearly[gate.variable][study.policy_names.index(gate.policy)]
    values = values[[study.years.index(year) for year in gate.years]]
    for axis, dim in enumerate(entry.dims, start=1):
        labels = study.model.dims[dim]
        values = np.take(values, [labels.index(label) for label in gate.at.get(dim, labels)], axis=axis)
    cells = values.reshape(-1, values.shape[-1]).astype(np.float64)
    return cells.mean(axis=0) if gate.across == "mean" else cells.sum(axis=0)


def _answer(study: Study, gate: Gate, values: np.ndarray) -> Answer:
    entry = (study.model.yearly if gate.years else study.model.outcomes)[gate.variable]
    values = values[np.isfinite(values)].astype(np.float64)
    if not len(values):
        beyond = not set(gate.years) <= set(study.years)
        return Answer(gate, entry.unit, np.nan, np.nan, np.nan, None if beyond else False, 0)
    low, median, high = (float(value) for value in np.quantile(values, BAND))
    limit, *upper = gate.limits
    held = {
        "median_above": median > limit,
        "median_below": median < limit,
        "median_within": limit <= median <= (upper or [limit])[0],
        "inside_90": low <= limit <= high,
    }[gate.asked]
    return Answer(gate, entry.unit, low, median, high, held, len(values))
