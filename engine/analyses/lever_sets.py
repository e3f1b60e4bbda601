"""The levers that a policy sets in every year, in a form in which parts of several policies can be combined."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.program import arguments
from engine.study.components import Policy
from engine.study.lever_groups import START
from engine.study.study import Study

Terms = Mapping[str, np.ndarray]
"""A lever as a sum: numbers [year, *dims] under "", and by factor the weights that its draw is multiplied by."""


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

    before: Mapping[str, Terms]
    after: Mapping[str, Terms]
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


def are_alike(one: Terms, other: Terms) -> bool:
    """Whether two levers are equal in every year and on every path."""
    return all(np.array_equal(one.get(name, 0 * one[""]), other.get(name, 0 * one[""])) for name in {**one, **other})


def set_of(policy: Policy, years: Sequence[int]) -> LeverSet:
    """The lever set of a policy, with its starting year and degree of implementation."""
    started = np.array([year >= policy.start for year in years] or [True])
    before, after = {}, {}
    for lever, values in policy.levers.items():
        own, earlier = terms_of(policy, lever), terms_of(policy.before or policy, lever)
        since, nothing = started.reshape(-1, *[1] * (values.ndim - 1)), np.zeros_like(values)
        before[lever] = earlier
        after[lever] = {
            name: np.where(since, own.get(name, nothing), earlier.get(name, nothing)) for name in {**own, **earlier}
        }
    whole = policy.before is None or policy.implementation == 1.0
    return LeverSet(after if whole else before, after, 1.0 if whole else policy.implementation)


def terms_of(policy: Policy, lever: str) -> Terms:
    """A lever as the policy's own table states it."""
    return {"": policy.levers[lever], **policy.drawn.get(lever, {})}


def policy_of(name: str, start: int, levers: Mapping[str, Terms]) -> Policy:
    """A policy with these levers, starting in a year."""
    drawn = {lever: {factor: weights for factor, weights in terms.items() if factor} for lever, terms in levers.items()}
    numbers = {lever: terms[""] for lever, terms in levers.items()}
    return Policy(name, "", numbers, start, drawn={lever: weights for lever, weights in drawn.items() if weights})


def years_begun(study: Study, pair: Sequence[Policy]) -> np.ndarray:
    """For each year, the calendar year in which the policy in force then began [year, policy]."""
    arrays = arguments.of(replace(study, policies=tuple(pair)))["levers"]
    start, before = arrays["start"], arrays["before_start"]
    calendar = np.array(study.years or (0,))[:, None]
    return np.where(calendar >= start, start, before)


def players_of(study: Study, pair: Sequence[Policy], sets: Sequence[LeverSet]) -> tuple[Player, ...]:
    """The players of two policies: what they set differently, by the study's groups of levers.

    First the study's groups in their order, then levers that no group names in the model's order, then the starting
    year if that differs. A lever in which the policies agree belongs to no player.
    """
    first, last = sets
    differing = [lever for lever in study.model.levers if first.differs(last, lever)]
    begun = years_begun(study, pair)
    if study.is_path_model and not np.array_equal(begun[:, 0], begun[:, 1]):
        differing.append(START)
    grouped = {lever for levers in study.lever_groups.values() for lever in levers}
    groups = {name: tuple(x for x in differing if x in levers) for name, levers in study.lever_groups.items()}
    alone = {lever: (lever,) for lever in differing if lever not in grouped}
    return tuple(Player(name, levers) for name, levers in (groups | alone).items() if levers)
