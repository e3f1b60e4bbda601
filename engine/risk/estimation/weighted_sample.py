"""Measures of one variable's losses on weighted futures, differences between two policies, and their flags.

The counterpart of `Sample` in `measures.py`. The mean is judged by the tails of each future's contribution to its
error, w (x - mean), ES by those of w (x - VaR)+; these are heavy where the values or the weights are. A tail that is
heavy because of the weights alone withholds the interval only from a higher shape on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.risk.estimation.differences import ROUNDING
from engine.risk.estimation.evidence import FEWEST_FOR_ES, FEWEST_FOR_ES_DIFFERENCE, Evidence
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import (
    HEAVY,
    HEAVY_TAILS,
    gravest,
    largest,
    largest_flag,
    material,
    of_squares,
    tail_size,
)
from engine.risk.estimation.intervals import FEW_UNITS, Levels, Paths
from engine.risk.estimation.measures import alone, few_replicates, of_gaps
from engine.risk.estimation.ratios import Quantile, Ranked, Ratio, Weights
from engine.risk.estimation.tails import Column, Table, deviation, gap_of_deviations, stacked

LARGEST_SHAPE = 0.7
"""Tail shape (k-hat) of weights or weighted values above which estimates are unreliable (Vehtari et al. 2024)."""


@dataclass(frozen=True)
class Sample:
    """Losses on futures, all finite and high being worse, with their weights and the levels of VaR and ES."""

    losses: Paths
    weights: Weights
    levels: Levels

    @cached_property
    def ranked(self) -> Ranked:
        """The losses in descending order with cumulated weights."""
        return self.weights.ranked(self.losses.astype(np.float64))

    @cached_property
    def constant(self) -> bool:
        """Whether all losses are equal."""
        return bool(self.ranked.descending[0] == self.ranked.descending[-1])

    @cached_property
    def mean(self) -> Ratio:
        return self.weights.mean(self.ranked.values)

    @cached_property
    def squares(self) -> Ratio:
        """Mean of the squared distances from the mean."""
        centre = self.ranked.values[0] if self.constant else self.mean.of.mean
        return self.weights.mean(np.square(self.ranked.values - centre))

    @property
    def deviation(self) -> Column:
        return deviation(self.squares.of, self.weights.kish)

    @cached_property
    def quantiles(self) -> list[Quantile]:
        """The median, then VaR at each level."""
        at_risk = (self.weights.quantile(self.ranked, 1 - level) for level in self.levels)
        return [self.weights.median(self.ranked), *at_risk]

    @property
    def exceedances(self) -> list[float]:
        """Effective exceedances of the median and of VaR at each level; infinite where VaR is the upper bound."""
        middle, *at_risk = self.quantiles
        return [middle.exceedances, *(np.inf if var.ended else var.exceedances for var in at_risk)]

    @cached_property
    def shortfalls(self) -> list[Ratio]:
        """Mean excess over VaR, by level."""
        return [self.weights.mean(self.excess(var.value)) for var in self.quantiles[1:]]

    def excess(self, threshold: float) -> Paths:
        """Excess over a threshold on each path, at least 0."""
        return np.maximum(self.ranked.values - threshold, 0.0)

    @cached_property
    def spread(self) -> Flag | None:
        """Flag of the standard deviation."""
        return gravest((of_squares(upper_tail(self.squares)), self.scarce))

    @cached_property
    def beyond(self) -> list[Flag | None]:
        """Flag of ES at each level."""
        return [
            gravest((self._tail(var.value, of.squares), self.scarce))
            for var, of in zip(self.quantiles[1:], self.shortfalls, strict=True)
        ]

    def _tail(self, var: float, squares: float) -> Flag | None:
        """Flag of the weighted excess over VaR, or over a lower threshold with enough values beyond it."""
        size, each = tail_size(len(self.losses)), self.weights.each
        if not size:
            return None
        excess = self.excess(min(var, float(self.ranked.descending[size])))
        flag = judged(largest_flag(largest(each * excess, size)), lambda: largest_flag(largest(excess, size)))
        return material(flag, largest(each * self.excess(var), size), 0.0, squares)

    @property
    def scarce(self) -> Flag | None:
        """Flag for fewer units than an interval needs, or for few futures with nearly all weight."""
        return few_replicates(self.weights.units) or few_with_weight(self.weights)

    def own(self) -> Evidence:
        """Measures of these losses."""
        columns, excesses = [one.column for one in self.quantiles], [one.of for one in self.shortfalls]
        table = stacked(self.mean.of, columns, self.deviation, self.levels, excesses)
        tails = self.spread, *self.beyond
        return self._evidence(table, self.mean, tails, self.exceedances, self.constant, FEWEST_FOR_ES)

    def less(self, baseline: Sample) -> Evidence:
        """Measures of these losses less those of `baseline` on the same futures, and how often these are worse.

        The error of the mean comes from the paired differences, those of the others from differences of influence
        functions.
        """
        gaps = self.ranked.values - baseline.ranked.values
        constant = bool(np.ptp(gaps) <= ROUNDING * abs(gaps.max()))
        mean, squares = self.weights.mean(gaps), self.weights.mean(self._squared() - baseline._squared())
        sides = list(zip(self.quantiles, baseline.quantiles, strict=True))
        excesses = [self.weights.mean(self.excess(a.value) - baseline.excess(b.value)) for a, b in sides[1:]]
        table = stacked(
            mean.of,
            [self._gap(baseline, *pair, constant) for pair in sides],
            gap_of_deviations(squares.of, self.deviation[0] - baseline.deviation[0], constant),
            self.levels,
            [excess.of for excess in excesses],
            self.weights.share(self.losses > baseline.losses),
        )
        beyond = list(zip(self.beyond, baseline.beyond, strict=True))
        tails = (
            *of_gaps([(self.spread, baseline.spread)], lambda: of_squares(both_tails(squares))),
            *of_gaps(beyond, lambda: both_tails(excesses[0])),
        )
        fewer = list(map(min, self.exceedances, baseline.exceedances))
        return self._evidence(table, mean, tails, fewer, constant, FEWEST_FOR_ES_DIFFERENCE)

    def _gap(self, baseline: Sample, mine: Quantile, other: Quantile, constant: bool) -> Column:
        gap = self.weights.gap(self.ranked, baseline.ranked, mine, other)
        return (gap[0], np.zeros(()), gap[0], gap[0]) if constant and np.isfinite(gap[1]) else gap

    def _squared(self) -> Paths:
        """Influence of each path on the standard deviation, (x - mean)^2 / (2 sd); zero where values are constant."""
        size = 2 * float(np.sqrt(self.squares.of.mean))
        return np.square(self.ranked.values - self.mean.of.mean) / (size if size > 0 else np.inf)

    def _evidence(
        self,
        table: Table,
        mean: Ratio,
        tails: Sequence[Flag | None],
        exceedances: Sequence[float],
        constant: bool,
        for_es: int,
    ) -> Evidence:
        flags = gravest((both_tails(mean), self.scarce)), *tails
        return Evidence(self.levels, table, flags, exceedances, for_es, constant, alone(self.weights.units))


def both_tails(of: Ratio) -> Flag | None:
    """Flag of a weighted mean from both tails of its residuals."""
    return gravest((upper_tail(of), upper_tail(of, -1.0)))


def few_with_weight(of: Weights) -> Flag | None:
    """Flag for few effective futures out of many: these may hold so much weight that no tail shows it; None if
    enough."""
    few = of.kish < min(FEW_UNITS, of.units.paths / 2)
    return Flag(Reason.FEW_IN_SAMPLE, of.kish, FEW_UNITS) if few else None


def heavy_weights(of: Ratio) -> Flag | None:
    """Flag of a share whose weighted residuals have too heavy a tail, which can only come from the weights; else
    None."""
    flag = both_tails(of)
    return flag if flag and flag.withholds and flag.reason in HEAVY_TAILS else None


def upper_tail(of: Ratio, sign: float = 1.0) -> Flag | None:
    """Flag of the residuals' upper tail, or of the lower one for sign -1.

    Few tail paths are flagged only where they make up most of the sum of squares.
    """
    size = tail_size(len(of.residuals))
    if not size:
        return None
    tail = largest(sign * of.residuals, size)
    flag = judged(largest_flag(tail), lambda: largest_flag(largest(sign * of.values, size)))
    return material(flag, tail, 0.0, of.squares)


def judged(flag: Flag | None, alone: Callable[[], Flag | None]) -> Flag | None:
    """Flag of a weighted tail; a warning only, below `LARGEST_SHAPE`, if the values `alone` are not heavy-tailed.

    Source of the limit: Vehtari, Simpson, Gelman, Yao and Gabry (2024), J. Mach. Learn. Res. 25(72), 1-58, for the tail
    of w h(x).
    """
    if flag is None or flag.reason not in HEAVY_TAILS or not flag.withholds or flag.got >= LARGEST_SHAPE:
        return flag
    own = alone()
    heavy = own is not None and own.withholds and own.reason in HEAVY_TAILS
    return flag if heavy else Flag(Reason.HEAVY_TAIL, flag.got, HEAVY)
