"""How often intervals of indices and Shapley effects hold the truth where few paths count: rare events, their
differences between policies, and tails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from engine.questions import shapley
from engine.risk.drivers.indices import Pair, away, between, few_away, increments, shares
from engine.risk.estimation.intervals import Estimate, as_units

BATCHES = 64
Row = tuple[str, ...]
Draws = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Event:
    """u (v - w), where u, v and w are 1 with probabilities a, b and c, else 0: an event if c is 0, else the difference
    of an event between two policies.

    E(f | u) = (b - c) u, so the first index of u is (b - c)^2 a (1 - a) / V; Var(f | v, w) = a (1 - a) (v - w)^2, so
    its total index is a (1 - a) (b + c - 2 b c) / V; V = a (b + c - 2 b c) - a^2 (b - c)^2.
    """

    a: float
    b: float
    c: float = 0.0

    @staticmethod
    def of(p: float, first: float) -> Event:
        """The event of probability p on which u has that first index, (b - p) / (1 - p)."""
        b = first * (1 - p) + p
        return Event(p / b, b)

    @property
    def name(self) -> str:
        """Its name with its probability, or the share of paths on which it is not 0."""
        share = self.a * (self.b + self.c - 2 * self.b * self.c)
        return f"P = {share:.3g}" if not self.c else f"difference, not 0 on {100 * share:.2g} %"

    @property
    def truth(self) -> tuple[float, float]:
        """First and total index of u."""
        apart, own = self.b + self.c - 2 * self.b * self.c, self.a * (1 - self.a)
        variance = self.a * apart - (self.a * (self.b - self.c)) ** 2
        return (self.b - self.c) ** 2 * own / variance, own * apart / variance

    def futures(self, paths: int, unit: int, seed: int) -> Draws:
        """Values on A, on B, on A with u from B, and on A with all but u from B; mirrored pairs if `unit` is 2."""
        points = np.random.default_rng(seed).random((2, 3, paths // unit), np.float32)
        if unit == 2:
            points = np.stack([points, 1 - points], axis=-1).reshape(2, 3, paths)
        below = points < np.array([self.a, self.b, self.c], np.float32)[None, :, None]
        us, rest = below[:, 0], below[:, 1].astype(np.int8) - below[:, 2]
        return tuple((us[i] * rest[j]).astype(np.float64) for i, j in ((0, 0), (1, 1), (1, 0), (0, 1)))


@dataclass(frozen=True)
class Tail:
    """The excess over VaR99, which a path adds to ES99, of a normal sum; u has this share of the sum's variance."""

    share: float
    name = "ES99"

    @property
    def truth(self) -> tuple[float, float]:
        """First and total index of u, by quadrature."""
        var, z = norm.isf(0.01), np.linspace(-10, 10, 200_001)
        weight = norm.pdf(z) * (z[1] - z[0])

        def known(share: float) -> float:  # E E(f | u)^2, u making the share
            gap, sd = np.sqrt(share) * z - var, np.sqrt(1 - share)
            return float(weight @ (gap * norm.cdf(gap / sd) + sd * norm.pdf(gap / sd)) ** 2)

        mean = norm.pdf(var) - var * norm.sf(var)
        variance = (1 + var**2) * norm.sf(var) - var * norm.pdf(var) - mean**2
        one, rest = ((known(share) - mean**2) / variance for share in (self.share, 1 - self.share))
        return one, 1 - rest

    def futures(self, paths: int, unit: int, seed: int) -> Draws:
        """As `Event.futures`."""
        z = np.random.default_rng(seed).standard_normal((2, 2, paths // unit), np.float32)
        if unit == 2:
            z = np.stack([z, -z], axis=-1).reshape(2, 2, paths)
        us, rest = np.sqrt(self.share) * z[:, 0], np.sqrt(1 - self.share) * z[:, 1]
        excess = [np.maximum(us[i] + rest[j] - norm.isf(0.01), 0.0) for i, j in ((0, 0), (1, 1), (1, 0), (0, 1))]
        return tuple(x.astype(np.float64) for x in excess)


CASES: tuple[tuple[Event | Tail, int, int], ...] = (
    *((Event.of(0.01, first), 1 << 15, 1) for first in (0.0059, 0.05, 0.3)),
    (Event(0.035, 0.1, 0.02), 1 << 15, 1),
    (Event(0.06, 0.05, 0.025), 1 << 15, 2),
    *((Tail(share), 1 << 15, 1) for share in (0.05, 0.3, 0.7)),
)
"""Each case: the quantity, the number of paths, and the paths in a unit."""
NAMES = "first index", "total index", "Shapley effect"


def estimates(of: Event | Tail, paths: int, unit: int, seed: int) -> tuple[Estimate, ...]:
    """First index, total index and Shapley effect of u, the last as `questions/indices.py` has it of all coalitions."""
    a, b, *mixed = of.futures(paths, unit, seed)
    pair = Pair(a, b, as_units(paths, unit))
    first, total = pair.both(mixed[0])
    middle = float(a.mean())
    worth = [increments(a - middle, x - middle).reshape(BATCHES, -1).sum(axis=-1) for x in (a, *mixed, b)]
    own = shares(shapley.shares(2) @ np.array(worth))[0]
    few = few_away(away(a)) or not own.standard_error
    return first, total, between(own, first, total) if few else own.flagged(pair.flag)


def sensitivity(repetitions: int) -> Iterator[Row]:
    """Rows: how often each interval, where one is given, holds the truth."""
    for of, paths, unit in CASES:
        truth = (*of.truth, sum(of.truth) / 2)
        held, given = np.zeros(3), np.zeros(3)
        for seed in range(repetitions):
            for k, one in enumerate(estimates(of, paths, unit, seed)):
                given[k] += not np.isnan(one.low)
                held[k] += one.low <= truth[k] <= one.high
        for name, exact, inside, count in zip(NAMES, truth, held, given, strict=True):
            withheld = f", withheld in {100 * (1 - count / repetitions):.1f} %" if count < repetitions else ""
            conditions = f"{of.name}, {100 * exact:.3g} %, {paths:,} paths, units of {unit}{withheld}"
            yield name, conditions, f"{inside / max(count, 1):.3f}", "0.93"
