"""The levers that a policy sets in every year, in a form in which parts of several policies can be combined."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.program import arguments
from engine.study.components import Policy
from engine.study.lever_groups import START
from engine.study.study import Study

Terms = Mapping[str, np.ndarray]
"""A lever as a sum: numbers [year, *dims] under "", and by factor the weights that its draw is multiplied by."""
Levers = Mapping[str, Terms]


@dataclass(frozen=True)
class Player:
    """Levers that are taken together from one policy or the other: a player in the sense of Shapley values.

    Args:
      name: of the group of levers, or of a lever that is in no group.
      levers: those of the group in which the two policies differ; `start` stands for the year in which a policy begins.
    """

    name: str
    levers: tuple[str, ...]


@dataclass(frozen=True)
class LeverSet:
    """The levers of a policy in every year: before + share (after - before), with the degree of implementation `share`.

    Until the policy starts, `after` has the levers of the policy before it. `share` is a number, or the name of the
    factor that it is drawn from.
    """

    before: Levers
    after: Levers
    share: float | str

    def differs(self, other: LeverSet, lever: str) -> bool:
        """Whether a lever differs between two policies in some year on some path."""
        same = are_alike(self.before[lever], other.before[lever]) and are_alike(self.after[lever], other.after[lever])
        return not same or not (self.is_certain(lever) or self.share == other.share)

    def is_certain(self, lever: str) -> bool:
        """Whether a lever does not depend on the degree of implementation."""
        return are_alike(self.before[lever], self.after[lever])

    @property
    def certain(self) -> bool:
        """Whether no lever depends on the degree of implementation."""
        return all(map(self.is_certain, self.after))

    def policy(self, name: str, years: Sequence[int]) -> Policy:
        """The policy that has these levers, which starts in the first year."""
        before, own = (
            Policy(
                name,
                "",
                {lever: terms[""] for lever, terms in levers.items()},
                years[0] if years else 0,
                drawn={lever: {factor: terms[factor] for factor in terms if factor} for lever, terms in levers.items()},
            )
            for levers in (self.before, self.after)
        )
        return own if self.share == 1.0 else replace(own, before=before, implementation=self.share)


def are_alike(one: Terms, other: Terms) -> bool:
    """Whether two levers are equal in every year and on every path."""
    return all(np.array_equal(terms, other[name]) for name, terms in one.items())


def span(study: Study, name: str, stated: np.ndarray) -> list[float]:
    """Least and largest value of a lever: its bounds, else 0 and three times the stated value farthest from 0."""
    lever = study.model.levers[name]
    ends = sorted((0.0, 3 * float(stated.flat[np.abs(stated).argmax()])))
    return [end if math.isinf(own) else own for own, end in zip((lever.low, lever.high), ends, strict=True)]


def sets_of(policies: Sequence[Policy], years: Sequence[int]) -> list[LeverSet]:
    """The lever sets of some policies, with their starting years and degrees of implementation.

    Each lever has weights, which may be 0, of every factor that any of the policies draws it from.
    """
    stated = [one for policy in policies for one in (policy, policy.before or policy)]

    def terms(policy: Policy, lever: str) -> Terms:
        factors, own = {name for one in stated for name in one.drawn.get(lever, ())}, policy.drawn.get(lever, {})
        nothing = np.zeros_like(policy.levers[lever])
        return {"": policy.levers[lever]} | {name: own.get(name, nothing) for name in sorted(factors)}

    def set_of(policy: Policy) -> LeverSet:
        started = np.array([year >= policy.start for year in years] or [True])
        before = {lever: terms(policy.before or policy, lever) for lever in policy.levers}
        after = {
            # transposed, as the year is the first axis
            lever: {name: np.where(started, own.T, earlier[name].T).T for name, own in terms(policy, lever).items()}
            for lever, earlier in before.items()
        }
        whole = policy.before is None or policy.implementation == 1.0
        return LeverSet(after if whole else before, after, 1.0 if whole else policy.implementation)

    return [set_of(policy) for policy in policies]


def years_begun(study: Study) -> np.ndarray:
    """For each year, the calendar year in which the policy in force then began [year, policy]."""
    arrays = arguments.lever_arrays(study, study.dtype)
    calendar = np.array(study.years or (0,))[:, None]
    return np.where(calendar >= arrays["start"], arrays["start"], arrays["before_start"])


def players_of(study: Study, sets: Sequence[LeverSet]) -> tuple[Player, ...]:
    """The players of the two policies of a study: what they set differently, by the study's groups of levers.

    First the study's groups in their order, then levers that no group names in the model's order, then the starting
    year if that differs. A lever in which the policies agree belongs to no player.

    Args:
      sets: the lever sets of the two policies.
    """
    first, last = sets
    differing = [lever for lever in study.model.levers if first.differs(last, lever)]
    begun = years_begun(study)
    if study.is_path_model and not np.array_equal(begun[:, 0], begun[:, 1]):
        differing.append(START)
    groups = {name: tuple(x for x in differing if x in levers) for name, levers in study.lever_groups.items()}
    grouped = {lever for levers in groups.values() for lever in levers}
    groups |= {lever: (lever,) for lever in differing if lever not in grouped}
    return tuple(Player(name, levers) for name, levers in groups.items() if levers)
