"""Tables of observed figures and of what is learned from them: hindcast, calibration, posteriors."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.answers.answer import Answer
from engine.charts.conditioning import MOST, chances, learnt
from engine.charts.observations import BAND, LEVELS, apart, places_of, series_of
from engine.charts.tables.frames import ends, frame
from engine.study.study import Study

ROWS = 16
"""Most rows of events by policy."""


def hindcast(backtest: Answer) -> pd.DataFrame:
    """Futures and observed figures of every series by year, a panel for each series.

    Rows with `part` "futures" have quantiles by year; "figure" an observed figure with its standard error, and the
    quantiles of its futures where the series has none by year.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    every, rows = series_of(backtest), list[dict[str, Any]]()
    panels = {one.name: f"{one.name} [{one.unit}]" for one in every}
    for one in every:
        for year, column in zip(one.years, one.quantiles.T, strict=True):
            quantiles = dict(zip(LEVELS, column.tolist(), strict=True))
            rows.append({"panel": panels[one.name], "part": "futures", "year": year, **quantiles})
        beside = {id(point) for point in one.beside}
        for point in one.points:
            own = dict(zip(LEVELS, point.quantiles.tolist(), strict=True)) if id(point) in beside else {}
            error = point.error if point.error > 0 else 0.0
            rows.append(
                {
                    "panel": panels[one.name],
                    "part": "figure",
                    "year": point.year,
                    "figure": point.name,
                    "observed": point.value,
                    "below": point.value - error,
                    "over": point.value + error,
                    "scored": "observed, not scored" if point.apart else "observed, scored",
                    "reading": point.reading,
                    "place": point.place,
                    "apart": point.apart,
                    **own,
                }
            )
    reasons = apart(every)
    note = "Bands: half and nine tenths of the futures. Bars of figures: their standard error."
    note += f" Not scored: {reasons}." if reasons else ""
    title = backtest.finding if rows else "No figure was observed"
    return frame(rows, title, note if rows else "", panels=[*panels.values()], nothing="nothing was observed")


def pit(backtest: Answer) -> pd.DataFrame:
    """Probability integral transform: share of figures at or below each place among their futures, with its band.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    every = places_of(backtest)
    rows = [
        {"reading": one.reading or "figures", "place": at, "share": share, "low": low, "high": high}
        for one in every
        for at, share, low, high in zip(one.at, one.share, one.low, one.high, strict=True)
    ]
    title = "; ".join(one.finding for one in every) or "No figure is scored"
    note = f"Band: {BAND}. Dashed: what is expected, as many figures at each place." if every else ""
    return frame(rows, title, note, readings=[one.reading or "figures" for one in every], nothing="no figure is scored")


def known(study: Study, condition: Answer, *, most: int = MOST) -> pd.DataFrame:
    """The factors that facts shift most, before and given the facts; and probabilities of events by policy.

    Rows with `part` "factor" have mean and standard deviation given the facts, in standard deviations of the prior;
    "event" the chance before and given the facts, in per cent.

    Args:
      study: that the answer is of, for what its parts are called.
      condition: the run's answer to the question `condition`.
      most: factors that are shown.
    """
    factors, events = learnt(condition, most), chances(condition, ROWS)
    rows: list[dict[str, Any]] = [
        {"part": "factor", "row": study.title("factors", one.name), "sd": one.sd, "means": one.means, **ends(one.mean)}
        for one in factors
    ]
    for one in events:
        named = {"row": study.title("events", one.event), "policy": study.title("policies", one.policy)}
        for when, chance in (("before the facts", one.before), ("given the facts", one.given)):
            rows.append({"part": "event", "when": when, **named, **ends(chance, 100)})
    note = ""
    if factors:
        note = (
            "Thick bars reach one standard deviation to either side of the mean, thin ones two, pale before the facts;"
            " the point is the mean given the facts, with its 95 % interval. Beside them the mean before and given."
        )
    note += " Hollow marks: the chance before the facts; filled ones: given them; with 95 % intervals." * bool(events)
    nothing = "no factor varies, and there is no event; or what is known was not asked for"
    title = condition.finding if rows else "Nothing is known: rustbelt condition STUDY computes it"
    shown = {study.title("policies", one.policy) for one in events}
    policies = [study.title("policies", name) for name in study.policy_names]
    return frame(
        rows,
        title,
        note.strip(),
        policies=policies,
        shown=[name for name in policies if name in shown],
        nothing=nothing,
    )
