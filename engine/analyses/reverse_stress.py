"""Reverse stress test: the likeliest futures in which an event happens or an outcome passes its VaR.

They are the nearest to the origin in normal scores of everything that is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.analyses.independent_inputs import independent_inputs
from engine.analyses.nearest_point import Nearest, nearest_points
from engine.analyses.tail_futures import TailFutures
from engine.program import arguments, drawing
from engine.program.arguments import as_normal, as_numbers
from engine.program.contract import Program, Trace
from engine.program.cpu_program import CpuProgram
from engine.program.programs import program_on
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

MOST_STARTS = 1000
"""Most paths that are starting points of the search."""
_LANES = 1 << 14
"""Futures simulated at a time."""


@dataclass(frozen=True)
class FailurePoint:
    """A design point: a future in which it happens, nearer to the origin of normal scores than such futures around it.

    Args:
      point: its independent normal scores, in the order of `arguments.streams`.
      distance: from the origin, in standard deviations of a normal score.
      share: independent input -> its share of the squared distance.
      scores: factor -> the joint normal score of its draw.
      trace: the future in full: draws, shocks, years and outcomes.
      nearest: share of the worst futures to which this point is the nearest of all points.
    """

    point: Float[np.ndarray, "stream"]
    distance: float
    share: dict[str, float]
    scores: dict[str, float]
    trace: Trace
    nearest: Estimate


@dataclass(frozen=True)
class Reverse:
    """The result of `reverse_stress`.

    Args:
      points: the point nearest to the origin, and all others about as near; empty if none was found.
      of_starts: distance of the edge of the failure region on the ray to each starting path.
      slid: how many starting points slid along the edge.
    """

    points: tuple[FailurePoint, ...]
    of_starts: Float[np.ndarray, "start"]
    slid: int

    @property
    def distance(self) -> float:
        """Distance of the nearest point from the origin; infinite if none was found."""
        return self.points[0].distance if self.points else np.inf


def reverse_stress(program: Program, futures: TailFutures) -> Reverse:
    """The likeliest futures in which the event happens, or the outcome passes its VaR."""
    study = program.study
    starts = starts_of(study, futures)
    found = nearest_points(margin_of(program, futures), starts, lambda point: in_other_years(study, point))
    seen = [one for one in found if np.isfinite(one.distance)]
    points = (_in_full(program, one, share) for one, share in zip(seen, _nearest(futures, seen), strict=True))
    return Reverse(tuple(points), found[0].of_starts, found[0].slid)


def _in_full(program: Program, found: Nearest, nearest: Estimate) -> FailurePoint:
    study = program.study
    numbers = as_numbers(study, found.point[:, None])
    once = len(program.inputs["factor_keys"])
    joint = np.asarray(drawing.joint_scores(study, numbers[:once], program.inputs))[:, 0]
    scores = {item.name: float(z) for item, z in zip(study.inputs, joint, strict=True)}
    trace, share = program.trace_of(numbers), _shares(study, found.point)
    return FailurePoint(found.point, found.distance, share, scores, trace, nearest)


def _nearest(futures: TailFutures, seen: Sequence[Nearest]) -> list[Estimate]:
    """Share of the worst futures that are nearest to each point."""
    if not seen:
        return []
    points, held = np.stack([one.point for one in seen]), futures.scores.shape[1]
    closest = np.concatenate(
        [
            np.argmax(points @ normal - 0.5 * np.sum(points**2, axis=1)[:, None], axis=0)
            for first in range(0, held, _LANES)
            for normal in (as_normal(futures.watched.study, futures.scores[:, first : first + _LANES]),)
        ]
    )
    rows = (closest == np.arange(len(seen))[:, None]).astype(np.float64)
    return futures.share.means(rows[:, futures.tail], rows[:, futures.near])


def starts_of(study: Study, futures: TailFutures) -> Float[np.ndarray, "stream start"]:
    """Independent normal scores of the starting points: those of the worst paths that are nearest to the origin."""
    normal = as_normal(study, futures.scores[:, futures.tail])
    order = np.argsort(np.linalg.norm(normal, axis=0), kind="stable")
    return normal[:, order[:MOST_STARTS]]


def margin_of(program: Program, futures: TailFutures) -> Callable[[np.ndarray], np.ndarray]:
    """The margin as a function of independent normal scores [stream, future].

    It is positive where it happens, in standard deviations of outcomes.
    """
    study, what = program.study, futures.watched
    at = dict(zip(what.read, study.places(what.read), strict=True))
    alone, row = _of_policy(program, what.at)

    def margin(points: Float[np.ndarray, "stream future"]) -> Float[np.ndarray, "future"]:
        parts = []
        for first in range(0, points.shape[1], _LANES):
            outcomes = alone.outcomes_of(as_numbers(study, points[:, first : first + _LANES]))[row]
            parts.append(futures.limit.of({name: outcomes[k] for name, k in at.items()}))
        return np.concatenate(parts)

    return margin


def _of_policy(program: Program, at: int) -> tuple[Program, int]:
    """A program and the row of one policy in it: a program for that policy alone, where it gives the same bits.

    It does in the one loop; elsewhere the program itself is taken.
    """
    study = program.study
    if len(study.policies) < 2 or not isinstance(program, CpuProgram):
        return program, at
    policy = study.policies[at]
    return program_on(replace(study, policies=(policy,), baseline=policy.name), program.mesh), 0


def in_other_years(study: Study, point: Float[np.ndarray, "stream 1"]) -> Float[np.ndarray, "stream other"]:
    """Copies of a future with its shocks moved some years earlier or later.

    Shocks beyond the horizon are lost, and gaps have score 0.
    """
    rows: dict[str, dict[int, int]] = {}
    for row, stream in enumerate(arguments.streams(study)):
        if stream.year is not None:
            rows.setdefault(stream.name, {})[stream.year] = row
    years = len(study.years)
    found = []
    for by in (*range(1 - years, 0), *range(1, years)) if rows else ():
        other = point[:, 0].copy()
        for of in rows.values():
            for year, row in of.items():
                other[row] = point[of[year - by], 0] if 0 <= year - by < years else 0.0
        found.append(other)
    return np.stack(found, axis=1) if found else np.zeros((len(point), 0))


def _shares(study: Study, point: Float[np.ndarray, "stream"]) -> dict[str, float]:
    squares: dict[str, float] = {}
    for stream, score in zip(arguments.streams(study), point, strict=True):
        squares[stream.name] = squares.get(stream.name, 0.0) + float(score) ** 2
    whole = sum(squares.values()) or 1.0
    return {one.name: sum(squares.get(name, 0.0) for name in one.streams) / whole for one in independent_inputs(study)}
