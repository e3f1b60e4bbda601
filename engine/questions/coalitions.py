"""Coalitions of levers: members are set as in one policy, all other levers as in another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import Any

from engine.errors import Problem, Problems, UserError
from engine.program import arguments
from engine.questions.comparison import compared
from engine.questions.lever_sets import LeverSet, Player, players_of, sets_of, years_begun
from engine.questions.shapley import MOST_PLAYERS, members
from engine.study.components import Policy
from engine.study.lever_groups import START
from engine.study.study import Study
from engine.study.tables.policies import phased


@dataclass(frozen=True)
class Coalitions:
    """Every way to set some players (groups of levers) as in one policy and the rest as in another.

    Coalition s sets player i as in the second policy where bit i of s is 1. On every path coalition 0 is the first
    policy, and the last coalition the second.

    Args:
      study: the resolved study of the two policies.
      players: the groups of levers in which they differ.
    """

    study: Study
    players: tuple[Player, ...]

    @property
    def count(self) -> int:
        """The number of coalitions, 2^k for k players."""
        return 1 << len(self.players)

    @cached_property
    def policies(self) -> tuple[Policy, ...]:
        """One policy per coalition.

        Their degree of implementation is that of the second policy, or of the first where no lever of the second
        depends on it.
        """
        first, last = _sets(self.study)
        share = first.share if last.certain else last.share
        policies = []
        for number, row in enumerate(members(len(self.players))):
            changed = {lever for player in compress(self.players, row) for lever in player.levers}
            sides = {lever: last if lever in changed else first for lever in self.study.model.levers}
            before = {lever: one.before[lever] for lever, one in sides.items()}
            after = {lever: one.after[lever] for lever, one in sides.items()}
            policies.append(LeverSet(before, after, share).policy(f"coalition {number}", self.study.years))
        return tuple(policies)

    def levers(self, dtype: type) -> dict[str, Any]:
        """Lever arrays of all coalitions, as `arguments.of` gives them for the policies of a study."""
        arrays = arguments.lever_arrays(replace(self.study, policies=self.policies), dtype)
        inside = [START in player.levers for player in self.players]
        is_second = (members(len(self.players)) * inside).any(axis=1)
        # the starting year that the model reads; the levers already change in the year in which their policy starts
        seen = years_begun(self.study)[:, is_second.astype(int)]
        return {**arrays, "start": seen, "before_start": seen}


def between(study: Study, start: str, end: str) -> Coalitions:
    """The coalitions of the groups of levers that two policies of a study set differently.

    The players are those of `players_of`.

    Raises:
      UserError: no such policies, no difference between them, too many players, or two policies whose degrees of
        implementation are drawn from different factors.
    """
    problems = Problems()
    problems.knows("--from", "policy", start, study.policy_names)
    problems.knows("--to", "policy", end, study.policy_names)
    problems.refuse(study.source)
    study, _ = compared(study, (start, end))
    players = players_of(study, _sets(study))
    if not players:
        message = (
            f"'{start}' and '{end}' set all levers alike. Name two policies that differ: rustbelt check shows in what."
        )
        raise UserError(study.source, [message])
    if len(players) > MOST_PLAYERS:
        names = [player.name for player in players]
        alone = [name for name in names if name not in study.lever_groups]
        text = (
            f"expected at most {MOST_PLAYERS}: '{start}' and '{end}' differ in {len(players)} levers and groups of"
            " levers, and each one more doubles the work. Put some of these into one group, under [lever_groups]:"
            f" {', '.join(alone or names)}."
        )
        raise UserError(study.source, [Problem("lever_groups", text)])
    return Coalitions(study, players)


def _sets(study: Study) -> list[LeverSet]:
    """The levers of the two policies of a study, with one common degree of implementation.

    Where the degrees differ and matter, one of them must be a number, which is then applied to that policy's levers.
    """
    pair = [*study.policies]
    sets = first, last = sets_of(pair, study.years)
    if first.certain or last.certain or first.share == last.share:
        return sets
    numbers = [k for k, one in enumerate(sets) if not isinstance(one.share, str)]
    if not numbers:
        names = ", ".join(f"'{policy.name}' by {policy.implementation}" for policy in pair)
        remedy = 'Name one whose implementation is a number, such as a copy of it: like = "...", implementation = 1.'
        text = f"expected policies of which one factor says how far they get: {names}. {remedy}"
        raise UserError(study.source, [text])
    pair[numbers[0]] = phased(pair[numbers[0]], study.years)
    return sets_of(pair, study.years)
