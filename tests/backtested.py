"""A made-up answer to `backtest`: series with a fan, with figures of some years only, and with two readings of one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.table import table

SERIES = ("Steel output", "Workers placed, mean of two years", "Bad loans of all banks")
UNITS = ("Mt/yr", "k persons", "1")
READINGS = ("as reported", "as revised")
LEVELS = {"p05": -2.0, "p25": -0.8, "median": 0.0, "p75": 0.8, "p95": 2.0}
"""Quantiles, as steps from the median."""
YEARS = tuple(range(2016, 2022))
HALF = 0.4
"""Half the width of the band of places."""


def middle(year: int) -> float:
    """The median of the futures in a year."""
    return 50.0 + 2.0 * (year - 2015)


def _figure(
    series: int, year: int, value: float, place: float | None, apart: str, reading: str = "", error: float = 0.0
) -> dict[str, Any]:
    is_within = apart != "known before the study begins"
    return {
        "series": series,
        "time": year,
        "observed": value,
        "standard_error": error,
        "place": place,
        "apart": apart,
        "reading": reading,
        **{name: middle(year) + step if is_within else None for name, step in LEVELS.items()},
    }


def figures(readings: Sequence[str] = READINGS) -> list[dict[str, Any]]:
    """Observed figures, the scored ones first: two of the first series, one of the second, the third's by reading."""
    scored = [
        _figure(0, 2017, 55.0, 0.8, "", error=0.5),
        _figure(0, 2019, 57.0, 0.3, ""),
        _figure(1, 2018, 55.5, 0.4, ""),
        *(_figure(2, 2018, 59.0 + k, 0.97 + 0.01 * k, "", name) for k, name in enumerate(readings)),
    ]
    shown = [
        _figure(0, 2013, 47.0, None, "known before the study begins"),
        _figure(0, 2018, 56.0, None, "seen by priors"),
        _figure(2, 2015, 50.0, None, "known before the study begins"),
        _figure(2, 2020, 61.0, None, "remembered"),
    ]
    return scored + shown


def ecdf(rows: Sequence[dict[str, Any]], reading: str, at: np.ndarray) -> np.ndarray:
    """The share of the scored figures of a reading that lie at each place or below."""
    places = [row["place"] for row in rows if not row["apart"] and row["reading"] in ("", reading)]
    return np.array([np.mean([place <= one for place in places]) for one in at])


def backtested(
    subject: Subject, series: Sequence[str] = SERIES, readings: Sequence[str] = READINGS, each: bool = True
) -> Answer:
    """A made-up answer on three series over six years; on none where `each` is false.

    Args:
      readings: of the last series; ("",) for one without a name.
    """
    rows = figures(readings)
    held = []
    for row in rows:
        name, reading = series[row["series"]], row["reading"]
        figure = f"{name} {row['time']}" + (f" ({reading})" if reading else "")
        stated = {"figure": figure, "series": name, "time": str(row["time"]), "unit": UNITS[row["series"]]}
        held.append({**row, **stated, "brief": not row["apart"]})
    by_year = [
        {"series": series[k], "year": year, **{name: middle(year) + step for name, step in LEVELS.items()},
         "unit": UNITS[k]}
        for k in (0, 2)
        for year in YEARS
    ]  # fmt: skip
    at = np.linspace(0, 1, 21)[1:-1]
    pit = [
        {"reading": reading or "all", "at": place, "share": share, "low": max(place - HALF, 0.0),
         "high": min(place + HALF, 1.0)}
        for reading in readings
        for place, share in zip(at, ecdf(rows, reading, at), strict=True)
    ]  # fmt: skip
    scores = [
        {"series": name, "figures": count, "place": place, "error": error}
        for name, count, place, error in zip(
            series, (2, 1, len(readings)), (0.55, 0.4, 0.97), (0.5, None, 1.5), strict=True
        )
    ]
    tables = (
        table("series", "Scores by series", scores, "series"),
        table("figures", "Each figure and its simulated futures", held, "figure", brief=("observed", "unit")),
        table("pit", "Distribution of the places of figures, with its band", pit, "row", brief=()),
        table("fan", "Simulated futures of each series by year", by_year, "series", "year", brief=()),
    )
    finding = "Of 4 figures that the study has not used, 3 lie inside the 90 % prediction interval; 3.6 are expected."
    return Answer(
        subject,
        (finding,),
        tables if each else (),
        f"{subject.name}: made up",
        "",
        question="backtest",
        heading="Forecasts compared with observations",
    )
