"""The smallest move of all priors together that turns a ranking."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.analyses.beliefs import turned
from engine.analyses.joint_scores import Joint
from engine.program import arguments
from engine.program.contract import Scores
from engine.risk.intervals import Estimate, Z, as_units
from engine.risk.tilting import weighted_mean
from engine.study.study import Study

ROUNDS = 5
HALVINGS = 8
FARTHEST = 6.0
"""Of the move, in standard deviations: beyond, it says that there is none."""
Gaps = Callable[[Scores], Float[np.ndarray, "path"]]


@dataclass(frozen=True)
class JointMove:
    """Where the medians of all priors must go together for a ranking to turn.

    Args:
      distance: its length in normal scores, with its interval; half its square is the relative entropy of the moved belief to the stated
        one, in nats.
      factors: factor -> (how far its score moves, its median as stated, its median there), the farthest first.
    """

    distance: Estimate
    factors: tuple[tuple[str, float, float, float], ...]

    @property
    def entropy(self) -> float:
        """The relative entropy of the moved belief to the stated one, in nats."""
        return 0.5 * self.distance.estimate**2


def joint_move(
    study: Study, scores: Scores, gaps: Gaps, sign: float, starts: Sequence[tuple[str, float]]
) -> JointMove | None:
    """The move of least relative entropy among those of the factors' scores that turns a difference; None where none is seen.

    The density of independent normal scores moved by m has the relative entropy |m|^2 / 2 to that of unmoved ones. The least m with
    E d = 0 lies along the gradient of E d there, which is E d e (Stein): that is stepped to, and E d brought to zero along it by halving.

    Args:
      scores: of the paths that are looked at.
      gaps: the difference on each path, from random numbers.
      sign: of the difference as stated.
      starts: factors whose own move turns it, with that: the search begins there too.
    """
    once = [k for k, one in enumerate(arguments.streams(study)) if one.year is None]
    if not once:
        return None
    own = scores[once].astype(np.float64)

    def at(move: np.ndarray) -> np.ndarray:
        mixed = scores.copy()
        mixed[once] += move[:, None]
        return sign * gaps(mixed)

    def mean(move: np.ndarray) -> Estimate:
        values = at(move)
        return weighted_mean(values, np.ones(len(values)), units)

    units = as_units(scores.shape[-1], study.unit)
    best: np.ndarray | None = None
    for start in (np.zeros(len(once)), *(_of_factor(study, name, size) for name, size in starts)):
        for move in _steps(own, at, mean, start):
            if best is None or np.linalg.norm(move) < np.linalg.norm(best):
                best = move
    if best is None:
        return None
    length = float(np.linalg.norm(best))
    there = at(best)
    slope = float((own * (there - there.mean())).mean(axis=1) @ best) / length
    error = mean(best).standard_error / abs(slope) if slope else float("nan")
    distance = Estimate(length, error, length - Z * error, length + Z * error)
    return JointMove(distance, _factors(study, best))


def _steps(
    own: Scores, at: Gaps, mean: Callable[[np.ndarray], Estimate], move: np.ndarray
) -> Iterator[np.ndarray]:
    """Moves that turn the difference, each from the one before it: the start itself, if it is one."""
    seen = at(move)
    if move.any() and seen.mean() < 0:
        yield move
    for _ in range(ROUNDS):
        gradient = (own * (seen - seen.mean())).mean(axis=1)
        size = float(np.linalg.norm(gradient))
        step = (gradient @ move - seen.mean()) / size**2 * gradient if size > 0 else np.zeros(len(move))
        length = float(np.linalg.norm(step))
        if not length > 0:
            return
        ray = step / length
        ends = (min(2 * length, FARTHEST), FARTHEST)
        high = next((end for end in ends if turned(mean(end * ray), 1.0)), None)
        if high is None:
            return
        low = 0.0
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if at(middle * ray).mean() < 0 else (middle, high)
        move = high * ray
        seen = at(move)
        yield move


def _of_factor(study: Study, name: str, size: float) -> np.ndarray:
    """The move of the numbers that are drawn once that moves the joint score of one factor, and of no other."""
    streams = [one.name for one in arguments.streams(study) if one.year is None]
    (item,) = (item for item in study.inputs if item.name == name)
    move = np.zeros(len(streams))
    if item.group:
        joint = Joint.of(study, item.group)
        move[joint.rows] = size * joint.shift(study.groups[item.group].members.index(name))
    else:
        move[streams.index(arguments.factor_stream(item))] = size
    return move


def _factors(study: Study, move: np.ndarray) -> tuple[tuple[str, float, float, float], ...]:
    """What the move is of each factor's joint score, and where that takes its median."""
    names = [one.name for one in arguments.streams(study) if one.year is None]
    shifts = {item.name: float(move[names.index(arguments.factor_stream(item))]) for item in study.inputs}
    for name, group in study.groups.items():
        if group.copula.family == "gaussian":
            joint = Joint.of(study, name)
            shifts |= dict(zip(group.members, map(float, joint.moved(move)), strict=True))
    rows = []
    for item in study.inputs:
        at = item.marginal.quantile
        if at(0.25) < at(0.75):
            shift = shifts[item.name]
            rows.append((item.name, shift, float(at(0.5)), float(item.marginal.at_score(np.array(shift)))))
    return tuple(sorted(rows, key=lambda row: -abs(row[1])))
