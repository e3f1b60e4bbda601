"""The records that a comparison of policies consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from engine.analyses.variables import LEVEL
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.tables import Record
from engine.risk.policies.dominance import Dominance
from engine.risk.policies.ranks import Gaps
from engine.risk.policies.thresholds import ThresholdCurves
from engine.study.study import Study


@dataclass(frozen=True)
class Question:
    """What a comparison is asked for.

    Args:
      variables: outcomes, events and yearly variables; if none are named, all outcomes and events, and for costly
        results the headline.
      level: of VaR, ES and common tails, such as 0.99.
      year: which year of yearly variables; all if not given.
      at: which place of yearly variables, as label by dimension.
      numbers: whether sentences leave out words for how likely something is.
    """

    variables: tuple[str, ...] = ()
    level: float = LEVEL
    year: int | None = None
    at: Mapping[str, str] | None = None
    numbers: bool = False


@dataclass(frozen=True)
class CommonTail:
    """The part of the worst futures that two outcomes, or two places of the outcome `of`, share under a policy."""

    policy: str
    first: str
    second: str
    of: str
    share: Estimate


@dataclass(frozen=True)
class Findings:
    """The results of comparing policies with a baseline on the same futures.

    Args:
      study: restricted to the compared policies, with the paths that are done.
      question: what was asked.
      records: "difference_M", "worse", "regret", "regret_VaR95", "regret_max", "variance_ratio" of outcomes and events;
        then of the named yearly variables, by year and place.
      orders: by outcome and policy, first- and second-order dominance over the baseline.
      curves: by event, exceedance probability of its outcome over thresholds.
      gaps: by measure and by outcome or event, differences of all pairs of policies.
      common: as its class says.
      years_paths: how many of the first paths the records by year and the places of `common` come from.
    """

    study: Study
    question: Question
    records: list[Record]
    orders: Mapping[tuple[str, str], tuple[Dominance, Dominance]]
    curves: Mapping[str, ThresholdCurves]
    gaps: Mapping[str, Mapping[str, Gaps]]
    common: list[CommonTail]
    years_paths: int

    @property
    def others(self) -> tuple[str, ...]:
        """The policies other than the baseline."""
        return tuple(name for name in self.study.policy_names if name != self.study.baseline)

    @cached_property
    def by_key(self) -> Mapping[tuple[str, str, str], Record]:
        """The records without year, by measure, policy and variable."""
        return {(r.measure, r.policy, r.variable): r for r in self.records if r.year is None}
