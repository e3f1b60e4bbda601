"""Measures of one variable's losses on weighted futures, differences between two policies, and their flags.

The counterpart of `Sample` in `measures.py`. The mean is judged by the tails of each future's contribution to its
error, w (x - mean), ES by those of w (x - VaR)+; these are heavy where the values or the weights are. A tail that is
heavy because of the weights alone withholds the interval only from a higher shape on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
from engine.risk.estimation.intervals import FEW_UNITS
from engine.risk.estimation.measures import ONE_UNIT, few_replicates, of_gap
from engine.risk.estimation.ratios import Paths, Quantile, Ranked, Ratio, Weights
from engine.risk.estimation.tails import Column, deviation, keep_known, shifted, stacked

LARGEST_SHAPE = 0.7
"""Tail shape (k-hat) of weights or weighted values above which estimates are unreliable (Vehtari et al. 2024)."""


@dataclass(frozen=True)
class Sample:
    """Losses on futures, all finite and high being worse, with their weights and the levels of VaR and ES."""

    losses: Paths
    weights: Weights
    levels: tuple[float, ...]

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
    def median(self) -> Quantile:
        return self.weights.median(self.ranked)

    @cached_property
    def at_risk(self) -> list[Quantile]:
        """VaR, by level."""
        return [self.weights.quantile(self.ranked, 1 - level) for level in self.levels]

    @cached_property
    def shortfalls(self) -> list[Ratio]:
        """Mean excess over VaR, by level."""
        return [self.weights.mean(self.excess(var.value)) for var in self.at_risk]

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
            for var, of in zip(self.at_risk, self.shortfalls, strict=True)
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
        rows = [
            shifted(self.mean.of, 1.0),
            self.median.column,
            self.deviation,
            *(var.column for var in self.at_risk),
            *self._shortfalls([var.column for var in self.at_risk], self.shortfalls),
        ]
        flag = gravest((both_tails(self.mean), self.scarce))
        return self._evidence(rows, flag, self.spread, self.beyond, (self,), self.constant, FEWEST_FOR_ES)

    def less(self, baseline: Sample) -> Evidence:
        """Measures of these losses less those of `baseline` on the same futures, and how often these are worse.

        The error of the mean comes from the paired differences, those of the others from differences of influence
        functions.
        """
        gaps = self.ranked.values - baseline.ranked.values
        constant = bool(np.ptp(gaps) <= ROUNDING * abs(gaps.max()))
        mean = self.weights.mean(gaps)
        sides = list(zip(self.at_risk, baseline.at_risk, strict=True))
        at_risk = [self._gap(baseline, *pair, constant) for pair in sides]
        excesses = [self.excess(a.value) - baseline.excess(b.value) for a, b in sides]
        rows = [
            shifted(mean.of, 1.0),
            self._gap(baseline, self.median, baseline.median, constant),
            self._gap_of_deviations(baseline, constant),
            *at_risk,
            *self._shortfalls(at_risk, [self.weights.mean(excess) for excess in excesses]),
            self.weights.share(self.losses > baseline.losses),
        ]
        flag = gravest((both_tails(mean), self.scarce))
        beyond, spread = list(zip(self.beyond, baseline.beyond, strict=True)), (self.spread, baseline.spread)
        shared = both_tails(self.weights.mean(excesses[0])) if any(map(any, beyond)) else None
        squared = of_squares(both_tails(self._gap_of_squares(baseline))) if any(spread) else None
        flags = [of_gap(pair, shared) for pair in beyond]
        both, few = (self, baseline), FEWEST_FOR_ES_DIFFERENCE
        return self._evidence(rows, flag, of_gap(spread, squared), flags, both, constant, few)

    def _shortfalls(self, at_risk: Sequence[Column], excesses: Sequence[Ratio]) -> list[Column]:
        """ES at each level from VaR and the mean excess over it, or differences of ES from those of both."""
        return [
            keep_known(np.isfinite(var[1]), shifted(excess.of, 1 / (1 - level), var[0]))
            for level, var, excess in zip(self.levels, at_risk, excesses, strict=True)
        ]

    def _gap(self, baseline: Sample, mine: Quantile, other: Quantile, constant: bool) -> Column:
        gap = self.weights.gap(self.ranked, baseline.ranked, mine, other)
        return (gap[0], np.zeros(()), gap[0], gap[0]) if constant and np.isfinite(gap[1]) else gap

    def _squared(self) -> Paths:
        """Influence of each path on the standard deviation, (x - mean)^2 / (2 sd); zero where values are constant."""
        size = 2 * float(np.sqrt(self.squares.of.mean))
        return np.square(self.ranked.values - self.mean.of.mean) / (size if size > 0 else np.inf)

    def _gap_of_squares(self, baseline: Sample) -> Ratio:
        return self.weights.mean(self._squared() - baseline._squared())

    def _gap_of_deviations(self, baseline: Sample, constant: bool) -> Column:
        of = self._gap_of_squares(baseline).of
        still = np.where(constant, 0.0, 1.0)
        of = replace(of, error=still * of.error, skewness=still * of.skewness)
        return shifted(of, 1.0, self.deviation[0] - baseline.deviation[0] - of.mean)

    def _evidence(
        self,
        rows: list[Column],
        mean: Flag | None,
        spread: Flag | None,
        beyond: Sequence[Flag | None],
        samples: Sequence[Sample],
        constant: bool,
        for_es: int,
    ) -> Evidence:
        exceedances = [
            min(np.inf if var.ended else var.exceedances for var in of_level)
            for of_level in zip(*(sample.at_risk for sample in samples), strict=True)
        ]
        middle = min(sample.median.exceedances for sample in samples)
        few, alone = Reason.FEW_EFFECTIVE_EXCEEDANCES, ONE_UNIT if self.weights.units.count < 2 else None
        return Evidence(
            self.levels, stacked(rows), mean, spread, beyond, exceedances, middle, few, for_es, constant, alone
        )  # fmt: skip


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
