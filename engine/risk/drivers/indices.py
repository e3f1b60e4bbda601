"""Share of each input in the variance of a number: Sobol' indices and Shapley effects from pairs of futures.

For a number f, A is its value on a path, B its value on the same path with every input drawn anew, and A_k its value on
the path with input k alone taken from B. All indices are shares of V = Var f. Intervals are over independent units, by
the influence of each path on the ratio. Where too few paths contribute to an index, its interval follows from
0 <= first index <= Shapley effect <= total index; where too few contribute to the total index, none has an interval.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.events import Happens
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import FEWEST_FOR_ES
from engine.risk.estimation.intervals import FEW_UNITS, Estimate, Paths, Units, Z, dots, moments_of_totals
from engine.risk.estimation.measures import Sample, estimated

NOTHING = Estimate(0.0, 0.0, 0.0, 0.0)
"""Index of an input that has no effect."""
EVERYTHING = Estimate(1.0, 0.0, 1.0, 1.0)
"""Index of the only input that has an effect."""
FEWEST_TELLING = FEW_UNITS
"""Paths that must contribute to an index for its standard error to be trusted; as many as units are needed."""


@dataclass(frozen=True)
class Pair:
    """A number on some futures, and on as many futures whose inputs are all drawn anew.

    Args:
      a, b: A and B of the module's text.
      units: independent units of the paths.
    """

    a: Paths
    b: Paths
    units: Units

    @cached_property
    def middle(self) -> float:
        """Mean over both futures of all paths."""
        return 0.5 * (float(self.a.mean(dtype=np.float64)) + float(self.b.mean(dtype=np.float64)))

    @cached_property
    def _centred(self) -> tuple[Paths, Paths]:
        """A and B less the mean."""
        return self.a.astype(np.float64) - self.middle, self.b.astype(np.float64) - self.middle

    @cached_property
    def squares(self) -> Paths:
        """Mean of the squared distances of A and B from the mean, per path; its mean over paths is V."""
        a, b = self._centred
        return 0.5 * (a * a + b * b)

    @cached_property
    def variance(self) -> float:
        """V; 0 where the number is constant over each of A and B."""
        return float(self.squares.mean()) if np.ptp(self.a) > 0 or np.ptp(self.b) > 0 else 0.0

    @cached_property
    def usual(self) -> float:
        """The value that A has on at least half of the paths, such as 0 for a rare event; NaN if there is none."""
        return usual(self.a)

    @cached_property
    def is_event(self) -> bool:
        """Whether all values but the usual one are equally far from it, as those of an event."""
        distance = np.abs(np.concatenate([self.a, self.b]) - self.usual)
        distance = distance[distance > 0]
        return len(distance) > 1 and bool(np.ptp(distance) == 0)

    @cached_property
    def flag(self) -> Flag | None:
        """Why no index has an interval: too few units, too heavy a tail, or too few paths away from the usual value."""
        few = _few_units(self.units)
        if few or self.is_event:
            return few
        sample = Sample(self.a.astype(np.float64)[None], self.units)
        return few_away(away(self.a)) or sample.tail("squares", sample.scatter)

    def both(self, mixed: Paths) -> tuple[Estimate, Estimate]:
        """First-order and total index of an input, from A_k.

        The first-order index S_k = Var E(f | x_k) / V is the share of the variance that goes if x_k is known. Two
        estimators, the means of (A_k - A) (B - mean) and of V - (B - A_k)^2 / 2, both over V, are combined with the
        least standard error. Where too few paths contribute to either, the interval reaches from 0 to the upper end of
        the total index, which is never less; without that end there is none. Sources: Saltelli et al. (2010), Comput.
        Phys. Commun. 181, 259-270, doi:10.1016/j.cpc.2009.09.018; Jansen (1999), Comput. Phys. Commun. 117, 35-43,
        doi:10.1016/S0010-4655(98)00154-4.
        """
        if not self.variance:
            return (NOTHING.flagged(self.flag),) * 2
        a, b = self._centred
        x = mixed.astype(np.float64) - self.middle
        total = self._total(mixed, 0.5 * (a - x) ** 2)
        one, u = self._influence((x - a) * b)
        two, v = self._influence(self.squares - 0.5 * (b - x) ** 2)
        uu, vv, uv = dots(u, u), dots(v, v), dots(u, v)
        weight = float((vv - uv) / (uu + vv - 2 * uv)) if uu + vv > 2 * uv else 1.0
        own = self._estimate(weight * one + (1 - weight) * two, weight * u + (1 - weight) * v)
        if self._fewest((self.a != mixed) & (self.b != self.usual), self.b != mixed) >= FEWEST_TELLING:
            return own, total
        if np.isnan(total.high):
            return _unsure(own, total), total
        return _within(own, 0.0, float(np.fmin(1.0, total.high))).flagged(*total.flags), total

    def _total(self, mixed: Paths, squares: Paths) -> Estimate:
        """Total index T_k = E Var(f | all but x_k) / V = E (A - A_k)^2 / 2 V: the share left if all but x_k are known.

        There is no interval where too few paths contribute. Source: Jansen (1999), doi:10.1016/S0010-4655(98)00154-4.

        Args:
          squares: (A - A_k)^2 / 2.
        """
        own, moved = self._estimate(*self._influence(squares)), self.a != mixed
        both = (self.a != self.usual) & (mixed != self.usual) if self.is_event else moved
        few = self._fewest(moved, both)
        return (
            own if few >= FEWEST_TELLING else own.flagged(Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, few, FEWEST_TELLING))
        )

    def _fewest(self, *kinds: Happens) -> float:
        """Least number of paths of several kinds; infinite where no interval is shown anyway."""
        withheld = self.flag is not None and self.flag.withholds
        return np.inf if withheld else min(int(np.count_nonzero(paths)) for paths in kinds)

    def _influence(self, products: Paths) -> tuple[float, Float[np.ndarray, "unit"]]:
        """The mean of `products` over V, and the sum of its influences over each unit [unit]."""
        value = float(products.mean()) / self.variance
        return value, self.units.totals((products - value * self.squares) / self.variance)

    def _estimate(self, value: float, totals: Float[np.ndarray, "unit"]) -> Estimate:
        return _of_influence(value, totals, self.units).flagged(self.flag)


def _of_influence(value: float, totals: Float[np.ndarray, "unit"], units: Units) -> Estimate:
    """A number with the interval of its influences, which are summed over each unit."""
    of = moments_of_totals(totals, units)
    return estimated(of, value - of.mean)


def usual(x: Paths) -> float:
    """The value that a number has on at least half of the paths; NaN if there is none."""
    middle = np.partition(x, len(x) // 2)[len(x) // 2]
    return float(middle) if 2 * np.count_nonzero(x == middle) >= len(x) else np.nan


def away(x: Paths) -> float:
    """Number of paths on which a number differs from its usual value; infinite if it has no usual value."""
    common = usual(x)
    return np.inf if np.isnan(common) else float(np.count_nonzero(x != common))


def few_away(count: float) -> Flag | None:
    """Flag for too few paths away from the usual value to estimate a standard error; None if there are enough."""
    return Flag(Reason.FEW_EFFECTIVE_EXCEEDANCES, count, FEWEST_FOR_ES) if count < FEWEST_FOR_ES else None


def _few_units(units: Units) -> Flag | None:
    """Flag for too few independent units for the interval of a ratio; None if enough."""
    few = Flag(Reason.FEW_IN_SAMPLE, units.count, FEW_UNITS) if units.count < FEW_UNITS else None
    return units.scarce or few


def _within(own: Estimate, low: float, high: float) -> Estimate:
    """An estimate with another interval, clipped into it."""
    value = float(np.clip(own.estimate, low, high))
    return replace(own, estimate=value, standard_error=(high - low) / (2 * Z), low=low, high=high)


def _unsure(own: Estimate, total: Estimate) -> Estimate:
    """An index within 0 and 1 without an error, as too few paths contribute to the total index."""
    return replace(own, estimate=float(np.clip(own.estimate, 0, 1)), standard_error=np.nan).flagged(*total.flags)


def between(own: Estimate, first: Estimate, total: Estimate) -> Estimate:
    """A Shapley effect to which few paths contribute, with an interval from its first-order to its total index.

    The ends are the lower end of the first-order index and the upper end of the total index, between which the effect
    lies in theory. Source: Owen (2014), SIAM/ASA J. Uncertain. Quantif. 2, 245-251, doi:10.1137/130936233.
    """
    if np.isnan(total.high):
        return _unsure(own, total)
    low, high = min(float(np.fmax(first.low, 0.0)), own.estimate), float(np.fmax(total.high, own.estimate))
    return _within(own, low, high).flagged(*total.flags)


def increments(x: Paths, mixed: Paths) -> Paths:
    """Value of a coalition u of inputs on each path, up to a term common to all coalitions: A_u^2 / 2 - A A_u.

    A_u is the number with the inputs of u drawn anew. The mean, less that of the empty coalition, is V - Cov(A, A_u):
    the variance left where the other inputs are known. Differences along an order in which inputs are drawn anew one by
    one are Goda's products. Source: Goda (2021), A simple algorithm for global sensitivity analysis with Shapley
    effects, Reliab. Eng. Syst. Saf. 213, 107702, doi:10.1016/j.ress.2021.107702.

    Args:
      x: A, less a constant near its mean.
      mixed: A_u, less the same constant.
    """
    return mixed * (0.5 * mixed - x)


def shares(parts: Float[np.ndarray, "input batch"]) -> tuple[Estimate, ...]:
    """Share of each input in the sum of all, with intervals from independent batches of equal size.

    Args:
      parts: contribution of each input in each batch.
    """
    count = parts.shape[1]
    whole = parts.sum(axis=0)
    total = float(whole.mean())
    if not total > 0:
        return (NOTHING,) * len(parts)
    units = Units(count, 1)
    estimates = []
    for row in parts:
        value = float(row.mean()) / total
        estimates.append(_of_influence(value, (row - value * whole) / total, units).flagged(_few_units(units)))
    return tuple(estimates)
