"""What a program gives, made of the outputs of its path function: the part of `Program` that lanes and XLA share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from jax.sharding import Mesh

from engine.program import arguments
from engine.program.contract import FactorDraws, Outcomes, Scores, Trace, YearlyValues
from engine.program.path import DRAWS, OUTCOMES, SCORES, SHOCKS, YEARLY
from engine.study.study import Block, Study


class ByOutputs(ABC):
    """Methods of a `Program` that follow from its outputs.

    Args:
      tile: paths that a device computes at once for `trace`.
    """

    study: Study
    mesh: Mesh
    inputs: Any
    tile: int

    @abstractmethod
    def computed(
        self, outputs: tuple[str, ...], first: int, count: int, scores: Scores | None = None
    ) -> Mapping[str, np.ndarray]:
        """Outputs of the paths from `first` on, by name; of paths with the given random numbers if there are any."""

    def path(self, number: int) -> Trace:
        return self._in_full(number, 1)

    def trace(self, first_path: int) -> Trace:
        return self._in_full(first_path, self.tile * self.mesh.devices.size, with_shocks=False)

    def first_years(self, count: int) -> YearlyValues:
        return self.computed((YEARLY,), 0, count)[YEARLY]

    def draws(self, block: Block) -> FactorDraws:
        return self.computed((DRAWS,), block.first, block.count)[DRAWS]

    def scores(self, block: Block) -> Scores:
        return self.computed((SCORES,), block.first, block.count)[SCORES]

    def outcomes_of(self, scores: Scores) -> Outcomes:
        scores = arguments.checked_scores(scores, self.study)
        return self.computed((OUTCOMES,), 0, scores.shape[-1], scores)[OUTCOMES]

    def trace_of(self, scores: Scores) -> Trace:
        scores = arguments.checked_scores(scores, self.study)
        return self._in_full(0, scores.shape[-1], scores)

    def _in_full(self, first: int, count: int, scores: Scores | None = None, with_shocks: bool = True) -> Trace:
        outputs = [OUTCOMES, DRAWS]
        if self.study.is_path_model:
            outputs += [YEARLY, *[SHOCKS] * (with_shocks and bool(self.study.model.shocks))]
        made = self.computed(tuple(outputs), first, count, scores)
        return Trace(made[OUTCOMES], made.get(YEARLY), made[DRAWS], made.get(SHOCKS))
