"""Whether the observations could be one of a model's own futures, over many figures at once.

A statistic of the observations is compared with its distribution over futures of the model, each taken for the
observations in turn: figures of one future depend on each other, so that no law for independent figures serves, and the
model's own futures have that dependence. The band of the ECDF holds point by point. The severity is that of Costanzino
and Curran (2018), Risks 6(1):2.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from engine.analyses.backtest.figures import Figure
from engine.analyses.backtest.scores import crps_of_each, energy_scores
from engine.risk.estimation.intervals import TAIL

TRUTHS = 2_000
"""Most futures that are taken for the observations."""
FUTURES = 2_048
"""Most futures that energy scores are computed with."""
WITHIN = (0.5, 0.9)
"""Probabilities of the central intervals whose coverage is counted."""
SEVERE = 0.95
"""Level of the VaR and expected shortfall that losses are compared with."""
Places = Float[np.ndarray, "figure"]
OfTruths = Float[np.ndarray, "figure truth"]


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


class Band(NamedTuple):
    """The ECDF of the observations' places among the futures, with a 95 % band.

    At each place the band holds the ECDF of 95 % of the model's own futures.
    """

    at: Float[np.ndarray, "place"]
    share: Float[np.ndarray, "place"]
    low: Float[np.ndarray, "place"]
    high: Float[np.ndarray, "place"]


class Calibration:
    """Calibration of figures that are scored together; a figure's place is its randomised PIT, 0 to 1.

    Args:
      figures: their values on the same paths.
      random: places a figure at random among equal values.
    """

    def __init__(self, figures: Sequence[Figure], random: np.random.Generator):
        self.figures = tuple(figures)
        paths = len(figures[0].values)
        self.truths = np.unique(np.linspace(0, paths - 1, min(TRUTHS, paths)).astype(int))
        self.places = np.array([place(one.values, np.array([one.observed]), random, own=False)[0] for one in figures])
        self.of_truths = np.stack([place(one.values, one.values[self.truths], random, own=True) for one in figures])

    def coverage(self, share: float) -> Statistic:
        """How many figures lie within the central interval of probability `share` of their futures."""
        return self._of(lambda places: (_farness(places) <= share).sum(axis=0))

    def band(self) -> Band:
        """The ECDF of places with its band, on an even grid of up to 99 points, fewer for fewer than 25 figures."""
        return band(self.places, self.of_truths)

    def spread(self) -> Statistic:
        """Mean distance 2 |place - 1/2| of the figures from the middle, 0 to 1.

        It is small where the futures spread too widely, and large where they spread too narrowly.
        """
        return self._of(lambda places: _farness(places).mean(axis=0))

    def shift(self, chosen: Sequence[int] | None = None) -> Statistic:
        """Mean place of some figures, or of all, among their futures, 0 to 1: large where the futures are too low."""
        return self._of(lambda places: places.mean(axis=0), chosen)

    def severity(self, chosen: Sequence[int]) -> Statistic:
        """Severity of some losses, sum of max(place - 0.95, 0) / 0.05: large where the ES at level 95 % was too low."""
        return self._of(lambda places: (np.maximum(places - SEVERE, 0.0) / (1 - SEVERE)).sum(axis=0), chosen)

    def _of(self, statistic: Callable[[np.ndarray], np.ndarray], chosen: Sequence[int] | None = None) -> Statistic:
        """A statistic of the places of some figures, or of all."""
        some = slice(None) if chosen is None else [*chosen]
        return _statistic(statistic(self.places[some]), statistic(self.of_truths[some]))

    def crps(self, sizes: Sequence[float]) -> Statistic:
        """The mean fair CRPS of the figures, each divided by its entry of `sizes`; figures of size 0 are left out."""
        scaled = [(one, size) for one, size in zip(self.figures, sizes, strict=True) if size > 0]
        seen = np.mean([crps_of_each(one.values, np.array([one.observed]))[0] / size for one, size in scaled])
        own = np.mean([crps_of_each(one.values, one.values[self.truths]) / size for one, size in scaled], axis=0)
        return _statistic(seen, own)

    def energy(self) -> Statistic:
        """The energy score of all figures together, each in standard deviations of its futures.

        Through these units it depends on the model: compare it with the model's own futures, not with another model.
        """
        sizes = np.array([[one.values.std()] for one in self.figures])
        moving = sizes[:, 0] > 0
        values = np.stack([one.values for one in self.figures])[moving] / sizes[moving]
        seen = np.array([[one.observed] for one in self.figures])[moving] / sizes[moving]
        some = values[:, np.unique(np.linspace(0, values.shape[1] - 1, min(FUTURES, values.shape[1])).astype(int))]
        scores = energy_scores(some, np.concatenate([seen, values[:, self.truths]], axis=1))
        return _statistic(scores[0], scores[1:])

    def unexplained(self) -> list[int]:
        """Indices of figures so far from the middle that in 95 % of the model's own futures no figure is as far."""
        limit = np.quantile(_farness(self.of_truths).max(axis=0), 1 - 2 * TAIL)
        return [k for k, far in enumerate(_farness(self.places)) if far > limit]


def place(
    values: Float[np.ndarray, "path"], truths: Float[np.ndarray, "truth"], random: np.random.Generator, own: bool
) -> Float[np.ndarray, "truth"]:
    """Places of truths among futures (randomised PIT): uniform on (0, 1) where truths and futures have the same law.

    Args:
      own: whether each truth is itself one of `values`; it is then placed among the other values alone.
    """
    ordered, count = np.sort(values), len(values) - own
    below = np.searchsorted(ordered, truths)
    equal = np.searchsorted(ordered, truths, side="right") - below - own
    return (below + random.random(len(truths)) * (equal + 1)) / (count + 1)


def band(places: Places, of_truths: OfTruths) -> Band:
    """The ECDF of places, with its pointwise 95 % band from the places of truths."""
    at = np.linspace(0.0, 1.0, min(100, 4 * len(places)) + 1)[1:-1]
    own = _ecdf(of_truths, at)
    low = np.quantile(own, TAIL, axis=1, method="lower")
    high = np.quantile(own, 1 - TAIL, axis=1, method="higher")
    return Band(at, _ecdf(places[:, None], at)[:, 0], low, high)


def _ecdf(places: OfTruths, at: Float[np.ndarray, "place"]) -> Float[np.ndarray, "place truth"]:
    return np.stack([(places <= one).mean(axis=0) for one in at])


def _farness(places: np.ndarray) -> np.ndarray:
    return 2 * np.abs(places - 0.5)


def _statistic(value: float | np.ndarray, own: np.ndarray) -> Statistic:
    value = float(value)
    low, high = np.quantile(own, [TAIL, 1 - TAIL])
    higher = (1 + int((own >= value).sum())) / (len(own) + 1)
    return Statistic(value, float(own.mean()), float(low), float(high), higher)
