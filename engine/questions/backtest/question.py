"""`backtest`: how a study does against what happened."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import nan
from typing import Annotated

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.as_text import some
from engine.answers.question import STUDY, Asked, Option
from engine.answers.table import BRIEF, Row, Table, table
from engine.formatting import counted
from engine.questions.backtest.backtest import LEVELS, Reading, backtest
from engine.questions.backtest.scores import SEVERE, TRUTHS, WITHIN, band
from engine.study.study import Study
from engine.study.tables.observed import observable

READING = (
    "The place of a figure is the share of futures below it; 0.5 is the middle. The CRPS is the mean distance of"
    " futures from the figure less half of their mean distance from each other, in the unit of the figure; lower is"
    " better. The energy score is the CRPS of all figures jointly, in standard deviations of their futures. The error"
    " is the mean CRPS over that of a forecast that repeats the last known value; below 1 the model is closer."
    f" Expected, from and to are the mean and 95 % range if the model is right, from {TRUTHS:,} simulated futures taken"
    " in turn as observations. Scored figures were read in their source and not used by the study. Brackets are 95 %"
    " intervals of the Monte Carlo error."
)


@dataclass(frozen=True)
class Backtest:
    """Score the forecasts of a study against observed figures.

    The command compares each figure that STUDY has not used with the simulated futures under the policy closest to the
    one that was followed. It shows the share of futures below each figure, compares the error of the futures with that
    of forecasts without a model, and tests all figures jointly. The study names the file of the figures in [observed].
    It uses 16,384 paths, unless --paths states another number.

    \b
    rustbelt backtest rustbelt
    rustbelt backtest rustbelt_2016 --impose output,price_gap --until 2019
    """

    needs = STUDY
    heading = "Forecasts compared with observations"

    policy: Annotated[
        str | None,
        Option(
            "The policy closest to the one that was followed. Default: the one that the study names.", "P", "policy"
        ),
    ] = None
    impose: Annotated[
        tuple[str, ...],
        Option("Yearly variables that take their observed values, so that the rest is scored given them.", "V,..."),
    ] = ()
    until: Annotated[int | None, Option("Last year whose figures are used.", "YEAR")] = None

    def answer(self, of: Asked) -> Answer:
        """The scores of a study; `engine.questions.backtest.backtest.backtest` says how, and what is refused."""
        impose = tuple(dict.fromkeys(self.impose))
        study, readings = backtest(of.study, self.policy, impose, self.until, of.paths, of.device, of.observe)
        first = readings[0]
        reasons = Counter(row["apart"] for row in first.rows if row["apart"])
        apart = ", ".join(f"{count} {why}" for why, count in reasons.items())
        parts = [
            f"{study.name}: {study.futures}, policy {study.baseline}, priors {of.study.beliefs}",
            f"figures shown but not scored: {apart}" if apart else "",
            f"{', '.join(impose)} as observed" if impose else "",
            f"{first.left_out} paths with values that are not finite left out" if first.left_out else "",
        ]
        subject = replace(Subject.of(study), fingerprint=of.study.fingerprint)
        basis = "; ".join(filter(None, parts))
        return Answer(subject, (*sentences(readings),), (*tables(study, readings),), basis, READING)


def sentences(readings: Iterable[Reading]) -> Iterator[str]:
    """Coverage, energy score, figures beyond the model's own futures, and errors relative to the last value known."""
    yield from dict.fromkeys(text for reading in readings for text in _of_reading(reading))


def _of_reading(reading: Reading) -> Iterator[str]:
    calibration, scored = reading.calibration, reading.scored
    if calibration is None:
        yield (
            "No figure can be scored: each is outside the study's years, known at its start, used by it, or not read in"
            " its source."
        )
        return
    within, of = calibration.coverage(WITHIN[1]), f"In the reading “{reading.name}”, of" if reading.name else "Of"
    yield (
        f"{of} {counted(len(scored), 'figure')} that the study has not used, {within.value:.0f}"
        f" lie{'s' * (within.value == 1)} inside the 90 % prediction interval; {within.expected:.1f} are expected."
    )
    energy = calibration.energy()
    yield (
        f"The energy score of these figures is {energy.value:.3g} (lower is better); a correct model would have about"
        f" {energy.expected:.3g} [{energy.expected_from:.3g}, {energy.expected_to:.3g}] (p = {energy.as_high:.2g})."
    )
    far = some([reading.figures[k].name for k in calibration.unexplained()], noun="figure")
    yield f"The futures are far from these figures: {far}." if far else "No observed figure is far from the futures."
    if ratio := reading.relative_error():
        known = [row for row in scored if np.isfinite(row["of_last"])]
        closer = sum(row["crps"].estimate < row["of_last"] for row in known)
        yield (
            f"For {closer} of {len(known)} figures the forecast is closer than the last known value; over all figures,"
            f" its error is {ratio.value:.2f} times as large."
        )


