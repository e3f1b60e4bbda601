"""Charts of a backtest: series with their futures and observed figures, and the figures' places among the futures."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from engine.answers.answer import Answer
from engine.charts.observations import BAND, Places, Point, Series, apart, markers, places_of, series_of
from engine.charts.theme import DASHES
from engine.report.charts import INKS, Chart, columns_of
from engine.report.observed_charts import HEIGHT, Panel
from engine.report.run_records import RunRecords
from engine.report.text import NONE, compact, roomy, short, unit_of

LETTERS = 18
"""Most letters in a line of a series' name, as a panel has room for."""
IN_TABLE = 8
"""Number of steps between the places listed in a table."""
KEYS = (
    "s",
    "x",
    "q05",
    "q25",
    "y",
    "q75",
    "q95",
    "bar",
    "o",
    "low",
    "high",
    "hollow",
    "reading",
    "figure",
    "observed",
    "futures",
    "place",
    "apart",
)
PLAIN = "one reading"
"""Name of the reading of figures that have just one."""


def charts(run: RunRecords, answer: Answer) -> Iterator[Chart]:
    """Yields the chart of the series, then that of the places, each if there are figures for it."""
    if every := series_of(answer):
        yield _hindcast(every)
    if places := places_of(answer):
        yield _places(places)


def _hindcast(every: Sequence[Series]) -> Chart:
    points = [point for k, one in enumerate(every) for point in _points(one, k)]
    held = [point for one in every for point in one.points]
    scored = [point for point in held if not point.apart]
    within = sum(abs(point.place - 0.5) <= 0.45 for point in scored)
    reasons = apart(every)
    finding = (
        f"{len(scored)} of {len(held)} figures are scored, filled; {within} of these lie within nine tenths of the"
        " futures."
    )
    finding += f" Hollow are those that are only shown: {reasons}." if reasons else ""
    shapes = {name or PLAIN: shape for name, shape in markers(every).items()}
    years = [point["x"] for point in points]
    options = {
        "panels": [_panel(one, [point for point in points if point["s"] == k]) for k, one in enumerate(every)],
        "years": (min(years), max(max(years), min(years) + 1)),
        "shapes": shapes,
    }
    title = "What was observed among its futures"
    about = (
        "lines: the median of futures; bands: half and nine tenths of them; points: figures, with bars of their"
        " standard error"
    )
    return Chart(
        "backtest-series",
        title,
        about,
        finding,
        f"{title}, a panel for each of {len(every)} series. {finding}",
        "hindcast",
        options,
        columns_of(points),
        ("Figure", "Observed", "Standard error", "5 %", "Median", "95 %", "Place", "Not scored"),
        tuple(_row(point) for one in every for point in one.points),
        HEIGHT,
    )


def _panel(one: Series, points: Sequence[Mapping[str, Any]]) -> Panel:
    drawn = [point[key] for point in points for key in ("q05", "q95", "o", "low", "high") if point[key] is not None]
    low, high = min(drawn), max(drawn)
    more = 0.1 * abs(low) + 1e-9 if high == low else 0.0
    ends = roomy(low - more, high + more)
    return Panel(textwrap.wrap(one.name, LETTERS), unit_of(one.unit).strip(), (short(ends[0]), short(ends[1])))


def _points(one: Series, number: int) -> Iterator[dict[str, Any]]:
    """Yields the points of a panel: the futures, then the figures."""
    for year, of in zip(one.years, one.quantiles.T, strict=True):
        yield _mark(number, year, bar=len(one.years) == 1, **_futures(of))
    for point in one.beside:
        yield _mark(number, point.year, bar=True, **_futures(point.quantiles))
    unit = unit_of(one.unit)
    for point in one.points:
        figure, observed, error, low, median, high, place, why = _row(point)
        is_known = point.error > 0
        ends = (short(point.value - point.error), short(point.value + point.error)) if is_known else (None, None)
        yield _mark(
            number,
            point.year,
            o=short(point.value),
            low=ends[0],
            high=ends[1],
            hollow=bool(point.apart),
            reading=point.reading or PLAIN,
            figure=figure,
            observed=observed + (f" ± {error}" if is_known else "") + unit,
            futures=NONE if median == NONE else f"{median} ({low} to {high}){unit}",
            place=place,
            apart=why or NONE,
        )


def _mark(number: int, year: int, **values: Any) -> dict[str, Any]:
    return {**dict.fromkeys(KEYS), "s": number, "x": year, **values}


def _futures(quantiles: np.ndarray) -> Mapping[str, float | None]:
    names = ("q05", "q25", "y", "q75", "q95")
    return {name: short(q) if np.isfinite(q) else None for name, q in zip(names, quantiles, strict=True)}


def _row(point: Point) -> tuple[str, ...]:
    low, _, median, _, high = map(compact, point.quantiles.tolist())
    error = compact(point.error) if point.error > 0 else NONE
    return point.name, compact(point.value), error, low, median, high, compact(point.place), point.apart


def _places(every: Sequence[Places]) -> Chart:
    points, table = [], []
    for one in every:
        steps = {round(k * (len(one.at) - 1) / IN_TABLE) for k in range(IN_TABLE + 1)}
        for k, numbers in enumerate(zip(one.at, one.share, one.low, one.high, strict=True)):
            at, share, low, high = (short(float(one), 3) for one in numbers)
            reading, band = one.reading or PLAIN, f"{100 * low:.0f} % to {100 * high:.0f} %"
            points.append(
                {
                    "x": at,
                    "y": share,
                    "low": low,
                    "high": high,
                    "share": f"{100 * share:.0f} %",
                    "band": band,
                    "reading": reading,
                }
            )
            if k in steps:
                table.append((f"{at:.2f}", f"{100 * share:.0f} %", band, *([reading] if len(every) > 1 else [])))
    finding = "; ".join(one.finding for one in every) + "."
    looks = {one.reading or PLAIN: (INKS[(k + 1) % len(INKS)], DASHES[k % len(DASHES)]) for k, one in enumerate(every)}
    title = "Places among the futures"
    return Chart(
        "backtest-places",
        title,
        f"share of figures at each place or below; dashed: what is expected; band: {BAND}",
        finding,
        f"{title}: the share of figures at each place or below, with its band. {finding}",
        "places",
        {"looks": looks},
        columns_of(points),
        ("Place", "Figures there or below", "Band", *(["Reading"] if len(every) > 1 else [])),
        tuple(table),
    )
