"""The distribution of factors, and of each year's shocks, over the worst futures compared with their priors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.analyses.prior_scores import BINS, Priors, in_tenths, share_below
from engine.analyses.tail_futures import IN_FULL, TailFutures
from engine.program.contract import Program
from engine.program.programs import program_on
from engine.risk.estimation.intervals import Estimate, Z
from engine.study.study import Block

FACTOR, SHOCK = "factor", "shock"
SCORED = "its normal score"
"""Unit of a factor whose prior has no standard deviation."""
_SAMPLE = 1 << 12
"""Paths from which the distribution of a shock is estimated if the study states its law."""
_FINE = 1 << 16
"""Limit on estimates times paths that are in memory at a time."""


@dataclass(frozen=True)
class Driver:
    """A factor, or a shock in one year, and its distribution over the worst futures.

    Args:
      kind: "factor" or "shock".
      name: of the factor, or of the shock's stream.
      year: None for a factor.
      prior: mean and standard deviation of its prior, in its unit.
      mean: over the worst futures, in its unit.
      shift: `mean` less the prior's mean, in standard deviations of the prior.
      density: for each tenth of its prior, the share of the worst futures in it divided by 0.1; 1 if they are
        distributed as the prior.
      distance, p_value: distance of these densities from the prior's, and its p-value, by `WorstShare.distance`.
    """

    kind: str
    name: str
    year: int | None
    unit: str
    prior: tuple[float, float]
    mean: Estimate
    shift: Estimate
    density: tuple[Estimate, ...]
    distance: Estimate
    p_value: float


@dataclass(frozen=True)
class _Drawn:
    """A factor, or a shock in one year, with its draws on the held paths.

    Args:
      kind, name, year, unit, prior: as of `Driver`.
      values: its draws.
      below, up_to: the prior's probability below, and at or below, each of them.
      sample: number of draws that the prior is known from; infinite for a stated law.
    """

    kind: str
    name: str
    year: int | None
    unit: str
    prior: tuple[float, float]
    values: Float[np.ndarray, "held"]
    below: Float[np.ndarray, "held"]
    up_to: Float[np.ndarray, "held"]
    sample: float = np.inf


def drivers_of(
    program: Program, futures: TailFutures, priors: Priors, joint: Float[np.ndarray, "factor held"]
) -> tuple[Driver, ...]:
    """The factors in the order of the study, without fixed ones, then shocks by stream and year.

    Args:
      joint: joint normal scores of the factors [factor, held].
    """
    factors, shocks = _factors(futures, priors, joint), _shocks(program, futures)
    return (*_drivers(futures, [*factors]), *_drivers(futures, [*shocks]))


def _drivers(futures: TailFutures, drawn: Sequence[_Drawn]) -> Iterator[Driver]:
    for one, mean in zip(drawn, _means(futures, [one.values for one in drawn]), strict=True):
        centre, sd = one.prior
        within = in_tenths(one.below, one.up_to)
        tail, near = within[:, futures.tail], within[:, futures.near]
        shift = _widened(scaled(mean, 1 / sd, -centre / sd), one.sample**-0.5)
        density = tuple(_share(part, ((BINS - 1) / one.sample) ** 0.5) for part in futures.share.means(tail, near))
        distance, p_value = futures.share.distance(tail, near, one.sample)
        yield Driver(one.kind, one.name, one.year, one.unit, one.prior, mean, shift, density, distance, p_value)


def _means(futures: TailFutures, rows: Sequence[np.ndarray]) -> list[Estimate]:
    """Means of rows [held] over the worst futures, computed some rows at a time."""
    step = max(_FINE * 16 // futures.scores.shape[1], 1)
    found: list[Estimate] = []
    for first in range(0, len(rows), step):
        part = np.array(rows[first : first + step], np.float64)
        found += futures.share.means(part[:, futures.tail], part[:, futures.near])
    return found


def scaled(one: Estimate, scale: float, shift: float = 0.0) -> Estimate:
    low, high = sorted((scale * one.low, scale * one.high)) if one.low == one.low else (np.nan, np.nan)
    return Estimate(scale * one.estimate + shift, abs(scale) * one.standard_error, low + shift, high + shift, one.flags)


def _widened(one: Estimate, error: float) -> Estimate:
    """The estimate with an independent error added, that of a prior which is itself estimated from a sample."""
    if not error:
        return one
    both = math.hypot(one.standard_error, error)
    reach = (one.high - one.low) / (2 * one.standard_error) if one.standard_error > 0 else Z
    return Estimate(one.estimate, both, one.estimate - reach * both, one.estimate + reach * both, one.flags).flagged()


def _share(one: Estimate, error: float) -> Estimate:
    """A share of the worst futures in a tenth of the prior, divided by 0.1; not below zero."""
    over = _widened(scaled(one, BINS), error)
    return replace(over, estimate=max(over.estimate, 0.0), low=over.low if over.low != over.low else max(over.low, 0.0))


def _factors(futures: TailFutures, priors: Priors, joint: np.ndarray) -> Iterator[_Drawn]:
    """The factors; one whose prior has no standard deviation is given by its normal score."""
    below = share_below(joint)
    for k in priors.free:
        item, of = priors.study.inputs[k], priors.moments[k]
        if np.isfinite(of.sd):
            unit, prior, values = item.unit, (of.mean, of.sd), futures.draws[k]
        else:
            unit, prior, values = SCORED, (0.0, 1.0), joint[k]
        yield _Drawn(FACTOR, item.name, None, unit, prior, values, below[k], below[k])


def _shocks(program: Program, futures: TailFutures) -> Iterator[_Drawn]:
    """The shocks of each year that vary; those whose law the study states are compared with a sample."""
    if futures.shocks is None:
        return
    study = program.study
    streams = [
        (stream, name) for name, streams in study.shock_streams.items() for stream in streams
    ]  # fmt: skip
    sample = _sampled(program) if study.shocks.moving else None
    for k, (stream, name) in enumerate(streams):
        shock = study.model.shocks[name]
        for y, year in enumerate(study.years):
            row, count = futures.shocks[y, k].astype(np.float64), np.inf
            if sample is not None and name in study.shocks.moving:
                seen = np.sort(sample[y, k].astype(np.float64))
                prior, count = (float(seen.mean()), float(seen.std())), float(len(seen))
                below, up_to = (np.searchsorted(seen, row, side) / len(seen) for side in ("left", "right"))
            elif shock.law == "normal":
                prior, below = (0.0, 1.0), share_below(row)
                up_to = below
            else:
                prior, below, up_to = (0.5, 12**-0.5), row, row
            if prior[1] > 0:
                yield _Drawn(SHOCK, stream, year, shock.unit, prior, row, below, up_to, count)


def _sampled(program: Program) -> Float[np.ndarray, "year stream path"]:
    """Shocks of the first paths, without the conditioning on any facts."""
    count, study = min(program.study.paths, _SAMPLE), program.study
    if study.facts is not None:
        program = program_on(replace(study, facts=None), program.mesh)
    parts = []
    for first in range(0, count, IN_FULL):
        shocks = program.trace_of(program.scores(Block(0, first, min(IN_FULL, count - first)))).shocks
        assert shocks is not None
        parts.append(shocks)
    return np.concatenate(parts, axis=-1)
