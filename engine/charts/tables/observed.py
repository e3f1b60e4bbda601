"""Tables of observed figures and of what is learned from them: hindcast, places among the futures, posteriors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from engine.answers.answer import Answer
from engine.answers.as_text import amounts
from engine.answers.rankings import PROBABILITY
from engine.charts import labels
from engine.charts.tables.frames import Rows, each, ends, frame, rows_of
from engine.formatting import counted
from engine.study.study import Study

QUANTILES = ("p05", "p25", "median", "p75", "p95")
"""Columns of an answer with quantiles of the futures."""
ALONE = "all"
"""Name that an answer gives to the only reading."""
BAND = "95 % interval of the same curve at each point for a correct model"
ROWS, MOST = 16, 12
"""Most rows of events by policy, about; most factors: those whose mean the facts shift most."""


def hindcast(backtest: Answer) -> pd.DataFrame:
    """Futures and observed figures of every series by year, a panel for each series.

    Rows with `part` "futures" have quantiles by year; "figure" an observed figure with its standard error, and the
    quantiles of its futures where the series has none by year. A figure with several readings is there for each.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    figures, fan = rows_of(backtest, "figures"), rows_of(backtest, "fan")
    panels = {row["series"]: f"{row['series']} [{row['unit']}]" for row in figures}
    years = Counter(row["series"] for row in fan)
    rows: Rows = [
        {
            "panel": panels[row["series"]],
            "part": "futures",
            "year": int(row["year"]),
            "lone": years[row["series"]] == 1,
            **{name: row[name] for name in QUANTILES},
        }
        for row in fan
        if row["series"] in panels
    ]
    for row in sorted(figures, key=lambda row: int(row["time"])):
        error = max(row["standard_error"] or 0.0, 0.0)
        is_lone = not years[row["series"]] and None not in map(row.get, QUANTILES)
        rows.append(
            {
                "panel": panels[row["series"]],
                "part": "figure",
                "year": int(row["time"]),
                **{name: row[name] for name in ("figure", "observed", "reading", "place", "apart")},
                "below": row["observed"] - error,
                "over": row["observed"] + error,
                "scored": "observed, not scored" if row["apart"] else "observed, scored",
                "lone": is_lone,
                **{name: row[name] for name in QUANTILES if is_lone},
            }
        )
    apart = Counter(row["apart"] for row in figures if row["apart"])
    note = "Bands contain 50 % and 90 % of the futures. Bars of figures are their standard errors."
    note += f" Figures not scored: {', '.join(f'{count} {why}' for why, count in apart.items())}." if apart else ""
    title = backtest.finding if rows else "No figure was observed"
    return frame(rows, title, note, panels=[*panels.values()], nothing="nothing was observed")


def pit(backtest: Answer) -> pd.DataFrame:
    """Probability integral transform: share of figures at or below each place among their futures, with its band.

    Readings of which all shares are equal have one curve.

    Args:
      backtest: the run's answer to the question `backtest`.
    """
    scored, points = [row for row in rows_of(backtest, "figures") if not row["apart"]], rows_of(backtest, "pit")
    rows, said, curves = Rows(), list[str](), dict[tuple[Any, ...], list[str]]()
    for reading in each(points, "reading"):
        own = [(row["at"], row["share"], row["low"], row["high"]) for row in points if row["reading"] == reading]
        curves.setdefault(((0.0,) * 4, *own, (1.0,) * 4), []).append(reading)
    for curve, names in curves.items():  # readings with the same curve have one line
        of = ", ".join(names)
        of, what = ("figures", "Places") if names == [ALONE] else (of, f"In the reading “{of}”, places")
        count = sum(names == [ALONE] or row["reading"] in ("", names[0]) for row in scored)
        inside = sum(low - 1e-12 <= share <= high + 1e-12 for _, share, low, high in curve)
        said.append(
            f"{what} of {counted(count, 'figure')} lie in the 95 % band of a correct model at {inside} of {len(curve)}"
            " points"
        )
        rows += [{"reading": of, **dict(zip(("place", "share", "low", "high"), one, strict=True))} for one in curve]
    note = f"The band is the {BAND}. The dashed line is the expected distribution." if rows else ""
    title = "; ".join(said) or "No figure is scored"
    return frame(rows, title, note, readings=each(rows, "reading"), nothing="no figure is scored")


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
    note = (
        "Thick bars are the mean ± 1 standard deviation, thin bars ± 2, pale bars before conditioning. The point"
        " is the mean after conditioning, with its 95 % interval. The numbers are the means before and after."
    ) * bool(factors)
    note += " Marks are probabilities before (pale) and after conditioning (dark), with 95 % intervals." * bool(events)
    nothing = "no factor varies and the study has no event, or the run is not conditioned"
    rows = factors + events
    title = condition.finding if rows else "The run is not conditioned: rustbelt condition STUDY does that"
    policies = [study.title("policies", name) for name in study.policy_names]
    shown = [name for name in policies if any(row["policy"] == name for row in events)]
    return frame(rows, title, note.strip(), policies=policies, shown=shown, nothing=nothing)


def _factors(study: Study, condition: Answer) -> Iterator[dict[str, Any]]:
    """Factors whose mean the facts shift, the largest shift first; none that never varies."""
    rows = [row for row in rows_of(condition, "factors") if isinstance(row["shift"], float)]
    for row in sorted(rows, key=lambda row: -abs(row["shift"])):
        middle, sd, given = row["mean_before"], row["sd_before"], row["mean_given"]
        now, before = map(labels.minus, amounts(row["unit"], given, middle))
        yield {
            "part": "factor",
            "row": study.title("factors", row["factor"]),
            "sd": row["sd_given"] / sd,
            "means": f"{before.removesuffix(' %')} → {now}",
            "estimate": row["shift"],
            "low": (given.low - middle) / sd,
            "high": (given.high - middle) / sd,
        }


def _events(study: Study, condition: Answer) -> Iterator[dict[str, Any]]:
    """Chances of events before and given the facts, the events that moved most first; at least one event."""
    rows = [
        row for row in rows_of(condition, "risk") if row["measure"] == PROBABILITY and row["before"] and row["given"]
    ]
    moves = dict[str, float]()
    for row in rows:
        move = abs(row["given"].estimate - row["before"].estimate)
        moves[row["variable"]] = np.fmax(moves.get(row["variable"], -1.0), move)
    order = sorted(moves, key=lambda event: -moves[event])
    most = max(ROWS // len(condition.subject.policies), 1)
    for row in (row for event in order[:most] for row in rows if row["variable"] == event):
        named = {"row": study.title("events", row["variable"]), "policy": study.title("policies", row["policy"])}
        for when, chance in (("before conditioning", row["before"]), ("after conditioning", row["given"])):
            yield {"part": "event", "when": when, **named, **ends(chance, 100)}
