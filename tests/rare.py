"""A made-up answer to `extremes`: levels grow with the log of the period, and are extrapolated beyond once in 1,000."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.table import Table
from engine.risk.estimation.intervals import Estimate
from tests.columns import estimates, numbers, texts, truths

PERIODS = (2.0, 10.0, 100.0, 1000.0, 10_000.0)
BEYOND = 1000.0
"""Period from which on levels are extrapolated."""


def level(period: float, policy: int, first: float = 5.0) -> Estimate:
    """The level that is passed once in a period."""
    value = first + (1 + policy) * float(np.log10(period))
    return Estimate(value, 0.1, value - 0.2, value + 0.3)


def rare(subject: Subject, variables: Sequence[str], each: bool = True, first: float = 5.0) -> Answer:
    """The made-up answer; without rows where `each` is false.

    Args:
      first: the level that all futures pass.
    """
    rows = [
        (variable, policy, period, level(period, k, first))
        for variable in variables
        for k, policy in enumerate(subject.policies)
        for period in PERIODS
        if each
    ]
    columns = (
        texts("row", [str(k + 1) for k in range(len(rows))], "number of the row"),
        texts("variable", [one for one, *_ in rows], "outcome"),
        texts("of", [""] * len(rows), "the largest place, or the sum of all"),
        texts("counted", ["futures"] * len(rows), "what a period counts"),
        texts("policy", [one for _, one, *_ in rows], "policy"),
        numbers("period", [one for *_, one, _ in rows], "how many it happens once in"),
        estimates("level", [one for *_, one in rows], "what is reached or passed"),
        truths("extrapolated", [one >= BEYOND for *_, one, _ in rows], "whether a fitted law says it"),
        texts("unit", ["M"] * len(rows), "unit of the level"),
    )
    table = Table("curve", "Levels by period", columns, ("row",))
    return Answer(subject, ("Rare futures are bad.",), (table,), question="extremes")
