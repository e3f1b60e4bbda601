"""Risk measures with standard errors: mean, VaR, expected shortfall, probabilities, paired differences, regret.

Where low is worse (`loss=False`) the worst values are the lowest, and measures are reported in the variable's own sign.
Paths may have weights (`Units.weighted`). Formulas, sources, flags and measured coverage: `docs/method.md`.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.risk.estimation.events import Happens
from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import (
    HEAVY_TAILS,
    TOO_HEAVY,
    Extremes,
    gravest,
    material,
    of_squares,
    tail_size,
    tails_flag,
)
from engine.risk.estimation.influences import (
    MEDIAN,
    Measure,
    judged,
    levels_of,
    measures as names_of,
    named,
    of_influence,
    rows,
    shifted,
    single,
)
from engine.risk.estimation.intervals import (
    Estimate,
    Levels,
    Moments,
    Paths,
    PolicyPaths,
    Unit,
    Units,
    dots,
    finite_units,
)
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.row_statistics import Ascending, Made, Turned
from engine.risk.estimation.shares import share, share_gap
from engine.risk.estimation.tails import Measured
from engine.study.study import LEVELS

Estimates = dict[str, Estimate]


class Sample(Measured):
    """Losses on paths [1, path], all finite and high being worse: their measures, and the flags of these."""

    @cached_property
    def ends(self) -> Extremes:
        """Extremes of the losses."""
        return Extremes.of_sorted(self.ascending[0])

    def flag(self, measure: Measure, ends: Extremes | None = None) -> Flag | None:
        """Flag of a measure from both tails of its influence, whose extremes are `ends` if they are known."""
        centre = measure.of.mean.item() if self.units.weights is None else 0.0
        return tails_flag(ends or self._extremes(measure), centre, self.squares(measure))

    def tail(self, tail: str, measure: Measure, level: float = MEDIAN) -> Flag | None:
        """Flag of the tail on which a measure of these losses rests, or of units that are too few for it."""
        weights = self.units.weights
        if weights is None:
            flag = super().tail(tail, measure, level)
        elif tail == "values":
            flag = self.flag(measure)
        elif tail == "squares":
            ends = self._extremes(self.scatter)
            flag = of_squares(material(ends.upper, ends.largest, 0.0, self.squares(self.scatter)))
        else:
            losses, row, var = self.values[0], self.ascending[0], self.quantile(level).value.item()
            # excesses over VaR, or over a lower threshold that enough values exceed
            excess = np.maximum(losses.astype(np.float64) - min(var, row[len(row) - 1 - tail_size(len(row))]), 0.0)
            heavy = replace(Extremes.of(weights * excess), plain=Extremes.of(excess)).upper
            beyond = Extremes.of(weights * np.maximum(losses - var, 0.0)).largest
            flag = material(heavy, beyond, 0.0, self.squares(measure) * (1 - level) ** 2)
        return gravest((flag, self.units.scarce))

    def _extremes(self, measure: Measure) -> Extremes:
        """Extremes of an influence; weighted and less their mean where paths have weights."""
        influence, weights = measure.influence, self.units.weights
        if not isinstance(influence, Made):  # totals, which have the weights
            return Extremes.of(influence[0])
        own = Extremes.of_parts(influence.parts(), self.units.paths)
        if weights is None:
            return own
        return replace(Extremes.of(weights * (influence.values()[0] - measure.of.mean)), plain=own)

    def less(self, baseline: Sample, lost: Flag | None, apart: Extremes | None = None) -> list[Estimate]:
        """Estimates of these measures less those of `baseline` on the same paths; a heavy tail that both share cancels.

        A mean is judged by the tails of the difference. Another measure is so where heavy tails of both variables are
        flagged, all levels of ES by the lowest of them.

        Args:
          apart: extremes of the difference, if they are known.
        """
        gaps, constant = self.gaps(baseline)
        lowest, heavy = dict[str, Measure](), dict[str, Flag | None]()
        tails: list[Flag | None] = []
        for (row, _), gap, *pair in zip(rows(self.levels), gaps, self.tails, baseline.tails, strict=True):
            of = lowest.setdefault(row.name, gap)
            others = [flag for flag in pair if flag and flag.reason not in HEAVY_TAILS]
            if row.tail == "values":
                tails.append(gravest((self.flag(gap, apart), self.units.scarce)))
            elif others or not any(pair):
                tails.append(next(iter(others), None))
            else:
                if row.name not in heavy:
                    heavy[row.name] = of_squares(self.flag(of)) if row.tail == "squares" else self.flag(of)
                tails.append(heavy[row.name])
        return judged(gaps, tails, constant, self.units, lost)


@dataclass(frozen=True)
class Variables:
    """Variables on the same paths, such as an outcome under each policy; what rests on one alone is computed once.

    Units in which a value is not finite are left out of the numbers that need it, and these are flagged.

    Args:
      values: of each variable.
      unit: paths in an independent unit, or the units themselves.
      loss: whether high is worse.
      levels: levels of VaR and ES.
    """

    values: PolicyPaths | Sequence[Paths]
    unit: Unit
    loss: bool
    levels: Levels = LEVELS

    @cached_property
    def _all(self) -> tuple[list[Sample], Flag | None]:
        return self._on_common(range(len(self.values)))

    def _on_common(self, which: Sequence[int]) -> tuple[list[Sample], Flag | None]:
        """Samples of some variables on the paths where all are finite (none without such paths); flag of the others."""
        kept, units, lost = finite_units(tuple(self.values[v] for v in which), self.unit)
        losses = (x if self.loss else -x for x in kept if units.count)
        return [Sample(row[None], units, self.levels) for row in losses], lost

    def _samples(self, *which: int) -> tuple[list[Sample], Flag | None]:
        samples, lost = self._all
        return self._on_common(which) if lost or not samples else ([samples[v] for v in which], None)

    def summary(self, one: int) -> Estimates:
        """Mean, median, sd, VaR and ES of a variable, by name.

        Flagged, and then without an interval: too few exceedances, tails of infinite variance (mean and ES) or fourth
        moment (sd), a single unit.
        """
        samples, lost = self._samples(one)
        if not samples:
            return dict.fromkeys(names_of(self.levels), nothing(lost))
        return named(samples[0].own(lost), self.levels, self.loss)

    def difference(self, one: int, other: int) -> Estimates:
        """Measures of one variable less those of another, and "worse": P(the first is worse). Flags as in `summary`."""
        samples, lost = self._samples(one, other)
        if not samples:
            return dict.fromkeys((*names_of(self.levels), "worse"), nothing(lost))
        x, y = samples
        worse = probability(x.values[0] > y.values[0], x.units).flagged(lost)
        apart = None if lost else self._apart(one, other)
        return named(x.less(y, lost, apart), self.levels, self.loss) | {"worse": worse}

    def _apart(self, one: int, other: int) -> Extremes | None:
        """Extremes of one variable less another, if there are two variables without weights; found once for both signs.

        Those of each variable's regret follow from them.
        """
        if len(self.values) != 2 or self._all[0][0].units.weights is not None:
            return None
        return self._between if one < other else self._between.negative

    @cached_property
    def _between(self) -> Extremes:
        first, second = (Made.of("difference", of.values) for of in self._all[0])
        return Extremes.of_parts((first - second).parts(), self._all[0][0].units.paths)

    def regrets(self) -> list[Estimate]:
        """Mean regret of each variable: its distance from the best of all on the same path, in its unit."""
        samples, lost = self._all
        if not samples:
            return [nothing(lost)] * len(self.values)
        units = samples[0].units
        best = Made.of("excess", functools.reduce(np.minimum, (of.values for of in samples)))
        regrets = []
        for v, sample in enumerate(samples):
            regret = of_influence(Made.of("excess", sample.values) - best, units)
            flag = units.scarce if regret.value > 0 else units.no_error
            apart = None if flag else self._apart(v, 1 - v)
            flag = flag or sample.flag(regret, apart and apart.positive)
            regrets.append(single(regret.column).flagged(lost, flag))
        return regrets

    def ascending(self) -> list[Ascending]:
        """The finite values of each variable in ascending order."""
        samples, lost = self._all
        if lost or not samples:
            return [np.sort(row[np.isfinite(row)]) for row in self.values]
        rows = [of.ascending[0] for of in samples]
        return rows if self.loss else [Turned(row) for row in rows]


def summary(values: Paths, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Mean, median, sd, VaR and ES of one variable, by name, from values [path]: `Variables.summary`."""
    return Variables((values,), unit, loss, levels).summary(0)


