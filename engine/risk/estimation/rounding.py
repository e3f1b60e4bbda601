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

from engine.risk.estimation.events import ByName
from engine.risk.estimation.flags import Sentence
from engine.study.study import Study

RIVALS = 0.05
"""Median rounding error, relative to a quantity of interest, above which single precision is too coarse."""
EQUAL = 64 * float(np.finfo(float).eps)
"""Range of values, relative to the largest, up to which they are equal but for rounding in double precision."""
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


@dataclass(frozen=True)
class Rounding:
    """One quantity for which single precision is too coarse.

    Args:
      place: `factors.NAME` or `outcomes.NAME`.
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
    """Quantities for which single precision is too coarse: for each factor and each outcome the worst, if any.

    Args:
      single: `draws` [factor, path] and `outcomes` [policy, outcome, path].
      double: the same paths in double precision.
    """
    worst: dict[str, Rounding] = {}
    for one in _quantities(study, single, double):
        if one.size > 0 and one.error > (1.0 if one.what is Lost.ERROR else RIVALS) * one.size:
            worst[one.place] = max(worst.get(one.place, one), one, key=lambda found: found.ratio)
    return tuple(worst.values())


def _quantities(study: Study, single: ByName, double: ByName) -> Iterator[Rounding]:
    """Every quantity with its rounding error: of factors, then of outcomes."""
    for item, x, y in zip(study.inputs, single["draws"], double["draws"], strict=True):
        yield from _values(f"factors.{item.name}", "", x, y)
    base = study.row(study.baseline)
    for k, name in enumerate(study.model.outcomes):
        place, x, y = f"outcomes.{name}", single["outcomes"][:, k], double["outcomes"][:, k]
        for p, policy in enumerate(study.policy_names):
            yield from _values(place, policy, x[p], y[p], study.paths)
            if p != base:
                yield from _difference(place, policy, x[[p, base]], y[[p, base]])


def _values(place: str, policy: str, x: np.ndarray, y: np.ndarray, paths: int = 0) -> Iterator[Rounding]:
    """How far values differ from each other; for that many paths also the standard error of their mean, if biased."""
    x, y = _finite(x, y)
    if y.size:
        # what follows from fixed factors alone has no spread, whatever rounding makes of it
        off, sd = x - y, float(np.std(y)) if np.ptp(y) > EQUAL * np.abs(y).max() else 0.0
        yield Rounding(place, Lost.SPREAD, policy, sd, float(np.median(np.abs(off))), _spacing(y))
        bias = float(np.abs(off.mean()))
        if paths and bias > 5 * off.std() / np.sqrt(len(off)):
            yield Rounding(place, Lost.ERROR, policy, sd / float(np.sqrt(paths)), bias, _spacing(y))


def _difference(place: str, policy: str, x: np.ndarray, y: np.ndarray) -> Iterator[Rounding]:
    """How far a policy differs from the baseline [policy, path]."""
    x, y = _finite(x, y)
    gap = y[0] - y[1]
    size = float(np.sqrt(np.sum(gap**2) / max(gap.size, 1)))
    # paths that a policy leaves as they are have no difference that could be lost
    moved = (np.abs(gap) > 0.01 * size) & (np.abs(gap) > EQUAL * np.abs(y).max(axis=0))
    if moved.any():
        error = float(np.median(np.abs(x[0] - x[1] - gap)[moved]))
        yield Rounding(place, Lost.DIFFERENCE, policy, size, error, _spacing(y[0]))


def _finite(*parts: np.ndarray) -> list[np.ndarray]:
    """The arrays [..., path] in double precision on the paths where all are finite; empty if these are too few."""
    sound = np.isfinite(parts).all(axis=tuple(range(parts[0].ndim)))
    sound &= sound.sum() >= FEWEST
    return [part[..., sound].astype(np.float64) for part in parts]


def _spacing(values: np.ndarray) -> float:
    """Spacing of single-precision numbers at typical values."""
    return float(np.spacing(np.float32(np.median(np.abs(values)))))
