"""Proper scores of futures against an observation, of which lower ones are better; and a forecast without a model.

The scores are CRPS and energy score; the forecast is a linear trend.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy.spatial.distance import cdist, pdist
from scipy.stats import t

from engine.risk.estimation.intervals import Estimate, Units, moments_of_totals
from engine.study.tables.observed import Observation

LEAST = 3
"""Fewest figures that a trend is fitted to: two leave no residual."""
POINTS = 501
"""Number of quantiles that represent the trend's predictive distribution."""
Paths = Float[np.ndarray, "path"]


def crps(values: Paths, observed: float, units: Units) -> Estimate:
    """The fair CRPS: mean |x - y| less half the mean |x - x'| over pairs of different paths; in the unit of the values.

    Its expectation is the CRPS of the futures' law, whatever the number of paths (Ferro 2014, QJRMS 140, 1917-1923).
    The interval is that of its Monte Carlo error over independent units.
    """
    away = np.abs(values - observed)
    apart = _apart(values)
    moments = moments_of_totals(units.totals(away - apart)[None], units)
    return Estimate.normal(float(away.mean() - 0.5 * apart.mean()), float(moments.error[0]))


def crps_of_each(values: Paths, truths: Float[np.ndarray, "truth"]) -> Float[np.ndarray, "truth"]:
    """The fair CRPS of the same futures against each of many truths."""
    ordered = np.sort(values)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    below = np.searchsorted(ordered, truths)
    away = truths * (2 * below - len(values)) + sums[-1] - 2 * sums[below]
    return away / len(values) - 0.5 * float(_apart(values).mean())


def energy_scores(
    values: Float[np.ndarray, "figure path"], truths: Float[np.ndarray, "figure truth"]
) -> Float[np.ndarray, "truth"]:
    """The fair energy score of many figures at once, against each truth.

    mean |x - y| - mean |x - x'| / 2, with Euclidean norms over the figures and pairs of different paths.
    """
    return cdist(truths.T, values.T).mean(axis=1) - 0.5 * float(pdist(values.T).mean())


def _apart(values: Paths) -> Paths:
    """Mean absolute difference of each value from all others."""
    order = np.argsort(values, kind="stable")
    ordered, count = values[order].astype(np.float64), len(values)
    before = np.cumsum(ordered) - ordered
    place = np.arange(count)
    apart = np.empty(count)
    apart[order] = (ordered * (2 * place - count) + ordered.sum() - 2 * before) / (count - 1)
    return apart


def of_trend(known: Sequence[Observation], time: int, observed: float) -> float:
    """The CRPS of a linear trend through the known figures.

    It is Student's t with n - 2 degrees of freedom around the least-squares line, represented by its quantiles (k -
    1/2) / `POINTS`, whose CRPS is that of the distribution to a few parts in ten thousand. NaN where fewer than `LEAST`
    figures are known, or all are of one time.
    """
    times = np.array([row.time for row in known], float)
    values = np.array([row.value for row in known], float)
    if len(known) < LEAST or not np.ptp(times):
        return float("nan")
    away, ahead = times - times.mean(), time - times.mean()
    slope, level = np.polyfit(away, values, 1)
    variance = ((values - level - slope * away) ** 2).sum() / (len(known) - 2)
    size = np.sqrt(variance * (1 + 1 / len(known) + ahead**2 / (away**2).sum()))
    levels = (np.arange(POINTS) + 0.5) / POINTS
    trend = level + slope * ahead + size * t.ppf(levels, len(known) - 2)
    return float(np.abs(trend - observed).mean() - 0.5 * np.abs(trend[:, None] - trend).mean())
