"""Risk measures with standard errors: mean, VaR, expected shortfall, probabilities, paired differences, regret.

"VaR a" is the smallest of the ceil(n (1 - a)) worst values, "ES a" = VaR + mean((x - VaR)+) / (1 - a), the mean of the
worst 1 - a share. Where low is worse (`loss=False`) the worst values are the lowest, and measures are reported in the
variable's own sign. Formulas, sources, flags and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.differences import Difference, difference as difference_of
from engine.risk.estimation.evidence import FEWEST_FOR_ES, FEWEST_FOR_ES_DIFFERENCE, Evidence, measures as names_of
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import (
    HEAVY_TAILS,
    Extremes,
    gravest,
    material,
    of_squares,
    squares_flag,
    tail_flag,
    tails_flag,
)
from engine.risk.estimation.intervals import (
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
from engine.risk.estimation.shares import combined_interval
from engine.risk.estimation.sums import Made
from engine.risk.estimation.tails import (
    Column,
    Measured,
    Quantiles,
    Table,
    error_of_shares,
    residual_products,
    share,
    shifted,
)
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
        """Measures of the losses, and what differences need of them, as arrays with a single cell."""
        return Measured.of(self.losses[None], self.units, self.levels)

    @property
    def ascending(self) -> Ascending:
        """The losses in ascending order."""
        return self.measured.quantiles.ascending[0]

    @functools.cached_property
    def spread(self) -> Flag | None:
        """Flag of the standard deviation."""
        mean, squares = self.measured.mean.mean.item(), self.measured.squares
        return gravest((squares_flag(Extremes.of_sorted(self.ascending), mean, squares), few_replicates(self.units)))

    @functools.cached_property
    def beyond(self) -> list[Flag | None]:
        """Flag of ES at each level."""
        seen, upper, scarce = self.measured.quantiles, tail_flag(self.ascending), few_replicates(self.units)
        return [
            gravest((material(upper, self.ascending, var.column[0].item(), self._squares(excess.error)), scarce))
            for var, excess in zip(seen.ranked[1:], seen.shortfalls, strict=True)
        ]

    def own(self) -> Evidence:
        """Measures of these losses."""
        mean, seen = self.measured.mean, self.measured.quantiles
        heavy = tails_flag(Extremes.of_sorted(self.ascending), mean.mean.item(), self._squares(mean.error))
        return self._evidence(self.measured.risk(), [heavy, self.spread, *self.beyond], seen, FEWEST_FOR_ES)

    def _squares(self, error: np.ndarray) -> float:
        """Sum of squared deviations behind the standard error of a mean over the paths."""
        return float((error * self.units.paths).item()) ** 2

    def gaps(self, baseline: Sample) -> Extremes:
        """Extremes of these losses less those of another sample on the same paths."""
        return Extremes.of(np.subtract, self.losses, baseline.losses)

    def less(self, baseline: Sample, gaps: Extremes | None = None) -> Evidence:
        """Measures of these losses less those of `baseline` on the same paths, and how often these are worse.

        The error of the mean comes from the paired differences, whose extremes `gaps` may be given; the others' from
        differences of influence functions.
        """
        mine, other = self.measured, baseline.measured
        gap = difference_of(mine, other, self.units)
        estimate, error = (column[0, 0] for column in gap.table[:2])
        beyond = zip(self.beyond, baseline.beyond, strict=True)
        tails = [
            tails_flag(gaps or self.gaps(baseline), float(estimate), self._squares(error)),
            *of_gaps([(self.spread, baseline.spread)], lambda: of_squares(self._shared(mine.squared_less(other)))),
            *of_gaps(list(beyond), lambda: self._shared(mine.beyond_less(other, 0))),
        ]
        return self._evidence(gap.table, tails, gap, FEWEST_FOR_ES_DIFFERENCE)

    def _shared(self, gap: Made) -> Flag | None:
        """Flag of a difference between these losses and others: a heavy tail that both share cancels in it."""

        def of(mine: Paths, other: Paths) -> Paths:
            return replace(gap, x=mine[None], y=other[None]).values()[0]

        return tails_flag(Extremes.of(of, gap.x[0], gap.y[0]), 0.0, 0.0)

    def _evidence(self, table: Table, tails: list[Flag | None], of: Quantiles | Difference, for_es: int) -> Evidence:
        tails[0] = gravest((tails[0], few_replicates(self.units)))
        own, seen = tuple(part[0] for part in table), of.exceedances[:, 0].tolist()
        unknown = few_replicates(self.units) or Flag(Reason.FEW_IN_SAMPLE)
        return Evidence(self.levels, own, tails, seen, for_es, bool(of.constant[0]), alone(self.units), unknown)


def of_gaps(pairs: Sequence[tuple[Flag | None, Flag | None]], shared: Callable[[], Flag | None]) -> list[Flag | None]:
    """Flags of differences of two measures, from the flags of both.

    It is the first flag that is not for a heavy tail; where heavy tails alone are flagged, it is `shared`.

    Args:
      shared: gives the flag of the difference's own tail; called only where some measure is flagged.
    """
    own = shared() if any(map(any, pairs)) else None
    return [
        next((flag for flag in pair if flag and flag.reason not in HEAVY_TAILS), own if any(pair) else None)
        for pair in pairs
    ]


def summary(values: Paths, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Mean, median, sd, VaR and ES of one variable, by name, from values [path].

    Flagged, and then without an interval: too few exceedances, tails of infinite variance (mean and ES) or fourth
    moment (sd), a single unit. Units with non-finite values are left out and flagged.
    """
    samples, lost = _samples((values,), unit, loss, levels)
    return samples[0].own().estimates(loss, lost) if samples else dict.fromkeys(names_of(levels), nothing(lost))


