"""Futures of two policies under any choices, by one compiled program with changed inputs."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from engine.lanes import compilation_cache
from engine.program import arguments, devices
from engine.program.contract import Program, Scores
from engine.questions.challenge.choices import FULL, Universe
from engine.questions.independent_inputs import independent_inputs, replicates
from engine.questions.lever_sets import Levers, LeverSet, sets_of, years_begun
from engine.questions.variables import Values
from engine.study.components import Change
from engine.study.lever_groups import START
from engine.study.study import Block, Study
from engine.study.tables.changes import changed, joined
from engine.study.tables.groups import part_of

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
        self.study, self._sets, self._begun = study, sets_of(study.policies, study.years), years_begun(study)
        self.program: Program = devices.program(self._with(self._sets), device)
        self.program.prepare()
        # the compiled policies all begin in the first year: give the program the starting years of the study's own
        self.program = self.program.fed(self.program.inputs | {"levers": self._levers((), Change(), 1.0)})
        self.scores = lru_cache(SETS_OF_SCORES)(self._scores)

    def values(self, universe: Universe, fraction: float = 1.0, replicate: int = 0) -> Values:
        """Outcomes by name [policy, path] under choices, made in full or to a fraction.

        At fraction 1 they are bit for bit those in full.

        Args:
          replicate: 0 for the study's own futures, any other number for an independent set of them.
        """
        program = self.program.fed(self._inputs(universe, fraction, replicate))
        move = {row: fraction * size for one in universe for row, size in one.move.items()}
        parts = []
        for first in range(0, self.study.paths, AT_ONCE):
            block = Block(0, first, min(AT_ONCE, self.study.paths - first))
            if move:
                scores = self.scores(replicate, first, block.count).copy()
                for row, size in move.items():
                    scores[row] += np.asarray(size, scores.dtype)
                parts.append(program.outcomes_of(scores))
            else:
                parts.append(program.submit(block).of(block))
        whole = np.concatenate(parts, axis=-1)
        return {name: whole[:, k] for k, name in enumerate(self.study.model.outcomes)}

    def _scores(self, replicate: int, first: int, count: int) -> Scores:
        """The normal scores that `count` futures, from `first` on, are drawn from; must not be written to."""
        return self.program.fed(self._inputs((), 1.0, replicate)).scores(Block(0, first, count))

    def _inputs(self, universe: Universe, fraction: float, replicate: int) -> dict[str, Any]:
        study, inputs = self.study, dict(self.program.inputs)
        if replicate:
            inputs |= arguments.keys(study, replicates(independent_inputs(study), replicate))
        change = joined([one.change for one in universe])
        inputs["groups"] = inputs["groups"] | {
            name: part_of(study.groups[name], numbers, fraction).copula.parameters(self.program.dtype)
            for name, numbers in change.groups.items()
        }
        if change.levers or any(one.side for one in universe):
            inputs["levers"] = self._levers(universe, change, fraction)
        factors = {
            name: ((1.0 - fraction) + fraction * scale, fraction * shift)
            for name, (scale, shift) in change.factors.items()
        }
        return inputs | {"changes": arguments.changes(factors, study, self.program.dtype)}

    def _levers(self, universe: Universe, change: Change, fraction: float) -> dict[str, Any]:
        """Lever arrays of both policies under choices, in the form that was compiled."""
        study, sets, begun = self.study, self._sets, self._begun.copy()
        if change.levers:
            # beside the stated policies, so that every lever keeps their factors
            other = sets_of((*changed(study, change).policies, *study.policies), study.years)
            sets = [_between(own, to.before, to.after, fraction) for own, to in zip(sets, other, strict=False)]
        for one in universe:
            if one.side == FULL:
                sets = [_between(own, own.after, own.after, fraction) for own in sets]
            elif one.side:
                giver = study.row(one.side)
                given = {lever: of for lever, of in self._sets[giver].after.items() if lever in one.levers}
                sets = [_between(own, given, given, fraction) for own in sets]
                if START in one.levers:
                    apart = self._begun[:, [giver]] - begun
                    begun += np.rint(fraction * apart).astype(begun.dtype)
        arrays = arguments.lever_arrays(self._with(sets), self.program.dtype)
        return {**arrays, "start": begun, "before_start": begun}

    def _with(self, sets: list[LeverSet]) -> Study:
        """The study whose policies have these levers."""
        study = self.study
        named = zip(study.policy_names, sets, strict=True)
        return replace(study, policies=tuple(one.policy(name, study.years) for name, one in named))


def _between(own: LeverSet, before: Levers, after: Levers, fraction: float) -> LeverSet:
    """A lever set with some of its levers moved a fraction of the way to others, before the policy and under it."""
    return replace(own, before=_mixed(own.before, before, fraction), after=_mixed(own.after, after, fraction))


def _mixed(own: Levers, other: Levers, fraction: float) -> Levers:
    """Levers of which those in `other` are moved a fraction of the way there; at fraction 1 they are the others."""
    mixed = {
        lever: {name: (1.0 - fraction) * own[lever][name] + fraction * terms for name, terms in to.items()}
        for lever, to in other.items()
    }
    return {**own, **mixed}
