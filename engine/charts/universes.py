"""The universes of a challenge as data for charts: sorted, with the look of each verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from engine.answers.answer import Answer
from engine.charts import selection
from engine.charts.theme import COLOURS, GREY
from engine.formatting import begun

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
DESIGN = "No share means more than its design: it is set by how many choices depart, not by the world."
"""Caveat that accompanies every share of universes."""
MOST_INTERVALS = 300
"""Most intervals drawn on a curve; of more universes, every n-th has one."""


@dataclass(frozen=True)
class Universes:
    """All universes of a claim in one ledger, sorted by their difference, the smallest first.

    Args:
      said: the claim in words.
      rows: rows of the answer's table `curve`, with departing choices in `words`; without those that have no finite
        difference.
      lost: number of rows left out.
      unit: of the differences.
    """

    said: str
    ledger: str
    rows: tuple[dict[str, Any], ...]
    lost: int
    unit: str

    @property
    def stated(self) -> int | None:
        """Index of the universe in which nothing departs from the study; None where it is not among them."""
        return next((k for k, row in enumerate(self.rows) if row["departures"] == 0), None)

    @property
    def counts(self) -> dict[str, int]:
        """Number of universes by verdict, for verdicts that occur."""
        verdicts = [row["verdict"] for row in self.rows]
        return {name: verdicts.count(name) for name in VERDICTS if name in verdicts}

    @property
    def drawn_intervals(self) -> Bool[np.ndarray, " universe"]:
        """Which universes have their interval drawn; the one as stated always has."""
        every = np.arange(len(self.rows))
        return np.asarray((every % -(-max(len(every), 1) // MOST_INTERVALS) == 0) | (every == self.stated))


def universes(answer: Answer, claim: str | None = None, ledger: str = LEDGERS[0]) -> Universes:
    """The universes of a claim in one ledger, without rows where the answer has no curve.

    Args:
      claim: the claim, as the answer names it; the first of the curve if not given.

    Raises:
      UserError: there is no such claim or ledger.
    """
    every = list(answer["curve"].rows()) if "curve" in answer else []
    known = list(dict.fromkeys(str(row["claim"]) for row in every))
    selection.refuse_unknown("ledger", ledger, LEDGERS, "curve")
    if claim is not None:
        selection.refuse_unknown("claim", claim, known, "curve")
    chosen = claim or next(iter(known), "")
    words = _words(answer)
    own = [
        row | {"words": "; ".join(words.get(one, one) for one in str(row["choices"]).split("; "))}
        for row in every
        if row["claim"] == chosen and row["ledger"] == ledger
    ]
    held = [row for row in own if row["difference"] and np.isfinite(row["difference"].estimate)]
    rows = tuple(sorted(held, key=lambda row: row["difference"].estimate))
    unit = answer["curve"].by_name["difference"].unit if every else "1"
    unit = str(rows[0].get("unit") or unit) if rows else unit
    return Universes(sentences(answer).get(chosen, ""), ledger, rows, len(own) - len(rows), unit)


def sentences(answer: Answer) -> dict[str, str]:
    """Claim, as the answer names it -> the claim in words."""
    every = answer["claims"].rows() if "claims" in answer else ()
    return {str(row["claim"]): begun(str(row["words"])) for row in every}


def _words(answer: Answer) -> dict[str, str]:
    """Name of a departing choice -> the choice in words."""
    every = answer["choices"].rows() if "choices" in answer else ()
    return {f"{row['choice']}: {row['otherwise']}": str(row["words"]) for row in every}


def called(verdict: str) -> str:
    """The words for a verdict."""
    return CALLED.get(verdict, verdict)
