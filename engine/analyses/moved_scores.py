"""Futures drawn from normal scores of which a few rows are replaced; only these rows are copied each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.analyses.futures import Futures
from engine.analyses.variables import Values
from engine.study.study import Block


class MovedScores:
    """The normal scores of the first `paths` paths, and outcomes of futures in which some rows of them are replaced.

    Args:
      futures: the futures that the scores belong to.
      paths: how many, from the first on.
    """

    def __init__(self, futures: Futures, paths: int):
        self._futures = futures
        self._scores = np.ascontiguousarray(futures.program.scores(Block(0, 0, paths)))

    def rows(self, rows: Sequence[int]) -> Float[np.ndarray, "row path"]:
        """Some rows of the scores, unchanged, in double precision."""
        return self._scores[list(rows)].astype(np.float64)

    def outcomes(self, rows: Sequence[int], numbers: Float[np.ndarray, "row path"]) -> Values:
        """The outcomes by name [policy, path] with `numbers` in place of some rows; not for two threads at once."""
        own = self._scores[list(rows)]
        self._scores[list(rows)] = numbers
        try:
            return self._futures.of_scores(self._scores)
        finally:
            self._scores[list(rows)] = own
