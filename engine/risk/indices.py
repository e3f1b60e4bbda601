"""What each input does to the variance of a number: Sobol' indices and Shapley effects from pairs of futures that share some inputs.

Of a number f, A is its value on a path, B on the same path with every input drawn anew, and A_k on the path with input k alone
taken from B. All indices are shares of V = Var f. Intervals are over independent units, by the influence of each path on the ratio.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.risk.flags import Flag
from engine.risk.intervals import Estimate, Units, dots, moments_of_totals
from engine.risk.measures import ONE_UNIT, Sample, single
from engine.risk.tails import shifted

Paths = Float[np.ndarray, "path"]


@dataclass(frozen=True)
class Pair:
    """A number on some futures, and on as many independent ones.

    Args:
      a, b: A and B.
      units: of the paths.
    """

    a: Paths
    b: Paths
    units: Units

    @cached_property
    def middle(self) -> float:
        """The mean."""
        return 0.5 * (float(self.a.mean(dtype=np.float64)) + float(self.b.mean(dtype=np.float64)))

    @cached_property
    def squares(self) -> Paths:
        """Squared distances from the mean, of both futures of a path half each: their mean is V."""
        a, b = (x.astype(np.float64) - self.middle for x in (self.a, self.b))
        return 0.5 * (a * a + b * b)

    @cached_property
    def variance(self) -> float:
        """V; 0 where the number never moves."""
        return float(self.squares.mean()) if np.ptp(self.a) > 0 or np.ptp(self.b) > 0 else 0.0

    @cached_property
    def flag(self) -> Flag | None:
        """What takes the intervals of all indices: a tail that has no variance of squares, or too few units."""
        if self.units.count < 2:
            return ONE_UNIT
        return Sample(self.a.astype(np.float64), self.units, (0.99,)).spread if self.variance else None

    def first(self, mixed: Paths) -> Estimate:
        """S_k = Var E(f | x_k) / V, the share that goes if x_k is known.

        From (A_k - A) (B - mean) and from V - (B - A_k)^2 / 2, whose means are both S_k V, put together so that the error is least.
        Sources: Saltelli et al. (2010), Comput. Phys. Commun. 181, 259-270, doi:10.1016/j.cpc.2009.09.018; Jansen (1999),
        Comput. Phys. Commun. 117, 35-43, doi:10.1016/S0010-4655(98)00154-4.

        Args:
          mixed: A_k.
        """
        if not self.variance:
            return self._nothing
        a, b, k = (x.astype(np.float64) - self.middle for x in (self.a, self.b, mixed))
        small = self._influence((k - a) * b)
        large = self._influence(self.squares - 0.5 * (b - k) ** 2)
        (one, u), (two, v) = ((value, self.units.totals(path)) for value, path in (small, large))
        uu, vv, uv = dots(u, u), dots(v, v), dots(u, v)
        weight = float((vv - uv) / (uu + vv - 2 * uv)) if uu + vv > 2 * uv else 1.0
        return self._estimate(weight * one + (1 - weight) * two, weight * u + (1 - weight) * v)

    def total(self, mixed: Paths) -> Estimate:
        """T_k = E Var(f | all but x_k) / V = E (A - A_k)^2 / 2 V, the share that is left where all but x_k is known.

        Source: Jansen (1999), doi:10.1016/S0010-4655(98)00154-4.

        Args:
          mixed: A_k.
        """
        if not self.variance:
            return self._nothing
        value, path = self._influence(0.5 * (self.a.astype(np.float64) - mixed) ** 2)
        return self._estimate(value, self.units.totals(path))

    def _influence(self, products: Paths) -> tuple[float, Paths]:
        """The ratio of a mean to V, and what each path does to it."""
        value = float(products.mean()) / self.variance
        return value, (products - value * self.squares) / self.variance

    def _estimate(self, value: float, totals: Float[np.ndarray, "unit"]) -> Estimate:
        of = moments_of_totals(totals, self.units)
        return single(shifted(of, 1.0, value - of.mean)).flagged(self.flag)

    @property
    def _nothing(self) -> Estimate:
        """Of a number that never moves nothing is due to anything."""
        return Estimate(0.0, 0.0, 0.0, 0.0)


def increments(x: Paths, mixed: Paths) -> Paths:
    """What a coalition of inputs is worth on each path, but for a number that is the same for all of them: A_u^2 / 2 - A A_u.

    The mean of its value less that of the empty coalition is (V - Cov(A, A_u)), the variance that is left where the other inputs
    are known. Differences along an order in which inputs are drawn anew one by one are Goda's products.
    Source: Goda (2021), A simple algorithm for global sensitivity analysis with Shapley effects, Reliab. Eng. Syst. Saf. 213,
    107702, doi:10.1016/j.ress.2021.107702.

    Args:
      x: A, less a number near its mean.
      mixed: A_u, less the same number.
    """
    return mixed * (0.5 * mixed - x)


def shares(
    parts: Float[np.ndarray, "input batch"], whole: Float[np.ndarray, "batch"] | None = None
) -> tuple[Estimate, ...]:
    """Parts of each input in a whole, from independent batches of equal size.

    Args:
      parts: what each input does in each batch.
      whole: what all do; the sum of the parts if not given, of which they then add up to 1.
    """
    count = parts.shape[1]
    whole = parts.sum(axis=0) if whole is None else whole
    total = float(whole.mean())
    if not total > 0:
        return (Estimate(0.0, 0.0, 0.0, 0.0),) * len(parts)
    units = Units(count, 1)
    estimates = []
    for row in parts:
        value = float(row.mean()) / total
        of = moments_of_totals((row - value * whole) / total, units)
        estimates.append(single(shifted(of, 1.0, value - of.mean)).flagged(ONE_UNIT if count < 2 else None))
    return tuple(estimates)
