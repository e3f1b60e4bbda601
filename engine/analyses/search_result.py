"""What a search for boxes of factors gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.risk.drivers.boxes import Judged
from engine.risk.drivers.where import Where
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study


@dataclass(frozen=True)
class Together:
    """All boxes of a method as one: share covered, share of those within, share of all within."""

    coverage: Estimate
    density: Estimate
    mass: Estimate


@dataclass(frozen=True)
class Lead:
    """Which method's boxes stand first.

    Args:
      first: the method.
      better: whether its boxes tell better, or else do with fewer limits, or as few, what the other's do.
      correlations: by method, of lying within any of its boxes and being looked for, on the futures that judge; 0 without a box.
      gap: of the first method's less that of the other.
      limits: by method, of all its boxes.
    """

    first: str
    better: bool
    correlations: Mapping[str, Estimate]
    gap: Estimate
    limits: Mapping[str, int]


@dataclass(frozen=True)
class Step:
    """A box that was proposed, on the futures that it was chosen on."""

    coverage: float
    density: float
    mass: float
    factors: int


@dataclass(frozen=True)
class SearchResult:
    """Where futures of a kind lie.

    Args:
      study: with the paths that were looked at.
      where: which futures are looked for.
      rate: how frequent they are, on the futures that judge.
      boxes: by method, the one that leads first, each judged beside those before it.
      lead: which leads, and why.
      together: by method, all of its boxes as one.
      stability: by factor, the share of resamples in which PRIM's first box restricts it; empty where units are too few.
      steps: what PRIM proposed for its first box, in turn.
      searched: paths of a search; `chosen_on`, `judged_on`: paths that chose, and that judge; `lost`: paths left out, as not finite.
      factors: that were searched.
      resamples: that `stability` is of.
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
