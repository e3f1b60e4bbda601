"""Boxes: limits on factors within which the sought futures are frequent; their coverage and density.

A box limits some factors to a range or to some categories (scenario discovery). The *sought* futures are those whose
cause is looked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import bdtrc

from engine.risk.estimation.events import Happens
from engine.risk.estimation.intervals import Estimate, Paths, Units, moments_of_totals
from engine.risk.estimation.measures import estimated, probability

TOLERANCE = 0.1
"""Share of its correlation with the sought futures that a box may lose by dropping a limit."""
Draws = Mapping[str, Paths]


@dataclass(frozen=True)
class Limits:
    """Values of one factor that lie within a box.

    Args:
      low, high: range of a number, ends included; infinite on a side without limit.
      allowed: of a category, the values within the box; None for a number.
    """

    low: float = -np.inf
    high: float = np.inf
    allowed: tuple[float, ...] | None = None

    def hold(self, values: np.ndarray) -> np.ndarray:
        """Which values lie within the limits: bool, in the shape of `values`."""
        if self.allowed is not None:
            return np.isin(values, np.asarray(self.allowed, values.dtype))
        return (values >= self.low) & (values <= self.high)

    @property
    def ends(self) -> tuple[Limits, ...]:
        """The limits one by one: the lower and the upper limit where finite; for a category the limits themselves."""
        sides = (Limits(low=self.low), Limits(high=self.high), Limits(allowed=self.allowed))
        return tuple(side for side in sides if side != Limits())


Box = Mapping[str, Limits]
"""Limits by factor, for the restricted factors only."""


@dataclass(frozen=True)
class Restriction:
    """One restricted factor of a box, with its effect.

    Args:
      limits: limits of the factor.
      below, above: shares of the prior below and above the limits; for a category 0 and the share outside.
      quasi_p: quasi-p values of the lower and the upper limit (for a category one value, in the first place): the
        probability P(Bin(n, p) >= k) that of the n futures in the box at least as many, k, would be sought if that
        limit had no effect, p being the sought share without it; NaN for a side without limit. Source: Bryant and
        Lempert (2010), Technol. Forecast. Soc. Change 77, 34-49, doi:10.1016/j.techfore.2009.08.002.
      coverage, density: of the box without this factor.
    """

    limits: Limits
    below: float
    above: float
    quasi_p: tuple[float, ...]
    coverage: float
    density: float


@dataclass(frozen=True)
class Judged:
    """A box, judged on futures other than those it was found with.

    Args:
      box: limits by factor.
      coverage: share of the sought futures that lie within.
      density: share of the futures within that are sought.
      mass: share of all futures that lie within.
      restrictions: by factor, ordered from the factor whose removal costs most to that whose removal costs least.
    """

    box: Box
    coverage: Estimate
    density: Estimate
    mass: Estimate
    restrictions: Mapping[str, Restriction]


def inside(box: Box, draws: Draws, paths: int) -> Happens:
    """Which futures lie within a box."""
    within = np.ones(paths, bool)
    for name, limits in box.items():
        within &= limits.hold(draws[name])
    return within


def correlation(within: Happens, cases: Happens) -> float:
    """Correlation (phi) over futures of lying within a box and being sought; 0 where either holds for none or all.

    For a rare kind of future it is nearly the geometric mean of coverage and density.
    Source: Yule (1912), J. R. Statist. Soc. 75, 579-652, doi:10.2307/2340126.
    """
    n, a, b = len(cases), int(np.count_nonzero(within)), int(np.count_nonzero(cases))
    both = int(np.count_nonzero(within & cases))
    spread = float(a * (n - a) * b * (n - b))
    return (n * both - a * b) / spread**0.5 if spread else 0.0


def correlation_over_units(within: Happens, cases: Happens, units: Units) -> Estimate:
    """The correlation (phi) with its 95 % interval over units.

    With a and b standardised, the influence of a path on r is a b - r (a^2 + b^2) / 2.
    """
    r = correlation(within, cases)
    a, b = ((one - one.mean()) / (one.std() or 1.0) for one in (within, cases))
    moments = moments_of_totals(units.totals(a * b - r * (a * a + b * b) / 2), units)
    return estimated(moments, r - moments.mean).flagged(units.scarce)


def best(candidates: Iterable[Box], draws: Draws, cases: Happens) -> Box | None:
    """The candidate with the highest correlation, reduced to few limits; None where no correlation is above 0.

    Limits are dropped one by one, each time the one that costs least, as long as at least 1 - `TOLERANCE` of the
    correlation is kept.
    """

    def score(box: Box) -> float:
        return correlation(inside(box, draws, len(cases)), cases)

    kept = max(candidates, key=score, default={})
    value = score(kept)
    if value <= 0:
        return None
    while True:
        lesser = max((_without(kept, name, end) for name, limits in kept.items() for end in limits.ends), key=score)
        if not lesser or score(lesser) < (1 - TOLERANCE) * value:
            return kept
        kept, value = lesser, max(value, score(lesser))


def shares(within: Happens, cases: Happens, units: Units) -> tuple[Estimate, Estimate, Estimate]:
    """Coverage, density and mass of the futures within a box, or within any of several."""
    covered, dense = probability(within[cases], units.take(cases)), probability(cases[within], units.take(within))
    return covered, dense, probability(within, units)


def judged(box: Box, draws: Draws, cases: Happens, units: Units, left: Happens) -> Judged:
    """Coverage, density and mass of a box on some futures, and the effect of each of its limits.

    Args:
      draws: values of the factors on these futures [path].
      cases: which futures are sought.
      units: independent units of the futures.
      left: which futures lie in no earlier box; the others count as outside this box.
    """

    def within(some: Box) -> tuple[Happens, int, int]:
        """The futures in a box, their number, and how many of them are sought."""
        held = inside(some, draws, len(cases)) & left
        return held, int(held.sum()), int((held & cases).sum())

    (whole, size, hits), sought = within(box), max(int(cases.sum()), 1)
    parts: list[tuple[float, str, Restriction]] = []
    for name, limits in box.items():
        values, quasi_p = draws[name], [np.nan, np.nan]
        for end in limits.ends:
            _, many, found = within(_without(box, name, end))
            quasi_p[end.high < np.inf] = float(bdtrc(hits - 1, size, found / max(many, 1))) if hits else 1.0
        below, outside = float(np.mean(values < limits.low)), float(np.mean(~limits.hold(values)))
        wider, many, found = within(_without(box, name))
        part = Restriction(limits, below, outside - below, tuple(quasi_p), found / sought, found / max(many, 1))
        parts.append((correlation(wider, cases), name, part))
    return Judged(box, *shares(whole, cases, units), {name: part for _, name, part in sorted(parts)})


def _without(box: Box, name: str, end: Limits | None = None) -> dict[str, Limits]:
    """The box without a factor, or without one of its limits."""
    others = [one for one in box[name].ends if end and one != end]
    rest = {other: limits for other, limits in box.items() if other != name}
    return rest | ({name: others[0]} if others else {})
