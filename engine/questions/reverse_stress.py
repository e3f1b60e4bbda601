"""Reverse stress test: the likeliest future in which an event happens or an outcome passes its VaR.

It is the nearest to the origin in normal scores of everything that is drawn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from engine.program import arguments
from engine.program.arguments import as_normal, as_numbers
from engine.program.contract import Trace
from engine.questions.design_point import design_point
from engine.questions.independent_inputs import independent_inputs
from engine.questions.tail_futures import TailFutures

MOST_STARTS = 1000
"""Most paths that are starting points of the search."""
_LANES = 1 << 14
"""Futures simulated at a time."""


@dataclass(frozen=True)
class LikeliestFuture:
    """The design point: the future in which it happens that is nearest to the origin of normal scores.

    Args:
      point: its independent normal scores, in the order of `arguments.streams`.
      share: independent input -> its share of the squared distance from the origin, the largest first.
      scores: factor -> the joint normal score of its draw.
      trace: the future in full: draws, shocks, years and outcomes.
    """

    point: Float[np.ndarray, "stream"]
    share: dict[str, float]
    scores: dict[str, float]
    trace: Trace

    @property
    def distance(self) -> float:
        """From the origin, in standard deviations of a normal score."""
        return float(np.linalg.norm(self.point))


def likeliest_future(of: TailFutures) -> LikeliestFuture | None:
    """The likeliest future in which the event happens, or the outcome passes its VaR; None if none is found."""
    study = of.futures.study
    point = design_point(margin_of(of), starts_of(of))
    if point is None:
        return None
    squares: dict[str, float] = defaultdict(float)
    for stream, score in zip(arguments.streams(study), point, strict=True):
        squares[stream.name] += float(score) ** 2
    whole = sum(squares.values()) or 1.0
    parts = {one.name: sum(squares[name] for name in one.streams) / whole for one in independent_inputs(study)}
    share = dict(sorted(parts.items(), key=lambda part: -part[1]))
    numbers = as_numbers(study, point[:, None])
    joint = of.futures.joint(numbers)[:, 0].tolist()
    scores = dict(zip((item.name for item in study.inputs), joint, strict=True))
    return LikeliestFuture(point, share, scores, of.futures.program.trace_of(numbers))


def starts_of(of: TailFutures) -> Float[np.ndarray, "stream start"]:
    """Independent normal scores of the starting points: those of the worst paths that are nearest to the origin."""
    normal = as_normal(of.futures.study, of.scores[:, of.tail])
    order = np.argsort(np.linalg.norm(normal, axis=0), kind="stable")
    return normal[:, order[:MOST_STARTS]]


def margin_of(of: TailFutures) -> Callable[[np.ndarray], np.ndarray]:
    """The margin as a function of independent normal scores [stream, future]; it is positive where it happens."""
    alone = of.futures.of_policy(of.policy)
    row = alone.study.row(of.policy)

    def margin(points: Float[np.ndarray, "stream future"]) -> Float[np.ndarray, "future"]:
        parts = []
        for first in range(0, points.shape[1], _LANES):
            values = alone.of_scores(as_numbers(alone.study, points[:, first : first + _LANES]))
            parts.append(of.margins({name: rows[row] for name, rows in values.items()}))
        return np.concatenate(parts)

    return margin
