"""A backtest as an answer: sentences, scores by series, all figures together, and each figure by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import astuple, replace
from math import nan
from typing import Any

import numpy as np

from engine.analyses.backtest.backtest import Reading, Scored, Tested, backtest, sizes
from engine.analyses.backtest.calibration import SEVERE, TRUTHS, WITHIN, Statistic
from engine.analyses.backtest.figures import Figure
from engine.analyses.columns import by_position, made
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.study.tables.observed import Observation, observable

READING = (
    "Place: where a figure lies among its futures, 0 to 1; .5 is their middle. CRPS: how far futures are from the"
    " figure, less half of how far they are from each other, in its unit; lower is better (fair: whatever the number"
    " of paths). Error: that of all figures over that of the last value known, below 1 if the model is closer."
    f" Expected, from, to: mean and 95 % range of the model's own futures, {TRUTHS:,} of them each taken for what"
    " happened. Scored are figures that were read in their source and that nothing of the study has seen. Brackets: 95"
    " % intervals of the Monte Carlo error."
)
LEVELS = {0.05: "p05", 0.25: "p25", 0.5: "median", 0.75: "p75", 0.95: "p95"}
"""Levels of the quantiles of the futures, and the columns that hold them."""
NAMED = 3
"""Most figures that a sentence names."""
LONGEST = 25
"""Most words of a sentence."""


def answer(of: Asked, policy: str | None, impose: Sequence[str], until: int | None) -> Answer:
    """The answer to `backtest`, from `engine.analyses.backtest.backtest.backtest`, which says what is refused."""
    given = backtest(of.study, policy, impose, until, of.paths, of.device, of.observe)
    study = given.study
    subject = replace(Subject.of(study), fingerprint=of.study.fingerprint)
    return Answer(
        subject, tuple(findings(given)), tuple(tables(given)), _basis(given, of.study.beliefs), READING, given
    )


def _basis(given: Tested, beliefs: str) -> str:
    study, first = given.study, given.readings[0]
    reasons = Counter(why for _, _, why in first.apart)
    apart = ", ".join(f"{count} {why}" for why, count in reasons.items())
    parts = [
        f"{study.name}: {study.futures}, policy {study.baseline}, priors {beliefs}",
        f"figures that are shown and not scored: {apart}" if apart else "",
        f"{', '.join(given.imposed)} as observed" if given.imposed else "",
        f"{first.left_out} paths left out as not finite" if first.left_out else "",
    ]
    return "; ".join(filter(None, parts))


def findings(given: Tested) -> Iterator[str]:
    """Sentences: coverage, whether the observations could be one of the futures, and errors.

    Errors are relative to those of the last value known.
    """
    yield from dict.fromkeys(text for reading in given.readings for text in _of_reading(reading))


def _of_reading(reading: Reading) -> Iterator[str]:
    calibration = reading.calibration
    if calibration is None:
        yield (
            "No figure can be scored: each is beyond the study's years, known before, seen by it, or not read in its"
            " source."
        )
        return
    count, within = len(reading.scored), calibration.coverage(WITHIN[1])
    said = f"Read “{reading.name}”, of" if reading.name else "Of"
    yield (
        f"{said} {count} unseen figure{'s' * (count > 1)} {within.value:.0f} lie within nine tenths of the futures; "
        f"{within.expected:.1f} are expected."
    )
    far = [reading.scored[k].figure.observation.name for k in calibration.unexplained()]
    if far:
        yield _listed("The futures do not reach", far)
    else:
        yield "No figure is out of reach of the model's own futures."
    ratio = _ratio(reading)
    if ratio is not None:
        closer = sum(one.crps.estimate < one.last for one in reading.scored if np.isfinite(one.last))
        known = sum(np.isfinite(one.last) for one in reading.scored)
        yield (
            f"The futures are closer than the last value known for {closer} of {known} figures; errors are"
            f" {ratio.value:.2f} times as large."
        )


def _listed(before: str, names: Sequence[str]) -> str:
    """A sentence that ends with as many names as it has room for."""
    for count in range(min(NAMED, len(names)), 0, -1):
        parts = [*names[:count], *([f"{len(names) - count} more"] if len(names) > count else [])]
        text = f"{before} {' and '.join(filter(None, [', '.join(parts[:-1]), parts[-1]]))}."
        if len(text.split()) <= LONGEST:
            return text
    return f"{before} {len(names)} of them."


def _ratio(reading: Reading) -> Statistic | None:
    """Mean CRPS of the figures relative to that of the last value known in their series; None where none was known."""
    found = sizes(reading)
    return reading.calibration.crps(found) if reading.calibration is not None and any(found) else None


def tables(given: Tested) -> Iterator[Table]:
    """Tables: scores by series, all figures together, each figure, and the numbers that the plots need."""
    every = (_series(given), _together(given), _figures(given), _pit(given), _fan(given))
    yield from filter(len, every)


def _series(given: Tested) -> Table:
    """One row per series with scored figures; a series whose figures differ by reading has one for each reading."""
    held: dict[str, tuple[list[Scored], Statistic]] = {}
    for reading in given.readings:
        for name, of_series in reading.of_series().items():
            assert reading.calibration is not None
            own = [reading.scored[k] for k in of_series]
            differs = any(one.figure.observation.reading for one in own)
            title = f"{name} ({reading.name})" if differs and reading.name else name
            held.setdefault(title, (own, reading.calibration.shift(of_series)))
    rows = [
        (
            *(name, len(own), shift.value, shift.low, shift.high),
            _mean(one.crps.estimate for one in own),
            own[0].figure.observation.unit,
            *(_over(own, "last"), _over(own, "trend")),
        )
        for name, (own, shift) in held.items()
    ]
    columns = by_position(
        rows,
        made(texts, "series", "figures of one kind"),
        made(counts, "figures", "that are scored"),
        made(numbers, "place", "where they lie among the futures, on average"),
        made(numbers, "expected_from", "lower end of what the model's own futures have", head="from", brief=False),
        made(numbers, "expected_to", "upper end of it", head="to", brief=False),
        made(numbers, "crps", "mean CRPS, in the unit of the figures", head="CRPS", brief=False),
        made(texts, "unit", "of the CRPS", brief=False),
        made(numbers, "error", "mean CRPS over that of the last value known", head="error"),
        made(
            numbers,
            "error_of_trend",
            "the same over that of the trend of what was known",
            head="to trend",
            brief=any(np.isfinite(one.trend) for own, _ in held.values() for one in own),
        ),
    )
    return Table("series", "Scores by series", columns, ("series",))


def _mean(values: Iterator[float]) -> float:
    return float(np.mean([*values]))


def _over(own: Sequence[Scored], reference: str) -> float:
    size = _mean(getattr(one, reference) for one in own)
    return _mean(one.crps.estimate for one in own) / size if size else nan


def _together(given: Tested) -> Table:
    held: list[tuple[str, str, Statistic, str]] = []
    for reading in given.readings:
        calibration = reading.calibration
        if calibration is None:
            continue
        name = reading.name or "all"
        held += [(name, f"figures within {100 * share:g} %", calibration.coverage(share), "") for share in WITHIN]
        held.append((name, "mean place", calibration.shift(), ""))
        held.append((name, "distance from the middle", calibration.spread(), "little if too wide"))
        if (ratio := _ratio(reading)) is not None:
            held.append((name, "error over last value known", ratio, "high is worse"))
        held.append((name, "energy score", calibration.energy(), "high is worse"))
        losses = [k for k, one in enumerate(reading.scored) if one.figure.loss]
        if losses:
            beyond, note = f"losses beyond VaR{100 * SEVERE:g}", "ES backtest; high is worse"
            held.append((name, beyond, calibration.severity(losses), note))
    columns = by_position(
        [
            (str(k), name, what, one.value, one.expected, one.low, one.high, one.higher, note)
            for k, (name, what, one, note) in enumerate(held, 1)
        ],
        made(texts, "row", "number of the row", brief=False),
        made(texts, "reading", "of figures that can be read in several ways", brief=len(given.readings) > 1),
        made(texts, "number", "what is counted over all figures together"),
        made(numbers, "value", "of what happened"),
        made(numbers, "expected", "mean over the model's own futures"),
        made(numbers, "expected_from", "lower end of their 95 % range", head="from"),
        made(numbers, "expected_to", "upper end of it", head="to"),
        made(numbers, "as_high", "share of them with as much or more", shown="%", head="as high"),
        made(texts, "note", "how to read it", brief=False),
    )
    return Table("together", "All figures together", columns, ("row",))


def _figures(given: Tested) -> Table:
    rows: dict[str, tuple[Observation, Figure | None, str, Scored | None, float]] = {}
    for reading in given.readings:
        places = reading.calibration.places if reading.calibration is not None else ()
        for one, place in zip(reading.scored, places, strict=True):
            rows.setdefault(_name(one.figure.observation), (one.figure.observation, one.figure, "", one, float(place)))
        for row, figure, why in reading.apart:
            rows.setdefault(_name(row), (row, figure, why, None, nan))
    every = sorted(rows.items(), key=lambda item: bool(item[1][2]))
    columns = by_position(
        [
            (
                *(name, row.series, str(row.time), row.value, row.unit, row.standard_error),
                *_quantiles(figure),
                place,
                *_scores(one),
                *(why, row.reading, row.confidence, row.known_break, row.source),
            )
            for name, (row, figure, why, one, place) in every
        ],
        made(texts, "figure", "what was observed, and when"),
        made(texts, "series", "it stands in", brief=False),
        made(texts, "time", "year, or the last of several", brief=False),
        made(numbers, "observed", "what was observed"),
        made(texts, "unit", "of the figure and its futures"),
        made(numbers, "standard_error", "of the observation", brief=False),
        *(
            made(numbers, name, f"{100 * level:g} % quantile of the futures", brief=level in (0.05, 0.5, 0.95))
            for level, name in LEVELS.items()
        ),
        made(numbers, "place", "where it lies among the futures"),
        made(estimates, "crps", "fair CRPS", head="CRPS", brief=False),
        made(estimates, "bad_side", "the same, weighted by what is worse than the last value known", brief=False),
        made(numbers, "log_score", "minus the log of the density there", brief=False),
        made(texts, "log_score_note", "whether the kernel alone gives the log score", brief=False),
        made(numbers, "of_last", "CRPS of the last value known", brief=False),
        made(numbers, "of_trend", "CRPS of the trend of what was known", brief=False),
        made(texts, "apart", "why it is not scored; nothing if it is", brief=False),
        made(texts, "reading", "of several, which", brief=False),
        made(texts, "confidence", "how it is known", brief=False),
        made(texts, "known_break", "known break of the series", brief=False),
        made(texts, "source", "where it was read", brief=False),
    )
    brief = [not why for _, (_, _, why, *_) in every]
    return Table("figures", "Figure by figure", columns, ("figure",), brief)


def _quantiles(figure: Figure | None) -> list[float]:
    if figure is None:
        return [nan] * len(LEVELS)
    finite = figure.values[np.isfinite(figure.values)]
    return [float(np.quantile(finite, level)) for level in LEVELS]


def _scores(one: Scored | None) -> tuple[Any, ...]:
    if one is None:
        return None, None, nan, "", nan, nan
    return one.crps, one.bad, one.log, "beyond all futures" if one.figure.is_beyond else "", one.last, one.trend


def _name(row: Observation) -> str:
    return f"{row.name} ({row.reading})" if row.reading else row.name


def _pit(given: Tested) -> Table:
    bands = [(one.name or "all", one.calibration.band()) for one in given.readings if one.calibration is not None]
    places = [(name, *numbers_of) for name, band in bands for numbers_of in zip(*astuple(band), strict=True)]
    rows = [(str(k), *place) for k, place in enumerate(places)]
    columns = by_position(
        rows,
        made(texts, "row", "number of the row"),
        made(texts, "reading", "of figures that can be read in several ways"),
        made(numbers, "at", "place among the futures"),
        made(numbers, "share", "share of figures that lie there or below"),
        made(numbers, "low", "lower end of the band that 95 % of the model's own futures lie in there"),
        made(numbers, "high", "upper end of it"),
    )
    return Table("pit", "Places among the futures, with their band", columns, ("row",), [False] * len(rows))


def _fan(given: Tested) -> Table:
    study = given.study
    every = {line.name: line for reading in given.readings for line in reading.series if not line.rows[0].fold}
    units = {name: observable(study.model)[line.rows[0].variable].unit for name, line in every.items()}
    rows = [
        (name, year, *(float(np.nanquantile(line.by_year[k], level)) for level in LEVELS), units[name])
        for name, line in every.items()
        for k, year in enumerate(study.years)
    ]
    columns = by_position(
        rows,
        made(texts, "series", "figures of one kind"),
        made(counts, "year", "of the futures"),
        *(made(numbers, name, f"{100 * level:g} % quantile of the futures") for level, name in LEVELS.items()),
        made(texts, "unit", "of the quantiles"),
    )
    return Table("fan", "Futures of what was observed, year by year", columns, ("series", "year"), [False] * len(rows))
