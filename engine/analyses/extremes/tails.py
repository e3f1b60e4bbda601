"""The bad tails of a run: of outcomes by future, of yearly variables by year and by future.

Yearly variables are aggregated over places by the worst place (OEP) and by the sum of places (AEP).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from engine.analyses import years
from engine.answers.question import Asked
from engine.errors import Problems, UserError, unknown
from engine.risk.drivers.series import Years, across, unit_of_whole
from engine.risk.estimation.exclusion import with_units
from engine.risk.estimation.intervals import Units, as_units
from engine.risk.estimation.return_levels import Extremes, Passed, extremes, passed
from engine.study.study import Study

PERIODS = (10.0, 50.0, 100.0, 250.0, 1000.0)
"""Default return periods; powers of ten up to beyond the number of futures are added."""
POINTS = 40
"""Number of return periods on a curve."""
LEAST, FARTHEST = 2.0, 1e12
LARGEST, SUM = "largest", "sum"
FUTURE, YEAR = "futures", "years"


@dataclass(frozen=True)
class Tails:
    """The bad tail of one number per future, or per year of a future, under each policy.

    Args:
      variable: outcome or yearly variable.
      of: "" for an outcome; for a yearly variable `LARGEST`, the worst place, or `SUM`, the sum of all places.
      counted: what return periods count, `FUTURE` or `YEAR`.
      unit: of the number.
      loss: whether high is worse.
      by_policy: the tail under each policy.
      periods: the return periods that are asked for.
      has_places: False for a yearly variable without places, whose worst place and sum of a year are one tail.
    """

    variable: str
    of: str
    counted: str
    unit: str
    loss: bool
    by_policy: Mapping[str, Extremes]
    periods: tuple[float, ...]
    has_places: bool = True

    @cached_property
    def passed(self) -> Mapping[str, list[Passed]]:
        """The level reached once in each return period, under each policy."""
        return self._passed(self.periods)

    def curve(self) -> Mapping[str, list[Passed]]:
        """The levels at `POINTS` return periods, evenly on a log scale from 2 to ten times the number of values."""
        counts = [one.sample.units.paths for one in self.by_policy.values() if one.sample]
        return self._passed([*np.geomspace(LEAST, 10 * max(counts, default=1), POINTS)])

    def _passed(self, periods: Sequence[float]) -> Mapping[str, list[Passed]]:
        return dict(zip(self.by_policy, passed([*self.by_policy.values()], periods), strict=True))


@dataclass(frozen=True)
class Looked:
    """The result of `look`.

    Args:
      study: the study of the run.
      periods: return periods, ascending.
      futures: how many futures were simulated again for yearly values; 0 if none were asked for.
    """

    study: Study
    tails: tuple[Tails, ...]
    periods: tuple[float, ...]
    futures: int


def look(
    of: Asked, variables: Sequence[str], policies: Sequence[str], periods: Sequence[str | float], futures: int | None
) -> Looked:
    """The bad tails of some variables under some policies.

    Args:
      variables: outcomes kept path by path, and yearly variables; if none are named, the headline's kept outcomes.
      policies: all if none are named.
      periods: return periods from 2 on, as numbers or texts; `PERIODS` and powers of ten up to beyond the number of
        futures if none.
      futures: how many of the first futures are simulated again for yearly values; if not given, `years.first_paths`.

    Raises:
      UserError: no such variable, policy or period, a variable that is an event or not kept; all problems at once.
    """
    study = of.study
    kept = [*of.outcomes]
    chosen = [*dict.fromkeys(variables)] or [name for name in study.headline if name in kept]
    named = [*dict.fromkeys(policies)] or [*study.policy_names]
    problems = Problems()
    for name in chosen:
        if problem := _problem(study, name, kept):
            problems.add("--variable", problem)
    for name in named:
        if name not in study.policy_names:
            problems.add("--policies", unknown("policy", name, study.policy_names))
    wanted = [_period(one, problems) for one in periods] or _periods(study.paths)
    if futures is not None and futures < 1:
        problems.add("--futures", f"expected 1 or more, got {futures}.")
    problems.refuse("extremes")
    if not chosen:
        remedy = "Name a variable, or add them to keep.outcomes and run again."
        raise UserError("extremes", [f"no outcome of the headline is kept path by path. {remedy}"])
    ascending, rows = tuple(sorted({*wanted})), {name: study.row(name) for name in named}
    found = [_of_outcome(study, name, of.outcomes[name], rows, ascending) for name in chosen if name in kept]
    yearly, count = [name for name in variables if name in study.model.yearly], 0
    if yearly:
        count = min(futures or years.first_paths(study, 2 * len(yearly), tails=True), study.paths)
        count -= count % study.unit if count > study.unit else 0
        found += _of_years(of, yearly, count, rows, ascending)
    found.sort(key=lambda one: chosen.index(one.variable))
    return Looked(study, tuple(found), ascending, count)


def _problem(study: Study, name: str, kept: Sequence[str]) -> str:
    if name in kept or name in study.model.yearly:
        return ""
    if name in study.events_by_name:
        return f"'{name}' is an event, which has a probability and no size. Name the outcome that it is of."
    if name in study.model.outcomes:
        return f"'{name}' is not kept path by path. Add it to keep.outcomes and run again."
    return unknown("outcome or yearly variable", name, [*study.model.outcomes, *study.model.yearly])


def _period(text: str | float, problems: Problems) -> float:
    try:
        period = float(str(text).replace("_", ""))
    except ValueError:
        period = float("nan")
    if LEAST <= period <= FARTHEST:
        return period
    problems.add("--periods", f"expected numbers from {LEAST:g} to {FARTHEST:g}, such as 10,100,1000; got '{text}'.")
    return LEAST


def _periods(paths: int) -> list[float]:
    more = [10.0**power for power in range(4, 13) if 10.0 ** (power - 1) < paths]
    return [*PERIODS, *more]


def _of_outcome(
    study: Study, name: str, values: np.ndarray, rows: Mapping[str, int], periods: tuple[float, ...]
) -> Tails:
    loss = study.is_loss(name)
    found = {policy: extremes(values[row], study.unit, loss) for policy, row in rows.items()}
    return Tails(name, "", FUTURE, study.unit_of(name), loss, found, periods)


def _of_years(
    of: Asked, names: Sequence[str], count: int, rows: Mapping[str, int], periods: tuple[float, ...]
) -> Iterator[Tails]:
    study, model = of.study, of.study.model
    worst = {name: "peak" if model.yearly[name].loss else "lowest" for name in names}
    asked = [across(study, name, {}, rule) for name in names for rule in (worst[name], "sum")]
    of.observe("futures", 0, count)
    held = years.values(study, asked, count, of.device)
    of.observe("futures", count, count)
    sound = np.logical_and.reduce([np.isfinite(part).all(axis=(0, 1)) for part in held])
    kept = ~with_units(study, ~sound)
    units = as_units(count, study.unit).take(kept)
    for name, largest, summed in zip(names, held[::2], held[1::2], strict=True):
        unit, loss = model.yearly[name].unit, bool(model.yearly[name].loss)
        has_places = bool(model.yearly[name].dims)
        for part, values, whole in ((LARGEST, largest, worst[name]), (SUM, summed, "total")):
            of_whole = unit_of_whole(study, name, whole)
            for counted, of_unit, numbers, own in (
                (YEAR, unit, *_by_year(values[..., kept], units)),
                (FUTURE, of_whole, _by_future(values[..., kept], whole), units),
            ):
                if part == SUM and counted == YEAR and not has_places:
                    continue
                tails = {policy: extremes(numbers[row], own, loss) for policy, row in rows.items()}
                yield Tails(name, part, counted, of_unit, loss, tails, periods, has_places)


def _by_future(values: Years, whole: str) -> Float[np.ndarray, "policy path"]:
    if whole == "total":
        return np.asarray(values.sum(axis=1, dtype=np.float64))
    return np.asarray(values.max(axis=1) if whole == "peak" else values.min(axis=1))


def _by_year(values: Years, units: Units) -> tuple[Float[np.ndarray, "policy year_of_path"], Units]:
    """Every year of every future as one value, future by future; years of one future are in the same unit."""
    count = values.shape[1]
    size = units.size * count if units.replicated else units.size
    owner = np.repeat(units.owners(np.arange(units.paths)), count)
    return np.moveaxis(values, 1, 2).reshape(len(values), -1), Units(units.paths * count, size, owner)