def tables(study: Study, readings: Sequence[Reading]) -> Iterator[Table]:
    """Tables: scores by series, all figures together, each figure, and the numbers that the plots need."""
    figures = dict[str, Row]()
    for row in (row for reading in readings for row in reading.rows):
        figures.setdefault(row["figure"], row | {BRIEF: not row["apart"]})  # a figure of all readings is one row
    ordered = sorted(figures.values(), key=lambda row: bool(row["apart"]))
    has_trend = any(np.isfinite(row["of_trend"]) for row in ordered if not row["apart"])
    shown = ["number", "value", "expected", "expected_from", "expected_to", "as_high"]
    every = (
        table(
            "series", "Scores of each series", _series(readings), "series",
            brief=["figures", "place", "error", *["error_of_trend"] * has_trend],
        ),
        table(
            "together", "All figures together", _together(study, readings), "row",
            brief=[*shown, *["reading"] * (len(readings) > 1)],
        ),
        table(
            "figures", "Each figure and its simulated futures", ordered, "figure",
            brief=("observed", "unit", "p05", "median", "p95", "place"),
        ),
        table("pit", "Distribution of the places of figures, with its band", _places(readings), "row", brief=()),
        table("fan", "Simulated futures of each series by year", _fan(study, readings), "series", "year", brief=()),
    )  # fmt: skip
    return filter(len, every)


def _series(readings: Iterable[Reading]) -> Iterable[Row]:
    """One row per series with scored figures; a series whose figures differ by reading has one for each reading."""
    rows: dict[str, Row] = {}
    for reading in readings:
        for name, of in reading.by_series().items():
            assert reading.calibration is not None
            own, place = [reading.scored[k] for k in of], reading.calibration.shift(of)
            differs = reading.name and any(row["reading"] for row in own)
            title = f"{name} ({reading.name})" if differs else name
            crps = np.mean([row["crps"].estimate for row in own])
            last, trend = (np.mean([row[one] for row in own]) for one in ("of_last", "of_trend"))
            row = {
                "series": title, "figures": len(own), "place": place.value, "expected_from": place.expected_from,
                "expected_to": place.expected_to, "crps": crps, "unit": own[0]["unit"],
                "error": crps / last if last else nan, "error_of_trend": crps / trend if trend else nan,
            }  # fmt: skip
            rows.setdefault(title, row)
    return rows.values()


def _together(study: Study, readings: Iterable[Reading]) -> Iterator[Row]:
    for reading in readings:
        if (of := reading.calibration) is None:
            continue
        numbers = [
            ("energy score", of.energy(), "of all figures jointly; high is worse"),
            *((f"figures within {100 * share:g} %", of.coverage(share), "") for share in WITHIN),
            ("mean place", of.shift(), ""),
            ("mean distance from the middle", of.spread(), "small if forecasts are too wide"),
        ]  # fmt: skip
        if ratio := reading.relative_error():
            numbers.append(("error over last value known", ratio, "high is worse"))
        if losses := [k for k, one in enumerate(reading.figures) if observable(study.model)[one.variable].loss]:
            severity = of.severity(losses)
            numbers.append((f"losses beyond VaR{100 * SEVERE:g}", severity, "ES backtest; high is worse"))
        for number, statistic, note in numbers:
            yield {"reading": reading.name or "all", "number": number, **statistic._asdict(), "note": note}


def _places(readings: Iterable[Reading]) -> Iterator[Row]:
    for reading in readings:
        if reading.calibration:
            places = band(reading.calibration.places)
            for numbers in zip(*places.values(), strict=True):
                yield {"reading": reading.name or "all", **dict(zip(places, numbers, strict=True))}


def _fan(study: Study, readings: Iterable[Reading]) -> Iterator[Row]:
    of = {row.series: row for row in study.observed.rows}
    futures = {name: by_year for reading in readings for name, by_year in reading.series.items() if not of[name].fold}
    for name, by_year in futures.items():
        for year, values in zip(study.years, by_year, strict=False):
            quantiles = {column: float(np.nanquantile(values, level)) for level, column in LEVELS.items()}
            yield {"series": name, "year": year, **quantiles, "unit": of[name].unit}
