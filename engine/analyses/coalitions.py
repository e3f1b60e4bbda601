"""Coalitions of levers between two policies: those that are in take what one policy sets, all others what the other sets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from engine.analyses.shapley import MOST_PLAYERS, members
from engine.errors import Problem, UserError, unknown
from engine.program import arguments
from engine.study.lever_groups import KEY, START
from engine.study.policy_tables import phased
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
class _Set:
    """What a policy sets in every year: before + share (after - before) by lever, with its start already in `after`."""

    before: Mapping[str, Terms]
    after: Mapping[str, Terms]
    share: float | str

    def differs(self, other: _Set, lever: str) -> bool:
        """Whether the lever is in force otherwise under the other policy, in some year and on some path."""
        alike = _alike(self.before[lever], other.before[lever]) and _alike(
            self.after[lever], other.after[lever]
        )
        return not alike or not (self.is_certain(lever) or self.share == other.share)

    def is_certain(self, lever: str) -> bool:
        """Whether the lever is the same however far the policy gets."""
        return _alike(self.before[lever], self.after[lever])

    @property
    def certain(self) -> bool:
        """Whether all levers are."""
        return all(map(self.is_certain, self.after))


def _alike(one: Terms, other: Terms) -> bool:
    """Whether two levers are the same in every year and on every path."""
    return all(
        np.array_equal(one.get(name, 0 * one[""]), other.get(name, 0 * one[""])) for name in {**one, **other}
    )


@dataclass(frozen=True)
class Coalitions:
    """Every way to take some players from one policy and the rest from another.

    Number s takes player i from `end` where bit i of s is set: number 0 is `start`, the last one `end`, path by path.

    Args:
      study: the resolved study that has both policies.
      start, end: the two.
      players: what they differ in.
    """

    study: Study
    start: Policy
    end: Policy
    players: tuple[Player, ...]

    @property
    def count(self) -> int:
        """How many there are, 2^k."""
        return 1 << len(self.players)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """A policy for each, phased in as the two are: what is the same however far they get is not touched by that."""
        first, last = _sets(self.study, (self.start, self.end))
        share = first.share if last.certain else last.share
        year = self.study.years[0] if self.study.years else 0
        policies = []
        for number, row in enumerate(members(len(self.players))):
            of_end = {
                lever
                for player, there in zip(self.players, row, strict=True)
                if there
                for lever in player.levers
            }
            side = {lever: last if lever in of_end else first for lever in self.study.model.levers}
            policy = _policy(
                f"coalition {number}", year, {lever: one.after[lever] for lever, one in side.items()}
            )
            if share != 1.0:
                before = {lever: one.before[lever] for lever, one in side.items()}
                policy = replace(policy, before=_policy(self.start.name, year, before), implementation=share)
            policies.append(policy)
        return tuple(policies)

    def levers(self, dtype: type) -> dict[str, Any]:
        """Lever arrays of all of them, as `arguments.of` gives them of the policies of a study."""
        arrays = arguments.of(replace(self.study, policies=self.policies), dtype)["levers"]
        since = _since(self.study, (self.start, self.end))
        inside = [START in player.levers for player in self.players]
        of_end = (members(len(self.players)) * inside).any(axis=1)
        # what the model sees of it; that levers change in the year of a start is in the levers already
        seen = since[:, of_end.astype(int)]
        return {**arrays, "start": seen, "before_start": seen}

    def words(self, number: int) -> str:
        """What a coalition is: `banks, labour of 'reform', all else of 'old'`."""
        names = [player.name for k, player in enumerate(self.players) if number >> k & 1]
        if not names:
            return f"'{self.start.name}'"
        if len(names) == len(self.players):
            return f"'{self.end.name}'"
        return f"{', '.join(names)} of '{self.end.name}', all else of '{self.start.name}'"


def between(study: Study, start: str, end: str) -> Coalitions:
    """The coalitions of what two policies of a study set differently, by the groups of levers that it names.

    Players stand in the order of the study's groups, then levers that no group names, in the model's order, then the year of
    the start. A lever on which the policies agree belongs to none.

    Raises:
      UserError: no such policies, no difference between them, too many players, or two policies that are drawn by different
        factors.
    """
    by_name = {policy.name: policy for policy in study.policies}
    problems = [
        Problem(place, unknown("policy", name, by_name))
        for place, name in (("--from", start), ("--to", end))
        if name not in by_name
    ]
    if problems:
        raise UserError(study.source, problems)
    pair = by_name[start], by_name[end]
    first, last = _sets(study, pair)
    differing = [lever for lever in study.model.levers if first.differs(last, lever)]
    since = _since(study, pair)
    if study.is_path_model and not np.array_equal(since[:, 0], since[:, 1]):
        differing.append(START)
    if not differing:
        message = f"'{start}' and '{end}' set all levers alike. Name two policies that differ: rustbelt check shows in what."
        raise UserError(study.source, [message])
    grouped = {lever for levers in study.lever_groups.values() for lever in levers}
    groups = {name: tuple(x for x in differing if x in levers) for name, levers in study.lever_groups.items()}
    alone = {lever: (lever,) for lever in differing if lever not in grouped}
    players = tuple(Player(name, levers) for name, levers in (groups | alone).items() if levers)
    if len(players) > MOST_PLAYERS:
        what = f"'{start}' and '{end}' differ in {len(players)} levers and groups of levers, and each one more doubles the work"
        remedy = f"Put some of these into one group, under [{KEY}]: {', '.join(alone) or ', '.join(groups)}"
        raise UserError(study.source, [Problem(KEY, f"expected at most {MOST_PLAYERS}: {what}. {remedy}.")])
    return Coalitions(study, *pair, players)


def _sets(study: Study, pair: Sequence[Policy]) -> tuple[_Set, _Set]:
    """What two policies set, with one share for both wherever it matters: where the shares differ, the one that is a number is in the levers."""
    first, last = (_set(policy, study.years) for policy in pair)
    if not (first.certain or last.certain) and first.share != last.share:
        if isinstance(first.share, str) and isinstance(last.share, str):
            names = ", ".join(
                f"'{policy.name}' by {one.share}" for policy, one in zip(pair, (first, last), strict=True)
            )
            remedy = 'Name one whose implementation is a number, such as a copy of it: like = "...", implementation = 1.'
            raise UserError(
                study.source,
                [f"expected policies of which one factor says how far they get: {names}. {remedy}"],
            )
        if isinstance(first.share, str):
            last = _set(phased(pair[1], study.years), study.years)
        else:
            first = _set(phased(pair[0], study.years), study.years)
    return first, last


def _set(policy: Policy, years: Sequence[int]) -> _Set:
    started = np.array([year >= policy.start for year in years] or [True])
    before, after = {}, {}
    for lever, values in policy.levers.items():
        own, earlier = _terms(policy, lever), _terms(policy.before or policy, lever)
        since, nothing = started.reshape(-1, *[1] * (values.ndim - 1)), np.zeros_like(values)
        before[lever] = earlier
        after[lever] = {
            name: np.where(since, own.get(name, nothing), earlier.get(name, nothing))
            for name in {**own, **earlier}
        }
    whole = policy.before is None or policy.implementation == 1.0
    return _Set(after if whole else before, after, 1.0 if whole else policy.implementation)


def _terms(policy: Policy, lever: str) -> Terms:
    return {"": policy.levers[lever], **policy.drawn.get(lever, {})}


def _policy(name: str, start: int, levers: Mapping[str, Terms]) -> Policy:
    drawn = {
        lever: {factor: weights for factor, weights in terms.items() if factor}
        for lever, terms in levers.items()
    }
    numbers = {lever: terms[""] for lever, terms in levers.items()}
    return Policy(
        name, "", numbers, start, drawn={lever: weights for lever, weights in drawn.items() if weights}
    )


def _since(study: Study, pair: Sequence[Policy]) -> np.ndarray:
    """Calendar year in which what is in force in each year under each of the policies began [year, policy]."""
    arrays = arguments.of(replace(study, policies=tuple(pair)))["levers"]
    start, before = arrays["start"], arrays["before_start"]
    calendar = np.array(study.years or (0,))[:, None]
    return np.where(calendar >= start, start, before)
