"""The smallest move of all priors together that turns a ranking."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.analyses.beliefs import Belief, varies
from engine.analyses.joint_scores import Joint, joints
from engine.analyses.policy_gap import Look, Paths
from engine.analyses.turning import crossing, root, sureness
from engine.formatting import rounded
from engine.risk.estimation.intervals import Estimate
from engine.risk.estimation.measures import mean
from engine.study.study import Study

ROUNDS = 5
STARTS = 2
"""How many of the priors that turn the ranking alone are starting points of the search, beside the origin."""
FARTHEST = 6.0
"""Longest joint move that is searched [standard deviations]; a turn farther away is not reported."""
Move = Float[np.ndarray, "score"]
"""A move of the normal scores that are drawn once per path."""


class MovedFactor(NamedTuple):
    """A factor in a joint move: the move of its normal score, its median as stated, and its median there."""

    name: str
    move: float
    stated: float
    turn: float


@dataclass(frozen=True)
class JointMove:
    """The smallest joint move of the medians of all priors that turns a ranking.

    Args:
      distance: length of the move in independent normal scores, with its interval.
      factors: every factor that varies, the largest move first.
    """

    distance: Estimate
    factors: tuple[MovedFactor, ...]

    @property
    def moving(self) -> list[MovedFactor]:
        """The factors whose move is not 0 when rounded to two decimals."""
        return [one for one in self.factors if rounded(abs(one.move), 2) != rounded(0.0, 2)]


@dataclass(frozen=True)
class GapUnderMove:
    """The difference of two policies under a move of the normal scores that are drawn once per path.

    Args:
      sign: of the difference as stated, +1 or -1.
    """

    look: Look
    sign: float

    @cached_property
    def once(self) -> list[int]:
        """Rows of the scores that are drawn once per path, not yearly."""
        return [*range(len(self.look.study.streams[0]))]

    @cached_property
    def own(self) -> Float[np.ndarray, "score path"]:
        """The scores that are drawn once, unmoved."""
        return self.look.scores(self.once)

    def at(self, move: Move) -> Paths:
        """The difference on each path under a move, times `sign`, so that its mean without a move is positive."""
        return self.sign * self.look.of_values(self.look.moved(self.once, move))

    def along(self, ray: Move, length: float) -> Estimate:
        """The mean of that difference at `length` times a unit vector."""
        values = self.at(length * ray)
        return mean(values, self.look.units)


def joint_move(
    searched: GapUnderMove, judging: GapUnderMove, alone: Sequence[Belief], limit: float
) -> JointMove | None:
    """The shortest joint move of the priors that turns a difference; None if none is found.

    The smallest move m of independent normal scores e at which the mean E[d] of the difference is 0 lies along the
    gradient of E[d] there, which is E[d e] (Stein's lemma): the search steps to it, then along it to E[d] = 0, and
    repeats. The direction so found is confirmed on independent futures, which also say how far away the turn is. The
    result is never farther than the nearest single prior that turns the ranking, since that is a joint move too.

    Args:
      searched: the futures that a direction is searched on.
      judging: futures independent of these, on which it is confirmed.
      alone: turns by single priors, the nearest first; the search also starts from these.
      limit: standard errors from which the sign on the independent futures is significant.
    """
    if not searched.once:
        return None
    joint_of = joints(searched.look.study)
    middle = np.zeros(len(searched.once))
    singles = [_of_factor(joint_of[one.name], one, middle) for one in alone[:STARTS]]
    ends = [end for start in (middle, *singles) for end in _ends(searched, start)]
    moves = []
    if alone:
        one, length = alone[0], alone[0].length
        scale = length / abs(one.move.estimate) if length else 1.0
        low, high = sorted(scale * math.copysign(x, x * one.move.estimate) for x in (one.move.low, one.move.high))
        moves.append((Estimate(length, scale * one.move.standard_error, low, high), singles[0]))
    if ends:
        _, ray, far = min(ends, key=lambda one: one[0])
        if sureness(judging.along(ray, far), -1.0) > limit:
            at = crossing(cache(partial(judging.along, ray)), 0.0, far, 1.0, judging.look.units.reach)
            moves.append((at, at.estimate * ray))
    if not moves:
        return None
    distance, move = min(moves, key=lambda one: one[0].estimate)
    return JointMove(distance, _factors(searched.look.study, joint_of, move))


def _ends(moved: GapUnderMove, move: Move) -> Iterator[tuple[float, Move, float]]:
    """Directions in which the difference turns, each found from the one before.

    Gives the distance of the turn, the unit vector, and a distance beyond the turn.
    """
    for _ in range(ROUNDS):
        seen = moved.at(move)
        gradient = (moved.own * (seen - seen.mean())).mean(axis=1)
        size = float(np.linalg.norm(gradient))
        step = (gradient @ move - seen.mean()) / size**2 * gradient if size > 0 else np.zeros(len(move))
        length = float(np.linalg.norm(step))
        if not length > 0:
            return
        along = cache(partial(moved.along, step / length))
        reach = moved.look.units.reach
        far = next((x for x in (min(2 * length, FARTHEST), FARTHEST) if sureness(along(x), -1.0) > reach), None)
        if far is None:
            return
        at = root(lambda x, along=along: along(x).estimate, 0.0, far)  # type: ignore[misc]
        move = at * step / length
        yield at, step / length, far


def _of_factor(joint: Joint, belief: Belief, middle: Move) -> Move:
    """The smallest move of the scores that moves one factor's joint score as a belief turns, and no other's."""
    rows, shift = joint.shift(belief.name)
    move = middle.copy()
    move[rows] = belief.move.estimate * shift
    return move


def _factors(study: Study, joint_of: Mapping[str, Joint], move: Move) -> tuple[MovedFactor, ...]:
    """Every factor that varies, the largest move first."""
    rows = []
    for item in filter(varies, study.inputs):
        shift = joint_of[item.name].move(move)[item.name]
        law = item.marginal
        rows.append(MovedFactor(item.name, shift, float(law.quantile(0.5)), float(law.at_score(np.array(shift)))))
    return tuple(sorted(rows, key=lambda one: -abs(one.move)))
