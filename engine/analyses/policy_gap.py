"""The difference of two policies in one measure, from outcomes, weights of paths, or moved or changed inputs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.analyses.futures import Futures, sound
from engine.analyses.variables import LEVEL, MEAN, SHORTFALL, Values, gap, under
from engine.program.contract import Scores
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import mean
from engine.study.components import Change
from engine.study.study import Study

Paths = Float[np.ndarray, "path"]


@dataclass(frozen=True)
class Look:
    """The difference `first` less `second` in one measure, from outcomes, weights, or moved or changed inputs.

    Args:
      paths: how many of the futures, from the first on, are simulated with inputs moved or changed.
    """

    futures: Futures
    variable: str
    measure: str
    first: str
    second: str
    paths: int

    @property
    def study(self) -> Study:
        return self.futures.study

    @property
    def units(self) -> Units:
        """Independent units of the first `paths` paths."""
        return as_units(self.paths, self.study.unit)

    def difference(self, values: Values) -> Estimate:
        """The difference from outcomes, with its interval, over the paths on which all outcomes are finite."""
        good = sound((values,))
        units = as_units(len(good), self.study.unit).take(good)
        one, two = (self._of(policy, values)[good] for policy in (self.first, self.second))
        return gap(self.study, self.variable, self.measure, one, two, units)

    def estimate(self, values: Values) -> Estimate:
        """As `difference`, but for a mean without the tail measures beside it, which a search does not need."""
        if self.measure != MEAN:
            return self.difference(values)
        good = sound((values,))
        return self.weigher(values, good)(np.ones(int(good.sum())))

    def of_values(self, values: Values) -> Paths:
        """The contribution of every path to the difference, ES too, which is their mean; 0 where it is not finite."""
        if self.measure != SHORTFALL:
            gaps = self._gaps(values)
            return np.where(np.isfinite(gaps), gaps, 0.0)  # such a path adds nothing
        good = sound((values,))
        alike, gaps = np.ones(int(good.sum())), np.zeros(len(good))
        one, two = (tail.excess(alike) for tail in self._tails(values, good))
        gaps[good] = one - two
        return gaps

    def weigher(self, values: Values, good: np.ndarray) -> Callable[[Paths], Estimate]:
        """A function from weights of the paths in `good` (mean 1) to the difference.

        What does not depend on weights is computed once.
        """
        units = as_units(len(good), self.study.unit).take(good)
        if self.measure != SHORTFALL:
            gaps = self._gaps(values)[good]
            return lambda weights: mean(gaps, units.weighted(weights))
        one, two = self._tails(values, good)
        return lambda weights: mean(one.excess(weights) - two.excess(weights), units.weighted(weights))

    def changed(self, changes: Sequence[Change]) -> list[Estimate]:
        """The difference under each of some changes."""
        return [self.estimate(values) for values in self.futures.changed(changes, self.paths)]

    def moved(self, rows: Sequence[int], by: Float[np.ndarray, "row"]) -> Values:
        """The outcomes with some rows of the normal scores moved; not for two threads at once."""
        own = self._scores[rows]
        self._scores[rows] = own.astype(np.float64) + by[:, None]
        try:
            return self.futures.of_scores(self._scores)
        finally:
            self._scores[rows] = own

    def scores(self, rows: Sequence[int]) -> Float[np.ndarray, "row path"]:
        """Some rows of the normal scores, not moved, in double precision."""
        return self._scores[rows].astype(np.float64)

    @cached_property
    def _scores(self) -> Scores:
        return np.ascontiguousarray(self.futures.numbers(self.paths))

    def _gaps(self, values: Values) -> Paths:
        one, two = (self._of(policy, values).astype(np.float64) for policy in (self.first, self.second))
        with np.errstate(invalid="ignore"):  # infinite less infinite
            return one - two

    def _of(self, policy: str, values: Values) -> np.ndarray:
        return under(self.study, self.variable, policy, values)

    def _tails(self, values: Values, good: np.ndarray) -> list[_Tail]:
        sign = 1.0 if self.study.is_loss(self.variable) else -1.0
        sides = (self._of(policy, values)[good] for policy in (self.first, self.second))
        return [_Tail(sign, sign * side.astype(np.float64)) for side in sides]


@dataclass(frozen=True)
class _Tail:
    """Losses under one policy, high being worse, and the sign that turns them back into values of the variable."""

    sign: float
    losses: Paths

    @cached_property
    def _order(self) -> np.ndarray:
        return np.argsort(self.losses)

    def excess(self, weights: Paths) -> Paths:
        """The contribution of each path to ES under the weights: VaR + max(loss - VaR, 0) / (1 - level)."""
        losses, order = self.losses, self._order
        below = np.cumsum(weights[order]) / weights.sum()
        var = losses[order[min(int(np.searchsorted(below, LEVEL)), len(order) - 1)]]
        return self.sign * (var + np.maximum(losses - var, 0.0) / (1 - LEVEL))
