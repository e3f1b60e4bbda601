"""The bad tails of a run: of outcomes by future, of yearly variables by year and by future.

Yearly variables are aggregated over places by the worst place (OEP) and by the sum of places (AEP).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.answers.question import Asked
from engine.questions import years
from engine.questions.futures import units_of
from engine.risk.drivers.series import across, summed_unit
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.intervals import Unit, Units
from engine.risk.estimation.return_levels import Extremes, Passed, extremes, passed
from engine.study.study import Study

POINTS = 40
"""Number of return periods on a curve."""
LEAST = 2.0
"""Shortest return period."""
LEVELS, LARGEST, SUM = "levels", "largest", "sum"
"""The table of a tail: of outcomes; of the worst place, and of the sum of all places, of yearly variables."""
FUTURE, YEAR = "futures", "years"
WORST_PLACE, ALL_PLACES = "worst place (OEP)", "all places (AEP)"


@dataclass(frozen=True)
class Tail:
    """The bad tail of one number per future, or per year of a future, under each policy.

    Args:
      variable: outcome or yearly variable.
      of: `LEVELS` for an outcome; for a yearly variable `LARGEST`, the worst place, or `SUM`, the sum of all places.
      part: how places or years are aggregated, in words; "" for an outcome, and for years of a variable without places.
      counted: what return periods count, `FUTURE` or `YEAR`.
      unit: of the number.
      loss: whether high is worse.
      by_policy: the tail under each policy.
    """

    variable: str
    of: str
    part: str
    counted: str
    unit: str
    loss: bool
    by_policy: Mapping[str, Extremes]

    @property
    def name(self) -> str:
        """Its name, such as `futures of layoffs` or `years of layoffs, all places (AEP)`."""
        return ", ".join(filter(None, (f"{self.counted} of {self.variable}", self.part)))

    def labels(self, policy: str) -> dict[str, str]:
        """The labels of a row about it under a policy."""
        return {
            "variable": self.variable,
            "of": self.part,
            "counted": self.counted,
            "unit": self.unit,
            "policy": policy,
        }

    def passed(self, periods: Sequence[float]) -> Mapping[str, list[Passed]]:
        """The level reached once in each return period, under each policy."""
        return dict(zip(self.by_policy, passed([*self.by_policy.values()], periods), strict=True))

    def curve(self) -> Mapping[str, list[Passed]]:
        """The levels at `POINTS` return periods, evenly on a log scale from 2 to ten times the number of values."""
        counts = [one.sample.units.paths for one in self.by_policy.values() if one.sample]
        return self.passed([*np.geomspace(LEAST, 10 * max(counts, default=1), POINTS)])


def of_outcome(of: Asked, name: str, policies: Sequence[str]) -> Tail:
    """The tail of an outcome that is kept path by path."""
    study = of.study
    tails = _by_policy(study, policies, of.outcomes[name], study.unit, study.is_loss(name))
    return Tail(name, LEVELS, "", FUTURE, study.unit_of(name), *tails)


def of_years(of: Asked, names: Sequence[str], count: int, policies: Sequence[str]) -> Iterator[Tail]:
    """The tails of yearly variables, whose values are computed again for the first `count` futures.

    Of a variable without places the worst place and the sum of a year are one tail.
    """
    study, yearly = of.study, of.study.model.yearly
    worst = {name: "peak" if yearly[name].loss else "lowest" for name in names}
    of.observe("futures", 0, count)
    series = [across(study, name, {}, rule) for name in names for rule in (worst[name], "sum")]
    held = years.values(study, series, count, of.device)
    of.observe("futures", count, count)
    sound = np.logical_and.reduce([np.isfinite(part).all(axis=(0, 1)) for part in held])
    kept = ~with_units(study, ~sound)
    units = units_of(study, kept)
    for name, largest, summed in zip(names, held[::2], held[1::2], strict=True):
        own, loss = yearly[name], bool(yearly[name].loss)
        for part, every, place, of_all in (
            (LARGEST, largest, WORST_PLACE, "worst year"),
            (SUM, summed, ALL_PLACES, "all years"),
        ):
            values = every[..., kept]
            if part == LARGEST or own.dims:
                by_year = np.moveaxis(values, 1, 2).reshape(len(values), -1)
                tails = _by_policy(study, policies, by_year, _years_of(units, values.shape[1]), loss)
                yield Tail(name, part, place if own.dims else "", YEAR, own.unit, *tails)
            if part == SUM:
                whole = values.sum(axis=1, dtype=np.float64)
            else:
                whole = values.max(axis=1) if loss else values.min(axis=1)
            tails = _by_policy(study, policies, whole, units, loss)
            unit = summed_unit(study, name) if part == SUM else own.unit
            yield Tail(name, part, place if own.dims else of_all, FUTURE, unit, *tails)


def _by_policy(
    study: Study, policies: Sequence[str], values: np.ndarray, unit: Unit, loss: bool
) -> tuple[bool, dict[str, Extremes]]:
    return loss, {policy: extremes(values[study.row(policy)], unit, loss) for policy in policies}


def _years_of(units: Units, count: int) -> Units:
    """The units of every year of every future, future by future: the `count` years of a future are in its unit."""
    size = units.size * count if units.replicated else units.size
    return Units(units.paths * count, size, np.repeat(units.owners(np.arange(units.paths)), count))
