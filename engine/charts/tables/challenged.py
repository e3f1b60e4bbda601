"""Tables of a challenge: claims in every universe, and shares of universes in which they hold."""

from __future__ import annotations

from typing import Any

import pandas as pd

from engine.answers.answer import Answer
from engine.charts import labels, selection
from engine.charts.tables.frames import ends, frame
from engine.charts.universes import DESIGN, LEDGERS, VERDICTS, called, sentences, universes


def curve(challenge: Answer, claim: str | None = None, ledger: str = LEDGERS[0]) -> pd.DataFrame:
    """Difference of two policies in every universe, sorted, with its verdict: a specification curve.

    U. Simonsohn, J. P. Simmons and L. D. Nelson, Nature Human Behaviour 4 (2020) 1208-1214.

    Args:
      challenge: the run's answer to the question `challenge`.
      claim: which claim, as the answer has it; the first if not given.
      ledger: "specification" or "policies".

    Raises:
      UserError: there is no such claim or ledger.
    """
    of = universes(challenge, claim, ledger)
    counts = {name: f"{called(name)}: {count:,}" for name, count in of.counts.items()}
    rows = list[dict[str, Any]]()
    for k, (row, is_whole) in enumerate(zip(of.rows, of.drawn_intervals, strict=True)):
        one = ends(row["difference"])
        if not is_whole:
            one = {"estimate": one["estimate"]}
        verdict = counts[row["verdict"]]
        rows.append({"rank": k + 1, "verdict": verdict, "departs in": row["words"], "stated": k == of.stated, **one})
    n, shown = len(of.rows), int(of.drawn_intervals.sum())
    note = f"Choices: {of.ledger}; {labels.counted(n, 'universe')}: the difference in each, with 95 % intervals"
    note += f" of {shown:,} of them." if shown < n else "."
    note += f" Left out, without a finite difference: {of.lost:,}." * bool(of.lost)
    title = f"{of.said}, by choices that depart" if rows else f"No universe of the choices {ledger} was run"
    return frame(
        rows,
        title,
        note if rows else "",
        label=labels.with_unit("difference", of.unit),
        verdicts={counts[name]: VERDICTS[name] for name in counts},
        nothing="no universe has a difference",
    )


def profile(challenge: Answer, claim: str | None = None) -> pd.DataFrame:
    """Shares of universes by verdict, by number of departing choices, for each claim and ledger.

    Args:
      challenge: the run's answer to the question `challenge`.
      claim: one claim, as the answer has it; all of them if not given.

    Raises:
      UserError: there is no such claim.
    """
    every = [row for row in challenge["profile"].rows() if row["universes"]] if "profile" in challenge else []
    claims, said = list(dict.fromkeys(str(row["claim"]) for row in every)), sentences(challenge)
    if claim is not None:
        selection.refuse_unknown("claim", claim, claims, "profile")
        claims = [claim]
    rows = list[dict[str, Any]]()
    for row in every:
        if row["claim"] not in claims:
            continue
        start = 0.0
        for name in VERDICTS:
            share = float(row[name] or 0.0)
            rows.append(
                {
                    "claim": said[str(row["claim"])],
                    "ledger": str(row["ledger"]),
                    "choices": int(row["departures"]),
                    "universes": int(row["universes"]),
                    "verdict": called(name),
                    "share": share,
                    "from": start,
                    "to": start + share,
                }
            )
            start += share
    title = f"{said[claims[0]]}, by choices that depart" if len(claims) == 1 else challenge.finding
    note = f"Rows: choices that depart at a time; numbers: universes. {DESIGN}"
    return frame(
        rows,
        title if claims else "No claim was challenged",
        note if claims else "",
        panels=[said[name] for name in claims],
        ledgers=[*LEDGERS],
        verdicts={called(name): look for name, look in VERDICTS.items()},
        nothing="no universe was run",
    )
