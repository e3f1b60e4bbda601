"""Measures of weighted futures, with the names and flags of `measures.py`, and the effective number of futures.

Weights may have any scale. A future with weight zero is left out, as one that does not meet a condition; with equal
weights the estimates are those of `measures.py`. The mean is judged by the tails of each future's contribution to its
error, w (x - mean), ES by those of w (x - VaR)+; these may be heavy because of the values or of the weights. A tail
that is heavy because of the weights alone withholds the interval only from a higher shape on. Formulas:
`docs/method.md`; measured coverage: `benchmarks/README.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.risk.estimation.differences import ROUNDING
from engine.risk.estimation.evidence import FEWEST_FOR_ES, FEWEST_FOR_ES_DIFFERENCE, Evidence, measures as names_of
from engine.risk.estimation.flags import WARNINGS, Flag, Reason
from engine.risk.estimation.heaviness import (
    HEAVY,
    HEAVY_TAILS,
    gravest,
    largest,
    material,
    of_squares,
    tail_size,
    upper_flag,
)
from engine.risk.estimation.intervals import FEW_UNITS, Estimate, Happens, Levels, Paths, Unit, as_units
from engine.risk.estimation.measures import (
    Estimates,
    alone,
    correlation,
    estimated,
    few_replicates,
    finite_units,
    nothing,
    of_gaps,
    share_difference,
    single,
)
from engine.risk.estimation.ratios import Quantile, Ranked, Ratio, Weights
from engine.risk.estimation.tails import Column, Table, deviation, gap_of_deviations, stacked
from engine.study.study import LEVELS

LARGEST_SHAPE = 0.7
"""Tail shape (k-hat) of weights or weighted values above which estimates are unreliable (Vehtari et al. 2024)."""
TOO_HEAVY = HEAVY_TAILS - WARNINGS
"""Flags of tails that are too heavy for an interval."""


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
        each = self.weights.each
        excess = self.excess(min(var, float(self.ranked.descending[tail_size(len(self.losses))])))
        return weighted_tail(each * excess, excess, each * self.excess(var), squares)

    @property
    def scarce(self) -> Flag | None:
        """Flag for fewer units than an interval needs, or for few futures with nearly all weight."""
        return few_replicates(self.weights.units) or few_with_weight(self.weights)

    def own(self) -> Evidence:
        """Measures of these losses."""
        columns, excesses = [one.column for one in self.quantiles], [one.of for one in self.shortfalls]
        table = stacked(self.mean.of, columns, self.deviation, self.levels, excesses)
        tails = [both_tails(self.mean), self.spread, *self.beyond]
        return self._evidence(table, tails, self.exceedances, self.constant, FEWEST_FOR_ES)

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
        tails = [
            both_tails(mean),
            *of_gaps([(self.spread, baseline.spread)], lambda: of_squares(both_tails(squares))),
            *of_gaps(beyond, lambda: both_tails(excesses[0])),
        ]
        fewer = list(map(min, self.exceedances, baseline.exceedances))
        return self._evidence(table, tails, fewer, constant, FEWEST_FOR_ES_DIFFERENCE)

    def _gap(self, baseline: Sample, mine: Quantile, other: Quantile, constant: bool) -> Column:
        gap = self.weights.gap(self.ranked, baseline.ranked, mine, other)
        return (gap[0], np.zeros(()), gap[0], gap[0]) if constant else gap

    def _squared(self) -> Paths:
        """Influence of each path on the standard deviation, (x - mean)^2 / (2 sd); zero where values are constant."""
        size = 2 * float(np.sqrt(self.squares.of.mean))
        return np.square(self.ranked.values - self.mean.of.mean) / (size if size > 0 else np.inf)

    def _evidence(
        self, table: Table, tails: list[Flag | None], exceedances: Sequence[float], constant: bool, for_es: int
    ) -> Evidence:
        tails[0] = gravest((tails[0], self.scarce))
        single, unknown = alone(self.weights.units), self.scarce or Flag(Reason.FEW_IN_SAMPLE)
        return Evidence(self.levels, table, tails, exceedances, for_es, constant, single, unknown)


def both_tails(of: Ratio) -> Flag | None:
    """Flag of a weighted mean from both tails of its residuals."""
    return gravest((upper_tail(of), upper_tail(of, -1.0)))


def few_with_weight(of: Weights) -> Flag | None:
    """Flag for few effective futures out of many, which may hold so much weight that no tail shows it; else None."""
    few = of.kish < min(FEW_UNITS, of.units.paths / 2)
    return Flag(Reason.FEW_IN_SAMPLE, of.kish, FEW_UNITS) if few else None


def upper_tail(of: Ratio, sign: float = 1.0) -> Flag | None:
    """Flag of the residuals' upper tail, or of the lower one for sign -1.

    Few tail paths are flagged only where they make up most of the sum of squares.
    """
    weighted = sign * of.residuals
    return weighted_tail(weighted, sign * of.values, weighted, of.squares)


def weighted_tail(weighted: Paths, values: Paths, deviations: Paths, squares: float) -> Flag | None:
    """Flag of the upper tail of weighted values; below `LARGEST_SHAPE` a warning only, if the values have no such tail.

    Args:
      weighted: the values times their weights.
      values: without weights.
      deviations: weighted deviations behind the standard error, whose sum of squares is `squares`.

    Source of the limit: Vehtari, Simpson, Gelman, Yao and Gabry (2024), J. Mach. Learn. Res. 25(72), 1-58, for the tail
    of w h(x).
    """
    flag = upper_flag(weighted)
    if flag and flag.reason in TOO_HEAVY and flag.got < LARGEST_SHAPE:
        own = upper_flag(values)
        flag = flag if own and own.reason in TOO_HEAVY else Flag(Reason.HEAVY_TAIL, flag.got, HEAVY)
    return flag and material(flag, largest(deviations), 0.0, squares)


def summary(values: Paths, weights: Paths, units: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Weighted mean, median, sd, VaR and ES of one variable, by name, as `measures.summary`: values [path]."""
    (values,), of, lost = _weighed((values,), weights, units)
    if of is None:
        return dict.fromkeys(names_of(levels), nothing(lost))
    return Sample(values if loss else -values, of, levels).own().estimates(loss, lost)


