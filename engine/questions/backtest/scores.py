"""Scores of futures against observations: of a single figure, and of many figures at once.

CRPS and energy score are proper scores, of which lower ones are better. A linear trend is a forecast without a model.

Whether observations could be one of a model's own futures is judged over many figures at once. A statistic of the
observations is compared with its distribution over futures of the model, each taken for the observations in turn:
figures of one future depend on each other, so that no law for independent figures serves, and the model's own futures
have that dependence. The band of the ECDF holds point by point. The severity is that of Costanzino and Curran (2018),
Risks 6(1):2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.spatial.distance import cdist, pdist
from scipy.stats import t

from engine.questions.variables import Paths
from engine.risk.estimation.intervals import TAIL, Estimate, Units, moments_of_totals
from engine.study.tables.observed import Observation

LEAST = 3
"""Fewest figures that a trend is fitted to: two leave no residual."""
POINTS = 501
"""Number of quantiles that represent the trend's predictive distribution."""
TRUTHS = 2_000
"""Most futures that are taken for the observations."""
FUTURES = 2_048
"""Most futures that energy scores are computed with."""
WITHIN = (0.5, 0.9)
"""Probabilities of the central intervals whose coverage is counted."""
SEVERE = 0.95
"""Level of the VaR and expected shortfall that losses are compared with."""
Places = Float[np.ndarray, "figure truth"]
"""Of each figure the place of the observation, then those of the truths."""


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


class Statistic(NamedTuple):
    """A statistic of the observations, and its distribution over the model's own futures.

    Args:
      value: of the observations.
      expected, expected_from, expected_to: mean and central 95 % interval over the model's own futures.
      as_high: p-value: the share of values at least as large as `value`, itself among them.
    """

    value: float
    expected: float
    expected_from: float
    expected_to: float
    as_high: float


class Calibration:
    """Calibration of figures that are scored together; a figure's place is its randomised PIT, 0 to 1.

    Args:
      values: of the figures on the same paths.
      observed: the observed value of each figure.
      random: places a figure at random among equal values.
    """

    def __init__(
        self,
        values: Float[np.ndarray, "figure path"],
        observed: Float[np.ndarray, "figure"],
        random: np.random.Generator,
    ):
        self.values, self.observed = values, observed
        own = values[:, _spaced(values.shape[1], TRUTHS)]
        self.seen = np.column_stack([observed, own])
        """Of each figure the observation, then its values on the futures that are taken for the observations."""
        pairs = [*zip(values, self.seen, strict=True)]
        first = [place(futures, seen[:1], random, own=False) for futures, seen in pairs]
        others = [place(futures, seen[1:], random, own=True) for futures, seen in pairs]
        self.places = np.hstack([first, others])

    def coverage(self, share: float) -> Statistic:
        """How many figures lie within the central interval of probability `share` of their futures."""
        return _statistic((_farness(self.places) <= share).sum(axis=0))

    def spread(self) -> Statistic:
        """Mean distance 2 |place - 1/2| of the figures from the middle, 0 to 1.

        It is small where the futures spread too widely, and large where they spread too narrowly.
        """
        return _statistic(_farness(self.places).mean(axis=0))

    def shift(self, chosen: Sequence[int] | slice = slice(None)) -> Statistic:
        """Mean place of some figures, or of all, among their futures, 0 to 1: large where the futures are too low."""
        return _statistic(self.places[chosen].mean(axis=0))

    def severity(self, chosen: Sequence[int]) -> Statistic:
        """Severity of some losses, sum of max(place - 0.95, 0) / 0.05: large where the ES at level 95 % was too low."""
        return _statistic(np.maximum(self.places[chosen] - SEVERE, 0.0).sum(axis=0) / (1 - SEVERE))

    def crps(self, sizes: Sequence[float]) -> Statistic:
        """The mean fair CRPS of the figures, each divided by its entry of `sizes`; figures of size 0 are left out."""
        figures = zip(self.values, self.seen, sizes, strict=True)
        return _statistic(np.mean([crps_of_each(own, seen) / size for own, seen, size in figures if size > 0], axis=0))

    def energy(self) -> Statistic:
        """The energy score of all figures together, each in standard deviations of its futures.

        Through these units it depends on the model: compare it with the model's own futures, not with another model.
        """
        sizes = self.values.std(axis=1)
        values, seen = (of[sizes > 0] / sizes[sizes > 0, None] for of in (self.values, self.seen))
        return _statistic(energy_scores(values[:, _spaced(values.shape[1], FUTURES)], seen))

    def unexplained(self) -> list[int]:
        """Indices of figures so far from the middle that in 95 % of the model's own futures no figure is as far."""
        far = _farness(self.places)
        limit = np.quantile(far[:, 1:].max(axis=0), 1 - 2 * TAIL)
        return [*map(int, np.flatnonzero(far[:, 0] > limit))]


def place(
    values: Paths, truths: Float[np.ndarray, "truth"], random: np.random.Generator, own: bool
) -> Float[np.ndarray, "truth"]:
    """Places of truths among futures (randomised PIT): uniform on (0, 1) where truths and futures have the same law.

    Args:
      own: whether each truth is itself one of `values`; it is then placed among the other values alone.
    """
    ordered, count = np.sort(values), len(values) - own
    below = np.searchsorted(ordered, truths)
    equal = np.searchsorted(ordered, truths, side="right") - below - own
    return (below + random.random(len(truths)) * (equal + 1)) / (count + 1)


def band(places: Places) -> dict[str, Float[np.ndarray, "place"]]:
    """The ECDF of the observations' places, with its pointwise 95 % band from the places of truths.

    The arrays `at`, `share`, `low` and `high` on an even grid of up to 99 points, fewer for fewer than 25 figures. At
    each place the band holds the ECDF of 95 % of the model's own futures.
    """
    at = np.linspace(0.0, 1.0, min(100, 4 * len(places)) + 1)[1:-1]
    shares = np.stack([(places <= one).mean(axis=0) for one in at])
    low = np.quantile(shares[:, 1:], TAIL, axis=1, method="lower")
    high = np.quantile(shares[:, 1:], 1 - TAIL, axis=1, method="higher")
    return {"at": at, "share": shares[:, 0], "low": low, "high": high}


def _spaced(count: int, most: int) -> Int[np.ndarray, "chosen"]:
    """Evenly spaced indices of `count` paths, at most `most`."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int))


def _farness(places: Places) -> Places:
    return 2 * np.abs(places - 0.5)


def _statistic(values: np.ndarray) -> Statistic:
    """The statistic of the observations, the first value, beside its values on the model's own futures."""
    value, own = float(values[0]), values[1:]
    low, high = np.quantile(own, [TAIL, 1 - TAIL])
    return Statistic(value, float(own.mean()), float(low), float(high), float(np.mean(values >= value)))
