"""Models of normal scores whose futures are tilted: drawn as stated, with weights exp(m z - m^2 / 2) that move the
first score by m.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import ndtr

from engine.risk.estimation.intervals import Estimate, as_units
from engine.risk.estimation.measures import difference, probability, summary
from engine.risk.estimation.tails import Measured

LEVEL = 0.95
SCORES = 12
EVENT = 0.05
"""Probability of the event under the tilt."""
WITHIN = 0.3
"""Correlation of the scores of one run."""
Losses = Callable[[np.ndarray], np.ndarray]


def weighted(weights, unit):
    """Units of paths with weights in any scale."""
    return as_units(len(weights), unit).weighted(weights)


def effective_tail(values, weights, units, loss, level):
    """Effective number of futures beyond VaR."""
    if not weights.any():
        return 0.0
    losses = values if loss else -values
    return Measured(losses[None], weighted(weights, units), (level,)).quantile(level).exceedances.item()


def normal(z: np.ndarray) -> np.ndarray:
    """The score itself; of the other policy, one of correlation .8."""
    return np.stack([z[0], 0.8 * (0.8 * z[0] + 0.6 * z[1]) + 0.2])


def pareto(z: np.ndarray) -> np.ndarray:
    """Pareto with index 3, whose score has correlation .6 with the one that is tilted."""
    own = 0.6 * z[0] + 0.8 * z[1]
    return np.stack([ndtr(-own) ** (-1 / 3), 0.9 * ndtr(-0.8 * own - 0.6 * z[2]) ** (-1 / 3)])


def walk(z: np.ndarray) -> np.ndarray:
    """The highest point in ten years of a walk whose drift is tilted; the other policy halves the drift and has larger
    shocks.
    """
    years = np.arange(1, 11)[:, None]
    shocks = np.cumsum(z[1:11], axis=0)
    return np.stack([(0.3 * z[0] * years + shocks).max(axis=0), (0.15 * z[0] * years + 1.2 * shocks).max(axis=0)])


def modes(z: np.ndarray) -> np.ndarray:
    """Two regimes, the worse one where the score that is tilted is above 1; under the other policy above 1.3."""
    return np.stack([np.where(z[0] > 1, 5 + 0.5 * z[1], z[1]), np.where(z[0] > 1.3, 5 + 0.5 * z[1], z[1] + 0.3)])


MODELS: dict[str, Losses] = {"normal": normal, "Pareto(3)": pareto, "walk": walk, "two regimes": modes}


def scores(rng: np.random.Generator, paths: int, unit: int) -> np.ndarray:
    """Normal scores [score, path]: independent, in mirrored pairs, or in runs whose paths depend on one another."""
    if unit == 1:
        return rng.standard_normal((SCORES, paths))
    half = rng.standard_normal((SCORES, paths // unit, 1))
    if unit == 2:
        return np.concatenate([half, -half], axis=-1).reshape(SCORES, paths)
    own = rng.standard_normal((SCORES, paths // unit, unit))
    return (np.sqrt(WITHIN) * half + np.sqrt(1 - WITHIN) * own).reshape(SCORES, paths)


@cache
def truth(losses: Losses, move: float) -> dict[str, float]:
    """What is estimated, from four million futures that are drawn under the tilt, and the threshold of the event."""
    rng = np.random.default_rng(2026)
    parts = []
    for _ in range(32):
        z = rng.standard_normal((SCORES, 1 << 17))
        z[0] += move
        parts.append(losses(z))
    both = np.concatenate(parts, axis=1)
    (x, y), worst = np.sort(both, axis=1), int(both.shape[1] * (1 - LEVEL))
    own, other = ({"mean": v.mean(), "VaR95": v[-worst], "ES95": v[-worst:].mean()} for v in (x, y))
    gaps = {f"gap of {name}": own[name] - other[name] for name in own}
    worse = float(np.mean(both[0] > both[1]))
    return {**own, "event": EVENT, **gaps, "worse": worse, "threshold": x[-int(len(x) * EVENT)]}


@dataclass(frozen=True)
class Tilted:
    """A model under a tilt.

    Args:
      losses: scores [score, path] -> losses under two policies [policy, path].
      move: of the first score.
      unit: paths in a unit.
    """

    losses: Losses
    move: float
    unit: int = 1

    @property
    def truth(self) -> dict[str, float]:
        return truth(self.losses, self.move)

    def weighted(self, rng: np.random.Generator, paths: int) -> tuple[np.ndarray, np.ndarray]:
        """Losses [policy, path] and weights of some futures."""
        z = scores(rng, paths, self.unit)
        return self.losses(z), np.exp(self.move * z[0] - self.move**2 / 2)

    def paths(self, tail: float) -> int:
        """How many paths have so large an effective tail, under the policy that has less, rounded to whole units."""
        paths = (1 << 17) // self.unit * self.unit
        losses, weights = self.weighted(np.random.default_rng(7), paths)
        seen = min(effective_tail(x, weights, self.unit, True, LEVEL) for x in losses)
        return round(paths * tail / seen / self.unit) * self.unit

    def estimates(self, rng: np.random.Generator, paths: int) -> dict[str, Estimate]:
        """Those of some futures, by the names of `truth`."""
        (x, y), weights = self.weighted(rng, paths)
        units = weighted(weights, self.unit)
        own = summary(x, units, True, (LEVEL,))
        gaps = difference(x, y, units, True, (LEVEL,))
        measures = ("mean", "VaR95", "ES95")
        return {
            **{name: own[name] for name in measures},
            "event": probability(x > self.truth["threshold"], units),
            **{f"gap of {name}": gaps[name] for name in measures},
            "worse": gaps["worse"],
        }


@dataclass(frozen=True)
class Cover:
    """How often intervals hold the truth, of those that there are, and how often there is one."""

    held: float
    there: float


def cover(of: Tilted, paths: int, repetitions: int, seed: int = 1) -> dict[str, Cover]:
    """That of every estimate, over so many samples of so many paths."""
    rng = np.random.default_rng([seed, paths, of.unit])
    found = [of.estimates(rng, paths) for _ in range(repetitions)]
    covers = {}
    for name in found[0]:
        ends = np.array([(one[name].low, one[name].high) for one in found])
        there = np.isfinite(ends[:, 0])
        held = (ends[:, 0] <= of.truth[name]) & (of.truth[name] <= ends[:, 1])
        covers[name] = Cover(float(held[there].mean()) if there.any() else np.nan, float(there.mean()))
    return covers
