"""The program of a study with facts, whose futures are posterior samples kept in files ("moved" futures)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from engine.errors import UserError
from engine.program import arguments
from engine.program.contract import FactorDraws, Pass, Program, Scores, Trace, YearlyValues, years_at_a_time
from engine.study.study import Block, Study
from engine.study.tables.facts import FUTURES

LATER = 1 << 50
"""Path number from which random numbers that no fact bears on are drawn; nothing else uses these paths."""
_CHUNK = 8 * FUTURES
"""Paths that are computed at once."""
_KEPT = 9
"""Blocks whose random numbers are held."""
_PART = 1 << 28
"""Most bytes of yearly values that are held at a time."""


class MovedProgram:
    """The program of a study whose paths are posterior samples given facts ("moved" futures): a `Program`.

    Args:
      study: a study with facts, which know where the samples are kept.
      own: the program of the same study without facts, which computes paths from given random numbers.
    """

    def __init__(self, study: Study, own: Program):
        self.study, self.traces = study, 0
        self.mesh, self.dtype, self.inputs, self.forms = own.mesh, own.dtype, own.inputs, own.forms
        self._rows = {stream.label: row for row, stream in enumerate(arguments.streams(study))}
        self._hand_on(own)

    def _hand_on(self, own: Program) -> None:
        """Makes the program without facts compute everything from the random numbers that this one gives."""
        self._own, self.prepare, self.outcomes_of, self.trace_of = own, own.prepare, own.outcomes_of, own.trace_of
        self._kept = lru_cache(_KEPT)(self._scores)

    def fed(self, inputs: Any) -> MovedProgram:
        other = copy(self)
        other.inputs = inputs
        other._hand_on(self._own.fed(inputs))
        return other

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`, but the block is computed only when its outcomes are waited for."""
        return Pass(block.first, lambda: _by_parts(block, lambda part: self.outcomes_of(self.scores(part))))

    def path(self, number: int) -> Trace:
        """As `Program.path`; outcomes are computed together with the paths around it, for the same bits as in a run."""
        first = number - number % _CHUNK
        part = Block(0, first, max(min(_CHUNK, self.study.paths - first), number + 1 - first))
        outcomes = self.outcomes_of(self.scores(part))[..., [number - first]]
        return replace(self._in_full(Block(0, number, 1)), outcomes=outcomes)

    def trace(self, first_path: int) -> Trace:
        return self._in_full(Block(0, first_path, self.study.tile * self.mesh.devices.size))

    def first_years(self, count: int) -> YearlyValues:
        return self._years(count, range(len(self.study.years)))

    def years_in_parts(self, count: int) -> Iterator[YearlyValues]:
        for years in years_at_a_time(self.study, len(self.study.policies), count, self.dtype, _PART):
            yield self._years(count, years)

    def draws(self, block: Block) -> FactorDraws:
        return _by_parts(block, lambda part: self._in_full(part).draws)

    def scores(self, block: Block) -> Scores:
        """As `Program.scores`: the posterior samples where facts bear on a random number, drawn ones elsewhere.

        Raises:
          UserError: the samples have not been made yet.
        """
        return self._kept(block.first, block.count)

    def _scores(self, first: int, count: int) -> Scores:
        facts = self.study.facts
        if facts is None or facts.held is None:
            text = "needs its futures, which nobody has moved yet. Run it first: rustbelt run"
            raise UserError(self.study.source, [text])
        scores = np.array(self._own.scores(Block(0, LATER + first, count)))
        for run in range(first // FUTURES, -(-(first + count) // FUTURES)):
            moved, at = facts.held(run), run * FUTURES - first
            within = slice(max(-at, 0), min(count - at, FUTURES))
            for name, row in zip(moved.streams, moved.scores, strict=True):
                if name in self._rows:
                    scores[self._rows[name], at + within.start : at + within.stop] = row[within]
        scores.setflags(write=False)
        return scores

    def _in_full(self, block: Block) -> Trace:
        return self.trace_of(self.scores(block))

    def _years(self, count: int, years: range) -> YearlyValues:
        def values(part: Block) -> YearlyValues:
            yearly = self._in_full(part).yearly
            assert yearly is not None
            return yearly[:, years.start : years.stop]

        return _by_parts(Block(0, 0, count), values)


def _by_parts(block: Block, values: Callable[[Block], np.ndarray]) -> np.ndarray:
    """Values of a block's paths [..., path], computed `_CHUNK` paths at a time."""
    last = block.first + block.count
    parts = (Block(0, first, min(_CHUNK, last - first)) for first in range(block.first, last, _CHUNK))
    return np.concatenate([values(part) for part in parts], axis=-1)
