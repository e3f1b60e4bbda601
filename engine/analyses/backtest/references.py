"""What one would have said without a model: that it stays as it was last, or goes on as it went."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.stats import t

from engine.study.tables.observed_tables import Observation

LEAST = 3
"""Figures that a trend is fitted on, at least: two leave no spread."""
POINTS = 501
"""Quantiles that stand for the trend's law."""


def last_value(known: Sequence[Observation]) -> Float[np.ndarray, "path"]:
    """The last figure that was known, as a forecast without spread; no values where none was."""
    return np.array([known[-1].value] if known else [])


def trend(known: Sequence[Observation], time: int) -> Float[np.ndarray, "path"]:
    """The least-squares line through what was known, with Student's law of a new figure at that time; no values where too few were.

    Its quantiles (k - 1/2) / `POINTS`, whose CRPS is that of the law to a few in ten thousand.
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
