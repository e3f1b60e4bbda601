"""What was observed beside its futures, as figures and the report draw it: series of figures with their fans, and places among the futures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from engine.answers.answer import Answer
from engine.plots.style import MARKERS

LEVELS: Mapping[str, float] = {"p05": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
"""Quantiles of futures by the columns that an answer has them in."""
ALONE = "all"
"""What an answer calls the only reading."""
BAND = "what 95 of 100 of the model’s own futures, each taken for what happened, stay in everywhere"
"""What the band of the places is."""


@dataclass(frozen=True)
class Point:
    """A figure.

    Args:
      name: its series and its years.
      year: that it is of, or the last of several.
      error: its standard error, in its unit; 0 where none is known.
      quantiles: of its futures, at `LEVELS`; NaN where the study does not have its years.
      place: where it lies among them, 0 to 1; NaN where it is not scored.
      apart: why it is not scored; "" where it is.
      reading: of several, which; "" where there is one.
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
    """Figures of one kind and their futures year by year.

    Args:
      unit: of figures and futures.
      years, quantiles: of the futures, at `LEVELS`; none where a figure is of several years at once, and has its futures itself.
    """

    name: str
    unit: str
    years: tuple[int, ...]
    quantiles: Float[np.ndarray, "level year"]
    points: tuple[Point, ...]

    @property
    def beside(self) -> tuple[Point, ...]:
        """Figures that have futures beside them, of a series that has none by year."""
        held = (point for point in self.points if np.isfinite(point.quantiles).all())
        return () if self.years else tuple(held)


@dataclass(frozen=True)
class Places:
    """The share of figures that lie at each place among their futures or below, and the band of that share.

    Args:
      reading: of several, which; "" where there is one.
      count: figures.
      at: places, from 0 to 1.
    """

    reading: str
    count: int
    at: Float[np.ndarray, "place"]
    share: Float[np.ndarray, "place"]
    low: Float[np.ndarray, "place"]
    high: Float[np.ndarray, "place"]

    @property
    def is_inside(self) -> bool:
        """Whether the share stays in its band."""
        return bool(np.all((self.share >= self.low - 1e-12) & (self.share <= self.high + 1e-12)))

    @property
    def finding(self) -> str:
        """Whether what happened is like the model's own futures."""
        read = f"Read “{self.reading}”, places" if self.reading else "Places"
        figures = f"{self.count} figure{'' if self.count == 1 else 's'}"
        side = "stay inside" if self.is_inside else "leave"
        return f"{read} of {figures} {side} the band of the model’s own futures"


def series_of(answer: Answer) -> tuple[Series, ...]:
    """The series of an answer, those with scored figures first; a figure that is read in several ways stands there once for each."""
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
            str(row["figure"]), int(row["time"]), _number(row["observed"]), _number(row["standard_error"]), _quantiles(row),
            _number(row["place"]), row["apart"], row["reading"],
        )
        for row in figures
    ]  # fmt: skip
    quantiles = np.array([_quantiles(row) for row in fan]).reshape(len(fan), len(LEVELS)).T
    ordered = sorted(points, key=lambda point: point.year)
    return Series(name, figures[0]["unit"], tuple(int(row["year"]) for row in fan), quantiles, tuple(ordered))


def _quantiles(row: Mapping[str, Any]) -> Float[np.ndarray, "level"]:
    return np.array([_number(row[name]) for name in LEVELS])


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def markers(every: Sequence[Series]) -> dict[str, str]:
    """Reading -> the marker of its figures, that of all figures without one first."""
    names = dict.fromkeys(point.reading for one in every for point in one.points if point.reading)
    return {name: MARKERS[k % len(MARKERS)] for k, name in enumerate(["", *names])}


def apart(every: Sequence[Series]) -> str:
    """How many figures are not scored, by the reason; empty where all are."""
    reasons = Counter(point.apart for one in every for point in one.points if point.apart)
    return ", ".join(f"{count} {why}" for why, count in reasons.items())


def places_of(answer: Answer) -> tuple[Places, ...]:
    """Places among the futures, of each reading of the figures; none where no figure is scored."""
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
