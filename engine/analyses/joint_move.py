"""The smallest move of all priors together that turns a ranking."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, partial

import numpy as np
from jaxtyping import Float

from engine.analyses.beliefs import Belief
from engine.analyses.joint_scores import Joint
from engine.analyses.moved_scores import MovedScores
from engine.analyses.turning import Difference, crossing, root, sureness
from engine.analyses.variables import Values
from engine.formatting import rounded
from engine.program import arguments
from engine.program.contract import Scores
from engine.risk.estimation.intervals import Estimate, Units
from engine.risk.estimation.weighted_measures import mean as weighted_mean
from engine.study.study import Study

ROUNDS = 5
STARTS = 2
"""How many of the priors that turn the ranking alone are starting points of the search, beside the origin."""
FARTHEST = 6.0
"""Longest joint move that is searched [standard deviations]; a turn farther away is not reported."""
Gaps = Callable[[Values], Float[np.ndarray, "path"]]


@dataclass(frozen=True)
class JointMove:
    """The smallest joint move of the medians of all priors that turns a ranking.

    Args:
      distance: length of the move in independent normal scores, with its interval; half its square is the relative
        entropy of the moved prior to the stated one, in nats.
      factors: (name, move of its normal score, median as stated, median there) for each factor, the largest move first.
    """

    distance: Estimate
    factors: tuple[tuple[str, float, float, float], ...]

    @property
    def moving(self) -> tuple[tuple[str, float, float, float], ...]:
        """The factors whose move is not 0 when rounded to two decimals."""
        return tuple(one for one in self.factors if rounded(abs(one[1]), 2) != rounded(0.0, 2))

    @property
    def entropy(self) -> float:
        """The relative entropy of the moved prior to the stated one, in nats: half the squared distance."""
        return 0.5 * self.distance.estimate**2


@dataclass(frozen=True)
class GapUnderMove:
    """The difference of two policies under a move of the normal scores that are drawn once per path.

    Args:
      scores: normal scores of the paths.
      gaps: computes the difference on each path from outcomes.
      sign: of the difference as stated, +1 or -1.
    """

    study: Study
    scores: MovedScores
    gaps: Gaps
    sign: float
    units: Units

    @cached_property
    def once(self) -> list[int]:
        """Rows of the scores that are drawn once per path, not yearly."""
        return [k for k, one in enumerate(arguments.streams(self.study)) if one.year is None]

    @cached_property
    def own(self) -> Scores:
        """The scores that are drawn once, unmoved [row, path]."""
        return self.scores.rows(self.once)

    def at(self, move: np.ndarray) -> Float[np.ndarray, "path"]:
        """The difference on each path under a move, times `sign`, so that its mean without a move is positive."""
        return self.sign * self.gaps(self.scores.outcomes(self.once, self.own + move[:, None]))

    def along(self, ray: np.ndarray, length: float) -> Estimate:
        """The mean of that difference at `length` times a unit vector."""
        values = self.at(length * ray)
        return weighted_mean(values, np.ones(len(values)), self.units)


def joint_move(
    searched: GapUnderMove, judging: GapUnderMove, alone: Sequence[Belief], limit: float
) -> JointMove | None:
    """The joint move of the priors, of least relative entropy, that turns a difference; None if none is found.

    Independent normal scores e moved by m have relative entropy |m|^2 / 2 to unmoved ones. The smallest m at which the
    mean E[d] of the difference is 0 lies along the gradient of E[d] there, which is E[d e] (Stein's lemma): the search
    steps to it, then along it to E[d] = 0, and repeats. The direction so found is confirmed on independent futures,
    which also say how far away the turn is. The result is never farther than the nearest single prior that turns the
    ranking, since that is a joint move too.

    Args:
      searched: the futures that a direction is searched on.
      judging: futures independent of these, on which it is confirmed.
      alone: turns by single priors, the nearest first; the search also starts from these.
      limit: standard errors from which the sign on the independent futures is significant.
    """
    if not searched.once:
        return None
    singles = [_of_factor(searched.study, one.name, one.move.estimate) for one in alone[:STARTS]]
    ends = [end for start in (np.zeros(len(searched.once)), *singles) for end in _ends(searched, start)]
    end = min(ends, key=lambda one: one[0], default=None)
    moves = []
    if alone:
        one, length = alone[0], alone[0].length
        scale = length / abs(one.move.estimate) if length else 1.0
        low, high = sorted(scale * math.copysign(x, x * one.move.estimate) for x in (one.move.low, one.move.high))
        moves.append((Estimate(length, scale * one.move.standard_error, low, high), singles[0]))
    if end is not None:
        _, ray, far = end
        if sureness(judging.along(ray, far), -1.0) > limit:
            at = crossing(cache(partial(judging.along, ray)), 0.0, far, 1.0, judging.units.reach)
            moves.append((at, at.estimate * ray))
    if not moves:
        return None
    distance, move = min(moves, key=lambda one: one[0].estimate)
    return JointMove(distance, _factors(searched.study, move))


def _ends(moved: GapUnderMove, move: np.ndarray) -> Iterator[tuple[float, np.ndarray, float]]:
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
        reach = moved.units.reach
        far = next((x for x in (min(2 * length, FARTHEST), FARTHEST) if sureness(along(x), -1.0) > reach), None)
        if far is None:
            return
        at = root(partial(_mean, along), 0.0, far)
        move = at * step / length
        yield at, step / length, far


def _mean(along: Difference, length: float) -> float:
    return along(length).estimate


def _of_factor(study: Study, name: str, size: float) -> np.ndarray:
    """The smallest move of the scores drawn once that moves one factor's joint score, by `size`, and no other's."""
    streams = [one.name for one in arguments.streams(study) if one.year is None]
    (item,) = (item for item in study.inputs if item.name == name)
    move = np.zeros(len(streams))
    if item.group:
        rows, shift = Joint.of(study, item.group).shift(study.groups[item.group].members.index(name))
        move[rows] = size * shift
    else:
        move[streams.index(item.stream)] = size
    return move


def _factors(study: Study, move: np.ndarray) -> tuple[tuple[str, float, float, float], ...]:
    """For each factor that varies: move of its joint score, its medians before and after; the largest move first."""
    names = [one.name for one in arguments.streams(study) if one.year is None]
    shifts = {item.name: float(move[names.index(item.stream)]) for item in study.inputs}
    for name, group in study.groups.items():
        if group.copula.family == "gaussian":
            joint = Joint.of(study, name)
            shifts |= dict(zip(group.members, map(float, joint.move(move)), strict=True))
    rows = []
    for item in study.inputs:
        at = item.marginal.quantile
        if at(0.25) < at(0.75):
            shift = shifts[item.name]
            rows.append((item.name, shift, float(at(0.5)), float(item.marginal.at_score(np.array(shift)))))
    return tuple(sorted(rows, key=lambda row: -abs(row[1])))
