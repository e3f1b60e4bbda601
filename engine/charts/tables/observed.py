"""Tables of observed figures and of what is learned from them: hindcast, places among the futures, posteriors."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from engine.answers.answer import Answer
from engine.answers.rankings import PROBABILITY
from engine.answers.wording import amounts
from engine.charts import labels
from engine.charts.tables.frames import ends, frame, rows_of
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

QUANTILES = ("p05", "p25", "median", "p75", "p95")
"""Columns of an answer with quantiles of the futures."""
ALONE = "all"
"""Name that an answer gives to the only reading."""
BAND = "what 95 of 100 of the model’s own futures, each taken for what happened, lie in at each point"
ROWS, MOST = 16, 12
"""Most rows of events by policy, about; most factors: those whose mean the facts shift most."""


def hindcast(backtest: Answer) -> pd.DataFrame:
    """Futures and observed figures of every series by year, a panel for each series.

    Rows with `part` "futures" have quantiles by year; "figure" an observed figure with its standard error, and the
    quantiles of its futures where the series has none by year. A figure with several readings is there for each.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    figures, fans = _by_series(backtest, "figures"), _by_series(backtest, "fan")
    panels, rows = {name: f"{name} [{own[0]['unit']}]" for name, own in figures.items()}, list[dict[str, Any]]()
    for name, own in figures.items():
        fan = fans.get(name, [])
        rows += [{"panel": panels[name], "part": "futures", "year": int(row["year"]), **_quantiles(row)} for row in fan]
        for row in sorted(own, key=lambda row: int(row["time"])):
            quantiles, value, error = _quantiles(row), _number(row["observed"]), _number(row["standard_error"])
            error = error if error > 0 else 0.0
            rows.append(
                {
                    "panel": panels[name],
                    "part": "figure",
                    "year": int(row["time"]),
                    "figure": str(row["figure"]),
                    "observed": value,
                    "below": value - error,
                    "over": value + error,
                    "scored": "observed, not scored" if row["apart"] else "observed, scored",
                    "reading": row["reading"],
                    "place": _number(row["place"]),
                    "apart": row["apart"],
                    **(quantiles if not fan and np.isfinite([*quantiles.values()]).all() else {}),
                }
            )
    apart = Counter(row["apart"] for own in figures.values() for row in own if row["apart"])
    note = "Bands: half and nine tenths of the futures. Bars of figures: their standard error."
    note += f" Not scored: {', '.join(f'{count} {why}' for why, count in apart.items())}." if apart else ""
    title = backtest.finding if rows else "No figure was observed"
    return frame(rows, title, note if rows else "", panels=[*panels.values()], nothing="nothing was observed")


