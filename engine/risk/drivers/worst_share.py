"""The worst share of an outcome's paths, or those on which an event happens: what holds among them, with intervals over units.

ES a is a weighted mean over the worst paths, so the mean of anything else with the same weights is what it is where ES is made, and the
weighted means of parts of the outcome add up to ES (Euler's theorem, as ES is homogeneous; Tasche 1999, Risk contributions and performance
measurement). All intervals take in that VaR is estimated too. Formulas and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.special import fdtrc

from engine.risk.estimation.evidence import FEWEST_FOR_ES
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.intervals import (
    FEW_UNITS,
    Estimate,
    Moments,
    Some,
    Units,
    Z,
    dots,
    moments_of_some,
    moments_of_tail,
    power_sums,
)
from engine.risk.estimation.tails import shifted, tail_count

Tails = Float[np.ndarray, "cell tail"]

NEAR = 0.5
"""Ranks around VaR by which is seen what holds at VaR itself: this share of the tail to either side."""
DENSE = 0.2
"""The same for the density of the outcome at VaR, which bends."""
MOST_ALIKE = 4
"""Paths with the very value of VaR that are looked at, in tails."""


@dataclass(frozen=True)
class WorstShare:
    """Which paths they are, and how much each counts.

    Args:
      units: of all paths.
      path: the worst, ascending [tail].
      weight: of each; together 1 [tail].
      excess: how much worse each is than VaR, at least 0; whether it happens, for an event [tail].
      near: paths around VaR, ascending; none for an event [near].
      gap: how much worse each of these is than VaR [near].
      share: 1 - level; the event's own.
      density: of the outcome at VaR; 0 for an event, and where many paths have the value of VaR.
      sign: -1 where low is worse.
    """

    units: Units
    path: Int[np.ndarray, "tail"]
    weight: Float[np.ndarray, "tail"]
    excess: Float[np.ndarray, "tail"]
    near: Int[np.ndarray, "near"]
    gap: Float[np.ndarray, "near"]
    share: float
    density: float = 0.0
    sign: float = 1.0

    @property
    def is_event(self) -> bool:
        """Whether its threshold is given, and not estimated."""
        return not len(self.near)

    @cached_property
    def firsts(self) -> Int[np.ndarray, "unit"]:
        """Where the worst paths of each unit begin."""
        return np.flatnonzero(np.diff(self.units.owners(self.path), prepend=-1))

    @property
    def independent(self) -> int:
        """How many of the worst paths are independent of each other."""
        return len(self.firsts)

    def _flag(self, needed: int) -> Flag | None:
        """What takes intervals away: too few of the worst paths, or of units."""
        if self.units.count < self.units.needed:
            return Flag(Reason.FEW_REPLICATES, self.units.count, self.units.needed)
        many = self.independent
        return None if many >= needed else Flag(Reason.FEW_EXCEEDANCES, many, needed)

    def means(self, tail: Tails, near: Float[np.ndarray, "cell near"] | None = None) -> list[Estimate]:
        """Means among the worst paths: w . x, whose influence is w (x - m) + m with m the mean of x where the outcome is VaR.

        Args:
          tail: values on the worst paths.
          near: on those around VaR; not looked at for an event.
        """
        centre = dots(tail, self.weight) if self.is_event or near is None else self._at_edge(near)
        needed = FEW_UNITS if self.is_event else FEWEST_FOR_ES
        return self._estimates((tail - centre[:, None]) * self.weight, centre, needed)

    def distance(
        self,
        tail: Float[np.ndarray, "part tail"],
        near: Float[np.ndarray, "part near"],
        sample: float = np.inf,
    ) -> tuple[Estimate, float]:
        """How far the worst paths are from a prior that is cut into parts of the same probability, and the p value that they are not.

        With g the share of the worst paths in each of the K parts less 1 / K, and V its covariance over units, the distance is K g'g, Pearson's
        mean square contingency: the variance of the density over the prior's, 0 where they are as the prior has them, K - 1 where all
        are in one part. K tr V is taken off it, which chance alone adds; its variance is 4 K^2 g'Vg + 2 K^2 tr V^2.
        The p value is that of g'g / tr V0 by Fisher's F with (tr V0)^2 / tr V0^2 degrees of freedom, V0 being V around the prior in place of
        the estimate (Rao and Scott 1984, Ann. Statist. 12, 46-60, their second correction; Thomas and Rao 1987, J. Am. Statist. Assoc. 82,
        630-636), and with one less than the units that the worst paths are of. For the interval V has z^2 units more that lie as the
        prior has them, as Agresti and Coull (1998, Am. Stat. 52, 119-126) have for shares: it stays open where all are in few parts.

        Args:
          tail, near: in which part each path lies, 1 or 0; of values that are alike, which share of them.
          sample: draws that the parts of the prior were taken from, where it is known by these alone.
        """
        count = len(tail)
        even = np.full(count, 1 / count)
        gap = dots(tail, self.weight) - even
        of_sample = (np.diag(even) - np.outer(even, even)) / sample
        centre = gap + even if self.is_event else self._at_edge(near)
        units = self.units.count
        own = self._by_unit(tail * self.weight)
        rows = np.concatenate([own, self._by_unit(self.weight)[None], np.ones((1, own.shape[1]))])
        products = np.einsum("iu,ju->ij", rows, rows)

        def summed(around: np.ndarray, mean: np.ndarray) -> np.ndarray:
            """Products over units of what the parts are around something, less a mean."""
            of = np.column_stack([np.eye(count), -around, -mean])
            return of @ products @ of.T

        # of units without any of the worst paths it is nothing
        mean = (products[:count, -1] - centre * products[count, -1]) / units
        spread = summed(centre, mean) * units / max(units - 1, 1) + of_sample
        even_spread = summed(even, np.zeros(count)) + of_sample
        square = float(gap @ gap)
        value = count * (square - np.trace(spread))
        spread = spread + (Z / self.independent) ** 2 * np.diag(even)
        error = count * np.sqrt(4 * gap @ spread @ gap + 2 * np.sum(spread**2))
        ends = (max(value + side * self.units.reach * error, 0.0) for side in (-1.0, 1.0))
        estimate = Estimate(max(value, 0.0), float(error), *ends)
        chance = float(np.trace(even_spread))
        freedom = chance**2 / np.sum(even_spread**2)
        p = float(fdtrc(freedom, max(self.independent - 1, 1), square / chance)) if chance > 0 else 1.0
        return estimate.flagged(self._flag(FEW_UNITS if self.is_event else FEWEST_FOR_ES)), p

    def slopes(self, scores: Tails) -> list[Estimate]:
        """Derivatives of ES, or of the event's probability, in parameters of the priors: E[(x - VaR)+ s] / (1 - a), E[1 s].

        Args:
          scores: s, derivatives of the log density of what was drawn in each parameter, on the worst paths.
        """
        if self.is_event:
            return self._estimates(scores / self.units.paths, np.zeros(len(scores)), FEWEST_FOR_ES)
        values = self.excess * scores / (self.share * self.units.paths)
        slope = values.sum(axis=1)
        if self.density > 0:
            # VaR is estimated: its own influence is (1{x > VaR} - share) / density
            bent = dots(scores, self.weight) / self.density
            of_var = bent[:, None] * self.weight * self.share
            centre = bent * self.share
        else:
            of_var, centre = np.zeros_like(values), np.zeros(len(scores))
        found = self._estimates(values - of_var, centre, FEWEST_FOR_ES)
        assert np.allclose(
            [one.estimate for one in found], slope, rtol=1e-6, atol=1e-9 * np.abs(values).sum()
        )
        return [one if self.sign > 0 else -one for one in found]

    def _at_edge(self, near: Float[np.ndarray, "cell near"]) -> Float[np.ndarray, "cell"]:
        """What the values are on average where the outcome is VaR: by a straight line through those around it."""
        mean, gap = near.mean(axis=1), self.gap - self.gap.mean()
        spread = float(dots(gap, gap))
        # of what is the same on all of them it is nothing, to the last digit
        rise = dots(near - mean[:, None], gap) / spread if spread > 0 else np.zeros(len(near))
        return mean - rise * self.gap.mean()

    def _estimates(self, parts: Tails, shift: Float[np.ndarray, "cell"], needed: int) -> list[Estimate]:
        """Sums over the worst paths, plus a shift, with the errors of means over all paths."""
        columns, flag = shifted(self._moments(parts * self.units.paths), 1.0, shift), self._flag(needed)
        rows = zip(*(column.tolist() for column in columns), strict=True)
        return [Estimate(one, error, low, high).flagged(flag) for one, error, low, high in rows]

    def _moments(self, parts: Tails) -> Moments:
        """Moments of means over all paths, from values on the worst of them."""
        cells = len(parts)
        if self.units.owner is None and not self.units.replicated:  # two share a unit at most
            one = self.firsts[np.diff(self.firsts, append=len(self.path)) > 1]
            joint = np.stack([parts[:, one], parts[:, one + 1]], axis=-1).reshape(-1, 2)
            return moments_of_tail(
                power_sums(parts), np.repeat(np.arange(cells), len(one)), joint, self.units
            )
        which = np.repeat(np.arange(cells), len(self.path))
        return moments_of_some(Some(cells, which, np.tile(self.path, cells), parts.ravel()), self.units)

    def _by_unit(self, values: Float[np.ndarray, "*cells tail"]) -> Float[np.ndarray, "*cells unit"]:
        if self.independent == len(self.path):
            return values
        return np.add.reduceat(values, self.firsts, axis=-1)


def of_outcome(values: Float[np.ndarray, "path"], units: Units, level: float, loss: bool) -> WorstShare:
    """The worst 1 - level share of an outcome's paths, all of them finite; the weights are those of ES."""
    sign = 1.0 if loss else -1.0
    losses = sign * values.astype(np.float64)
    n = len(losses)
    count, share = tail_count(n, level), 1 - level
    order = np.argsort(-losses, kind="stable")
    var = losses[order[count - 1]]
    above = np.flatnonzero(losses > var)
    alike = np.flatnonzero(losses == var)[: MOST_ALIKE * count]
    rest = max(1.0 - len(above) / (n * share), 0.0)
    path = np.concatenate([above, alike])
    weight = np.concatenate([np.full(len(above), 1 / (n * share)), np.full(len(alike), rest / len(alike))])
    at = np.argsort(path)
    half, close = max(int(NEAR * count), 1), max(int(DENSE * count), 1)
    near = np.sort(order[max(count - half, 0) : count + half])
    high, low = losses[order[max(count - 1 - close, 0)]], losses[order[min(count - 1 + close, n - 1)]]
    between = min(count - 1 + close, n - 1) - max(count - 1 - close, 0)
    density = between / n / (high - low) if high > low and len(alike) == 1 else 0.0
    return WorstShare(
        units, path[at], weight[at], losses[path[at]] - var, near, losses[near] - var, share, density, sign
    )


def of_event(happened: Bool[np.ndarray, "path"], units: Units) -> WorstShare:
    """The paths on which an event happens, each with the same weight."""
    path = np.flatnonzero(happened)
    ones = np.ones(len(path))
    none = np.zeros(0, np.int64)
    return WorstShare(
        units, path, ones / max(len(path), 1), ones, none, np.zeros(0), len(path) / len(happened)
    )
