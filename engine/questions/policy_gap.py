"""The difference of two policies in one measure, from outcomes, weights of paths, or moved or changed inputs.

And the smallest move of all priors together that turns a ranking.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
from jaxtyping import Float

from engine.program.contract import Scores
from engine.questions.futures import Futures, sound, units_of
from engine.questions.turning import crossing, root, scaled, z_score
from engine.questions.variables import LEVEL, SHORTFALL, Mask, Paths, Values, under
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import mean
from engine.study.components import Change

Move = Float[np.ndarray, "score"]
"""A move of the independent normal scores that are drawn once per path."""
ROUNDS = 5
STARTS = 2
"""How many of the priors that turn the ranking alone are starting points of the search, beside the origin."""
FARTHEST = 6.0
"""Longest joint move that is searched [standard deviations]; a turn farther away is not reported."""
JointMove = tuple[Estimate, Move]
"""The length of a move of the independent scores with its interval, and the move."""


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
        units = units_of(self.futures.study, good)
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

    def _parts(self, values: Values) -> tuple[Mask, Callable[[Paths], Paths]]:
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


def joint_move(
    searched: PolicyGap, judging: PolicyGap, alone: Sequence[tuple[Estimate, Move]], limit: float
) -> JointMove | None:
    """The shortest joint move of the priors that turns a positive difference; None if none is found.

    The smallest move m of independent normal scores e at which the mean E[d] of the difference is 0 lies along the
    gradient of E[d] there, which is E[d e] (Stein's lemma): the search steps to it, then along it to E[d] = 0, and
    repeats. The direction so found is confirmed on independent futures, which also say how far away the turn is. The
    result is never farther than the nearest single prior that turns the ranking, since that is a joint move too.

    Args:
      searched: the difference on the futures that a direction is searched on.
      judging: the difference on independent futures, on which the direction is confirmed.
      alone: turns by single priors, the nearest first: the length along a direction, and the direction. The
        search also starts from these.
      limit: standard errors from which the sign on the independent futures is significant.
    """
    if not len(searched.scores):
        return None
    singles = [
        (scaled(move, float(np.copysign(np.linalg.norm(direction), move.estimate))), move.estimate * direction)
        for move, direction in alone[:STARTS]
    ]
    starts = [np.zeros(len(searched.scores)), *(move for _, move in singles)]
    moves = singles[:1]
    if rays := [ray for start in starts for ray in _rays(searched, start)]:
        _, ray, far = min(rays, key=lambda one: one[0])
        if -z_score(judging.along(ray, far)) > limit:
            place = crossing(cache(partial(judging.along, ray)), 0.0, far, judging.units.reach)
            moves.append((place, place.estimate * ray))
    return min(moves, key=lambda one: one[0].estimate, default=None)


def _rays(gap: PolicyGap, move: Move) -> Iterator[tuple[float, Move, float]]:
    """Directions in which the difference turns, each found from the one before.

    Gives the distance of the turn, the unit vector, and a distance beyond the turn.
    """
    for _ in range(ROUNDS):
        parts = gap.contributions(gap.moved(move))
        gradient = (gap.scores * (parts - parts.mean())).mean(axis=1)
        square = float(gradient @ gradient)
        step = (gradient @ move - parts.mean()) / square * gradient if square > 0 else gradient
        length = float(np.linalg.norm(step))
        if not length > 0:
            return
        along = cache(partial(gap.along, step / length))
        far = next((x for x in (min(2 * length, FARTHEST), FARTHEST) if z_score(along(x)) < -gap.units.reach), None)
        if far is None:
            return
        place = root(lambda x, along=along: along(x).estimate, 0.0, far)  # type: ignore[misc]
        move = place * step / length
        yield place, step / length, far
