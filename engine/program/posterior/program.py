"""The program of a study with facts, whose futures are posterior samples kept in files ("moved" futures)."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from typing import Any, Self

import numpy as np

from engine.errors import UserError
from engine.program import arguments
from engine.program.contract import Pass, Program, Scores
from engine.program.path import OUTCOMES
from engine.study.study import Block, Study
from engine.study.tables.facts import FUTURES

LATER = 1 << 50
"""Path number from which random numbers that no fact bears on are drawn; nothing else uses these paths."""
_CHUNK = 8 * FUTURES
"""Paths that are computed at once."""
_KEPT = 9
"""Blocks whose random numbers are held."""


class MovedProgram(Program):
    """The program of a study whose paths are posterior samples given facts ("moved" futures): a `Program`.

    Args:
      study: a study with facts, which know where the samples are kept.
      own: the program of the same study without facts, which computes paths from given random numbers.
    """

    def __init__(self, study: Study, own: Program):
        self.study, self.traces = study, 0
        self.mesh, self.dtype, self.form = own.mesh, own.dtype, own.form
        self._rows = {stream.label: row for row, stream in enumerate(arguments.streams(study))}
        self._take(own)

    def _take(self, own: Program) -> None:
        self._own, self.inputs = own, own.inputs
        self._kept = lru_cache(_KEPT)(self._scores)

    def fed(self, inputs: Any) -> Self:
        other = copy(self)
        other._take(self._own.fed(inputs))
        return other

    def prepare(self, years: bool = False) -> None:
        self._own.prepare(years)

    def submit(self, block: Block) -> Pass:
        """As `Program.submit`, but the block is computed only when its outcomes are waited for."""
        return Pass(block.first, lambda: self.computed((OUTCOMES,), block.first, block.count)[OUTCOMES])

    def computed(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None, years: range | None = None
    ) -> Mapping[str, np.ndarray]:
        """As `Program.computed`, `_CHUNK` paths at a time."""
        if scores is not None:
            return self._own.computed(outputs, first, count, scores, years)
        parts = []
        for begin in range(first, first + count, _CHUNK):
            size = min(_CHUNK, first + count - begin)
            parts.append(self._own.computed(outputs, 0, size, self._kept(begin, size), years))
        return {name: np.concatenate([part[name] for part in parts], axis=-1) for name in outputs}

    def scores(self, block: Block) -> Scores:
        """As `Program.scores`: the posterior samples where facts bear on a random number, drawn ones elsewhere.

        Raises:
          UserError: the samples have not been made yet.
        """
        return self._kept(block.first, block.count)

    def _scores(self, first: int, count: int) -> Scores:
        facts = self.study.facts
        if facts is None or facts.held is None:
            text = "expected a finished run of this study with facts, got none. Run it first: rustbelt run"
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
