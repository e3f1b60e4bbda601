"""Samples futures given the observed figures, by sequential Monte Carlo with a tempered likelihood.

A run begins with futures drawn from the prior and raises the likelihood to powers p that grow from 0 to 1. Each p is
the largest at which the effective sample size, 1 / sum of squared weights, is still half of the futures. The futures
are then resampled by weight and moved by preconditioned Crank-Nicolson steps in normal scores, z' = sqrt(1 - s^2) z + s
x, x a new draw from the prior. These steps leave the prior invariant, so z' is accepted with probability min(1, (L(z')
/ L(z))^p), L the likelihood. The step size s is adapted to the acceptance rate. Sources: Del Moral, Doucet and Jasra
(2006), JRSS B 68, 411-436; Cotter, Roberts, Stuart and White (2013), Statist. Sci. 28, 424-446.
"""

from __future__ import annotations

from itertools import count

import numpy as np
from jaxtyping import Float

from engine.program import arguments
from engine.program.arguments import Points, as_normal, as_numbers
from engine.program.contract import Scores
from engine.program.posterior.sight import Sight
from engine.study.study import Block
from engine.study.tables.facts import FUTURES, Moved

FRESH = 1 << 40
"""Path number from which runs take their prior draws; no study has as many paths, so none is used twice."""
MOVES, MOST_MOVES, LAST_MOVES = 5, 60, 120
"""Steps at each power: the least, the most, and the most at the last power."""
FORGOTTEN, LAST_FORGOTTEN = 1.0, 2.0
"""Steps at a power end once the sum over them of acceptance rate (1 - sqrt(1 - s^2)) reaches this; the second holds at
the last power.
"""
TAKEN = 0.25
"""Acceptance rate to which the step size is adapted."""
MOST_POWERS = 100
OfFutures = Float[np.ndarray, "future"]


def moved(sight: Sight, run: int) -> Moved:
    """One run of the sequential Monte Carlo: its futures, powers, last acceptance rate and log of the mean likelihood.

    The result depends on the study, the observations and the run's number alone. A run that gets stuck is returned all
    the same: its powers end below 1, or its last acceptance rate is low.

    Args:
      sight: the observed figures.
      run: number of the run, from 0.
    """
    study = sight.study
    first = FRESH + run * (FUTURES << 16)
    fresh = (sight.program.scores(Block(0, at, FUTURES)) for at in count(first, FUTURES))
    random = np.random.default_rng([study.seed, 26, run])
    points = as_normal(study, next(fresh))
    likelihood = sight.log_likelihood(sight.of_scores(as_numbers(study, points)))
    powers, size, taken, evidence = [0.0], 0.5, 0.0, 0.0
    while powers[-1] < 1.0 and len(powers) <= MOST_POWERS:
        finite = np.isfinite(likelihood)
        if not finite.any():
            break
        left, most = 1.0 - powers[-1], likelihood.max()
        step = _step(np.where(finite, likelihood, -np.inf), left)
        weights = _weights(likelihood, step)
        evidence += float(np.log(np.mean(np.exp(step * (likelihood - most))))) + step * float(most)
        powers.append(1.0 if step >= left else powers[-1] + step)
        chosen = _drawn(weights, random)
        points, likelihood = points[:, chosen], likelihood[chosen]
        is_last = powers[-1] == 1.0
        forgotten, wanted = 0.0, LAST_FORGOTTEN if is_last else FORGOTTEN
        for move in range(LAST_MOVES if is_last else MOST_MOVES):
            points, likelihood, taken = _moved(sight, points, likelihood, powers[-1], size, next(fresh), random)
            forgotten += taken * (1.0 - np.sqrt(1.0 - size * size))
            size = float(np.clip(size * np.exp(taken - TAKEN), 0.02, 1.0))
            if forgotten >= wanted and move + 1 >= MOVES:
                break
    names = tuple(stream.label for stream in arguments.streams(study))
    return Moved(names, as_numbers(study, points), tuple(powers), taken, evidence)


def _moved(
    sight: Sight,
    points: Points,
    likelihood: OfFutures,
    power: float,
    size: float,
    fresh: Scores,
    random: np.random.Generator,
) -> tuple[Points, OfFutures, float]:
    """One step of all futures: (points, log-likelihoods, acceptance rate); `fresh` are new draws from the prior."""
    study = sight.study
    offered = np.sqrt(1.0 - size * size) * points + size * as_normal(study, fresh)
    there = sight.log_likelihood(sight.of_scores(as_numbers(study, offered)))
    with np.errstate(invalid="ignore"):
        takes = np.log(random.random(len(there))) < power * (there - likelihood)
    return np.where(takes, offered, points), np.where(takes, there, likelihood), float(takes.mean())


def _step(likelihood: OfFutures, most: float) -> float:
    """The largest increase of the power, up to `most`, at which the effective sample size is half of the futures."""

    from scipy.optimize import brentq  # a tenth of a second, and only studies with facts need it

    def spare(step: float) -> float:
        weights = _weights(likelihood, step)
        return float(1.0 / (weights**2).sum()) - 0.5 * len(weights)

    if spare(most) >= 0:
        return most
    if spare(0.0) <= 0:  # more than half have likelihood 0: go on with the rest, by a small step
        return most * 1e-3
    return float(brentq(spare, 0.0, most, xtol=1e-9 * most, rtol=1e-6))


def _weights(likelihood: OfFutures, step: float) -> OfFutures:
    weights = np.exp(step * (likelihood - likelihood.max())) if step else np.isfinite(likelihood).astype(float)
    return np.asarray(weights / weights.sum())


def _drawn(weights: OfFutures, random: np.random.Generator) -> np.ndarray:
    """Indices of futures resampled in proportion to their weights (systematic resampling)."""
    at = (random.random() + np.arange(len(weights))) / len(weights)
    return np.minimum(np.searchsorted(np.cumsum(weights), at), len(weights) - 1)
