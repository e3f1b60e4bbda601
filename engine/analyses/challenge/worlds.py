"""Futures of two policies under any choices, by one compiled program with changed inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from engine.analyses.challenge.choices import FULL, Universe, part_of_factors
from engine.analyses.independent_inputs import independent_inputs, replicates
from engine.analyses.lever_sets import LeverSet, Terms, policy_of, set_of, years_begun
from engine.analyses.variables import Values
from engine.lanes import compilation_cache
from engine.program import arguments, devices
from engine.program.contract import Program, Scores
from engine.study.components import Change, Policy
from engine.study.group_changes import part_of
from engine.study.lever_groups import START
from engine.study.study import Block, Study
from engine.study.tables.changes import changed, joined

AT_ONCE = 1 << 15
"""Paths whose random numbers are drawn at a time, some two kilobytes each."""
SETS_OF_SCORES = 2
"""How many sets of random numbers stay in memory: those of the study's own futures and of an independent replicate."""


class Worlds:
    """Simulates two policies of a study under choices, on the study's own futures or on independent ones.

    Args:
      study: with the two policies alone, the one that is compared against first.
      device: "cpu" or "gpu"; the GPUs if there are any.
    """

    def __init__(self, study: Study, device: str | None = None):
        compilation_cache.keep_programs()
        self.study = study
        self._sets = _both(study)
        self._begun = years_begun(study, study.policies)
        policies = self._policies(self._sets, study)
        self.program: Program = devices.program(replace(study, policies=policies), device)
        self.program.prepare()
        # the compiled policies all begin in the first year: give the program the starting years of the study's own
        self.program = self.program.fed(self.program.inputs | {"levers": self._levers((), Change(), 0.0)})
        self.scores = lru_cache(SETS_OF_SCORES)(self._scores)

    def values(self, universe: Universe, fraction: float = 1.0, replicate: int = 0) -> Values:
        """Outcomes by name [policy, path] under choices, made in full or to a fraction.

        At fraction 1 they are bit for bit those in full.

        Args:
          replicate: 0 for the study's own futures, any other number for an independent set of them.
        """
        program = self.program.fed(self._inputs(universe, fraction, replicate))
        move: dict[int, float] = {}
        for one in universe:
            for row, size in one.move.items():
                move[row] = move.get(row, 0.0) + fraction * size
        parts = []
        for first in range(0, self.study.paths, AT_ONCE):
            count = min(AT_ONCE, self.study.paths - first)
            if move:
                scores = self.scores(replicate, first, count).copy()
                for row, size in move.items():
                    scores[row] += np.asarray(size, scores.dtype)
                parts.append(program.outcomes_of(scores))
            else:
                block = Block(0, first, count)
                parts.append(program.submit(block).of(block))
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-1)
        return {name: whole[:, k] for k, name in enumerate(self.study.model.outcomes)}

    def _scores(self, replicate: int, first: int, count: int) -> Scores:
        """The normal scores that `count` futures, from `first` on, are drawn from; must not be written to."""
        program = self.program.fed(self._inputs((), 1.0, replicate))
        return program.scores(Block(0, first, count))

    def _inputs(self, universe: Universe, fraction: float, replicate: int) -> dict[str, Any]:
        study, inputs = self.study, dict(self.program.inputs)
        if replicate:
            inputs |= self._keys(replicate)
        change = joined([one.change for one in universe], study.groups)
        if change.groups:
            groups = {name: part_of(study.groups[name], group, fraction) for name, group in change.groups.items()}
            parameters = {name: group.copula.parameters(self.program.dtype) for name, group in groups.items()}
            inputs["groups"] = inputs["groups"] | parameters
        if change.levers or any(one.side for one in universe):
            inputs["levers"] = self._levers(universe, change, fraction)
        factors = part_of_factors(change, fraction)
        return inputs | {"changes": arguments.changes(factors, study, self.program.dtype)}

    def _levers(self, universe: Universe, change: Change, fraction: float) -> dict[str, Any]:
        """Lever arrays of both policies under choices, in the form that was compiled."""
        study, stated, begun = self.study, self._sets, self._begun.copy()
        sets = list(stated)
        if change.levers:
            other = _both(changed(study, Change(levers=change.levers)))
            sets = [_between(own, all_of, None, fraction) for own, all_of in zip(sets, other, strict=True)]
        for one in universe:
            if one.side == FULL:
                sets = [_between(own, _in_full(own), None, fraction) for own in sets]
            elif one.side:
                giver = study.row(one.side)
                given = _in_full(stated[giver])
                sets = [_between(own, given, one.levers, fraction) for own in sets]
                if START in one.levers:
                    apart = self._begun[:, [giver]] - begun
                    begun = begun + np.rint(fraction * apart).astype(begun.dtype)
        arrays = arguments.lever_arrays(replace(study, policies=self._policies(sets, study)), self.program.dtype)
        return {**arrays, "start": begun, "before_start": begun}

    def _policies(self, sets: Sequence[LeverSet], study: Study) -> tuple[Policy, ...]:
        year = study.years[0] if study.years else 0
        policies = []
        for policy, of in zip(study.policies, sets, strict=True):
            one = policy_of(policy.name, year, self._filled(of.after))
            if of.share != 1.0:
                before = policy_of(policy.name, year, self._filled(of.before))
                one = replace(one, before=before, implementation=of.share)
            policies.append(one)
        return tuple(policies)

    def _filled(self, levers: Mapping[str, Terms]) -> dict[str, Terms]:
        """Levers with a weight, perhaps 0, for every factor that some policy draws them from: the compiled form."""
        return {
            lever: {name: terms.get(name, np.zeros_like(terms[""])) for name in ("", *self._factors[lever])}
            for lever, terms in levers.items()
        }

    @cached_property
    def _factors(self) -> dict[str, list[str]]:
        every = [part for of in self._sets for part in (of.before, of.after)]
        return {
            lever: sorted({name for part in every for name in part[lever] if name}) for lever in self.study.model.levers
        }

    def _keys(self, replicate: int) -> dict[str, Any]:
        return arguments.keys(self.study, replicates(independent_inputs(self.study), replicate))


def _both(study: Study) -> tuple[LeverSet, ...]:
    return tuple(set_of(policy, study.years) for policy in study.policies)


def _in_full(of: LeverSet) -> LeverSet:
    """The same levers with the policy fully implemented."""
    return replace(of, before=of.after)


def _between(own: LeverSet, other: LeverSet, levers: Sequence[str] | None, fraction: float) -> LeverSet:
    """A lever set with some levers, all if None, moved a fraction of the way to another set."""
    chosen = own.after if levers is None else [lever for lever in levers if lever != START]

    def mix(side: Mapping[str, Terms], to: Mapping[str, Terms]) -> dict[str, Terms]:
        return {**side, **{lever: _mixed(side[lever], to[lever], fraction) for lever in chosen}}

    return replace(own, before=mix(own.before, other.before), after=mix(own.after, other.after))


def _mixed(own: Terms, other: Terms, fraction: float) -> Terms:
    if fraction == 1.0:
        return other
    nothing = np.zeros_like(own[""])
    return {
        name: (1.0 - fraction) * own.get(name, nothing) + fraction * other.get(name, nothing)
        for name in {**own, **other}
    }
