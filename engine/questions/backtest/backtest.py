"""Backtest of a study: proper scores of the futures of each observed figure, and a calibration of all together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
from jaxtyping import Float

from engine.answers.table import Row
from engine.questions import years
from engine.questions.backtest.scores import Calibration, Statistic, crps, of_trend
from engine.questions.futures import Futures, Observer, of_paths, refuse_too_many, units_of, unobserved
from engine.questions.variables import Paths
from engine.risk.drivers.series import across
from engine.risk.estimation.intervals import Units
from engine.study.actual_policy import followed
from engine.study.holdout import imposing, is_within, why_apart
from engine.study.study import Study
from engine.study.tables.observed import FOLDED, Observation

PATHS, FEWEST = 1 << 14, 256
"""Default number of futures; and the fewest allowed, from which the range of the model's own futures is estimated."""
LEVELS = {0.05: "p05", 0.25: "p25", 0.5: "median", 0.75: "p75", 0.95: "p95"}
"""Levels of the quantiles of the futures, and the columns that hold them."""
SCORES = ("place", "crps", "of_last", "of_trend")
"""Columns that only scored figures have."""
Series = Mapping[str, Float[np.ndarray, "year path"]]
"""Name of a series -> values of its variable; a single row for a model without years."""


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
    figures: Sequence[Observation]
    rows: Sequence[Row]
    series: Series
    left_out: int
    calibration: Calibration | None

    @property
    def scored(self) -> Sequence[Row]:
        """The rows of the scored figures."""
        return self.rows[: len(self.figures)]

    def by_series(self) -> Mapping[str, list[int]]:
        """Name of a series -> indices of its scored figures."""
        found: dict[str, list[int]] = {}
        for number, figure in enumerate(self.figures):
            found.setdefault(figure.series, []).append(number)
        return found

    def relative_error(self) -> Statistic | None:
        """Mean CRPS of the figures relative to that of the last value known; None where none was known.

        Each is relative to the mean over its series.
        """
        last, series = np.array([row["of_last"] for row in self.scored]), self.by_series()
        sizes = [float(np.nan_to_num(last[series[figure.series]].mean())) for figure in self.figures]
        return self.calibration.crps(sizes) if self.calibration and any(sizes) else None


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
    found, total = list[Reading](), len(readings) * one.paths
    for number, (name, own) in enumerate(readings.items()):
        observe("simulating", number * one.paths, total)
        if impose or not found:  # one simulation serves all readings, unless observed values are imposed
            some = own if impose else rows
            series = _series(imposing(one, impose, some), some, device)
        found.append(_reading(one, name, own, series, impose))
    observe("simulating", total, total)
    return one, found


def _series(study: Study, rows: Sequence[Observation], device: str | None) -> Series:
    """The futures of the series of some figures; the study must have a single policy."""
    of = {row.series: row for row in rows}
    if not study.is_path_model:
        outcomes = Futures(study, [row.variable for row in of.values()], device).first(study.paths)
        return {name: outcomes[row.variable] for name, row in of.items()}
    found = [across(study, row.variable, row.at, row.across or "sum") for row in of.values()]
    return {name: values[0] for name, values in zip(of, years.values(study, found, study.paths, device), strict=True)}


def _reading(study: Study, name: str, rows: Sequence[Observation], every: Series, impose: Sequence[str]) -> Reading:
    series = {row.series: every[row.series] for row in rows}
    names = [*series]
    rows = sorted(rows, key=lambda row: (names.index(row.series), row.time))
    why = {row: why_apart(study, row, impose) for row in rows}
    figures = [row for row in rows if not why[row]]
    values = np.array([futures_of(study, row, series[row.series]) for row in figures]).reshape(-1, study.paths)
    good = np.isfinite(values).all(axis=0)
    refuse_too_many(study, good)
    values, units = values.compress(good, axis=1), units_of(study, good)
    random = np.random.default_rng([study.seed, *f"places {name}".encode()])
    calibration = Calibration(values, np.array([row.value for row in figures]), random) if figures else None
    places = calibration.places[:, 0].tolist() if calibration else ()
    scored = [
        _row(row, own) | {"place": place} | _scores(study, rows, row, own, units)
        for row, own, place in zip(figures, values, places, strict=True)
    ]
    apart = [
        _row(row, futures_of(study, row, series[row.series]) if is_within(study, row) else np.zeros(0), why[row])
        for row in rows
        if why[row]
    ]
    return Reading(name, figures, [*scored, *apart], series, int((~good).sum()), calibration)


def futures_of(study: Study, row: Observation, by_year: Float[np.ndarray, "year path"]) -> Paths:
    """What would be observed on each path: the model's value of a figure plus a normal draw of the observation error.

    The years of the figure must lie within the study's. With r = `Observed.correlation` the error is standard_error
    (sqrt(1 - r) x + sqrt(r) y), x a random stream of the figure and y one of its series.
    """
    first, last = (study.years.index(year) for year in (row.first, row.time)) if study.years else (0, 0)
    values: Paths = FOLDED[row.fold](by_year[first : last + 1].astype(np.float64))
    if row.standard_error:
        tied = study.observed.correlation
        for part, name in ((1 - tied, f"{row.name} {row.reading}"), (tied, row.series)):
            random = np.random.default_rng([study.seed, *f"observed {name}".encode()])
            values += row.standard_error * part**0.5 * random.standard_normal(len(values))
    return values


def _row(of: Observation, values: Paths, why: str = "") -> Row:
    """A figure with the quantiles of its futures, without scores; `values` is empty where the study has none."""
    finite = values[np.isfinite(values)]
    return {
        "figure": f"{of.name} ({of.reading})" if of.reading else of.name,
        "series": of.series,
        "time": str(of.time),
        "observed": of.value,
        "unit": of.unit,
        "standard_error": of.standard_error,
        **{name: float(np.quantile(finite, level)) if len(finite) else nan for level, name in LEVELS.items()},
        **dict.fromkeys(SCORES),
        "apart": why,
        "reading": of.reading,
        "confidence": of.confidence,
        "known_break": of.known_break,
        "source": of.source,
    }


def _scores(study: Study, rows: Sequence[Observation], figure: Observation, values: Paths, units: Units) -> Row:
    """The scores of a figure, in its unit, and of forecasts without a model.

    The forecasts are the last value known and the trend of what was known before the study begins.
    """
    observed = figure.value
    known = [row for row in rows if row.series == figure.series and study.years and row.time < study.years[0]]
    last = known[-1].value if known else nan
    return {
        "crps": crps(values, observed, units),
        "of_last": abs(last - observed),
        "of_trend": of_trend(known, figure.time, observed),
    }
