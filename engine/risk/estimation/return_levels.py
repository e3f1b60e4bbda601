"""Return levels: what one value in a given number passes, from the sample or, further out, from a fitted law.

Choice of the threshold, intervals and their coverage: `docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from engine.risk.estimation.flags import Flag, Reason
from engine.risk.estimation.heaviness import (
    END,
    FEWEST_TAIL_VALUES,
    HEAVY,
    MARGIN,
    MEANLESS,
    excesses_over,
    misfit,
    spread_evenly,
)
from engine.risk.estimation.influences import FEWEST_FOR_ES
from engine.risk.estimation.intervals import Estimate, Paths, Unit, Units, finite_units
from engine.risk.estimation.measures import Sample, mean, nothing
from engine.risk.estimation.pareto_law import NO_SHAPE, Laws, Number, Region, fit_chance, likeliest
from engine.risk.estimation.properties import cached_property

DEEPEST, MOST = 40, 512
"""A tail holds at most one in `DEEPEST` values, and at most `MOST`; further in, a Pareto law need not hold."""
FEWEST = DEEPEST * FEWEST_TAIL_VALUES
"""Least number of values for extrapolating beyond the sample."""
STEP = 2**-0.5
"""Ratio of the sizes of successive tails that are tried."""
UNLIKELY = 0.1
"""p value of the misfit at or below which a law is rejected for a tail."""
FEWEST_DISTINCT = 30
"""Least number of distinct values in a tail."""
REGULAR = -0.5
"""Shape above which likelihood intervals are valid."""
FEW = frozenset({Reason.FEW_EFFECTIVE_EXCEEDANCES, Reason.FEW_EXCEEDANCES})


@dataclass(frozen=True)
class Fit:
    """A generalised Pareto law fitted to losses over a threshold, high being worse.

    Args:
      threshold: of the losses.
      law: the likeliest law of the excesses over the threshold, of which ties are spread evenly.
      misfit: Anderson-Darling statistic, divided by the design effect of dependence within units.
      chance: p value of the misfit.
      mean_excess: with its interval.
      flag: why there are no likelihood intervals; None where there are.
    """

    threshold: float
    law: Region
    misfit: float
    chance: float
    mean_excess: Estimate
    flag: Flag | None

    @property
    def fits(self) -> bool:
        """Whether the law is accepted for the tail."""
        return self.chance > UNLIKELY

    @cached_property
    def of_shape(self) -> Estimate:
        """Shape with its profile-likelihood interval."""
        return self._estimate(lambda shape, scale, share: shape)

    def level(self, period: float) -> Estimate:
        """Return level by the law: the loss that one value in `period` passes."""
        return self._estimate(partial(_level, self.threshold, period))

    def beyond(self, period: float) -> Estimate:
        """Mean of the losses that pass the return level of `period`, by the law.

        NaN where the law's mean is infinite, without an interval where an infinite mean is not excluded, flagged where
        the variance may be infinite.
        """
        shape, flag = self.law.shape, None
        if shape >= MEANLESS:
            return nothing(Flag(Reason.INFINITE_MEAN, shape, MEANLESS))
        if self.of_shape.high >= MEANLESS:
            flag = Flag(Reason.NO_MEAN, shape, MEANLESS)
        elif shape >= HEAVY - MARGIN:
            flag = Flag(Reason.HEAVY_TAIL, shape, HEAVY)
        return _flagged(self._estimate(partial(_beyond, self.threshold, period)), flag)

    def _estimate(self, number: Number) -> Estimate:
        law = self.law
        value = float(number(*map(np.array, (law.shape, law.scale, law.share))))
        if self.flag:
            return Estimate(value).flagged(self.flag)
        low, high = law.interval(number)
        return Estimate(value, (high - low) / (2 * law.units.reach), low, high)


def _level(threshold: float, period: float, shape: Laws, scale: Laws, share: Laws) -> Laws:
    shape = np.where(np.abs(shape) < NO_SHAPE, NO_SHAPE, shape)
    return threshold + scale * np.expm1(shape * np.log(period * share)) / shape


def _beyond(threshold: float, period: float, shape: Laws, scale: Laws, share: Laws) -> Laws:
    passed = _level(threshold, period, shape, scale, share)
    return passed + (scale + shape * (passed - threshold)) / np.maximum(1 - shape, NO_SHAPE)


@dataclass(frozen=True)
class Passed:
    """Return level of a period, and the mean beyond it, in the variable's own sign.

    Args:
      period: one value in this many passes the level.
      level: the level with its interval.
      beyond: mean of the values that pass it, with its interval.
      extrapolated: whether both come from the law because too few values pass the level.
      law: level by the law, also where `level` comes from the values; None where it is not beyond the threshold.
    """

    period: float
    level: Estimate
    beyond: Estimate
    extrapolated: bool
    law: Estimate | None


@dataclass(frozen=True)
class Extremes:
    """Bad tail of a variable.

    Args:
      sample: its finite losses, high being worse; None if there are none.
      loss: whether high values of the variable are worse.
      fits: fits of all tails that were tried, the largest tail first.
      fit: the accepted fit; None for none.
      flag: why there is none.
      lost: flag for values that were left out.
    """

    sample: Sample | None
    loss: bool
    fits: tuple[Fit, ...]
    fit: Fit | None
    flag: Flag | None
    lost: Flag | None

    def in_own_sign(self, of: Estimate) -> Estimate:
        """An estimate of losses, in the variable's own sign."""
        return of if self.loss else -of

    def by_law(self, period: float) -> tuple[Estimate, Estimate] | None:
        """Return level and mean beyond it by the law; None without a law, or within its threshold."""
        if self.fit is None or period * self.fit.law.share < 1:
            return None
        level, beyond = (_flagged(of(period), self.lost) for of in (self.fit.level, self.fit.beyond))
        return self.in_own_sign(level), self.in_own_sign(beyond)

    def by_values(self, periods: Sequence[float]) -> dict[float, tuple[Estimate, Estimate]]:
        """By period, return level and mean beyond it as VaR and ES of the sample; NaN where the sample is smaller."""
        none = nothing(self.flag or Flag(Reason.NO_LAW) if self.sample else self.lost)
        own = dict.fromkeys(periods, (none, none))
        if self.sample and (inside := sorted({one for one in periods if one <= self.sample.units.paths})):
            levels = tuple(1 - 1 / one for one in inside)
            _, _, _, *found = replace(self.sample, levels=levels).own(self.lost)
            tails = zip(inside, found, found[len(inside) :], strict=False)
            own |= {one: (self.in_own_sign(var), _refused(self.in_own_sign(es))) for one, var, es in tails}
        return own


