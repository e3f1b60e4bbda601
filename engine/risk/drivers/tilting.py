"""Stored futures reweighted to another belief: reliability of weights, nearest belief that turns a ranking."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import logsumexp, softmax

from engine.risk.estimation.heaviness import mean_theta
from engine.risk.estimation.intervals import Paths


def tail_shape(log_weights: Paths) -> float:
    """k-hat: shape of the generalised Pareto law fitted to the largest min(n / 5, 3 sqrt n) importance weights.

    The fit is the posterior mean of Zhang and Stephens (2009), Technometrics 51, 316-325, doi:10.1198/tech.2009.08017,
    shrunk a little towards 1/2. -inf where fewer than five of the largest weights exceed the next; inf for fewer than
    25 weights. Source: Vehtari, Simpson, Gelman, Yao and Gabry (2024), Pareto smoothed importance sampling, J. Mach.
    Learn. Res. 25(72), 1-58.
    """
    count = len(log_weights)
    tail = min(count // 5, math.ceil(3 * math.sqrt(count)))
    if tail < 5:
        return math.inf
    largest = np.sort(np.partition(log_weights, -tail - 1)[-tail - 1 :])
    x = np.exp(largest[1:] - largest[-1]) - math.exp(largest[0] - largest[-1])
    x = x[x > 0]
    if len(x) < 5:
        return -math.inf
    n = len(x)
    best = mean_theta(x, 30 + int(math.sqrt(n)), lambda theta: np.log1p(-theta[:, None] * x).mean(axis=1))
    own = float(np.log1p(-best * x).mean())
    return own * n / (n + 10) + 0.5 * 10 / (n + 10)


def normalised(log_weights: Paths) -> Paths:
    """Weights from their logarithms, scaled to mean 1."""
    return len(log_weights) * softmax(log_weights)


@dataclass(frozen=True)
class Tilt:
    """The belief nearest to the stated one under which the mean of some values is zero.

    Args:
      log_weights: logarithm of each path's weight, its density under that belief over its density under the stated one;
        weights have mean 1.
      entropy: relative entropy of that belief with respect to the stated one [nats].
      shape: k-hat of the weights (`tail_shape`).
    """

    log_weights: Paths
    entropy: float
    shape: float

    @property
    def distance(self) -> float:
        """Shift of a single normal score, in standard deviations, with the same relative entropy: sqrt(2 entropy)."""
        return math.sqrt(2 * max(self.entropy, 0.0))


def nearest_turn(values: Paths) -> Tilt | None:
    """Distribution nearest to the stated one, by relative entropy, under which the mean of `values` is zero.

    Its weights are exp(lambda v) / E exp(lambda v). None where the values do not lie on both sides of zero.
    Source: Breuer and Csiszar (2013), Systematic stress tests with entropic plausibility constraints,
    J. Bank. Finance 37, 1552-1559, doi:10.1016/j.jbankfin.2012.04.013.
    """
    if not values.min() < 0 < values.max():
        return None
    scaled = values / values.std()
    # the mean under the weights is the slope of log E exp(lambda v), which is least where it is zero
    size = minimize_scalar(lambda size: logsumexp(size * scaled)).x
    log_weights = size * scaled - logsumexp(size * scaled) + math.log(len(values))
    entropy = float((np.exp(log_weights) * log_weights).mean())
    return Tilt(log_weights, entropy, tail_shape(log_weights))
