"""Observed figures and their futures as data for charts: series with fans, and places among the futures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.answers.answer import Answer

LEVELS: Mapping[str, float] = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
"""Column of an answer -> level of the quantile of futures in it."""
ALONE = "all"
"""Name that an answer gives to the only reading."""
BAND = "what 95 of 100 of the model’s own futures, each taken for what happened, lie in at each point"
"""Explanation of the band of the places, for notes."""


@dataclass(frozen=True)
class Point:
    """One observed figure.

    Args:
      name: its series and its years.
      year: the year that it is of, or the last of several.
      value: in the unit of its series.
      error: its standard error, in its unit; 0 where it is not known.
      quantiles: of its futures, at `LEVELS`; NaN where the study does not have its years.
      place: its place among its futures, from 0 to 1 (PIT value); NaN where it is not scored.
      apart: why it is not scored; "" where it is.
      reading: name of the reading, where a figure can be read in several ways; "" where it has one.
    """

    name: str
    year: int
    value: float
    error: float
    quantiles: Float[np.ndarray, "level"]
    place: float
    apart: str
    reading: str


@dataclass(frozen=True)
class Series:
    """A series of observed figures, with its futures year by year.

    Args:
      unit: of figures and futures.
      years, quantiles: of the futures, at `LEVELS`; empty where figures are of several years at once, whose futures are
        in `points`.
      points: the figures, by year.
    """

    name: str
    unit: str
    years: tuple[int, ...]
    quantiles: Float[np.ndarray, "level year"]
    points: tuple[Point, ...]

    @property
    def beside(self) -> tuple[Point, ...]:
        """Figures with futures of their own, for a series without futures by year; else empty."""
        held = (point for point in self.points if np.isfinite(point.quantiles).all())
        return () if self.years else tuple(held)


@dataclass(frozen=True)
class Places:
    """ECDF of the places of figures among their futures (PIT values), with its pointwise band.

    Args:
      reading: name of the reading, where there are several; "" where there is one.
      count: number of figures.
      at: places, from 0 to 1.
      share: share of the figures at or below each place; `low` and `high` bound its band.
    """

    reading: str
    count: int
    at: Float[np.ndarray, "place"]
    share: Float[np.ndarray, "place"]
    low: Float[np.ndarray, "place"]
    high: Float[np.ndarray, "place"]

    @property
    def finding(self) -> str:
        """At how many points the ECDF lies inside the band, in a sentence."""
        read = f"Read “{self.reading}”, places" if self.reading else "Places"
        figures = f"{self.count} figure{'' if self.count == 1 else 's'}"
        inside = np.sum((self.share >= self.low - 1e-12) & (self.share <= self.high + 1e-12))
        return (
            f"{read} of {figures} lie inside the band of the model’s own futures at {inside} of {len(self.at)} points"
        )


def series_of(answer: Answer) -> tuple[Series, ...]:
    """The series of an answer, in its order; a figure with several readings is there once for each."""
    figures: dict[str, list[dict[str, Any]]] = {}
    for row in answer["figures"].rows() if "figures" in answer else ():
        figures.setdefault(str(row["series"]), []).append(row)
    fans: dict[str, list[dict[str, Any]]] = {}
    for row in answer["fan"].rows() if "fan" in answer else ():
        fans.setdefault(str(row["series"]), []).append(row)
    return tuple(_series(name, rows, fans.get(name, ())) for name, rows in figures.items())


def _series(name: str, figures: Sequence[Mapping[str, Any]], fan: Sequence[Mapping[str, Any]]) -> Series:
    points = [
        Point(
            str(row["figure"]),
            int(row["time"]),
            _number(row["observed"]),
            _number(row["standard_error"]),
            _quantiles(row),
            _number(row["place"]),
            row["apart"],
            row["reading"],
        )
        for row in figures
    ]
    quantiles = np.array([_quantiles(row) for row in fan]).reshape(len(fan), len(LEVELS)).T
    ordered = sorted(points, key=lambda point: point.year)
    return Series(name, figures[0]["unit"], tuple(int(row["year"]) for row in fan), quantiles, tuple(ordered))


def _quantiles(row: Mapping[str, Any]) -> Float[np.ndarray, "level"]:
    return np.array([_number(row[name]) for name in LEVELS])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def apart(every: Sequence[Series]) -> str:
    """Number of figures that are not scored, by reason, as text; "" where all are scored."""
    reasons = Counter(point.apart for one in every for point in one.points if point.apart)
    return ", ".join(f"{count} {why}" for why, count in reasons.items())


def places_of(answer: Answer) -> tuple[Places, ...]:
    """The ECDF of places for each reading of the figures; empty where no figure is scored."""
    scored = [point for one in series_of(answer) for point in one.points if not point.apart]
    by_reading: dict[str, list[list[float]]] = {}
    for row in answer["pit"].rows() if "pit" in answer else ():
        numbers = [row[name] for name in ("at", "share", "low", "high")]
        by_reading.setdefault(str(row["reading"]), []).append(numbers)
    found = []
    for name, rows in by_reading.items():
        count = sum(name == ALONE or point.reading in ("", name) for point in scored)
        at, share, low, high = np.array([[0.0] * 4, *rows, [1.0] * 4]).T
        found.append(Places("" if name == ALONE else name, count, at, share, low, high))
    return tuple(found)
