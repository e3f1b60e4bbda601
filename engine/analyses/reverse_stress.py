"""Reverse stress test: the likeliest future in which an event happens or an outcome passes its VaR.

It is the nearest to the origin in normal scores of everything that is drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.analyses.failure_edge import nearest_point
from engine.analyses.independent_inputs import independent_inputs
from engine.analyses.tail_futures import TailFutures
from engine.program import arguments, drawing
from engine.program.arguments import as_normal, as_numbers
from engine.program.contract import Program, Trace
from engine.program.cpu_program import CpuProgram
from engine.program.programs import program_on
from engine.study.study import Study

MOST_STARTS = 1000
"""Most paths that are starting points of the search."""
_LANES = 1 << 14
"""Futures simulated at a time."""


@dataclass(frozen=True)
class FailurePoint:
    """The design point: the future in which it happens that is nearest to the origin of normal scores.

    Args:
      point: its independent normal scores, in the order of `arguments.streams`.
      distance: from the origin, in standard deviations of a normal score.
      share: independent input -> its share of the squared distance.
      scores: factor -> the joint normal score of its draw.
      trace: the future in full: draws, shocks, years and outcomes.
      starts, slid: how many paths were drawn in to the edge, and how many slid along it.
    """

    point: Float[np.ndarray, "stream"]
    distance: float
    share: dict[str, float]
    scores: dict[str, float]
    trace: Trace
    starts: int
    slid: int


def reverse_stress(program: Program, futures: TailFutures) -> FailurePoint | None:
    """The likeliest future in which the event happens, or the outcome passes its VaR; None if none is found."""
    study = program.study
    starts = starts_of(study, futures)
    found = nearest_point(margin_of(program, futures), starts, lambda point: in_other_years(study, point))
    if found is None:
        return None
    point, slid = found
    numbers = as_numbers(study, point[:, None])
    joint = np.asarray(drawing.joint_scores(study, numbers[: len(study.streams[0])], program.inputs))[:, 0]
    scores = {item.name: float(z) for item, z in zip(study.inputs, joint, strict=True)}
    distance = float(np.linalg.norm(point[:, None], axis=0)[0])
    trace, share = program.trace_of(numbers), _shares(study, point)
    return FailurePoint(point, distance, share, scores, trace, starts.shape[1], slid)


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
