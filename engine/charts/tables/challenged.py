"""Tables of a challenge: claims in every universe, and shares of universes in which they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd

from engine.answers.answer import Answer
from engine.charts import labels, selection
from engine.charts.tables.frames import Rows, each, ends, frame, rows_of
from engine.charts.theme import COLOURS, GREY
from engine.formatting import begun, counted

LEDGERS = ("specification", "policies")
"""Kinds of choices that may depart from what the study states; each ledger has universes of its own."""
VERDICTS: Mapping[str, tuple[str, str]] = {
    "holds": (COLOURS[1], "circle"),
    "undecided": (GREY, "square"),
    "nothing": (COLOURS[4], "diamond"),
    "reversed": (COLOURS[0], "triangle-down"),
}
"""Verdict -> its colour and shape, from supporting to contradicting the claim."""
CALLED = {"nothing": "no longer happens"}
"""Verdict -> the words for it, where they differ from its name."""
DESIGN = "Shares depend on the design of the choices; they are not probabilities."
"""Caveat that accompanies every share of universes."""
MOST_INTERVALS = 300
"""Most intervals drawn on a curve; of more universes, every n-th has one."""


def called(verdict: str) -> str:
    """The words for a verdict."""
    return CALLED.get(verdict, verdict)


def _claims(challenge: Answer, claim: str | None, kind: str) -> dict[str, str]:
    """Claim, as the answer names it -> the claim in words: of all claims, or of the one that is wanted.

    Raises:
      UserError: there is no such claim.
    """
    said = {row["claim"]: begun(row["words"]) for row in rows_of(challenge, "claims")}
    known = each(rows_of(challenge, kind), "claim")
    if claim is not None:
        selection.refuse_unknown("claim", claim, known, kind)
    return {name: said.get(name, name) for name in known if claim in (None, name)}


def curve(challenge: Answer, claim: str | None = None, ledger: str = LEDGERS[0]) -> pd.DataFrame:
    """Difference of two policies in every universe, sorted, with its verdict: a specification curve.

    Universes without a finite difference are left out; the one in which nothing departs is marked. U. Simonsohn, J. P.
    Simmons and L. D. Nelson, Nature Human Behaviour 4 (2020) 1208-1214.

    Args:
      challenge: the run's answer to the question `challenge`.
      claim: which claim, as the answer has it; the first if not given.
      ledger: "specification" or "policies".

    Raises:
      UserError: there is no such claim or ledger.
    """
    selection.refuse_unknown("ledger", ledger, LEDGERS, "curve")
    claims = _claims(challenge, claim, "curve")
    chosen = next(iter(claims), "")
    own = [row for row in rows_of(challenge, "curve") if row["claim"] == chosen and row["ledger"] == ledger]
    held = [row for row in own if row["difference"] and np.isfinite(row["difference"].estimate)]
    held.sort(key=lambda row: row["difference"].estimate)
    found = Counter(row["verdict"] for row in held)
    counts = {name: f"{called(name)}: {found[name]:,}" for name in VERDICTS if name in found}
    n, step, rows = len(held), -(-max(len(held), 1) // MOST_INTERVALS), Rows()
    for k, row in enumerate(held):
        one, is_stated = ends(row["difference"]), row["departures"] == 0
        about = {"rank": k + 1, "verdict": counts[row["verdict"]], "departs in": row["choices"], "stated": is_stated}
        rows.append(about | (one if k % step == 0 or is_stated else {"estimate": one["estimate"]}))
    shown = sum("low" in row for row in rows)
    note = f"Choices: {ledger}; {counted(n, 'universe')}: the difference in each, with 95 % intervals"
    note += f" of {shown:,} of them." if shown < n else "."
    note += f" Left out, without a finite difference: {len(own) - n:,}." * (len(own) > n)
    title = f"{claims[chosen]}, by choices that depart" if rows else f"No universe of the choices {ledger} was run"
    return frame(
        rows,
        title,
        note,
        label=labels.with_unit("difference", held[0].get("unit", "")) if held else "",
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
    claims = _claims(challenge, claim, "profile")
    rows = Rows()
    for row in rows_of(challenge, "profile"):
        if not row["universes"] or row["claim"] not in claims:
            continue
        start, claimed = 0.0, claims[row["claim"]]
        about = {"claim": claimed, "ledger": row["ledger"], "choices": row["departures"], "universes": row["universes"]}
        for name in VERDICTS:
            share = row[name] or 0.0
            rows.append(about | {"verdict": called(name), "share": share, "from": start, "to": start + share})
            start += share
    title = f"{rows[0]['claim']}, by choices that depart" if len(claims) == 1 and rows else challenge.finding
    note = f"Rows: choices that depart at a time; numbers: universes. {DESIGN}"
    return frame(
        rows,
        title if rows else "No claim was challenged",
        note,
        panels=each(rows, "claim"),
        ledgers=each(rows, "ledger"),
        verdicts={called(name): look for name, look in VERDICTS.items()},
        nothing="no universe was run",
    )
