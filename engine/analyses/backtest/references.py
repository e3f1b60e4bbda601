"""Reference forecasts without a model: persistence of the last value known, and a linear trend."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import t

from engine.study.tables.observed import Observation

LEAST = 3
"""Fewest figures that a trend is fitted to: two leave no residual."""
POINTS = 501
"""Number of quantiles that represent the trend's predictive distribution."""


def last_value(known: Sequence[Observation]) -> Float[np.ndarray, "path"]:
    """The last figure that was known, as a forecast without spread [1]; an empty array if none was."""
    return np.array([known[-1].value] if known else [])


def trend(known: Sequence[Observation], time: int) -> Float[np.ndarray, "path"]:
    """The predictive distribution of a linear trend through the known figures, at a time.

    It is Student's t with n - 2 degrees of freedom around the least-squares line, given as its quantiles (k - 1/2) /
    `POINTS`, whose CRPS is that of the distribution to a few parts in ten thousand. An empty array where fewer than
    `LEAST` figures are known, or all are of one time.
    """
    if len(known) < LEAST:
        return np.zeros(0)
    times = np.array([row.time for row in known], float)
    values = np.array([row.value for row in known], float)
    middle = times.mean()
    spread = float(((times - middle) ** 2).sum())
    if not spread:
        return np.zeros(0)
    slope = float(((times - middle) * (values - values.mean())).sum()) / spread
    left = values - values.mean() - slope * (times - middle)
    freedom = len(known) - 2
    size = np.sqrt((left**2).sum() / freedom * (1 + 1 / len(known) + (time - middle) ** 2 / spread))
    levels = (np.arange(POINTS) + 0.5) / POINTS
    return np.asarray(values.mean() + slope * (time - middle) + size * t.ppf(levels, freedom))
