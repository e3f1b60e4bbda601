"""Attribution to levers: exact Shapley values, over groups of levers, of the difference between two policies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import compress
from typing import Any

import jax
import numpy as np

from engine.answers.table import Row
from engine.errors import Problem, Problems, UserError
from engine.formatting import size_as_text
from engine.program import arguments
from engine.program.contract import Program
from engine.program.devices import memory_free
from engine.questions.comparison import compared
from engine.questions.futures import Futures, Observer, refuse_too_many, sound as finite_paths, unobserved
from engine.questions.lever_sets import LeverSet, Player, players_of, sets_of, years_begun
from engine.questions.shapley import MOST_PLAYERS, contrasts, members
from engine.questions.variables import LEVEL, PROBABILITY, SHORTFALL, Values, measured, outcomes_of
from engine.risk.estimation.events import event_indicators
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.intervals import as_units
from engine.risk.policies.ranks import Contrasts, Influence, of_shortfall
from engine.study.components import Policy
from engine.study.lever_groups import START
from engine.study.study import Study
from engine.study.tables.policies import phased
from engine.study.tables.sections import default_tile

AT_ONCE = 8
"""Coalitions computed at a time: few enough that the state carried from year to year stays in a core's cache."""
THREADS = 2


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
        message = f"'{start}' and '{end}' set all levers to the same values. Name two policies that differ."
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


def attribution(
    coalitions: Coalitions, variables: Sequence[str] | None = None, device: str | None = None,
    observe: Observer = unobserved,
) -> tuple[list[Row], int]:  # fmt: skip
    """How much each group of levers contributes to the difference between two policies, on the same futures.

    A row for each measure (mean and ES99 of each outcome, then the probability of each event) and player: the
    `difference`, its Shapley value as `share`, its effect where it `alone` is changed, what is lost where it alone is
    `taken_back`, and whether it `leads`: has the largest share in the direction of the difference, or one that cannot
    be distinguished from that. Also gives how many paths are left out because a value on them is not finite.

    Args:
      coalitions: all 2^k coalitions of the k players, each simulated on the paths of their study.
      variables: outcomes and events; the headline and all events if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how many paths are done, counted once for each coalition, and how many there are.

    Raises:
      UserError: no such outcome or event; values that are not finite on more paths than the study allows; more memory
        needed than there is.
    """
    study, k = coalitions.study, len(coalitions.players)
    study.refuse_broken_model()
    wanted = sorted(measured(study, variables), key=lambda key: key[1] == PROBABILITY)  # outcomes first
    names = outcomes_of(study, [name for name, _ in wanted])
    values = (3 * k + 2) * len(wanted) + 4 * min(AT_ONCE, coalitions.count) * (len(names) + 2)
    if (free := memory_free()) is not None and (needed := 8 * study.paths * values) > free:
        needs = f"{study.paths:,} paths take about {size_as_text(needed)} of memory, and {size_as_text(free)} are free"
        raise UserError(study.source, [f"{needs}. Use fewer paths, or for fewer outcomes (--outcome)."])
    sums = {key: Contrasts(contrasts(k), study.paths) for key in wanted}
    every = as_units(study.paths, study.unit)
    good, finite = np.ones((2, study.paths), bool)
    for which, outcomes in _chunks(coalitions, names, device, observe):
        own_finite = finite_paths([outcomes])
        sound = ~with_units(study, ~own_finite)
        good, finite = good & sound, finite & own_finite
        refuse_too_many(study, good, finite)
        own = {**outcomes, **event_indicators(study, outcomes)}
        for (name, measure), of in sums.items():
            if measure == SHORTFALL:
                # VaR over the paths that are finite in these coalitions: a few more that other coalitions leave out
                # move VaR a little, and ES only by the square of that
                of.add(which, of_shortfall(own[name], sound, every.take(sound), LEVEL, study.is_loss(name)))
            else:
                of.add(which, Influence(np.where(sound, own[name], np.nan)))
    units = every.take(good)

    def rows(key: tuple[str, str]) -> list[Row]:
        name, measure = key
        is_share = measure == PROBABILITY
        difference, *rest = sums[key].estimates(good, units, is_share)
        sign = 1.0 if difference.estimate >= 0 else -1.0
        leaders = sums[key].largest(range(1, 1 + k), sign, good, units, is_share)
        of = {"of": f"{measure} of {name}", "variable": name, "measure": measure,
              "unit": "points" if is_share else study.unit_of(name)}  # fmt: skip
        return [
            of | {"group": player.name, "difference": difference, "share": rest[i], "alone": rest[k + i],
                  "taken_back": rest[2 * k + i], "leads": i in leaders}
            for i, player in enumerate(coalitions.players)
        ]  # fmt: skip

    with ThreadPoolExecutor(THREADS) as threads:
        return [row for some in threads.map(rows, wanted) for row in some], int((~good).sum())


def _chunks(
    coalitions: Coalitions, names: Sequence[str], device: str | None, observe: Observer
) -> Iterator[tuple[slice, Values]]:
    """Simulates the coalitions a few at a time: which they are, and their outcomes by name [coalition, path].

    One program is compiled for all of them, and fed with the levers of a few at a time.
    """
    study, size, total = coalitions.study, min(AT_ONCE, coalitions.count), coalitions.count * coalitions.study.paths
    observe("compiling", 0, total)
    some = replace(study, policies=coalitions.policies[:size], tile=min(study.tile, default_tile(study.model, size)))
    futures = Futures(some, names, device)
    program, levers = futures.program, coalitions.levers(futures.program.dtype)
    chunks = [slice(first, first + size) for first in range(0, coalitions.count, size)]

    def fed(which: slice) -> Program:
        own = jax.tree.map(lambda leaf: np.ascontiguousarray(leaf[:, which]), levers)
        return program.fed({**program.inputs, "levers": own})

    for which, outcomes in zip(chunks, futures.of_programs(map(fed, chunks)), strict=True):
        yield which, outcomes
        observe("simulating", which.stop * study.paths, total)
