"""The smallest move of all priors together that turns a ranking."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache, partial

import numpy as np

from engine.questions.policy_gap import Move, PolicyGap
from engine.questions.turning import crossing, root, scaled, z_score
from engine.risk.estimation.intervals import Estimate

ROUNDS = 5
STARTS = 2
"""How many of the priors that turn the ranking alone are starting points of the search, beside the origin."""
FARTHEST = 6.0
"""Longest joint move that is searched [standard deviations]; a turn farther away is not reported."""
JointMove = tuple[Estimate, Move]
"""The length of a move of the independent scores with its interval, and the move."""


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