def measure(values: Paths, unit: Unit, loss: bool, name: str) -> Estimate:
    """One measure of one variable by its name, such as ES97.5, as in `summary`; no other is computed."""
    levels = levels_of(name)
    row, level = dict(zip(names_of(levels), rows(levels), strict=True))[name]
    samples, lost = Variables((values,), unit, loss, levels)._all
    if not samples:
        return nothing(lost)
    (sample,) = samples
    of = row.number(sample, level)
    tail = sample.tail(row.tail, of, level) if row.tail else None
    (own,) = judged([of], [tail], sample.constant, sample.units, lost)
    return own if loss or not row.signed else -own


def difference(values: Paths, baseline_values: Paths, unit: Unit, loss: bool, levels: Levels = LEVELS) -> Estimates:
    """Measures of one variable less those of another on the same paths, and "worse": `Variables.difference`."""
    return Variables((values, baseline_values), unit, loss, levels).difference(0, 1)


def mean(values: Paths, unit: Unit) -> Estimate:
    """Mean of values [path], without a flag for heavy tails."""
    (kept,), units, lost = finite_units((values,), unit)
    if not units.count:
        return nothing(lost)
    of = of_influence(Made.of("difference", kept[None]), units)
    return single(of.column).flagged(lost, units.scarce if of.of.error > 0 else units.no_error)


