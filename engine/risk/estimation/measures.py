"""Risk measures with standard errors: mean, VaR, expected shortfall, probabilities, paired differences, regret.

"VaR a" is the smallest of the ceil(n (1 - a)) worst values, "ES a" = VaR + mean((x - VaR)+) / (1 - a), the mean of the
worst 1 - a share. Where low is worse (`loss=False`) the worst values are the lowest, and measures are reported in the
variable's own sign. Formulas, sources, flags and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.estimation.differences import difference as difference_of
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
from engine.risk.estimation.intervals import Estimate, Moments, Units, Z, as_units, dots, moments_of
from engine.risk.estimation.order_statistics import Ascending, Turned
from engine.risk.estimation.shares import combined_interval
from engine.risk.estimation.sums import Made
from engine.risk.estimation.tails import Column, Measured, Table, error_of_shares, residual_products, share, shifted
from engine.study.study import LEVELS

Paths = Float[np.ndarray, "path"]
Happens = Bool[np.ndarray, "path"]
Pairs = list[tuple[dict[str, Estimate], dict[str, Estimate]]]
"""For each policy its own measures, and their differences from the baseline's."""
ONE_UNIT = Flag(Reason.ONE_UNIT, 1, 2)


@dataclass(frozen=True)
class Sample:
    """Losses on paths, all finite and high being worse, with the paths' units and the levels of VaR and ES."""

    losses: Paths
    units: Units
    levels: tuple[float, ...] = LEVELS

    @functools.cached_property
    def measured(self) -> Measured:
        """Measures of the losses, and what differences need of them, as arrays with a single cell."""
        return Measured.of(self.losses[None], self.units, self.levels)

    @property
    def ascending(self) -> Ascending:
        """The losses in ascending order."""
        ascending: Ascending = self.measured.quantiles.ascending[0]
        return ascending

    @functools.cached_property
    def upper(self) -> Flag | None:
        """Flag of the bad tail."""
        return tail_flag(self.ascending)

    @functools.cached_property
    def spread(self) -> Flag | None:
        """Flag of the standard deviation."""
        of = self.measured.spread
        heavy = squares_flag(Extremes.of_sorted(self.ascending), float(of.mean.mean[0]), of.squares)
        return gravest((heavy, few_replicates(self.units)))

    @functools.cached_property
    def beyond(self) -> list[Flag | None]:
        """Flag of ES at each level."""
        seen, scarce = self.measured.quantiles, few_replicates(self.units)
        tails = [
            material(self.upper, self.ascending, float(var[0][0]), self._squares(excess))
            for var, excess in zip(seen.columns, seen.shortfalls, strict=True)
        ]
        return [gravest((tail, scarce)) for tail in tails]

    def own(self) -> Evidence:
        """Measures of these losses."""
        mean, seen = self.measured.spread.mean, self.measured.quantiles
        heavy = tails_flag(Extremes.of_sorted(self.ascending), float(mean.mean[0]), self._squares(mean))
        flag = gravest((heavy, few_replicates(self.units)))
        middle, constant = seen.middle.exceedances, seen.constant
        table, exceedances = self.measured.risk(), seen.exceedances
        return self._evidence(table, flag, self.spread, self.beyond, exceedances, middle, constant, FEWEST_FOR_ES)

    def _squares(self, of: Moments) -> float:
        """Sum of squared deviations behind the standard error of a mean over the paths."""
        return float(of.error[0] * self.units.paths) ** 2

    def gaps(self, baseline: Sample) -> Extremes:
        """Extremes of these losses less those of another sample on the same paths."""
        return Extremes.of(np.subtract, self.losses, baseline.losses)

    def less(self, baseline: Sample, gaps: Extremes | None = None) -> Evidence:
        """Measures of these losses less those of `baseline` on the same paths, and how often these are worse.

        The error of the mean comes from the paired differences, whose extremes `gaps` may be given; the others' from
        differences of influence functions.
        """
        gap = difference_of(self.measured, baseline.measured, self.units)
        estimate, error = (float(column[0, 0]) for column in gap.table[:2])
        heavy = tails_flag(gaps or self.gaps(baseline), estimate, (error * self.units.paths) ** 2)
        flag = gravest((heavy, few_replicates(self.units)))
        beyond, spread = (self.beyond, baseline.beyond), (self.spread, baseline.spread)
        shared = self._shared(baseline) if self.upper or baseline.upper else None
        flags = [of_gap(pair, shared) for pair in zip(*beyond, strict=True)]
        shared = self._shared_squares(baseline) if any(spread) else None
        return self._evidence(
            gap.table, flag, of_gap(spread, shared), flags, gap.exceedances, gap.middle, gap.constant,
            FEWEST_FOR_ES_DIFFERENCE,
        )  # fmt: skip

    def _shared(self, baseline: Sample) -> Flag | None:
        """Flag of the difference of excesses over VaR: a heavy tail that both samples share cancels in it."""
        x, y = (sample.measured.quantiles.columns[0][0][0] for sample in (self, baseline))

        def gap(mine: Paths, other: Paths) -> Paths:
            beyond: np.ndarray = np.maximum(mine.astype(np.float64) - x, 0.0)
            beyond -= np.maximum(other.astype(np.float64) - y, 0.0)
            return beyond

        return tails_flag(Extremes.of(gap, self.losses, baseline.losses), 0.0, 0.0)

    def _shared_squares(self, baseline: Sample) -> Flag | None:
        """Flag of the difference of squared distances from the means, as in `_shared`."""
        of = self.measured.squared_less(baseline.measured)

        def gap(mine: Paths, other: Paths) -> Paths:
            return replace(of, x=mine[None], y=other[None]).values()[0]

        return of_squares(tails_flag(Extremes.of(gap, self.losses, baseline.losses), 0.0, 0.0))

    def _evidence(
        self,
        table: Table,
        mean: Flag | None,
        spread: Flag | None,
        beyond: Sequence[Flag | None],
        exceedances: Float[np.ndarray, "level cell"],
        middle: Float[np.ndarray, "cell"],
        constant: Bool[np.ndarray, "cell"],
        for_es: int,
    ) -> Evidence:
        return Evidence(
            self.levels,
            tuple(part[0] for part in table),
            mean,
            spread,
            beyond,
            exceedances[:, 0].tolist(),
            float(middle[0]),
            Reason.FEW_EFFECTIVE_EXCEEDANCES,
            for_es,
            bool(constant[0]),
            ONE_UNIT if self.units.count < 2 else None,
        )


