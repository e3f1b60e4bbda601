"""Backtest of a study: proper scores of the futures of each observed figure, and a calibration of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from engine.analyses.backtest.calibration import Calibration
from engine.analyses.backtest.figures import Figure, Line, lines, sound
from engine.analyses.backtest.scores import beyond, crps, last_value, log_score, trend
from engine.analyses.futures import of_paths
from engine.analyses.variants import Observer, unobserved
from engine.errors import Problem, UserError
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.study import imposition
from engine.study.actual_policy import followed
from engine.study.holdout import is_within, why_apart
from engine.study.study import Study
from engine.study.tables.observed import Observation

PATHS, FEWEST = 1 << 14, 256
"""Default number of futures; and the fewest allowed, from which the range of the model's own futures is estimated."""


@dataclass(frozen=True)
class Scored:
    """An observed figure with its scores, which are in its unit except the log score.

    Args:
      series: name of the series that the figure belongs to.
      crps: fair CRPS of its futures.
      bad: CRPS weighted to values worse than the last value known; None where none was known.
      log: minus the log density of its futures at the figure.
      last, trend: CRPS of two reference forecasts, the last value known and the trend of what was known; NaN where too
        little was known.
    """

    series: str
    figure: Figure
    crps: Estimate
    bad: Estimate | None
    log: float
    last: float
    trend: float


@dataclass(frozen=True)
class Reading:
    """Figures that are scored together, for one way to read the observations.

    Args:
      name: of the reading; "" where there is only one.
      scored: the scored figures, in the order of their series.
      apart: figures that are not scored, each with its futures if it lies within the study's years, and the reason.
      series: the series, with their futures year by year.
      left_out: paths left out because a figure's value on them is not finite.
      seed: of the study, for random places among equal values.
    """

    name: str
    scored: tuple[Scored, ...]
    apart: tuple[tuple[Observation, Figure | None, str], ...]
    series: tuple[Line, ...]
    left_out: int
    seed: int

    @cached_property
    def calibration(self) -> Calibration | None:
        """The calibration of all scored figures against the model's own futures; None if no figure is scored."""
        random = np.random.default_rng([self.seed, *f"places {self.name}".encode()])
        return Calibration([one.figure for one in self.scored], random) if self.scored else None

    def of_series(self) -> dict[str, list[int]]:
        """Name of a series -> indices of its figures in `scored`."""
        found: dict[str, list[int]] = {}
        for number, one in enumerate(self.scored):
            found.setdefault(one.series, []).append(number)
        return found


@dataclass(frozen=True)
class Tested:
    """The result of `backtest`.

    Args:
      study: with the backtested policy alone, and the paths that were simulated.
      imposed: yearly variables that were replaced by their observed values.
    """

    study: Study
    imposed: tuple[str, ...]
    readings: tuple[Reading, ...]


def backtest(
    study: Study,
    policy: str | None = None,
    impose: Sequence[str] = (),
    until: int | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> Tested:
    """Scores of a study's futures against observations, under the policy closest to the one that was followed.

    Args:
      policy: its name; the study's `observed.policy`, or the only one that runs, if not given.
      impose: yearly variables whose observed values replace what the model computes.
      until: last year whose figures are used.
      paths: how many, from the first on; the study's, at most 16,384, if not given.
      device: "cpu" or "gpu"; the GPUs if there are any.
      observe: called with the stage, how much is done, and how much there is.

    Raises:
      UserError: no observations, no policy to compare them with, a variable that cannot be imposed, fewer than 256
        futures: all at once; or values that are not finite on more paths than the study allows.
    """
    study.refuse_broken_model()
    one = followed(study, policy, impose, until)
    one = of_paths(one, paths, PATHS, max(2, FEWEST // one.unit))
    rows = [row for row in one.observed.rows if until is None or row.time <= until]
    readings: dict[str, list[Observation]] = {}
    for name in one.observed.readings:
        readings[name] = [row for row in rows if row.reading in ("", name)]
    # one simulation serves all readings, unless observed values are imposed, which differ by reading
    simulated = [rows] if not impose else [*readings.values()]
    found = []
    for number, some in enumerate(simulated):
        observe("simulating", number * one.paths, len(simulated) * one.paths)
        found.append({line.name: line for line in lines(imposition.under(one, impose, some), some, one.paths, device)})
    observe("simulating", len(simulated) * one.paths, len(simulated) * one.paths)
    every = zip(readings.items(), found if impose else found * len(readings), strict=True)
    tested = [
        _reading(one, name, [of[series] for series in dict.fromkeys(row.series for row in own)], own, impose)
        for (name, own), of in every
    ]
    return Tested(one, tuple(impose), tuple(tested) if impose else _apart_if_they_differ(tested))


def _apart_if_they_differ(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings; only the first, without a name, if all of them have the same figures."""
    first = readings[0]
    figures = [{one.figure.observation for one in reading.scored} for reading in readings]
    return tuple(readings) if any(own != figures[0] for own in figures) else (replace(first, name=""),)


def _reading(
    study: Study, name: str, series: Sequence[Line], rows: Sequence[Observation], impose: Sequence[str]
) -> Reading:
    own = {*rows}
    pairs = [(line, row, why_apart(study, row, impose)) for line in series for row in line.rows if row in own]
    scored = [(line, line.figure(study, row)) for line, row, why in pairs if not why]
    figures, good = sound([figure for _, figure in scored], study.paths)
    lost = int((~good).sum())
    if lost > most_excluded(study):
        text = (
            f"values are not finite on {lost:,} of {study.paths:,} paths; expected at most {most_excluded(study):,}."
            " Mend the model, or say which share may be kept out."
        )
        raise UserError(f"model {study.model_name}", [Problem("run.nonfinite", text)])
    apart = tuple(
        (row, line.figure(study, row) if is_within(study, row) else None, why) for line, row, why in pairs if why
    )
    units = as_units(study.paths, study.unit).take(good)
    found = tuple(
        _scored(study, [row for row in line.rows if row in own], line.name, figure, units)
        for (line, _), figure in zip(scored, figures, strict=True)
    )
    return Reading(name, found, apart, tuple(series), lost, study.seed)


def _scored(study: Study, rows: Sequence[Observation], series: str, figure: Figure, units: Units) -> Scored:
    values, observed = figure.values, figure.observed
    known = [row for row in rows if study.years and row.time < study.years[0]]
    persistent, linear = last_value(known), trend(known, figure.observation.time)
    bad = None
    if len(persistent):
        turned = beyond(np.append(values, observed), persistent[0], figure.loss)
        bad = crps(turned[:-1], turned[-1], units)
    return Scored(
        series,
        figure,
        crps(values, observed, units),
        bad,
        log_score(values, observed),
        *map(_of_reference, (persistent, linear), (observed, observed)),
    )


def _of_reference(values: np.ndarray, observed: float) -> float:
    if not len(values):
        return float("nan")
    return float(np.abs(values - observed).mean() - 0.5 * np.abs(values[:, None] - values).mean())


def sizes(reading: Reading) -> list[float]:
    """For each scored figure, the mean CRPS of the last value known over its series; 0 where none was known."""
    found = [0.0] * len(reading.scored)
    for own in reading.of_series().values():
        size = float(np.mean([reading.scored[k].last for k in own]))
        for k in own:
            found[k] = size if np.isfinite(size) else 0.0
    return found
