"""The worst futures: how factors and each year's shocks lie over their priors; and the likeliest future of them.

The likeliest is the nearest to the origin in normal scores of everything that is drawn (reverse stress test).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from jaxtyping import Float

from engine.answers.table import Row
from engine.program import arguments
from engine.program.contract import Trace
from engine.questions.design_point import design_point
from engine.questions.futures import Futures
from engine.questions.independent_inputs import independent_inputs
from engine.questions.prior_scores import BINS, in_tenths, moments, share_below
from engine.questions.tail_futures import TailFutures
from engine.questions.turning import scaled
from engine.risk.estimation.intervals import Estimate, Z

MOST_STARTS = 1000
"""Most paths that are starting points of the search."""
_LANES = 1 << 14
"""Futures simulated at a time."""
SCORED = "its normal score"
"""Unit of a factor whose prior has no standard deviation."""
_SAMPLE = 1 << 12
"""Paths from which the distribution of a shock is estimated if the study states its law."""
Density = list[Estimate]
"""For each tenth of a prior, the share of the worst futures in it divided by 0.1: 1 if they lie as the prior."""
Inputs = list[tuple[Row, Density]]


def input_rows(of: TailFutures) -> Inputs:
    """A row, and the density, of each factor and each shock of a year that is not fixed.

    Those farthest from their priors come first.
    """
    rows = [*_factors(of), *_shocks(of)]
    return sorted(rows, key=lambda one: -one[0]["distance"].estimate)


def _input(
    of: TailFutures,
    kind: str,
    name: str,
    year: int | None,
    unit: str,
    prior: tuple[float, float],
    values: Float[np.ndarray, "held"],
    ranks: Sequence[Float[np.ndarray, "held"]],
    sample: float = np.inf,
) -> tuple[Row, Density]:
    """The row, and the density, of a factor or a shock.

    Args:
      year: of a shock; None for a factor.
      prior: mean and standard deviation of its prior, in its unit.
      values: its draws on the held paths.
      ranks: the prior's probability below, and at or below, each of them.
      sample: number of draws that the prior is known from; infinite for a stated law.
    """
    centre, sd = prior
    tenths = in_tenths(*ranks)
    moved = np.vstack([values, tenths])
    mean, *shares = of.share.means(moved[:, of.tail], moved[:, of.near])
    density = [_density(share, ((BINS - 1) / sample) ** 0.5) for share in shares]
    distance, p_value = of.share.distance(tenths[:, of.tail], tenths[:, of.near], sample)
    row = {
        "input": name if year is None else f"{name} in {year}",
        "kind": kind,
        "name": name,
        "year": year,
        "mean": mean,
        "prior_mean": centre,
        "unit": unit,
        "lowest": scaled(density[0], 1 / BINS),
        "highest": scaled(density[-1], 1 / BINS),
        "distance": distance,
        "shift": _widened(scaled(mean, 1 / sd, -centre / sd), sample**-0.5),
        "p_value": p_value,
        "prior_sd": sd,
    }
    return row, density


def _widened(one: Estimate, error: float) -> Estimate:
    """The estimate with an independent error added, that of a prior which is itself estimated from a sample."""
    if not error:
        return one
    both = math.hypot(one.standard_error, error)
    reach = (one.high - one.low) / (2 * one.standard_error) if one.standard_error > 0 else Z
    return Estimate(one.estimate, both, one.estimate - reach * both, one.estimate + reach * both, one.flags).flagged()


def _density(share: Estimate, error: float) -> Estimate:
    """A share of the worst futures in a tenth of the prior, divided by 0.1; not below zero."""
    one = _widened(scaled(share, BINS), error)
    return replace(one, estimate=max(one.estimate, 0.0), low=one.low if one.low != one.low else max(one.low, 0.0))


def _factors(of: TailFutures) -> Iterator[tuple[Row, Density]]:
    """The factors; one whose prior has no standard deviation is given by its normal score."""
    for item, draws, scores in zip(of.futures.study.inputs, of.draws, of.futures.joint(of.scores), strict=True):
        unit, prior, values = item.unit, moments(item.marginal), draws
        if not np.isfinite(prior[1]):
            unit, prior, values = SCORED, (0.0, 1.0), scores
        if prior[1] > 0:
            yield _input(of, "factor", item.name, None, unit, prior, values, [share_below(scores)] * 2)


def _shocks(of: TailFutures) -> Iterator[tuple[Row, Density]]:
    """The shocks of each year that vary; those whose law the study states are compared with a sample."""
    if of.shocks is None:
        return
    study = of.futures.study
    stated = study.shocks.moving
    sample = _sampled(of.futures) if stated else None
    streams = [(stream, name) for name, streams in study.shock_streams.items() for stream in streams]
    for (k, (stream, name)), (y, year) in product(enumerate(streams), enumerate(study.years)):
        shock, values, count = study.model.shocks[name], of.shocks[y, k].astype(np.float64), np.inf
        if sample is not None and name in stated:
            seen = np.sort(sample[y, k].astype(np.float64))
            prior, count = (float(seen.mean()), float(seen.std())), float(len(seen))
            ranks = [np.searchsorted(seen, values, side) / len(seen) for side in ("left", "right")]
        elif shock.law == "normal":
            prior, ranks = (0.0, 1.0), [share_below(values)] * 2
        else:
            prior, ranks = (0.5, 12**-0.5), [values] * 2
        if prior[1] > 0:
            yield _input(of, "shock", stream, year, shock.unit, prior, values, ranks, count)


def _sampled(futures: Futures) -> Float[np.ndarray, "year stream path"] | None:
    """Shocks of the first paths, without the conditioning on any facts."""
    study = futures.study
    if study.facts is not None:
        futures = Futures(replace(study, facts=None), futures.names, futures.device)
    return futures.drawn(futures.numbers(min(study.paths, _SAMPLE)))[1]


# ---------------------------------------------------------------------------------------------- likeliest future


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
    numbers = arguments.as_numbers(study, point[:, None])
    joint = of.futures.joint(numbers)[:, 0].tolist()
    scores = dict(zip((item.name for item in study.inputs), joint, strict=True))
    return LikeliestFuture(point, share, scores, of.futures.program.trace_of(numbers))


def starts_of(of: TailFutures) -> Float[np.ndarray, "stream start"]:
    """Independent normal scores of the starting points: those of the worst paths that are nearest to the origin."""
    normal = arguments.as_normal(of.futures.study, of.scores[:, of.tail])
    order = np.argsort(np.linalg.norm(normal, axis=0), kind="stable")
    return normal[:, order[:MOST_STARTS]]


def margin_of(of: TailFutures) -> Callable[[np.ndarray], np.ndarray]:
    """The margin as a function of independent normal scores [stream, future]; it is positive where it happens."""
    alone = of.futures.of_policy(of.policy)
    row = alone.study.row(of.policy)

    def margin(points: Float[np.ndarray, "stream future"]) -> Float[np.ndarray, "future"]:
        parts = []
        for first in range(0, points.shape[1], _LANES):
            values = alone.of_scores(arguments.as_numbers(alone.study, points[:, first : first + _LANES]))
            parts.append(of.margins({name: rows[row] for name, rows in values.items()}))
        return np.concatenate(parts)

    return margin