def probability(indicator: Happens, unit: Unit) -> Estimate:
    """Share of paths with a property, with its interval for the effective number of paths: indicator bool [path].

    The standard error of a share of 0 or 1 is half its interval over 1.96. Flagged: a single unit of several paths; few
    paths with nearly all weight, and weights of infinite variance.
    """
    (holds,), units, lost = finite_units((indicator,), unit)
    if not units.count:
        return nothing(lost)
    own = single(share(holds, units))
    return own.flagged(lost, units.no_error if units.paths > 1 else None, *_of_weights(holds, units))


def probability_difference(indicator: Happens, baseline: Happens, unit: Unit) -> Estimate:
    """Share of paths with a property less the share with another, on the same paths: bool [path] each.

    Interval combined from the intervals of both shares and the correlation of the shares.
    """
    (x, y), units, lost = finite_units((indicator, baseline), unit)
    if not units.count:
        return nothing(lost)
    return single(share_gap(x, y, units)).flagged(lost, units.no_error, *_of_weights(x.astype(np.float64) - y, units))


def _of_weights(values: Paths, units: Units) -> tuple[Flag | None, ...]:
    """Flags that withhold the interval of a share, or of a difference of shares.

    They are for few paths with nearly all weight, and for too heavy a tail of the weighted residuals, which can only
    come from the weights.
    """
    if units.weights is None:
        return ()
    sample = Sample(values.astype(np.float64)[None], units)
    flag = sample.flag(sample.mean)
    return units.few_with_weight, flag if flag and flag.reason in TOO_HEAVY else None


def nothing(flag: Flag | None) -> Estimate:
    """NaN with a flag, for a measure without any path."""
    return Estimate(np.nan, flags=(flag or Flag(Reason.NO_PATHS, 0, 1),))


def estimated(of: Moments, shift: np.ndarray | float = 0.0) -> Estimate:
    """The mean that moments of one cell describe, with its interval, plus a shift."""
    return single(shifted(of, shift))


def correlation(a: Float[np.ndarray, "unit"], b: Float[np.ndarray, "unit"]) -> float:
    """Correlation over units of two residuals of mean zero; 0 where one of them is constant."""
    scale = float(np.sqrt(dots(a, a) * dots(b, b)))
    return float(dots(a, b)) / scale if scale > 0 else 0.0
