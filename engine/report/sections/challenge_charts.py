"""Charts of a challenge: shares of universes in which claims hold, and the specification curve of the first claim."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from engine.answers.answer import Answer
from engine.answers.wording import listed
from engine.charts import labels
from engine.charts.universes import DESIGN, LEDGERS, VERDICTS, Universes, called, percent, sentences, universes
from engine.formatting import begun
from engine.report.charts import Chart, columns_of
from engine.report.run_records import RunRecords
from engine.report.text import roomy, short, unit_of, with_interval
from engine.report.universe_charts import APART, BAR, CURVE, HEAD, LINE
from engine.risk.estimation.tables import record

WIDE_MARK = 0.12
"""Share from which a segment of a bar carries its verdict's shape."""
LETTERS = 48
"""Most letters in a line of a claim, as a phone has room for."""
IN_TABLE = 8
"""Number of steps between the universes of a curve that are listed in its table."""


def charts(run: RunRecords, answer: Answer) -> Iterator[Chart]:
    """Yields the profile of all claims, then the curve of the first claim in each ledger, each if it has universes."""
    said = sentences(answer)
    rows = [row for row in answer["profile"].rows() if row["universes"]] if "profile" in answer else []
    if rows:
        yield _profile(said, rows)
    for ledger in LEDGERS:
        of = universes(answer, ledger=ledger)
        if of.rows:
            yield _curve(of)


def _profile(said: Mapping[str, str], rows: list[dict[str, Any]]) -> Chart:
    points: list[dict[str, Any]] = []
    names, table, at = [], [], LINE
    for claim in dict.fromkeys(row["claim"] for row in rows):
        called_so = said[claim]
        lines = textwrap.wrap(called_so, LETTERS)
        names.append((lines, at + HEAD))
        at += HEAD + LINE * len(lines)
        own = [row for row in rows if row["claim"] == claim]
        for departures in sorted({row["departures"] for row in own}):
            for row in (row for row in own if row["departures"] == departures):
                points += _bar(called_so, row, at + BAR / 2)
                parts = (f"{row['universes']:,}", *(percent(row[name]) for name in VERDICTS))
                table.append((called_so, row["ledger"], str(departures), *parts))
            at += BAR
    first = [row for row in rows if row["claim"] == rows[0]["claim"] and row["ledger"] == rows[0]["ledger"]]
    few, many = (pick(first, key=lambda row: row["departures"]) for pick in (min, max))
    ends = [f"{percent(few['holds'])} of universes with {labels.counted(few['departures'], 'choice')} departing"]
    ends += [f"in {percent(many['holds'])} with {many['departures']}"] if many is not few else []
    finding = f"{said[few['claim']]} ({few['ledger']}): holds in {listed(ends)}. {DESIGN}"
    title = "Where the claims hold"
    options = {"names": names, "ledgers": LEDGERS, "height": at}
    head = ("Claim", "Ledger", "Choices that depart", "Universes", *(begun(called(name)) for name in VERDICTS))
    return Chart(
        "challenge-profile",
        title,
        "share of universes [%] by how many choices depart (left), and the number of universes (right)",
        finding,
        f"{title}, by choices that depart at a time: stacked bars by verdict, two ledgers side by side. {finding}",
        "shares",
        options,
        columns_of(points),
        head,
        tuple(table),
        at,
    )


def _bar(claim: str, row: dict[str, Any], y: float) -> Iterator[dict[str, Any]]:
    """Yields the segments of a bar, in the order of the verdicts."""
    left = APART * LEDGERS.index(row["ledger"])
    for k, name in enumerate(VERDICTS):
        share = row[name] or 0.0
        yield {
            "x": short(left),
            "x2": short(left + share),
            "y": y,
            "m": share >= WIDE_MARK,
            "first": k == 0,
            "verdict": called(name),
            "claim": claim,
            "ledger": row["ledger"],
            "departures": str(row["departures"]),
            "n": f"{row['universes']:,}",
            "share": percent(share),
        }
        left += share


def _curve(of: Universes) -> Chart:
    n, unit = len(of.rows), unit_of(of.unit)
    points, table = [], []
    steps = {round(k * (n - 1) / IN_TABLE) for k in range(IN_TABLE + 1)} | {of.stated}
    for k, (row, interval) in enumerate(zip(of.rows, of.drawn_intervals.tolist(), strict=True)):
        one = row["difference"]
        text = with_interval(record("difference", "", "", one), 1.0, unit)
        choices = row["words"] or "nothing: as stated"
        verdict, shown = called(row["verdict"]), interval and one.low <= one.high
        points.append(
            {
                "x": k + 1,
                "y": short(one.estimate),
                "low": short(one.low) if shown else None,
                "high": short(one.high) if shown else None,
                "stated": k == of.stated,
                "verdict": verdict,
                "difference": text,
                "choices": choices,
            }
        )
        if k in steps:
            table.append((f"{k + 1:,}", text, verdict, choices))
    counts = [f"{called(name)} in {count:,}" for name, count in of.counts.items()]
    finding = f"Of {n:,} universes: {listed(counts)}."
    title = f"{of.said}, by choices that depart ({of.ledger})"
    about = f"policy less against{f' [{of.unit}]' if unit else ''}"
    stated = "" if of.stated is None else f" As stated it is number {of.stated + 1:,}, marked by a line."
    options = {"span": [short(end) for end in roomy(*of.span)], "n": n}
    return Chart(
        f"challenge-{of.ledger}",
        title,
        about,
        finding,
        f"{title}: universes sorted by their difference, by verdict. {finding}{stated}",
        "curve",
        options,
        columns_of(points),
        ("Universe", "Difference [95 % interval]", "Verdict", "Departs in"),
        tuple(table),
        CURVE,
    )
