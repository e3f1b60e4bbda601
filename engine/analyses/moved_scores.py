"""Futures made of the random numbers of some paths, a few of which are moved: only these are written anew each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.analyses.futures import Futures
from engine.analyses.variables import Values
from engine.study.study import Block


class MovedScores:
    """The random numbers of the first so many paths of some futures, and what is made of them where some are others.

    Args:
      futures: whose they are.
      paths: how many.
    """

    def __init__(self, futures: Futures, paths: int):
        self._futures = futures
        self._scores = np.ascontiguousarray(futures.program.scores(Block(0, 0, paths)))

    def rows(self, rows: Sequence[int]) -> Float[np.ndarray, "row path"]:
        """Some of the numbers as they are, in double precision."""
        return self._scores[list(rows)].astype(np.float64)

    def made(self, rows: Sequence[int], numbers: Float[np.ndarray, "row path"]) -> Values:
        """The outcomes by name of futures with these numbers in place of some; by one thread at a time."""
        own = self._scores[list(rows)]
        self._scores[list(rows)] = numbers
        try:
            return self._futures.made(self._scores)
        finally:
            self._scores[list(rows)] = own
