"""Shape of the largest importance weights, which tells whether stored futures may be reweighted to another belief."""

from __future__ import annotations

import math

import numpy as np

from engine.risk.estimation.heaviness import pareto_fit
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
    own, _ = pareto_fit(x, 30)
    return (own * len(x) + 0.5 * 10) / (len(x) + 10)
