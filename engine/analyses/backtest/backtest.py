"""Backtest of a study: proper scores of the futures of each observed figure, and a calibration of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from engine.analyses.backtest.calibration import Calibration
from engine.analyses.backtest.figures import Figure, Line, lines, sound
from engine.analyses.backtest.scores import beyond, crps, log_score, of_trend
from engine.analyses.futures import of_paths
from engine.analyses.variants import Observer, unobserved
from engine.errors import Problem, UserError
from engine.risk.estimation.exclusion import most_excluded
from engine.risk.estimation.intervals import Units, as_units
from engine.study import imposition
from engine.study.actual_policy import followed
from engine.study.holdout import is_within, why_apart
from engine.study.study import Study
from engine.study.tables.observed import Observation

PATHS, FEWEST = 1 << 14, 256
"""Default number of futures; and the fewest allowed, from which the range of the model's own futures is estimated."""
LEVELS = {0.05: "p05", 0.25: "p25", 0.5: "median", 0.75: "p75", 0.95: "p95"}
"""Levels of the quantiles of the futures, and the columns that hold them."""
Row = dict[str, Any]


@dataclass(frozen=True)
class Reading:
    """Figures that are scored together, for one way to read the observations.

    Args:
      name: of the reading; "" where there is only one.
      figures: those that are scored, in the order of their series.
      rows: a row for each figure of the table of figures, the scored ones first, in the same order.
      series: the series, with their futures year by year.
      left_out: paths left out because a figure's value on them is not finite.
      calibration: of all scored figures against the model's own futures; None if no figure is scored.
    """

    name: str
    figures: Sequence[Figure]
    rows: Sequence[Row]
    series: Sequence[Line]
    left_out: int
    calibration: Calibration | None

    @property
    def scored(self) -> Sequence[Row]:
        """The rows of the scored figures."""
        return self.rows[: len(self.figures)]

    def by_series(self) -> Mapping[str, list[int]]:
        """Name of a series -> indices of its scored figures."""
        found: dict[str, list[int]] = {}
        for number, row in enumerate(self.scored):
            found.setdefault(row["series"], []).append(number)
        return found

    def sizes(self) -> list[float]:
        """For each scored figure, the mean CRPS of the last value known over its series; 0 where none was known."""
        last = np.array([row["of_last"] for row in self.scored])
        series = self.by_series()
        return [float(np.nan_to_num(last[series[row["series"]]].mean())) for row in self.scored]


def backtest(
    study: Study,
    policy: str | None = None,
    impose: Sequence[str] = (),
    until: int | None = None,
    paths: int | None = None,
    device: str | None = None,
    observe: Observer = unobserved,
) -> tuple[Study, list[Reading]]:
    """Scores of a study's futures against observations, under the policy closest to the one that was followed.

    Gives the study with that policy alone, and the paths that were simulated; and one reading, or several if their
    figures differ.

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
    readings = {name: [row for row in rows if row.reading in ("", name)] for name in one.observed.readings}
    scored = [{row for row in own if not why_apart(one, row)} for own in readings.values()]
    if not impose and all(some == scored[0] for some in scored):
        readings = {"": next(iter(readings.values()))}
    # one simulation serves all readings, unless observed values are imposed, which differ by reading
    simulated = [*readings.values()] if impose else [rows]
    found = []
    for number, some in enumerate(simulated):
        observe("simulating", number * one.paths, len(simulated) * one.paths)
        found.append({line.name: line for line in lines(imposition.under(one, impose, some), some, one.paths, device)})
    observe("simulating", len(simulated) * one.paths, len(simulated) * one.paths)
    every = zip(readings.items(), found if impose else found * len(readings), strict=True)
    return one, [
        _reading(one, name, [of[series] for series in dict.fromkeys(row.series for row in own)], own, impose)
        for (name, own), of in every
    ]


def _reading(
    study: Study, name: str, series: Sequence[Line], rows: Sequence[Observation], impose: Sequence[str]
) -> Reading:
    held = {line.name: [row for row in line.rows if row in {*rows}] for line in series}
    pairs = [(line, row, why_apart(study, row, impose)) for line in series for row in held[line.name]]
    figures, good = sound([line.figure(study, row) for line, row, why in pairs if not why], study.paths)
    lost, most = int((~good).sum()), most_excluded(study)
    if lost > most:
        text = (
            f"values are not finite on {lost:,} of {study.paths:,} paths; expected at most {most:,}."
            " Mend the model, or say which share may be kept out."
        )
        raise UserError(f"model {study.model_name}", [Problem("run.nonfinite", text)])
    random = np.random.default_rng([study.seed, *f"places {name}".encode()])
    calibration = Calibration(figures, random) if figures else None
    units = as_units(study.paths, study.unit).take(good)
    scored = [
        _row(one.observation, one) | {"place": float(place)} | _scores(study, held[one.observation.series], one, units)
        for one, place in zip(figures, calibration.places if calibration else (), strict=True)
    ]
    apart = [
        _row(row, line.figure(study, row) if is_within(study, row) else None, why) for line, row, why in pairs if why
    ]
    return Reading(name, figures, [*scored, *apart], series, lost, calibration)


def _row(of: Observation, figure: Figure | None, why: str = "") -> Row:
    """A figure with the quantiles of its futures, without scores."""
    finite = figure.values[np.isfinite(figure.values)] if figure else None
    return {
        "figure": f"{of.name} ({of.reading})" if of.reading else of.name,
        "series": of.series,
        "time": str(of.time),
        "observed": of.value,
        "unit": of.unit,
        "standard_error": of.standard_error,
        **{name: nan if finite is None else float(np.quantile(finite, level)) for level, name in LEVELS.items()},
        **dict.fromkeys(("place", "crps", "bad_side", "log_score", "log_score_note", "of_last", "of_trend")),
        "apart": why,
        "reading": of.reading,
        "confidence": of.confidence,
        "known_break": of.known_break,
        "source": of.source,
    }


def _scores(study: Study, rows: Sequence[Observation], figure: Figure, units: Units) -> Row:
    """The scores of a figure, in its unit except the log score, and of forecasts without a model.

    The forecasts are the last value known and the trend of what was known before the study begins.
    """
    values, observed = figure.values, figure.observed
    known = [row for row in rows if study.years and row.time < study.years[0]]
    last = known[-1].value if known else nan
    turned = beyond(np.append(values, observed), last, figure.loss)
    return {
        "crps": crps(values, observed, units),
        "bad_side": crps(turned[:-1], turned[-1], units) if known else None,
        "log_score": log_score(values, observed),
        "log_score_note": "" if values.min() <= observed <= values.max() else "beyond all futures",
        "of_last": abs(last - observed),
        "of_trend": of_trend(known, figure.observation.time, observed),
    }