def passed(every: Sequence[Extremes], periods: Sequence[float]) -> list[list[Passed]]:
    """Return levels by tail and period.

    A period uses the laws of all tails as soon as one of the tails has too few values beyond the level, so that tails
    can be compared.
    """
    tails = [(one, one.by_values(periods)) for one in every]
    scarce = {period: any(_is_scarce(of[period], period, one) for one, of in tails) for period in periods}
    return [[_passed(one, period, of[period], scarce[period]) for period in periods] for one, of in tails]


def _is_scarce(own: tuple[Estimate, Estimate], period: float, of: Extremes) -> bool:
    """Whether too few values pass a level: by number, as ties have no flag for it, or by the estimates' flags."""
    few = of.sample is not None and period * FEWEST_FOR_ES > of.sample.units.paths
    return few or any(flag.reason in FEW for one in own for flag in one.flags)


def _passed(of: Extremes, period: float, own: tuple[Estimate, Estimate], scarce: bool) -> Passed:
    law = of.by_law(period)
    if scarce and law:
        return Passed(period, *law, True, law[0])
    if _is_scarce(own, period, of):
        own = _flagged(own[0], of.flag), _flagged(own[1], of.flag)
    none = None if of.fit else nothing(of.flag)
    return Passed(period, *own, False, law[0] if law else none)


