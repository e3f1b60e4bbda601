"""A made-up answer to `extremes`: levels grow with the log of the period, and are extrapolated beyond once in 1,000."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.table import table
from engine.risk.estimation.intervals import Estimate

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
        {"variable": variable, "of": "", "counted": "futures", "policy": policy, "period": period,
         "level": level(period, k, first), "extrapolated": period >= BEYOND, "unit": "M"}
        for variable in variables
        for k, policy in enumerate(subject.policies)
        for period in PERIODS
        if each
    ]  # fmt: skip
    made = table("curve", "Levels by return period", rows, "row")
    return Answer(subject, ("Rare futures are bad.",), (made,), question="extremes")