def of_gap(pair: tuple[Flag | None, Flag | None], shared: Flag | None) -> Flag | None:
    """Flag of a difference: of few exceedances in either measure, or else `shared`, that of the difference's own
    tail."""
    scarce = next((flag for flag in pair if flag and flag.reason not in HEAVY_TAILS), None)
    return scarce or (shared if any(pair) else None)


def summary(values: Paths, unit: int | Units, loss: bool, levels: tuple[float, ...] = LEVELS) -> dict[str, Estimate]:
    """Mean, median, sd, VaR and ES of one variable, by name, from values [path].

    Flagged, and then without an interval: too few exceedances, tails of infinite variance (mean and ES) or fourth
    moment (sd), a single unit. Units with non-finite values are left out and flagged.
    """
    samples, lost = _samples((values,), unit, loss, levels)
    return samples[0].own().estimates(loss, lost) if samples else dict.fromkeys(names_of(levels), nothing(lost))


def difference(
    values: Paths, baseline_values: Paths, unit: int | Units, loss: bool, levels: tuple[float, ...] = LEVELS
) -> dict[str, Estimate]:
    """Measures of one variable less those of another on the same paths, and "worse": P(the first is worse).

    Flags as in `summary`.
    """
    samples, lost = _samples((values, baseline_values), unit, loss, levels)
    if not samples:
        return dict.fromkeys((*names_of(levels), "worse"), nothing(lost))
    return samples[0].less(samples[1]).estimates(loss, lost)


def of_policies(
    values: Float[np.ndarray, "policy path"],
    base: int,
    unit: int | Units,
    loss: bool,
    levels: tuple[float, ...] = LEVELS,
) -> Pairs:
    """`summary` of each policy and its `difference` from the policy with index `base`, from values [policy, path].

    The differences of the baseline itself are an empty dict.
    """
    samples, lost = _samples(tuple(values), unit, loss, levels)
    if not lost and samples:
        return _pairs(samples, base, loss, _gaps(samples, base))
    return [
        (summary(x, unit, loss, levels), difference(x, values[base], unit, loss, levels) if p != base else {})
        for p, x in enumerate(values)
    ]


def with_regrets(
    values: Float[np.ndarray, "policy path"],
    base: int,
    unit: int | Units,
    loss: bool,
    levels: tuple[float, ...] = LEVELS,
) -> tuple[Pairs, list[Estimate], list[Ascending]]:
    """As `of_policies`, with `regret` and each policy's values in ascending order; the values are sorted only once.

    The list of ascending values is empty where some values are not finite.
    """
    samples, lost = _samples(tuple(values), unit, loss, levels)
    if lost or not samples:
        return of_policies(values, base, unit, loss, levels), regret(values, unit, loss), []
    gaps = _gaps(samples, base)
    of_two = None if len(samples) != 2 else gaps[0] if base else gaps[1].negative()
    pairs, regrets = _pairs(samples, base, loss, gaps), _regrets(samples, None, of_two)
    rows = [sample.ascending for sample in samples]
    return pairs, regrets, rows if loss else [Turned(row) for row in rows]