def difference(values: Paths, baseline_values: Paths, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Measures of one variable less those of another on the same paths, and "worse": P(the first is worse).

    Flags as in `summary`.
    """
    samples, lost = _samples((values, baseline_values), unit, loss, levels)
    if not samples:
        return dict.fromkeys((*names_of(levels), "worse"), nothing(lost))
    return samples[0].less(samples[1]).estimates(loss, lost)


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
            return self._sample.less(other._sample).estimates(self.loss)
        return difference(self.values, other.values, self.unit, self.loss, self.levels)


def of_policies(values: PolicyPaths, base: int, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Pairs:
    """`summary` of each policy and its `difference` from the policy with index `base`, from values [policy, path].

    The differences of the baseline itself are an empty dict.
    """
    samples, lost = _samples(tuple(values), unit, loss, levels)
    if not lost and samples:
        return _pairs(samples, base, loss, {})
    return in_pairs(
        len(values),
        base,
        lambda p: summary(values[p], unit, loss, levels),
        lambda p: difference(values[p], values[base], unit, loss, levels),
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
    gaps: dict[int, Extremes] = {}
    if len(samples) == 2:  # the tails of their difference decide its flag and those of both regrets
        gap = samples[1 - base].gaps(samples[base])
        gaps = {1 - base: gap, base: gap.negative()}
    rows = [sample.ascending if loss else Turned(sample.ascending) for sample in samples]
    return _pairs(samples, base, loss, gaps), _regrets(samples, None, gaps), rows


def _pairs(samples: Sequence[Sample], base: int, loss: bool, gaps: Mapping[int, Extremes]) -> Pairs:
    return in_pairs(
        len(samples),
        base,
        lambda p: samples[p].own().estimates(loss),
        lambda p: samples[p].less(samples[base], gaps.get(p)).estimates(loss),
    )


def _samples(
    arrays: tuple[np.ndarray, ...], unit: Unit, loss: bool, levels: Levels
) -> tuple[list[Sample], Flag | None]:
    """Samples of the arrays on the paths where all are finite (none without such paths); flag of paths left out."""
    kept, units, lost = finite_units(arrays, unit)
    return [Sample(x if loss else -x, units, levels) for x in kept if units.count], lost


def regret(values: PolicyPaths, unit: Unit, loss: bool) -> list[Estimate]:
    """Mean regret of each policy against the best on the same path, in the variable's unit: values [policy, path]."""
    samples, lost = _samples(tuple(values), unit, loss, LEVELS)
    return _regrets(samples, lost, {}) if samples else [nothing(lost)] * len(values)


def _regrets(samples: Sequence[Sample], lost: Flag | None, gaps: Mapping[int, Extremes]) -> list[Estimate]:
    """Mean regret of each sample, as in `regret`.

    Args:
      gaps: where they are known, the extremes of a sample's losses less those of the only other one.
    """
    best, units, regrets = functools.reduce(np.minimum, (of.losses for of in samples)), samples[0].units, []
    for p, sample in enumerate(samples):
        of = moments_of(Made.of("excess", sample.losses[None], best[None]), units)
        flag = alone(units) or (few_replicates(units) if of.mean > 0 else None)
        if not flag:
            ends = gaps.get(p) or Extremes.of(np.subtract, sample.losses, best)
            flag = tails_flag(ends.excesses(), of.mean.item(), sample._squares(of.error))
        regrets.append(estimated(of).flagged(lost, flag))
    return regrets


def probability(indicator: Happens, unit: Unit) -> Estimate:
    """Share of paths with a property, with its interval for the effective number of paths: indicator bool [path].

    The standard error of a share of 0 or 1 is half its interval over 1.96. A single unit of several paths is flagged.
    """
    units = as_units(len(indicator), unit)
    if not units.count:
        return nothing(None)
    own = single(share(lambda paths: indicator[None, paths], units))
    return own.flagged(alone(units) if units.paths > 1 else None)


def probability_difference(indicator: Happens, baseline: Happens, unit: Unit) -> Estimate:
    """Share of paths with a property less the share with another, on the same paths: bool [path] each.

    Interval combined from the intervals of both shares and the correlation of the shares.
    """
    units = as_units(len(indicator), unit)
    one, two = (probability(part, units) for part in (indicator, baseline))
    if units.count < 2:
        return Estimate(one.estimate - two.estimate, flags=(ONE_UNIT,))
    x, y = (lambda paths, part=part: part[None, paths] for part in (indicator, baseline))
    same = np.ones(1)
    error, products = error_of_shares(same, x, same, y, units), residual_products(x, y, units)
    return share_difference(one, two, float(error[0]), _correlation(*(float(of[0]) for of in products)))


def share_difference(one: Estimate, two: Estimate, error: float, correlated: float) -> Estimate:
    """First probability less the second, from both estimates, the standard error and the correlation of the two."""
    low, high = combined_interval((one.estimate, one.low, one.high), (two.estimate, two.low, two.high), correlated)
    return Estimate(one.estimate - two.estimate, error or (high - low) / (2 * Z), low, high)


def correlation(a: Float[np.ndarray, "unit"], b: Float[np.ndarray, "unit"]) -> float:
    """Correlation over units of two residuals of mean zero; 0 where one of them is constant."""
    return _correlation(float(dots(a, a)), float(dots(b, b)), float(dots(a, b)))


def _correlation(square: float, other: float, product: float) -> float:
    scale = float(np.sqrt(square * other))
    return product / scale if scale > 0 else 0.0


def finite_units(arrays: tuple[np.ndarray, ...], unit: Unit) -> tuple[tuple[np.ndarray, ...], Units, Flag | None]:
    """The arrays [path] without the units in which any value is not finite, the remaining units, and the flag for it.

    Of a replicate only the bad paths are left out, as one bad path in a thousand would otherwise leave no replicate.
    """
    units = as_units(len(arrays[0]), unit)
    with np.errstate(invalid="ignore", over="ignore"):
        sound = all(np.isfinite(array.sum()) for array in arrays)
    # a sum may overflow though all values are finite
    if sound or (finite := np.logical_and.reduce([np.isfinite(array) for array in arrays])).all():
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
    """Flag for fewer units than an interval needs; None if there are enough."""
    return None if units.count >= units.needed else Flag(Reason.FEW_REPLICATES, units.count, units.needed)


def nothing(flag: Flag | None) -> Estimate:
    """NaN with a flag, for a measure without any path."""
    return Estimate(np.nan, flags=(flag or Flag(Reason.NO_PATHS, 0, 1),))


def estimated(of: Moments, shift: np.ndarray | float = 0.0) -> Estimate:
    """The mean that moments of one cell describe, with its interval, plus a shift."""
    return single(shifted(of, 1.0, shift))


def single(column: Column) -> Estimate:
    """The estimate in a column that has one cell."""
    return Estimate(*(np.asarray(part).item() for part in column))
