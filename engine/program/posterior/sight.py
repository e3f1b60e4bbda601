"""The observed figures as each future has them, and the likelihood of the observations.

Years after the last figure are not computed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from engine.lanes import compilation_cache
from engine.program import devices
from engine.program.contract import Program, Scores
from engine.study.holdout import watching
from engine.study.study import Block, Study
from engine.study.tables.observed import FOLDED, Observation

Figures = Float[np.ndarray, "figure path"]


class Sight:
    """Computes observed figures on futures, under the policy that was followed.

    Args:
      study: a study with that policy alone.
      rows: the observed figures, all within the years of the study.
      device: "cpu" or "gpu"; if None, GPUs where they can be used and pay.
    """

    def __init__(self, study: Study, rows: Sequence[Observation], device: str | None = None):
        compilation_cache.keep_programs()
        self.rows = tuple(rows)
        self.study, self._places = watching(study, self.rows)
        self.program: Program = devices.program(self.study, device)
        self.observed = np.array([row.value for row in self.rows])
        self.errors = np.array([study.observed.error(row) for row in self.rows])

    def of_paths(self, first: int, count: int) -> Figures:
        """The figures on paths `first` to `first + count - 1` of the study, float64 [figure, path]."""
        block = Block(0, first, count)
        return self._folded(self.program.submit(block).of(block)[0])

    def of_scores(self, scores: Scores) -> Figures:
        """The figures on futures made of the given random numbers [stream, path], float64 [figure, path]."""
        return self._folded(self.program.outcomes_of(scores)[0])

    @np.errstate(invalid="ignore", over="ignore")
    def apart(self, figures: Figures) -> Figures:
        """Distance of figures from the observations, in standard errors, float64 [figure, path]."""
        return (figures - self.observed[:, None]) / self.errors[:, None]

    @np.errstate(invalid="ignore", over="ignore")
    def log_likelihood(self, figures: Figures) -> Float[np.ndarray, "path"]:
        """Log-likelihood of the observations on each path, up to a constant; errors are normal.

        Errors of two figures of a series have the correlation r = `Observed.correlation`, those of different series
        none. With z = (figure - observed) / error it is -1/2 times the sum over series, each of n figures, of

            n (variance of z / (1 - r) + (mean of z)^2 / (1 + (n - 1) r)).

        Minus infinity where a figure is not finite.
        """
        away, tied = self.apart(figures), self.study.observed.correlation
        size = np.zeros(away.shape[1])
        for name in dict.fromkeys(row.series for row in self.rows):
            own = away[[row.series == name for row in self.rows]]
            count, middle = len(own), own.mean(axis=0)
            size -= 0.5 * count * (own.var(axis=0) / (1 - tied) + middle**2 / (1 + (count - 1) * tied))
        return np.where(np.isfinite(size), size, -np.inf)

    def _folded(self, outcomes: Float[np.ndarray, "outcome path"]) -> Figures:
        values = outcomes.astype(np.float64)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.stack(
                [FOLDED[row.fold](values[places]) for row, places in zip(self.rows, self._places, strict=True)]
            )
