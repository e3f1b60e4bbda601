"""Risk measures with standard errors: mean, VaR, expected shortfall, probabilities, paired differences, regret.

Where low is worse (`loss=False`) the worst values are the lowest, and measures are reported in the variable's own sign.
Paths may have weights (`intervals.weighted`). Formulas, sources, flags and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.evidence import measures as names_of
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import (
    TOO_HEAVY,
    Extremes,
    gravest,
    material,
    of_gaps,
    of_squares,
    squares_flag,
    tail_size,
    tails_flag,
)
from engine.risk.estimation.influences import Evidence, Measure, shifted, single
from engine.risk.estimation.intervals import (
    FEW_UNITS,
    Estimate,
    Happens,
    Levels,
    Moments,
    Paths,
    PolicyPaths,
    Unit,
    Units,
    Z,
    as_units,
    dots,
    moments_of,
)
from engine.risk.estimation.order_statistics import Ascending, Turned
from engine.risk.estimation.shares import combined_interval, error_of, joint
from engine.risk.estimation.sums import Made
from engine.risk.estimation.tails import Measured, share
from engine.study.study import LEVELS

Estimates = dict[str, Estimate]
Pairs = list[tuple[Estimates, Estimates]]
"""For each policy its own measures, and their differences from the baseline's."""
ONE_UNIT = Flag(Reason.ONE_UNIT, 1, 2)


@dataclass(frozen=True)
class Sample:
    """Losses on paths, all finite and high being worse, with the paths' units and the levels of VaR and ES."""

    losses: Paths
    units: Units
    levels: Levels = LEVELS

    @functools.cached_property
    def measured(self) -> Measured:
        """Measures of the losses, with a single cell."""
        return Measured(self.losses[None], self.units, self.levels)

    @property
    def ascending(self) -> Ascending:
        """The losses in ascending order."""
        return self.measured.ascending[0]

    @functools.cached_property
    def _ends(self) -> Extremes:
        """Extremes of the losses; weighted and less their mean where paths have weights."""
        return self._extremes(self.measured.mean) if self.units.weighty else Extremes.of_sorted(self.ascending)

    @functools.cached_property
    def spread(self) -> Flag | None:
        """Flag of the standard deviation."""
        squares, mean = self.measured.squares, self.measured.mean.value.item()
        if not self.units.weighty:
            return gravest((squares_flag(self._ends, mean, squares.of), scarce(self.units)))
        ends = self._extremes(squares)
        flag = material(ends.upper, ends.largest, 0.0, self._squares(squares))
        return gravest((of_squares(flag), scarce(self.units)))

    @functools.cached_property
    def beyond(self) -> list[Flag | None]:
        """Flag of ES at each level."""
        every = zip(self.measured.at_risk, self.measured.shortfalls, self.levels, strict=True)
        return [
            gravest((self._beyond(var.value.item(), self._squares(of) * (1 - level) ** 2), scarce(self.units)))
            for var, of, level in every
        ]

    def _beyond(self, var: float, squares: float) -> Flag | None:
        """Flag of the upper tail; of weighted excesses over VaR, or over a lower threshold with enough values.

        Args:
          squares: sum of squares of the excesses over VaR, less their mean.
        """
        row, weights = self.ascending, self.units.weights
        if weights is None:
            return material(self._ends.upper, self._ends.largest, var, squares)
        excess = np.maximum(self.losses.astype(np.float64) - min(var, row[len(row) - 1 - tail_size(len(row))]), 0.0)
        flag = replace(Extremes.of(weights * excess), plain=Extremes.of(excess)).upper
        return material(flag, Extremes.of(weights * np.maximum(self.losses - var, 0.0)).largest, 0.0, squares)

    def tail(self, measure: Measure) -> Flag | None:
        """Flag of a measure from both tails of its influence."""
        centre = 0.0 if self.units.weighty else measure.of.mean.item()
        return tails_flag(self._extremes(measure), centre, self._squares(measure))

    def _extremes(self, measure: Measure) -> Extremes:
        """Extremes of an influence; weighted and less their mean where paths have weights."""
        values, weights = measure.influence.values()[0], self.units.weights
        own = Extremes.of(values)
        return own if weights is None else replace(Extremes.of(weights * (values - measure.of.mean)), plain=own)

    def _squares(self, measure: Measure) -> float:
        """Sum of squared deviations behind the standard error of a mean over the paths."""
        return float((measure.of.error * self.units.paths).item()) ** 2

    def own(self) -> Evidence:
        """Measures of these losses."""
        seen, none = self.measured, [None] * len(self.levels)
        centre = 0.0 if self.units.weighty else seen.mean.value.item()
        heavy = tails_flag(self._ends, centre, self._squares(seen.mean))
        return self._evidence(seen.measures, [heavy, None, self.spread, *none, *self.beyond], seen.constant)

    def less(self, baseline: Sample) -> Evidence:
        """Measures of these losses less those of `baseline` on the same paths; a heavy tail that both share cancels."""
        gaps, constant = self.measured.less(baseline.measured)
        none, of_es = [None] * len(self.levels), gaps[-len(self.levels)]
        tails = [
            self.tail(gaps[0]),
            None,
            *of_gaps([(self.spread, baseline.spread)], lambda: of_squares(self.tail(gaps[2]))),
            *none,
            *of_gaps(list(zip(self.beyond, baseline.beyond, strict=True)), lambda: self.tail(of_es)),
        ]
        return self._evidence(gaps, tails, constant)

    def _evidence(self, measures: Sequence[Measure], tails: list[Flag | None], constant: np.ndarray) -> Evidence:
        few = scarce(self.units)
        tails[0] = gravest((tails[0], few))
        return Evidence(measures, tails, bool(constant[0]), alone(self.units), few or Flag(Reason.FEW_IN_SAMPLE))


