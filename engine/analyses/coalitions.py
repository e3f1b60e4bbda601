"""Coalitions of levers: members are set as in one policy, all other levers as in another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from engine.analyses.lever_sets import LeverSet, Player, players_of, policy_of, set_of, years_begun
from engine.analyses.shapley import MOST_PLAYERS, members
from engine.errors import Problem, UserError, unknown
from engine.program import arguments
from engine.study.components import Policy
from engine.study.lever_groups import START
from engine.study.study import Study
from engine.study.tables.policies import phased


@dataclass(frozen=True)
class Coalitions:
    """Every way to set some players (groups of levers) as in one policy and the rest as in another.

    Coalition s sets player i as in `end` where bit i of s is 1. On every path coalition 0 is `start`, the last `end`.

    Args:
      study: the resolved study that has both policies.
      start, end: the two policies.
      players: the groups of levers in which they differ.
    """

    study: Study
    start: Policy
    end: Policy
    players: tuple[Player, ...]

    @property
    def count(self) -> int:
        """The number of coalitions, 2^k for k players."""
        return 1 << len(self.players)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """One policy per coalition.

        Their degree of implementation is that of `end`, or of `start` where no lever of `end` depends on it.
        """
        first, last = _sets(self.study, (self.start, self.end))
        share = first.share if last.certain else last.share
        year = self.study.years[0] if self.study.years else 0
        policies = []
        for number, row in enumerate(members(len(self.players))):
            of_end = {
                lever for player, there in zip(self.players, row, strict=True) if there for lever in player.levers
            }
            side = {lever: last if lever in of_end else first for lever in self.study.model.levers}
            policy = policy_of(f"coalition {number}", year, {lever: one.after[lever] for lever, one in side.items()})
            if share != 1.0:
                before = {lever: one.before[lever] for lever, one in side.items()}
                policy = replace(policy, before=policy_of(self.start.name, year, before), implementation=share)
            policies.append(policy)
        return tuple(policies)

    def levers(self, dtype: type) -> dict[str, Any]:
        """Lever arrays of all coalitions, as `arguments.of` gives them for the policies of a study."""
        arrays = arguments.of(replace(self.study, policies=self.policies), dtype)["levers"]
        begun = years_begun(self.study, (self.start, self.end))
        inside = [START in player.levers for player in self.players]
        of_end = (members(len(self.players)) * inside).any(axis=1)
        # the starting year that the model reads; the levers already change in the year in which their policy starts
        seen = begun[:, of_end.astype(int)]
        return {**arrays, "start": seen, "before_start": seen}

    def words(self, number: int) -> str:
        """A coalition in words: `banks, labour of 'reform', all else of 'old'`."""
        names = [player.name for k, player in enumerate(self.players) if number >> k & 1]
        if not names:
            return f"'{self.start.name}'"
        if len(names) == len(self.players):
            return f"'{self.end.name}'"
        return f"{', '.join(names)} of '{self.end.name}', all else of '{self.start.name}'"


def between(study: Study, start: str, end: str) -> Coalitions:
    """The coalitions of the groups of levers that two policies of a study set differently.

    The players are those of `players_of`.

    Raises:
      UserError: no such policies, no difference between them, too many players, or two policies whose degrees of
        implementation are drawn from different factors.
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
    players = players_of(study, pair, (first, last))
    if not players:
        message = (
            f"'{start}' and '{end}' set all levers alike. Name two policies that differ: rustbelt check shows in what."
        )
        raise UserError(study.source, [message])
    if len(players) > MOST_PLAYERS:
        names = [player.name for player in players]
        alone = [name for name in names if name not in study.lever_groups]
        what = (
            f"'{start}' and '{end}' differ in {len(players)} levers and groups of levers, and each one more doubles the"
            " work"
        )
        remedy = f"Put some of these into one group, under [lever_groups]: {', '.join(alone or names)}"
        raise UserError(study.source, [Problem("lever_groups", f"expected at most {MOST_PLAYERS}: {what}. {remedy}.")])
    return Coalitions(study, *pair, players)


def _sets(study: Study, pair: Sequence[Policy]) -> tuple[LeverSet, LeverSet]:
    """The levers of two policies, with one common degree of implementation.

    Where the degrees differ and matter, one of them must be a number, which is then applied to that policy's levers.
    """
    first, last = (set_of(policy, study.years) for policy in pair)
    if not (first.certain or last.certain) and first.share != last.share:
        if isinstance(first.share, str) and isinstance(last.share, str):
            names = ", ".join(
                f"'{policy.name}' by {one.share}" for policy, one in zip(pair, (first, last), strict=True)
            )
            remedy = (
                'Name one whose implementation is a number, such as a copy of it: like = "...", implementation = 1.'
            )
            raise UserError(
                study.source, [f"expected policies of which one factor says how far they get: {names}. {remedy}"]
            )
        if isinstance(first.share, str):
            last = set_of(phased(pair[1], study.years), study.years)
        else:
            first = set_of(phased(pair[0], study.years), study.years)
    return first, last
