"""The difference of two policies in one measure, from outcomes, weights of paths, or moved or changed inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from engine.program.contract import Scores
from engine.questions.futures import Futures, sound
from engine.questions.variables import LEVEL, SHORTFALL, Values, under
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import mean
from engine.study.components import Change

Paths = Float[np.ndarray, "path"]
Move = Float[np.ndarray, "score"]
"""A move of the independent normal scores that are drawn once per path."""


@dataclass(frozen=True)
class PolicyGap:
    """The measure under the policy `more` less that under the policy `less`.

    Args:
      paths: how many of the futures, from the first on, are simulated with inputs moved or changed.
    """

    futures: Futures
    variable: str
    measure: str
    more: str
    less: str
    paths: int

    @property
    def units(self) -> Units:
        """Independent units of the first `paths` paths."""
        return as_units(self.paths, self.futures.study.unit)

    def weigher(self, values: Values) -> Callable[[Paths], Estimate]:
        """A function from weights of all paths to the difference, over the paths on which all outcomes are finite.

        What does not depend on weights is computed once.
        """
        good, part = self._parts(values)
        units = as_units(len(good), self.futures.study.unit).take(good)
        return lambda weights: mean(part(weights[good]), units.weighted(weights[good]))

    def estimate(self, values: Values) -> Estimate:
        """The difference over the paths on which all outcomes are finite."""
        return self.weigher(values)(np.ones(self.paths))

    def contributions(self, values: Values) -> Paths:
        """The part of every path in the difference, which is their mean; 0 where an outcome is not finite."""
        good, part = self._parts(values)
        every = np.zeros(len(good))
        every[good] = part(np.ones(int(good.sum())))
        return every

    def along(self, direction: Move, length: float) -> Estimate:
        """The difference after a move of the scores by `length` times a direction."""
        return self.estimate(self.moved(length * direction))

    def moved(self, move: Move) -> Values:
        """The outcomes after a move of the scores; not for two threads at once."""
        once = self._scores[: len(move)]
        own = once.copy()
        once[:] = own + move[:, None]
        try:
            return self.futures.of_scores(self._scores)
        finally:
            once[:] = own

    def changed(self, changes: Sequence[Change]) -> list[Estimate]:
        """The difference under each of some changes."""
        return [self.estimate(values) for values in self.futures.changed(changes, self.paths)]

    @cached_property
    def scores(self) -> Float[np.ndarray, "score path"]:
        """The scores that are drawn once per path, not moved, in double precision."""
        return self._scores[: len(self.futures.study.streams[0])].astype(np.float64)

    @cached_property
    def _scores(self) -> Scores:
        return np.ascontiguousarray(self.futures.numbers(self.paths))

    def _parts(self, values: Values) -> tuple[Bool[np.ndarray, "path"], Callable[[Paths], Paths]]:
        """The paths on which all outcomes are finite, and a function from their weights to their parts."""
        good, study = sound((values,)), self.futures.study
        sides = (under(study, self.variable, name, values)[good].astype(np.float64) for name in (self.more, self.less))
        if self.measure == SHORTFALL:
            one, two = (_excess(side, 1.0 if study.is_loss(self.variable) else -1.0) for side in sides)
            return good, lambda weights: one(weights) - two(weights)
        more, less = sides
        return good, lambda weights: more - less


def _excess(values: Paths, sign: float) -> Callable[[Paths], Paths]:
    """A function from weights to the part of each path in ES: VaR + max(loss - VaR, 0) / (1 - level).

    Args:
      sign: 1 if high values are losses, else -1.
    """
    losses = sign * values
    order = np.argsort(losses)

    def parts(weights: Paths) -> Paths:
        below = np.cumsum(weights[order]) / weights.sum()
        var = losses[order[min(int(np.searchsorted(below, LEVEL)), len(order) - 1)]]
        return sign * (var + np.maximum(losses - var, 0.0) / (1 - LEVEL))

    return parts
