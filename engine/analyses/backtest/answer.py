"""A backtest as an answer: sentences, scores by series, all figures together, and each figure by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import nan

import numpy as np

from engine.analyses.backtest.backtest import Reading, Scored, Tested, backtest, every_series, sizes
from engine.analyses.backtest.calibration import SEVERE, TRUTHS, WITHIN, Statistic
from engine.analyses.backtest.figures import Figure
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, counts, estimates, numbers, texts
from engine.risk.estimation.intervals import TAIL
from engine.study.tables.observed import Observation, observable

READING = (
    "Place: where a figure lies among its futures, 0 to 1; .5 is their middle. CRPS: how far futures are from the"
    " figure, less half of how far they are from each other, in its unit; lower is better (fair: whatever the number"
    " of paths). Error: that of all figures over that of the last value known, below 1 if the model is closer."
    f" Expected, from, to: mean and 95 % range of the model's own futures, {TRUTHS:,} of them each taken for what"
    " happened. Scored are figures that were read in their source and that nothing of the study has seen. Brackets: 95"
    " % intervals of the Monte Carlo error."
)
VERDICTS = {
    "too low": "The futures are too low for",
    "too high": "The futures are too high for",
    "too wide": "The range of futures is too wide for",
    "too narrow": "The range of futures is too narrow for",
}
"""What a series may show about the futures, and how the sentence about it begins, in the order of the sentences."""
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
NAMED = 3
"""Most figures or series that a sentence names."""
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
    """Sentences: coverage, whether the observations could be one of the futures, errors, and which series deviate.

    Errors are relative to those of the last value known.
    """
    yield from dict.fromkeys(text for reading in given.readings for text in _of_reading(reading))
    for word, before in VERDICTS.items():
        names = [name for name, *_, verdict in _verdicts(given) if verdict == word]
        if names:
            yield _listed(before, names)


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


def _verdicts(given: Tested) -> list[tuple[str, Reading, list[int], str]]:
    """Each series with scored figures: its name, reading, indices of the figures, and verdict.

    The verdict is "" unless it is significant at the 5 % level over all series (Holm). A series whose figures differ by
    reading stands here once for each reading.
    """
    found: dict[str, tuple[Reading, list[int], str, float]] = {}
    for reading, name, own in every_series(given):
        assert reading.calibration is not None
        differs = any(reading.scored[k].figure.observation.reading for k in own)
        title = f"{name} ({reading.name})" if differs and reading.name else name
        spread, shift = reading.calibration.spread(own), reading.calibration.shift(own)
        shares = dict(zip(VERDICTS, (shift.higher, shift.lower, spread.lower, spread.higher), strict=True))
        word = min(shares, key=shares.__getitem__)
        found.setdefault(title, (reading, own, word, len(shares) * shares[word]))
    order, verdicts = sorted(found, key=lambda title: found[title][3]), dict.fromkeys(found, "")
    for place, title in enumerate(order):
        if found[title][3] > 2 * TAIL / (len(order) - place):
            break
        verdicts[title] = found[title][2]
    return [(title, *found[title][:2], verdicts[title]) for title in found]


def tables(given: Tested) -> Iterator[Table]:
    """Tables: scores by series, all figures together, each figure, and the numbers that the plots need."""
    every = (_series(given), _together(given), _figures(given), _pit(given), _fan(given))
    yield from (table for table in every if table is not None and len(table))


def _series(given: Tested) -> Table:
    rows = []
    for name, reading, numbers_of, verdict in _verdicts(given):
        assert reading.calibration is not None
        own = [reading.scored[k] for k in numbers_of]
        rows.append((name, own, reading.calibration.shift(numbers_of), verdict))
    columns = (
        texts("series", [name for name, *_ in rows], "figures of one kind"),
        counts("figures", [len(own) for _, own, *_ in rows], "that are scored"),
        numbers("place", [shift.value for _, _, shift, _ in rows], "where they lie among the futures, on average"),
        numbers(
            "expected_from",
            [shift.low for _, _, shift, _ in rows],
            "lower end of what the model's own futures have",
            head="from",
            brief=False,
        ),
        numbers("expected_to", [shift.high for _, _, shift, _ in rows], "upper end of it", head="to", brief=False),
        numbers(
            "crps",
            [_mean(one.crps.estimate for one in own) for _, own, *_ in rows],
            "mean CRPS, in the unit of the figures",
            head="CRPS",
            brief=False,
        ),
        texts("unit", [own[0].figure.observation.unit for _, own, *_ in rows], "of the CRPS", brief=False),
        numbers(
            "error",
            [_over(own, "last") for _, own, *_ in rows],
            "mean CRPS over that of the last value known",
            head="error",
        ),
        numbers(
            "error_of_trend",
            [_over(own, "trend") for _, own, *_ in rows],
            "the same over that of the trend of what was known",
            head="to trend",
            brief=any(np.isfinite(one.trend) for _, own, *_ in rows for one in own),
        ),
        texts(
            "verdict", [verdict for *_, verdict in rows], "what they say of the futures beyond doubt; nothing if empty"
        ),
    )
    return Table("series", "Scores by series", columns, ("series",))


def _mean(values: Iterator[float]) -> float:
    return float(np.mean([*values]))


def _over(own: Sequence[Scored], reference: str) -> float:
    size = _mean(getattr(one, reference) for one in own)
    return _mean(one.crps.estimate for one in own) / size if size else nan


def _together(given: Tested) -> Table:
    rows: list[tuple[str, str, Statistic, str]] = []
    for reading in given.readings:
        calibration = reading.calibration
        if calibration is None:
            continue
        name = reading.name or "all"
        for share in WITHIN:
            rows.append((name, f"figures within {100 * share:g} %", calibration.coverage(share), ""))
        rows.append((name, "mean place", calibration.shift(range(len(reading.scored))), ""))
        rows.append(
            (name, "distance from the middle", calibration.spread(range(len(reading.scored))), "little if too wide")
        )
        if (ratio := _ratio(reading)) is not None:
            rows.append((name, "error over last value known", ratio, "high is worse"))
        rows.append((name, "energy score", calibration.energy(), "high is worse"))
        losses = [k for k, one in enumerate(reading.scored) if one.figure.loss]
        if losses:
            rows.append(
                (name, f"losses beyond VaR{100 * SEVERE:g}", calibration.severity(losses), "ES backtest; high is worse")
            )
    columns = (
        texts("row", [str(k + 1) for k in range(len(rows))], "number of the row", brief=False),
        texts(
            "reading",
            [one for one, *_ in rows],
            "of figures that can be read in several ways",
            brief=len(given.readings) > 1,
        ),
        texts("number", [one for _, one, *_ in rows], "what is counted over all figures together"),
        numbers("value", [held.value for _, _, held, _ in rows], "of what happened"),
        numbers("expected", [held.expected for _, _, held, _ in rows], "mean over the model's own futures"),
        numbers("expected_from", [held.low for _, _, held, _ in rows], "lower end of their 95 % range", head="from"),
        numbers("expected_to", [held.high for _, _, held, _ in rows], "upper end of it", head="to"),
        numbers(
            "as_high",
            [held.higher for _, _, held, _ in rows],
            "share of them with as much or more",
            shown="%",
            head="as high",
        ),
        texts("note", [note for *_, note in rows], "how to read it", brief=False),
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
    own = [row for _, (row, *_) in every]
    values = [None if figure is None else figure.values for _, (_, figure, *_) in every]
    scored = [one for _, (_, _, _, one, _) in every]
    columns: list[Column] = [
        texts("figure", [name for name, _ in every], "what was observed, and when"),
        texts("series", [row.series for row in own], "it stands in", brief=False),
        texts("time", [str(row.time) for row in own], "year, or the last of several", brief=False),
        numbers("observed", [row.value for row in own], "what was observed"),
        texts("unit", [row.unit for row in own], "of the figure and its futures"),
        numbers("standard_error", [row.standard_error for row in own], "of the observation", brief=False),
    ]
    for level in LEVELS:
        name = "median" if level == 0.5 else f"p{100 * level:02.0f}"
        cells = [nan if of is None else float(np.quantile(of[np.isfinite(of)], level)) for of in values]
        columns.append(
            numbers(name, cells, f"{100 * level:g} % quantile of the futures", brief=level in (0.05, 0.5, 0.95))
        )
    columns += [
        numbers("place", [place for _, (*_, place) in every], "where it lies among the futures"),
        estimates("crps", [one and one.crps for one in scored], "fair CRPS", head="CRPS", brief=False),
        estimates(
            "bad_side",
            [one and one.bad for one in scored],
            "the same, weighted by what is worse than the last value known",
            brief=False,
        ),
        numbers(
            "log_score",
            [nan if one is None else one.log for one in scored],
            "minus the log of the density there",
            brief=False,
        ),
        texts(
            "log_score_note",
            ["beyond all futures" if one and one.figure.is_beyond else "" for one in scored],
            "whether the kernel alone gives the log score",
            brief=False,
        ),
        numbers(
            "of_last", [nan if one is None else one.last for one in scored], "CRPS of the last value known", brief=False
        ),
        numbers(
            "of_trend",
            [nan if one is None else one.trend for one in scored],
            "CRPS of the trend of what was known",
            brief=False,
        ),
        texts("apart", [why for _, (_, _, why, *_) in every], "why it is not scored; nothing if it is", brief=False),
        texts("reading", [row.reading for row in own], "of several, which", brief=False),
        texts("confidence", [row.confidence for row in own], "how it is known", brief=False),
        texts("known_break", [row.known_break for row in own], "known break of the series", brief=False),
        texts("source", [row.source for row in own], "where it was read", brief=False),
    ]
    brief = [not why for _, (_, _, why, *_) in every]
    return Table("figures", "Figure by figure", columns, ("figure",), brief)


def _name(row: Observation) -> str:
    return f"{row.name} ({row.reading})" if row.reading else row.name


def _pit(given: Tested) -> Table | None:
    rows = [
        (reading.name or "all", *numbers_of)
        for reading in given.readings
        if reading.calibration is not None
        for band in [reading.calibration.band()]
        for numbers_of in zip(band.at, band.seen, band.low, band.high, strict=True)
    ]
    columns = (
        texts("row", [str(k) for k in range(len(rows))], "number of the row"),
        texts("reading", [one for one, *_ in rows], "of figures that can be read in several ways"),
        numbers("at", [row[1] for row in rows], "place among the futures"),
        numbers("share", [row[2] for row in rows], "share of figures that lie there or below"),
        numbers(
            "low", [row[3] for row in rows], "lower end of the band that 95 % of the model's own futures lie in there"
        ),
        numbers("high", [row[4] for row in rows], "upper end of it"),
    )
    return Table("pit", "Places among the futures, with their band", columns, ("row",), [False] * len(rows))


def _fan(given: Tested) -> Table:
    study = given.study
    every = {line.name: line for reading in given.readings for line in reading.series if not line.rows[0].fold}
    rows = [(name, year, line.by_year[k]) for name, line in every.items() for k, year in enumerate(study.years)]
    columns = [
        texts("series", [name for name, *_ in rows], "figures of one kind"),
        counts("year", [year for _, year, _ in rows], "of the futures"),
        *(
            numbers(
                "median" if level == 0.5 else f"p{100 * level:02.0f}",
                [float(np.nanquantile(values, level)) for *_, values in rows],
                f"{100 * level:g} % quantile of the futures",
            )
            for level in LEVELS
        ),
        texts(
            "unit",
            [observable(study.model)[every[name].rows[0].variable].unit for name, *_ in rows],
            "of the quantiles",
        ),
    ]
    return Table("fan", "Futures of what was observed, year by year", columns, ("series", "year"), [False] * len(rows))