def summary(values: Paths, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Mean, median, sd, VaR and ES of one variable, by name, from values [path].

    Flagged, and then without an interval: too few exceedances, tails of infinite variance (mean and ES) or fourth
    moment (sd), a single unit. Units with non-finite values are left out and flagged.
    """
    samples, lost = _samples((values,), unit, loss, levels)
    return samples[0].own().estimates(levels, loss, lost) if samples else dict.fromkeys(names_of(levels), nothing(lost))


def difference(values: Paths, baseline_values: Paths, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Measures of one variable less those of another on the same paths, and "worse": P(the first is worse).

    Flags as in `summary`.
    """
    samples, lost = _samples((values, baseline_values), unit, loss, levels)
    if not samples:
        return dict.fromkeys((*names_of(levels), "worse"), nothing(lost))
    return _gaps(samples[0], samples[1], loss, lost)


def _gaps(one: Sample, two: Sample, loss: bool, lost: Flag | None = None) -> Estimates:
    worse = probability(one.losses > two.losses, one.units).flagged(lost)
    return one.less(two).estimates(one.levels, loss, lost) | {"worse": worse}


@dataclass(frozen=True)
class Variable:
    """Values of one variable on paths, to be compared with many others; what depends on it alone is computed once.

    Args:
      values: of the variable.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
      levels: levels of VaR and ES.
    """

    values: Paths
    unit: Unit
    loss: bool
    levels: Levels

    @functools.cached_property
    def _sample(self) -> Sample | None:
        """The sample of the values; None where some are not finite."""
        samples, lost = _samples((self.values,), self.unit, self.loss, self.levels)
        return samples[0] if samples and not lost else None

    def less(self, other: Variable) -> Estimates:
        """`difference` of this variable and another one on the same paths."""
        if self._sample and other._sample:
            return _gaps(self._sample, other._sample, self.loss)
        return difference(self.values, other.values, self.unit, self.loss, self.levels)


def of_policies(values: PolicyPaths, base: int, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Pairs:
    """`summary` of each policy and its `difference` from the policy with index `base`, from values [policy, path].

    The differences of the baseline itself are an empty dict.
    """
    samples, lost = _samples(tuple(values), unit, loss, levels)
    if samples and not lost:
        return _pairs(samples, base, loss)

    def gap(p: int) -> Estimates:
        return difference(values[p], values[base], unit, loss, levels)

    return in_pairs(len(values), base, lambda p: summary(values[p], unit, loss, levels), gap)


def _pairs(samples: Sequence[Sample], base: int, loss: bool) -> Pairs:
    return in_pairs(
        len(samples),
        base,
        lambda p: samples[p].own().estimates(samples[p].levels, loss),
        lambda p: _gaps(samples[p], samples[base], loss),
    )


def in_pairs(count: int, base: int, own: Callable[[int], Estimates], gap: Callable[[int], Estimates]) -> Pairs:
    """For each of so many policies its `own` measures and, except for the baseline, its differences from it."""
    return [(own(p), gap(p) if p != base else {}) for p in range(count)]


def with_regrets(
    values: PolicyPaths, base: int, unit: Unit, loss: bool, levels: Levels = LEVELS
) -> tuple[Pairs, list[Estimate], list[Ascending]]:
    """As `of_policies`, with `regret` and each policy's values in ascending order; the values are sorted only once.

    The list of ascending values is empty where some values are not finite.
    """
    samples, lost = _samples(tuple(values), unit, loss, levels)
    if lost or not samples:
        return of_policies(values, base, unit, loss, levels), regret(values, unit, loss), []
    rows = [sample.ascending if loss else Turned(sample.ascending) for sample in samples]
    return _pairs(samples, base, loss), _regrets(samples, None), rows


def _samples(
    arrays: tuple[np.ndarray, ...], unit: Unit, loss: bool, levels: Levels
) -> tuple[list[Sample], Flag | None]:
    """Samples of the arrays on the paths where all are finite (none without such paths); flag of paths left out."""
    kept, units, lost = finite_units(arrays, unit)
    return [Sample(x if loss else -x, units, levels) for x in kept if units.count], lost


def regret(values: PolicyPaths, unit: Unit, loss: bool) -> list[Estimate]:
    """Mean regret of each policy against the best on the same path, in the variable's unit: values [policy, path]."""
    samples, lost = _samples(tuple(values), unit, loss, LEVELS)
    return _regrets(samples, lost) if samples else [nothing(lost)] * len(values)


def _regrets(samples: Sequence[Sample], lost: Flag | None) -> list[Estimate]:
    best = Made.of("excess", functools.reduce(np.minimum, (of.losses for of in samples))[None])
    regrets = []
    for sample in samples:
        influence = Made.of("excess", sample.losses[None]) - best
        of = moments_of(influence, sample.units)
        flag = alone(sample.units) or (scarce(sample.units) if of.mean > 0 else None)
        regrets.append(estimated(of).flagged(lost, flag or sample.tail(Measure(shifted(of, 1.0), influence, of))))
    return regrets


def mean(values: Paths, unit: Unit) -> Estimate:
    """Mean of values [path], without a flag for heavy tails."""
    (kept,), units, lost = finite_units((values,), unit)
    if not units.count:
        return nothing(lost)
    of = moments_of(Made.of("difference", kept[None]), units)
    return estimated(of).flagged(lost, alone(units) or (scarce(units) if of.error > 0 else None))


def probability(indicator: Happens, unit: Unit) -> Estimate:
    """Share of paths with a property, with its interval for the effective number of paths: indicator bool [path].

    The standard error of a share of 0 or 1 is half its interval over 1.96. Flagged: a single unit of several paths; few
    paths with nearly all weight, and weights of infinite variance.
    """
    (holds,), units, lost = finite_units((indicator,), unit)
    if not units.count:
        return nothing(lost)
    return single(share(holds, units)).flagged(
        lost, alone(units) if units.paths > 1 else None, *_of_weights(holds, units)
    )


def probability_difference(indicator: Happens, baseline: Happens, unit: Unit) -> Estimate:
    """Share of paths with a property less the share with another, on the same paths: bool [path] each.

    Interval combined from the intervals of both shares and the correlation of the shares.
    """
    (x, y), units, lost = finite_units((indicator, baseline), unit)
    if not units.count:
        return nothing(lost)
    one, two = single(share(x, units)), single(share(y, units))
    if units.count < 2:
        return Estimate(one.estimate - two.estimate).flagged(lost, ONE_UNIT)
    square, other, product = (float(joint(*pair, units)) for pair in ((x, x), (y, y), (x, y)))
    error = float(error_of(np.array(square + other - 2 * product), units))
    found = share_difference(one, two, error, product / np.sqrt(square * other) if square * other > 0 else 0.0)
    return found.flagged(lost, *_of_weights(x.astype(np.float64) - y, units))


def _of_weights(values: Paths, units: Units) -> tuple[Flag | None, ...]:
    """Flags that withhold the interval of a share, or of a difference of shares.

    They are for few paths with nearly all weight, and for too heavy a tail of the weighted residuals, which can only
    come from the weights.
    """
    if units.weights is None:
        return ()
    sample = Sample(values.astype(np.float64), units)
    flag = sample.tail(sample.measured.mean)
    return few_with_weight(units), flag if flag and flag.reason in TOO_HEAVY else None


def share_difference(one: Estimate, two: Estimate, error: float, correlated: float) -> Estimate:
    """First probability less the second, from both estimates, the standard error and the correlation of the two."""
    low, high = combined_interval((one.estimate, one.low, one.high), (two.estimate, two.low, two.high), correlated)
    return Estimate(one.estimate - two.estimate, error or (high - low) / (2 * Z), low, high)


def finite_units(arrays: tuple[np.ndarray, ...], unit: Unit) -> tuple[tuple[np.ndarray, ...], Units, Flag | None]:
    """The arrays [path] without the units in which any value is not finite, the remaining units, and the flag for it.

    Of a replicate only the bad paths are left out, as one bad path in a thousand would otherwise leave no replicate.
    Paths of weight zero are left out without a flag.
    """
    units = as_units(len(arrays[0]), unit)
    if units.weights is not None and not (held := units.weights != 0).all():
        arrays, units = tuple(array[held] for array in arrays), units.take(held)
    checked = arrays if units.weights is None else (*arrays, units.weights)
    with np.errstate(invalid="ignore", over="ignore"):
        sound = all(np.isfinite(array.sum()) for array in checked)
    # a sum may overflow though all values are finite
    if sound or (finite := np.logical_and.reduce([np.isfinite(array) for array in checked])).all():
        return arrays, units, None
    lost = Flag(Reason.NOT_FINITE, int(np.sum(~finite)), units.paths)
    if not units.replicated:
        owner = units.owners(np.arange(units.paths))
        finite = ~np.isin(owner, owner[~finite])
    return tuple(array[finite] for array in arrays), units.take(finite), lost


def alone(units: Units) -> Flag | None:
    """Flag for a single unit, which gives no standard error; None for several."""
    return ONE_UNIT if units.count < 2 else None


def few_replicates(units: Units) -> Flag | None:
    """Flag for a single unit, or for fewer units than an interval needs; None if there are enough."""
    few = Flag(Reason.FEW_REPLICATES, units.count, units.needed) if units.count < units.needed else None
    return alone(units) or few


def few_with_weight(units: Units) -> Flag | None:
    """Flag for few effective paths out of many, which may hold so much weight that no tail shows it; else None."""
    few = units.kish < min(FEW_UNITS, units.paths / 2)
    return Flag(Reason.FEW_IN_SAMPLE, units.kish, FEW_UNITS) if few else None


def scarce(units: Units) -> Flag | None:
    """Flag for fewer units than an interval needs, or for few paths with nearly all weight."""
    return few_replicates(units) or few_with_weight(units)


def nothing(flag: Flag | None) -> Estimate:
    """NaN with a flag, for a measure without any path."""
    return Estimate(np.nan, flags=(flag or Flag(Reason.NO_PATHS, 0, 1),))


def estimated(of: Moments, shift: np.ndarray | float = 0.0) -> Estimate:
    """The mean that moments of one cell describe, with its interval, plus a shift."""
    return single(shifted(of, 1.0, shift))


def correlation(a: Float[np.ndarray, "unit"], b: Float[np.ndarray, "unit"]) -> float:
    """Correlation over units of two residuals of mean zero; 0 where one of them is constant."""
    scale = float(np.sqrt(dots(a, a) * dots(b, b)))
    return float(dots(a, b)) / scale if scale > 0 else 0.0