def _gaps(samples: Sequence[Sample], base: int) -> dict[int, Extremes]:
    return {p: sample.gaps(samples[base]) for p, sample in enumerate(samples) if p != base}


def _pairs(samples: Sequence[Sample], base: int, loss: bool, gaps: Mapping[int, Extremes]) -> Pairs:
    return [
        (sample.own().estimates(loss), sample.less(samples[base], gaps[p]).estimates(loss) if p in gaps else {})
        for p, sample in enumerate(samples)
    ]


def _samples(
    arrays: Sequence[np.ndarray], unit: int | Units, loss: bool, levels: tuple[float, ...]
) -> tuple[list[Sample], Flag | None]:
    """Samples of the arrays on the paths where all are finite, none without such paths; the flag of what was left
    out."""
    kept, units, lost = finite_units(tuple(arrays), unit)
    return [Sample(x if loss else -x, units, levels) for x in kept if units.count], lost


def regret(values: Float[np.ndarray, "policy path"], unit: int | Units, loss: bool) -> list[Estimate]:
    """Mean regret of each policy against the best on the same path, in the variable's unit: values [policy, path]."""
    samples, lost = _samples(tuple(values), unit, loss, LEVELS)
    return _regrets(samples, lost) if samples else [nothing(lost)] * len(values)


def _regrets(samples: Sequence[Sample], lost: Flag | None, gaps: Extremes | None = None) -> list[Estimate]:
    """Mean regret of each sample, as in `regret`.

    Args:
      gaps: for two samples, the extremes of the first's losses less the second's.
    """
    losses = [sample.losses for sample in samples]
    two = len(losses) == 2
    best = losses[::-1] if two else [functools.reduce(np.minimum, losses)] * len(losses)
    regrets = []
    for p, (own, other) in enumerate(zip(losses, best, strict=True)):
        units = samples[p].units
        of = moments_of(Made.of("excess", own[None], other[None]), units).kind(0)
        flag = ONE_UNIT if units.count < 2 else few_replicates(units) if of.mean > 0 else None
        if not flag:
            if two:
                gaps = gaps or samples[0].gaps(samples[1])
                ends = gaps.negative() if p else gaps
            else:
                ends = Extremes.of(np.subtract, own, other)
            flag = tails_flag(ends.excesses(), float(of.mean), float(of.error * units.paths) ** 2)
        regrets.append(single(shifted(of, 1.0)).flagged(lost, flag))
    return regrets


def probability(indicator: Happens, unit: int | Units) -> Estimate:
    """Share of paths with a property, with Wilson's interval for the effective number of paths: indicator bool [path].

    The standard error of a share of 0 or 1 is half its interval over 1.96. A single unit of several paths is flagged.
    """
    units = as_units(len(indicator), unit)
    if not units.count:
        return nothing(None)
    alone = units.count < 2 and units.paths > 1
    own = share(lambda paths: indicator[None, paths], units)
    return single(tuple(part[0] for part in own)).flagged(ONE_UNIT if alone else None)


def probability_difference(indicator: Happens, baseline: Happens, unit: int | Units) -> Estimate:
    """Share of paths with a property less the share with another, on the same paths: bool [path] each.

    Interval combined from the two Wilson intervals and the correlation of the shares.
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


def finite_units(
    arrays: tuple[np.ndarray, ...], unit: int | Units
) -> tuple[tuple[np.ndarray, ...], Units, Flag | None]:
    """The arrays [path] without the units in which any value is not finite, the remaining units, and the flag for it.

    Of a replicate only the bad paths are left out, as one bad path in a thousand would otherwise leave no replicate.
    """
    units = as_units(len(arrays[0]), unit)
    with np.errstate(invalid="ignore", over="ignore"):
        if all(np.isfinite(array.sum()) for array in arrays):
            return arrays, units, None
    finite = np.logical_and.reduce([np.isfinite(array) for array in arrays])
    if finite.all():  # the sum alone has overflowed
        return arrays, units, None
    lost = Flag(Reason.NOT_FINITE, int(np.sum(~finite)), units.paths)
    if not units.replicated:
        owner = units.owners(np.arange(units.paths))
        finite = ~np.isin(owner, owner[~finite])
    return tuple(array[finite] for array in arrays), units.take(finite), lost


def few_replicates(units: Units) -> Flag | None:
    """Flag for fewer units than an interval needs; None if there are enough."""
    return None if units.count >= units.needed else Flag(Reason.FEW_REPLICATES, units.count, units.needed)


def nothing(flag: Flag | None) -> Estimate:
    """NaN with a flag, for a measure without any path."""
    return Estimate(np.nan, flags=(flag or Flag(Reason.NO_PATHS, 0, 1),))


def single(column: Column) -> Estimate:
    """The estimate in a column that has one cell."""
    estimate, error, low, high = map(float, column)
    return Estimate(estimate, error, low, high)