def _flagged(one: Estimate, flag: Flag | None) -> Estimate:
    """The estimate with a flag more, and its flags in the order of `Reason`, in which they are stored."""
    found = one.flagged(flag)
    return replace(found, flags=tuple(sorted(found.flags, key=lambda flag: [*Reason].index(flag.reason))))


def _refused(beyond: Estimate) -> Estimate:
    """The mean beyond a level; NaN with a flag where the tail's shape says that it is infinite."""
    endless = [flag for flag in beyond.flags if flag.reason is Reason.NO_MEAN and flag.got >= MEANLESS]
    return nothing(Flag(Reason.INFINITE_MEAN, endless[0].got, MEANLESS)) if endless else beyond


def extremes(values: Paths, unit: Unit, loss: bool) -> Extremes:
    """Bad tail of values [path]; non-finite values are left out with their units."""
    (kept,), units, lost = finite_units((values,), unit)
    if not units.count:
        return Extremes(None, loss, (), None, nothing(lost).flags[0], lost)
    losses = np.asarray(kept if loss else -kept)
    order = np.argsort(losses, kind="stable")
    if len(losses) > 1 and losses[order[0]] == losses[order[-1]]:
        found: list[Fit | Flag] = [Flag(Reason.FEW_DISTINCT, 1, FEWEST_DISTINCT)]
    else:
        tails = [order[len(order) - size - 1 :] for size in _sizes(len(losses))]
        few = Flag(Reason.FEW_TAIL_VALUES, len(losses), FEWEST)
        found = [_fit(losses, tail, units) for tail in tails] or [few]
    fits = tuple(one for one in found if isinstance(one, Fit))
    fit = next((one for one in fits if one.fits), None)
    refused = next((one for one in found if isinstance(one, Flag)), None)
    flag = None if fit else Flag(Reason.NO_LAW) if fits else refused
    return Extremes(Sample(losses[None], units), loss, fits, fit, flag, lost)


def _sizes(count: int) -> list[int]:
    size, sizes = float(min(count // DEEPEST, MOST)), []
    while round(size) >= FEWEST_TAIL_VALUES:
        sizes.append(round(size))
        size *= STEP
    return sizes


def _fit(losses: Paths, largest: np.ndarray, units: Units) -> Fit | Flag:
    """The law of the losses over the first of the `largest` (indices, by ascending loss), or why there is none."""
    ascending = losses[largest]
    excesses = excesses_over(ascending)
    values = np.unique(excesses)
    if len(values) < FEWEST_DISTINCT or ascending[-1] == ascending[-END]:
        return Flag(Reason.FEW_DISTINCT, len(values), FEWEST_DISTINCT)
    if len(excesses) < FEWEST_TAIL_VALUES:
        return Flag(Reason.FEW_DISTINCT, len(values), FEWEST_TAIL_VALUES)
    # tied values are spread from half the distance to the threshold on
    begin = float(ascending[0]) + (values[0] / 2 if len(values) < len(excesses) else 0.0)
    spread, path = spread_evenly(excesses), largest[len(largest) - len(excesses) :]
    of_tail = units.take(np.isin(np.arange(units.paths), path))
    shape, scale = likeliest(spread)
    few = units.scarce
    flag = few or (None if shape > REGULAR else Flag(Reason.ENDING_TAIL, shape, REGULAR))
    law = Region(spread, path, shape, scale, units)
    seen = misfit(spread, shape or NO_SHAPE, scale) / (len(path) / of_tail.count if flag else law.dependence)
    return Fit(begin, law, seen, fit_chance(seen, shape), mean(excesses[np.argsort(path)], of_tail).flagged(few), flag)
