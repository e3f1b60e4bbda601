"""The records that a search for boxes of factors returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.risk.drivers.boxes import Judged
from engine.risk.drivers.where import Where
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study


@dataclass(frozen=True)
class Together:
    """The union of all boxes of a method.

    Args:
      coverage: share of the futures looked for that lie within.
      density: share of the futures within that are looked for.
      mass: share of all futures that lie within.
    """

    coverage: Estimate
    density: Estimate
    mass: Estimate


@dataclass(frozen=True)
class Lead:
    """Which method's boxes are reported first, and why.

    Args:
      first: the method.
      better: whether its boxes separate the futures better; False if they do about as well, with no more limits.
      correlations: by method, between lying within any of its boxes and being looked for, on the judging futures;
        without a box 0.
      gap: the first method's correlation less that of the other.
      limits: by method, the number of limits of all its boxes.
    """

    first: str
    better: bool
    correlations: Mapping[str, Estimate]
    gap: Estimate
    limits: Mapping[str, int]


@dataclass(frozen=True)
class Step:
    """A proposed box on the futures that choose among boxes: coverage, density, mass and number of limited factors."""

    coverage: float
    density: float
    mass: float
    factors: int


@dataclass(frozen=True)
class SearchResult:
    """The result of a search for boxes in which futures of a kind are frequent.

    Args:
      study: with the paths that were used.
      where: which futures are looked for.
      rate: share of all futures that are looked for, on the judging futures.
      boxes: by method, the leading one first; each box is judged on the futures outside the boxes before it.
      lead: which method leads, and why.
      together: by method, the union of its boxes.
      stability: by factor, the share of resamples in which PRIM's first box limits it; empty if units are too few.
      steps: the boxes that PRIM proposed for its first box, in order.
      searched, chosen_on, judged_on: how many paths boxes are proposed on at a time, chosen on, and judged on.
      lost: paths left out because a value on them is not finite.
      factors: the factors that were searched.
      resamples: number of resamples behind `stability`.
    """

    study: Study
    where: Where
    rate: Estimate
    boxes: Mapping[str, Sequence[Judged]]
    lead: Lead
    together: Mapping[str, Together]
    stability: Mapping[str, float]
    steps: Sequence[Step]
    searched: int
    chosen_on: int
    judged_on: int
    lost: int
    factors: tuple[str, ...]
    resamples: int
