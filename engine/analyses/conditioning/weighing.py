"""A study's own futures weighted by the likelihood of the observations, and how far such weights can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.analyses.variants import Observer
from engine.program.posterior.sight import Sight
from engine.risk.drivers.tilting import tail_shape
from engine.risk.estimation.intervals import Units, as_units
from engine.risk.estimation.weighted_measures import effective
from engine.study.study import BLOCK


@dataclass(frozen=True)
class Weighed:
    """The first futures of a study with their weights.

    Args:
      log_weights: log-likelihood of the observations on each future.
      unit: number of futures in an independent unit.
    """

    log_weights: Float[np.ndarray, "path"]
    unit: int

    @cached_property
    def weights(self) -> Float[np.ndarray, "path"]:
        """The weights, with mean 1; all 0 where the observations are impossible on every future."""
        largest = self.log_weights.max(initial=-np.inf)
        if not np.isfinite(largest):
            return np.zeros_like(self.log_weights)
        weights = np.exp(self.log_weights - largest)
        return np.asarray(weights / weights.mean())

    @property
    def units(self) -> Units:
        """The independent units of the futures."""
        return as_units(len(self.log_weights), self.unit)

    @cached_property
    def shape(self) -> float:
        """Pareto shape k-hat of the weights; infinite where all are 0."""
        finite = self.log_weights[np.isfinite(self.log_weights)]
        return tail_shape(finite) if len(finite) else float("inf")

    @cached_property
    def effective(self) -> float:
        """Effective number of futures, (sum w)^2 / sum w^2, or that by independent units where it is less.

        It is 0 where all weights are 0.
        """
        if not self.weights.any():
            return 0.0
        alone = float(self.weights.sum() ** 2 / (self.weights**2).sum())
        return min(alone, effective(self.weights, self.units) * self.unit)


def weighed(sight: Sight, paths: int, observe: Observer) -> Weighed:
    """The first `paths` futures of a study with their weights."""
    parts = []
    for first in range(0, paths, BLOCK):
        observe("weighing", first, paths)
        count = min(BLOCK, paths - first)
        parts.append(sight.log_likelihood(sight.of_paths(first, count)))
    observe("weighing", paths, paths)
    return Weighed(np.concatenate(parts), sight.study.unit)