def difference(
    values: Paths, baseline_values: Paths, weights: Paths, units: Unit, loss: bool, levels: Levels = LEVELS
) -> Estimates:
    """Weighted measures of one variable less those of another on the same futures, as `measures.difference`."""
    arrays, of, lost = _weighed((values, baseline_values), weights, units)
    if of is None:
        return dict.fromkeys((*names_of(levels), "worse"), nothing(lost))
    one, two = (Sample(x if loss else -x, of, levels) for x in arrays)
    found = one.less(two).estimates(loss, lost)
    return {**found, "worse": found["worse"].flagged(*_of_share(of, of.mean(one.losses > two.losses)))}


def mean(values: Paths, weights: Paths, units: Unit) -> Estimate:
    """Weighted mean, without a flag for heavy tails."""
    (values,), of, lost = _weighed((values,), weights, units)
    if of is None:
        return nothing(lost)
    one = estimated(of.mean(values).of)
    scarce = few_replicates(of.units) or few_with_weight(of)
    return one.flagged(lost, alone(of.units) or (scarce if one.standard_error > 0 else None))


def probability(happened: Happens, weights: Paths, units: Unit) -> Estimate:
    """Weighted share of futures with a property (bool [path]), with its interval for their effective number.

    The standard error of a share of 0 or 1 is half its interval over 1.96. Flagged: a single unit of several futures,
    few futures with nearly all weight, weights of infinite variance.
    """
    (happened,), of, lost = _weighed((happened,), weights, units)
    if of is None:
        return nothing(lost)
    one_unit = alone(of.units) if of.units.paths > 1 else None
    return single(of.share(happened)).flagged(lost, one_unit, *_of_share(of, of.mean(happened)))


def probability_difference(happened: Happens, baseline: Happens, weights: Paths, units: Unit) -> Estimate:
    """Weighted share of futures with a property less the share with another, on the same futures: bool [path] each."""
    (happened, baseline), of, lost = _weighed((happened, baseline), weights, units)
    if of is None:
        return nothing(lost)
    one, two = (single(of.share(part)) for part in (happened, baseline))
    if of.units.count < 2:
        return Estimate(one.estimate - two.estimate).flagged(lost, alone(of.units))
    gap = of.mean(happened.astype(np.float64) - baseline)
    totals = (of.units.totals(of.mean(part).residuals) for part in (happened, baseline))
    found = share_difference(one, two, float(gap.of.error), correlation(*totals))
    return found.flagged(lost, *_of_share(of, gap))


def effective(weights: Paths, units: Unit) -> float:
    """Kish's effective number of independent units, (sum W)^2 / sum W^2, with W the total weight of a unit.

    Source: Kish (1965), Survey Sampling, section 11.7.
    """
    _, of, _ = _weighed((), weights, units)
    return 0.0 if of is None else float(np.square(of.totals.sum()) / np.square(of.totals).sum())


def _weighed(
    arrays: tuple[np.ndarray, ...], weights: Paths, unit: Unit
) -> tuple[tuple[np.ndarray, ...], Weights | None, Flag | None]:
    """The arrays on paths with weight where all values are finite, the paths' weights, and the flag of what was lost.

    The weights are None where no path is left.
    """
    some = weights != 0
    units = as_units(len(weights), unit).take(some)
    (*kept, weights), units, lost = finite_units((*(part[some] for part in arrays), weights[some]), units)
    return tuple(kept), Weights.of(weights, units) if units.count else None, lost


def _of_share(of: Weights, ratio: Ratio) -> tuple[Flag | None, Flag | None]:
    """Flags that withhold the interval of a share, or of a difference of shares.

    They are for few futures with nearly all weight, and for too heavy a tail of the weighted residuals, which can only
    come from the weights.
    """
    flag = both_tails(ratio)
    return few_with_weight(of), flag if flag and flag.reason in TOO_HEAVY else None
