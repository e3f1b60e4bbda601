"""What a comparison of policies is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.analyses.variables import LEVEL
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record
from engine.risk.policies.dominance import Dominance
from engine.risk.policies.overtaking import Overtaking
from engine.risk.policies.ranks import Front, Gaps
from engine.risk.policies.thresholds import ThresholdCurves
from engine.study.study import Study

Place = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Question:
    """What a comparison is of.

    Args:
      variables: outcomes, events and yearly variables; where none are named, all outcomes and events, and of what needs more the headline.
      level: of VaR and ES where one is looked at.
      year: of yearly variables; every year if not given.
      at: label by dimension, of yearly variables.
      numbers: whether sentences do without words for how likely something is.
    """

    variables: tuple[str, ...] = ()
    level: float = LEVEL
    year: int | None = None
    at: Mapping[str, str] | None = None
    numbers: bool = False


@dataclass(frozen=True)
class Ahead:
    """When a policy gets ahead of the baseline in an outcome counted up to each year, or in a yearly variable in one place."""

    policy: str
    variable: str
    place: Place
    when: Overtaking


@dataclass(frozen=True)
class InTheMean:
    """The first year in which the mean of a yearly variable is in favour of a policy, and the first in which that is clear; None for never."""

    policy: str
    variable: str
    place: Place
    year: int | None
    clear: int | None


@dataclass(frozen=True)
class CommonTail:
    """The share of the worst futures that two outcomes, or two places of one outcome, have in common under a policy."""

    policy: str
    first: str
    second: str
    of: str
    share: Estimate


@dataclass(frozen=True)
class Findings:
    """Policies against a baseline on the same futures.

    Args:
      study: of the policies that are compared, and of the paths that are there.
      question: what was asked.
      records: "difference_M", "worse", "regret", "regret_VaR95", "regret_max", "variance_ratio" of outcomes and events; then, of yearly
        variables that were named, by year and place.
      orders: by outcome and policy: dominance of first and second order over the baseline.
      curves: by event: the chance to pass each level of its outcome.
      gaps: by measure and outcome: all pairs of policies.
      fronts: by measure: the Pareto front over these outcomes.
      ahead, in_the_mean, common: as their classes say.
      years_paths: the first paths, which `ahead` and the places of `common` come from.
    """

    study: Study
    question: Question
    records: list[Record]
    orders: Mapping[tuple[str, str], tuple[Dominance, Dominance]]
    curves: Mapping[str, ThresholdCurves]
    gaps: Mapping[str, Mapping[str, Gaps]]
    fronts: Mapping[str, Sequence[Front]]
    ahead: list[Ahead]
    in_the_mean: list[InTheMean]
    common: list[CommonTail]
    years_paths: int

    @property
    def others(self) -> tuple[str, ...]:
        """The policies that are held against the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str, str], Record]:
        """The records without year, by measure, policy and variable."""
        return {(r.measure, r.policy, r.variable): r for r in self.records if r.year is None}
