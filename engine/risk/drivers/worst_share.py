"""The worst share of an outcome's paths, or the paths on which an event happens: means among them, with intervals.

ES is a weighted mean over the worst paths. With the same weights the mean of any other quantity is its mean in the
scenarios that make up ES, and the means of the outcome's additive parts add up to ES (Euler's theorem, as ES is
homogeneous; Tasche 1999, Risk contributions and performance measurement). All intervals allow for VaR being estimated
too. Formulas and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int
from scipy.special import fdtrc

from engine.risk.estimation.events import Happens
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.influences import FEWEST_FOR_ES, shifted
from engine.risk.estimation.intervals import FEW_UNITS, Estimate, Paths, Units, Z, dots, moments_of_some
from engine.risk.estimation.tails import tail_count

Tails = Float[np.ndarray, "cell tail"]

NEAR = 0.5
"""Ranks on either side of VaR, as a share of the tail's size, from which means at VaR are estimated."""
MOST_ALIKE = 4
"""Greatest number of paths tied with VaR that are used, in multiples of the tail's size."""


@dataclass(frozen=True)
class WorstShare:
    """The worst paths and the weight of each.

    Args:
      units: independent units of all paths.
      path: indices of the worst paths, ascending [tail].
      weight: weight of each of them; the sum is 1 [tail].
      near: indices of the paths around VaR, ascending; empty for an event [near].
      gap: how much worse each path of `near` is than VaR [near].
      sign: -1 where low values are worse.
    """

    units: Units
    path: Int[np.ndarray, "tail"]
    weight: Float[np.ndarray, "tail"]
    near: Int[np.ndarray, "near"]
    gap: Float[np.ndarray, "near"]
    sign: float = 1.0

    @property
    def is_event(self) -> bool:
        """Whether the paths are those of an event, whose threshold is given and not estimated."""
        return not len(self.near)

    @cached_property
    def _held(self) -> Units:
        """Units of the worst paths."""
        return self.units.take(np.isin(np.arange(self.units.paths), self.path))

    @property
    def independent(self) -> int:
        """Number of independent units among the worst paths."""
        return self._held.count

    @property
    def _needed(self) -> int:
        """Number of independent units among the worst paths that an interval of a mean needs."""
        return FEW_UNITS if self.is_event else FEWEST_FOR_ES

    def _flag(self) -> Flag | None:
        """Flag that withholds intervals: too few of the worst paths, or too few units; None if enough."""
        few = None if self.independent >= self._needed else Flag(Reason.FEW_EXCEEDANCES, self.independent, self._needed)
        return self.units.scarce or few

    def means(self, tail: Tails, near: Float[np.ndarray, "cell near"]) -> list[Estimate]:
        """Weighted means w . x among the worst paths, one for each cell.

        The influence of a path is w (x - m) + m, with m the mean of x where the outcome equals VaR.

        Args:
          tail: values x on the worst paths.
          near: values x on the paths around VaR; not used for an event.
        """
        centre = self._centre(tail, near)
        return self._estimates((tail - centre[:, None]) * self.weight, centre)

    def distance(
        self, tail: Float[np.ndarray, "part tail"], near: Float[np.ndarray, "part near"], sample: float = np.inf
    ) -> tuple[Estimate, float]:
        """Distance of the worst paths from a prior cut into K equally likely parts, and the p value for no distance.

        With g the shares of the worst paths in the parts less 1 / K, and V their covariance over units, the distance is
        K g'g, Pearson's mean square contingency: the variance of the density relative to the prior, 0 where the worst
        paths follow the prior, K - 1 where all are in one part. Its bias K tr V is subtracted; its variance is 4 K^2
        g'Vg + 2 K^2 tr V^2. The p value is that of g'g / tr V0 by Fisher's F with (tr V0)^2 / tr V0^2 and m - 1 degrees
        of freedom, where V0 is V around the prior instead of the estimate and m is the number of units among the worst
        paths (Rao and Scott 1984, Ann. Statist. 12, 46-60, their second correction; Thomas and Rao 1987, J. Am.
        Statist. Assoc. 82, 630-636). For the interval, V is that of z^2 more units which follow the prior, as in
        Agresti and Coull (1998, Am. Stat. 52, 119-126) for shares, so that the interval keeps a width where all are in
        few parts.

        Args:
          tail, near: 1 where a path lies in a part, else 0; for tied values, the share of them in the part.
          sample: number of draws that the parts of the prior were computed from; infinite for an exact prior.
        """
        count = len(tail)
        even = np.full(count, 1 / count)
        gap = dots(tail, self.weight) - even
        of_sample = (np.diag(even) - np.outer(even, even)) / sample

        def totals(around: np.ndarray) -> np.ndarray:
            """Of each part over units; those without any of the worst paths contribute zero."""
            return self._held.totals((tail - around[:, None]) * self.weight)

        of_units, of_prior, n = totals(self._centre(tail, near)), totals(even), self.units.count
        total = of_units.sum(axis=1)
        spread = (of_units @ of_units.T - np.outer(total, total) / n) * n / max(n - 1, 1) + of_sample
        even_spread = of_prior @ of_prior.T + of_sample
        square = float(gap @ gap)
        value = count * (square - np.trace(spread))
        spread = spread + (Z / self.independent) ** 2 * np.diag(even)
        error = count * np.sqrt(4 * gap @ spread @ gap + 2 * np.sum(spread**2))
        ends = (max(value + side * self.units.reach * error, 0.0) for side in (-1.0, 1.0))
        estimate = Estimate(max(value, 0.0), float(error), *ends)
        chance = float(np.trace(even_spread))
        freedom = chance**2 / np.sum(even_spread**2)
        p = float(fdtrc(freedom, max(self.independent - 1, 1), square / chance)) if chance > 0 else 1.0
        return estimate.flagged(self._flag()), p

    def _centre(self, tail: Tails, near: Float[np.ndarray, "cell near"]) -> Float[np.ndarray, "cell"]:
        """Mean of the values where the outcome equals VaR, by a straight line fitted to the paths around it.

        For an event it is their mean among the worst paths.
        """
        if self.is_event:
            return dots(tail, self.weight)
        mean, gap = near.mean(axis=1), self.gap - self.gap.mean()
        spread = float(dots(gap, gap))
        # the slope of equal values is exactly zero
        rise = dots(near - mean[:, None], gap) / spread if spread > 0 else np.zeros(len(near))
        return mean - rise * self.gap.mean()

    def _estimates(self, parts: Tails, shift: Float[np.ndarray, "cell"]) -> list[Estimate]:
        """Sums over the worst paths, plus a shift, with the errors of means over all paths."""
        of, flag = moments_of_some(parts * self.units.paths, self.path, self.units), self._flag()
        rows = zip(*(column.tolist() for column in shifted(of, shift)), strict=True)
        return [Estimate(*row).flagged(flag) for row in rows]


def of_outcome(values: Paths, units: Units, level: float, loss: bool) -> WorstShare:
    """The worst 1 - level share of an outcome's paths, all of them finite, with the weights of ES."""
    sign = 1.0 if loss else -1.0
    losses = sign * values.astype(np.float64)
    n = len(losses)
    count, share = tail_count(n, level), 1 - level
    order = np.argsort(-losses, kind="stable")
    var = losses[order[count - 1]]
    above = int(np.count_nonzero(losses > var))
    alike = min(int(np.count_nonzero(losses == var)), MOST_ALIKE * count)
    path = np.sort(order[: above + alike])
    weight = np.where(losses[path] > var, 1 / (n * share), max(1.0 - above / (n * share), 0.0) / alike)
    half = max(int(NEAR * count), 1)
    near = np.sort(order[max(count - half, 0) : count + half])
    return WorstShare(units, path, weight, near, losses[near] - var, sign)


def of_event(happened: Happens, units: Units) -> WorstShare:
    """The paths on which an event happens, with equal weights."""
    path, none = np.flatnonzero(happened), np.zeros(0, np.int64)
    return WorstShare(units, path, np.ones(len(path)) / max(len(path), 1), none, none)
