"""The distribution of factors, and of each year's shocks, over the worst futures compared with their priors."""

from __future__ import annotations

import math
from collections.abc import Sequence
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


def drivers_of(
    program: Program, futures: TailFutures, priors: Priors, joint: Float[np.ndarray, "factor held"]
) -> list[Driver]:
    """The factors in the order of the study, without fixed ones, then shocks by stream and year.

    Args:
      joint: joint normal scores of the factors [factor, held].
    """
    shocks = _shocks(program, futures) if futures.shocks is not None else []
    return _factors(futures, priors, joint) + shocks


def _means(futures: TailFutures, rows: np.ndarray) -> list[Estimate]:
    """Means of rows [cell, held] over the worst futures, computed some rows at a time."""
    step = max(_FINE * 16 // max(len(futures.path), 1), 1)
    found: list[Estimate] = []
    for first in range(0, len(rows), step):
        part = rows[first : first + step].astype(np.float64)
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


Range = tuple[np.ndarray, np.ndarray, float]
"""The prior's probability below, and at or below, each value; and the size of the sample behind it, or infinity."""


def _driven(
    futures: TailFutures,
    heads: Sequence[tuple[str, str, int | None, str]],
    priors: Sequence[tuple[float, float]],
    values: Float[np.ndarray, "cell held"],
    ranges: Sequence[Range],
) -> list[Driver]:
    """Drivers from their values and the prior's probabilities of these.

    Args:
      heads: kind, name, year and unit of each.
    """
    means = _means(futures, values)
    drivers = []
    for k, ((kind, name, year, unit), (centre, sd)) in enumerate(zip(heads, priors, strict=True)):
        below, up_to, sample = ranges[k]
        within = in_tenths(below, up_to)
        tail, near = within[:, futures.tail], within[:, futures.near]
        shift = _widened(scaled(means[k], 1 / sd, -centre / sd), sample**-0.5)
        density = tuple(_share(one, ((BINS - 1) / sample) ** 0.5) for one in futures.share.means(tail, near))
        distance, p_value = futures.share.distance(tail, near, sample)
        drivers.append(Driver(kind, name, year, unit, (centre, sd), means[k], shift, density, distance, p_value))
    return drivers


def _factors(futures: TailFutures, priors: Priors, joint: np.ndarray) -> list[Driver]:
    """The factors as drivers; one whose prior has no standard deviation is given by its normal score."""
    study, at = priors.study, priors.free
    heads: list[tuple[str, str, int | None, str]] = []
    values, of = [], []
    for k in at:
        item, moments = study.inputs[k], priors.moments[k]
        endless = not np.isfinite(moments.sd)
        heads.append((FACTOR, item.name, None, SCORED if endless else item.unit))
        of.append((0.0, 1.0) if endless else (moments.mean, moments.sd))
        values.append(joint[k] if endless else futures.draws[k])
    if not at:
        return []
    ranges = [(below, below, np.inf) for below in share_below(joint[at])]
    return _driven(futures, heads, of, np.array(values, np.float64), ranges)


def _shocks(program: Program, futures: TailFutures) -> list[Driver]:
    """The shocks of each year as drivers; those whose law the study states are compared with a sample."""
    study = program.study
    assert futures.shocks is not None
    streams = [
        (stream, shock, name)
        for (name, shock), of in zip(study.model.shocks.items(), study.shock_streams.values(), strict=True)
        for stream in of
    ]
    sample = _sampled(program) if any(name in study.shocks.moving for *_, name in streams) else None
    heads: list[tuple[str, str, int | None, str]] = []
    values, priors = [], []
    ranges: list[Range] = []
    for k, (stream, shock, name) in enumerate(streams):
        for y, year in enumerate(study.years):
            row = futures.shocks[y, k].astype(np.float64)
            if name in study.shocks.moving:
                assert sample is not None
                seen = np.sort(sample[y, k].astype(np.float64))
                prior = float(seen.mean()), float(seen.std())
                below, up_to = (np.searchsorted(seen, row, side) / len(seen) for side in ("left", "right"))
                lies: Range = (below, up_to, float(len(seen)))
            else:
                normal = shock.law == "normal"
                prior = (0.0, 1.0) if normal else (0.5, 12**-0.5)
                share = share_below(row) if normal else row
                lies = (share, share, np.inf)
            if prior[1] > 0:
                heads.append((SHOCK, stream, year, shock.unit))
                values.append(row)
                ranges.append(lies)
                priors.append(prior)
    return _driven(futures, heads, priors, np.array(values), ranges) if heads else []


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
