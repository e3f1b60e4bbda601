"""What a policy sets in every year, as two sets of levers and the share of the way between them, so that parts of several can be put together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.program.tracing import arguments
from engine.study.lever_groups import START
from engine.study.study import Policy, Study

Terms = Mapping[str, np.ndarray]
"""What a lever is: numbers [year, *dims] under "", and under the name of a factor the weights by which its draw adds to them."""


@dataclass(frozen=True)
class Player:
    """Levers that are taken from one policy or the other together.

    Args:
      name: of their group, or of the lever that is in none.
      levers: those on which the two policies differ; `start` for the year in which they begin.
    """

    name: str
    levers: tuple[str, ...]


@dataclass(frozen=True)
class LeverSet:
    """What a policy sets in every year: before + share (after - before) by lever, with its start already in `after`."""

    before: Mapping[str, Terms]
    after: Mapping[str, Terms]
    share: float | str

    def differs(self, other: LeverSet, lever: str) -> bool:
        """Whether the lever is in force otherwise under the other policy, in some year and on some path."""
        same = are_alike(self.before[lever], other.before[lever]) and are_alike(
            self.after[lever], other.after[lever]
        )
        return not same or not (self.is_certain(lever) or self.share == other.share)

    def is_certain(self, lever: str) -> bool:
        """Whether the lever is the same however far the policy gets."""
        return are_alike(self.before[lever], self.after[lever])

    @property
    def certain(self) -> bool:
        """Whether all levers are."""
        return all(map(self.is_certain, self.after))


def are_alike(one: Terms, other: Terms) -> bool:
    """Whether two levers are the same in every year and on every path."""
    return all(
        np.array_equal(one.get(name, 0 * one[""]), other.get(name, 0 * one[""])) for name in {**one, **other}
    )


def set_of(policy: Policy, years: Sequence[int]) -> LeverSet:
    """What a policy sets, its start and the share of the way that is reached in it."""
    started = np.array([year >= policy.start for year in years] or [True])
    before, after = {}, {}
    for lever, values in policy.levers.items():
        own, earlier = terms_of(policy, lever), terms_of(policy.before or policy, lever)
        since, nothing = started.reshape(-1, *[1] * (values.ndim - 1)), np.zeros_like(values)
        before[lever] = earlier
        after[lever] = {
            name: np.where(since, own.get(name, nothing), earlier.get(name, nothing))
            for name in {**own, **earlier}
        }
    whole = policy.before is None or policy.implementation == 1.0
    return LeverSet(after if whole else before, after, 1.0 if whole else policy.implementation)


def terms_of(policy: Policy, lever: str) -> Terms:
    """What a policy's own table says of a lever."""
    return {"": policy.levers[lever], **policy.drawn.get(lever, {})}


def policy_of(name: str, start: int, levers: Mapping[str, Terms]) -> Policy:
    """A policy that has these levers from a year on."""
    drawn = {
        lever: {factor: weights for factor, weights in terms.items() if factor}
        for lever, terms in levers.items()
    }
    numbers = {lever: terms[""] for lever, terms in levers.items()}
    return Policy(
        name, "", numbers, start, drawn={lever: weights for lever, weights in drawn.items() if weights}
    )


def years_begun(study: Study, pair: Sequence[Policy]) -> np.ndarray:
    """Calendar year in which what is in force in each year under each of the policies began [year, policy]."""
    arrays = arguments.of(replace(study, policies=tuple(pair)))["levers"]
    start, before = arrays["start"], arrays["before_start"]
    calendar = np.array(study.years or (0,))[:, None]
    return np.where(calendar >= start, start, before)


def players_of(study: Study, pair: Sequence[Policy], sets: Sequence[LeverSet]) -> tuple[Player, ...]:
    """What two policies set otherwise, by the study's groups of levers.

    Players stand in the order of the study's groups, then levers that no group names, in the model's order, then the year of the start.
    A lever on which the policies agree belongs to none.
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