def _by_series(backtest: Answer, table: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(backtest, table):
        found.setdefault(str(row["series"]), []).append(row)
    return found


def _quantiles(row: Mapping[str, Any]) -> dict[str, float]:
    return {name: _number(row[name]) for name in QUANTILES}


def _number(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def pit(backtest: Answer) -> pd.DataFrame:
    """Probability integral transform: share of figures at or below each place among their futures, with its band.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    scored = [row for row in rows_of(backtest, "figures") if not row["apart"]]
    points: dict[str, list[dict[str, float]]] = {}
    names = {"place": "at", "share": "share", "low": "low", "high": "high"}
    for row in rows_of(backtest, "pit"):
        first = [dict.fromkeys(names, 0.0)]
        points.setdefault(str(row["reading"]), first).append({name: row[own] for name, own in names.items()})
    rows, said, readings = list[dict[str, Any]](), list[str](), list[str]()
    for reading, own in points.items():
        own.append(dict.fromkeys(names, 1.0))
        count = sum(reading == ALONE or row["reading"] in ("", reading) for row in scored)
        inside = sum(one["low"] - 1e-12 <= one["share"] <= one["high"] + 1e-12 for one in own)
        what = "Places" if reading == ALONE else f"Read “{reading}”, places"
        said.append(
            f"{what} of {labels.counted(count, 'figure')} lie inside the band of the model’s own futures at {inside} of"
            f" {len(own)} points"
        )
        readings.append("figures" if reading == ALONE else reading)
        rows += [{"reading": readings[-1], **one} for one in own]
    note = f"Band: {BAND}. Dashed: what is expected, as many figures at each place." if rows else ""
    title = "; ".join(said) or "No figure is scored"
    return frame(rows, title, note, readings=readings, nothing="no figure is scored")


def known(study: Study, condition: Answer, *, most: int = MOST) -> pd.DataFrame:
    """The factors that facts shift most, before and given the facts; and probabilities of events by policy.

    Rows with `part` "factor" have mean and standard deviation given the facts, in standard deviations of the prior;
    "event" the chance before and given the facts, in per cent.

    Args:
      study: that the answer is of, for what its parts are called.
      condition: the run's answer to the question `condition`.
      most: factors that are shown.
    """
    factors, events = [*_factors(study, condition)][:most], [*_events(study, condition)]
    note = ""
    if factors:
        note = (
            "Thick bars reach one standard deviation to either side of the mean, thin ones two, pale before the facts;"
            " the point is the mean given the facts, with its 95 % interval. Beside them the mean before and given."
        )
    note += " Hollow marks: the chance before the facts; filled ones: given them; with 95 % intervals." * bool(events)
    nothing = "no factor varies, and there is no event; or what is known was not asked for"
    rows = factors + events
    title = condition.finding if rows else "Nothing is known: rustbelt condition STUDY computes it"
    policies = [study.title("policies", name) for name in study.policy_names]
    shown = [name for name in policies if any(row["policy"] == name for row in events)]
    return frame(rows, title, note.strip(), policies=policies, shown=shown, nothing=nothing)


def _factors(study: Study, condition: Answer) -> Iterator[dict[str, Any]]:
    """Factors whose mean the facts shift, the largest shift first; none that never varies."""
    rows = [row for row in rows_of(condition, "factors") if row["shift"] is not None]
    for row in sorted(rows, key=lambda row: -abs(row["shift"])):
        middle, sd, given = row["mean_before"], row["sd_before"], row["mean_given"]
        now, before = (re.sub(r"(?<!\w)-(?=[\d.])", "−", text) for text in amounts(row["unit"], given, middle))
        low, high = ((end - middle) / sd for end in (given.low, given.high))
        mean = Estimate(row["shift"], given.standard_error / sd, low, high)
        means = f"{before.removesuffix(' %')} → {now}"
        name = study.title("factors", row["factor"])
        yield {"part": "factor", "row": name, "sd": row["sd_given"] / sd, "means": means, **ends(mean)}


def _events(study: Study, condition: Answer) -> Iterator[dict[str, Any]]:
    """Chances of events before and given the facts, the events that moved most first; at least one event."""
    by_event: dict[str, list[dict[str, Any]]] = {}
    for row in rows_of(condition, "risk"):
        if row["measure"] == PROBABILITY and all(isinstance(row[when], Estimate) for when in ("before", "given")):
            by_event.setdefault(str(row["variable"]), []).append(row)

    def move(event: str) -> float:
        moves = [abs(row["given"].estimate - row["before"].estimate) for row in by_event[event]]
        return max(np.nan_to_num(moves, nan=-1.0).tolist())

    order = sorted(by_event, key=move, reverse=True)
    most = max(ROWS // max(map(len, by_event.values()), default=1), 1)
    for row in (row for event in order[:most] for row in by_event[event]):
        named = {"row": study.title("events", row["variable"]), "policy": study.title("policies", row["policy"])}
        for when, chance in (("before the facts", row["before"]), ("given the facts", row["given"])):
            yield {"part": "event", "when": when, **named, **ends(chance, 100)}
