"""Whether single precision suffices for a run, from the same few paths computed in both precisions.

What matters is the effect of rounding, not the spacing of numbers: a spacing of 64 does not harm a mean with standard
error 1000, but hides a difference of 30. Half of the paths must be off by as much, so that a few paths that cross a
threshold raise no alarm.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from engine.modelling.cell_axis import cell_layout
from engine.risk.estimation.events import ByName
from engine.risk.estimation.flags import Sentence
from engine.study.study import Study

RIVALS = 0.05
"""Median rounding error, relative to a quantity of interest, above which single precision is too coarse."""
FEWEST = 32
"""Least number of paths that must be finite in both precisions."""
REMEDY = 'Compute in double precision: run = { precision = "float64" } in the study.'


class Lost(Sentence):
    """Quantity that rounding disturbs too much."""

    SPREAD = "spread", "values differ by {size:.2g} typically, and rounding moves them by {error:.2g}"
    DIFFERENCE = (
        "difference",
        "its difference from the baseline is {size:.2g} typically, and rounding moves it by {error:.2g}",
    )
    ERROR = "standard error", "rounding moves its mean by {error:.2g}, more than its standard error of {size:.2g}"
    STEPS = "steps", "it moves by {size:.2g} typically over the years, and rounding moves it by {error:.2g}"


Suspect = tuple[Lost, float, float, np.ndarray]
"""A quantity with its typical size, its rounding error, and the values that it is about."""


@dataclass(frozen=True)
class Rounding:
    """One quantity for which single precision is too coarse.

    Args:
      place: `factors.NAME`, `yearly.NAME` or `outcomes.NAME`.
      what: which quantity of the variable.
      policy: policy under which it is worst; "" for a factor.
      size: typical size of the quantity, in the unit of the variable.
      error: rounding error, at least this large on half of the paths; for a mean its bias.
      spacing: spacing of single-precision numbers at the variable's values.
    """

    place: str
    what: Lost
    policy: str
    size: float
    error: float
    spacing: float

    @property
    def ratio(self) -> float:
        """Error over size."""
        return self.error / self.size

    @property
    def text(self) -> str:
        """Sentence that states it, without the remedy."""
        under = f" under '{self.policy}'" if self.policy else ""
        said = self.what.sentence.format_map(vars(self))
        return f"{self.place}{under}: {said} (single-precision numbers are {self.spacing:.2g} apart there)"

    def as_dict(self) -> dict[str, Any]:
        """Plain data with ratio, sentence and remedy."""
        return {**asdict(self), "ratio": self.ratio, "text": self.text, "remedy": REMEDY}

    @staticmethod
    def of_dict(data: Mapping[str, Any]) -> Rounding:
        """The record whose data `as_dict` gave."""
        own = {field.name: data[field.name] for field in fields(Rounding)}
        return Rounding(**own | {"what": {str(one): one for one in Lost}[data["what"]]})


def judged(study: Study, single: ByName, double: ByName) -> tuple[Rounding, ...]:
    """Quantities for which single precision is too coarse: for each variable the worst, if any.

    In the order of factors, yearly values, outcomes.

    Args:
      single: `draws` [factor, path], `yearly` [policy, year, cell, path] and `outcomes` [policy, outcome, path].
      double: the same paths in double precision.
    """
    worst: dict[str, Rounding] = {}
    for place, policy, suspects in _suspects(study, single, double):
        for what, size, error, values in suspects:
            if size > 0 and error > (1.0 if what is Lost.ERROR else RIVALS) * size:
                spacing = float(np.spacing(np.float32(np.median(np.abs(values)))))
                one = Rounding(place, what, policy, size, error, spacing)
                worst[place] = max(worst.get(place, one), one, key=lambda found: found.ratio)
    return tuple(worst.values())


def _suspects(study: Study, single: ByName, double: ByName) -> Iterator[tuple[str, str, Iterator[Suspect]]]:
    """Quantities by place and policy, in the order of factors, yearly values, outcomes."""
    names = study.policy_names
    base = study.row(study.baseline)
    for item, *draws in zip(study.inputs, single["draws"], double["draws"], strict=True):
        yield f"factors.{item.name}", "", _spread(*draws)
    if double["yearly"].size:
        for name, columns in cell_layout(study.model).items():
            cells = slice(columns.first, columns.first + columns.count)
            for policy, x, y in zip(names, single["yearly"], double["yearly"], strict=True):
                yield f"yearly.{name}", policy, _steps(x[:, cells], y[:, cells])
    for k, name in enumerate(study.model.outcomes):
        place, x, y = f"outcomes.{name}", single["outcomes"][:, k], double["outcomes"][:, k]
        for p, policy in enumerate(names):
            yield place, policy, _spread(x[p], y[p], study.paths)
            if p != base:
                yield place, policy, _difference(x[[p, base]], y[[p, base]])


def _spread(x: np.ndarray, y: np.ndarray, paths: int = 0) -> Iterator[Suspect]:
    """Whether rounding hides how values differ, and whether its bias exceeds the standard error of so many paths."""
    x, y = _finite(x, y)
    if y.size:
        off, sd = x - y, float(np.std(y)) if np.ptp(y) else 0.0  # of equal values `np.std` makes a rounding error
        yield Lost.SPREAD, sd, float(np.median(np.abs(off))), y
        bias = float(np.abs(off.mean()))
        if paths and bias > 5 * off.std() / np.sqrt(len(off)):
            yield Lost.ERROR, sd / float(np.sqrt(paths)), bias, y


def _difference(x: np.ndarray, y: np.ndarray) -> Iterator[Suspect]:
    """Whether rounding hides the difference of two policies [policy, path]."""
    x, y = _finite(x, y)
    gap, size = y[0] - y[1], _typical(y[0] - y[1])
    # paths that a policy leaves as they are have no difference that could be lost
    moved = np.abs(gap) > 0.01 * size
    if moved.any():
        yield Lost.DIFFERENCE, size, float(np.median(np.abs(x[0] - x[1] - gap)[moved])), y[0]


def _steps(x: np.ndarray, y: np.ndarray) -> Iterator[Suspect]:
    """Whether rounding hides how a value moves over the years, cell by cell of [year, cell, path]."""
    for ours, exact in map(_finite, x.swapaxes(0, 1), y.swapaxes(0, 1)):
        if exact.size:
            error = float(np.median(np.abs(ours - exact).max(axis=0)))
            yield Lost.STEPS, _typical(np.ptp(exact, axis=0)), error, exact


def _finite(*parts: np.ndarray) -> list[np.ndarray]:
    """The arrays [..., path] in double precision on the paths where all are finite; empty if these are too few."""
    sound = np.isfinite(parts).all(axis=tuple(range(parts[0].ndim)))
    sound &= sound.sum() >= FEWEST
    return [part[..., sound].astype(np.float64) for part in parts]


def _typical(values: np.ndarray) -> float:
    """Root mean square; 0 for no values."""
    return float(np.sqrt(np.sum(values**2) / max(values.size, 1)))
