"""Made-up answers to `condition`: posteriors of factors and events."""

from __future__ import annotations

from collections.abc import Sequence

from engine.answers.answer import Answer, Subject
from engine.answers.table import Table, table
from engine.risk.estimation.intervals import Estimate

SHIFTS = (0.3, -2.0, 0.0, 1.2)
"""Shifts of the factors in turn, in standard deviations of the prior; the last factor never varies."""
MIDDLE, SD, SD_GIVEN = 0.05, 0.02, 0.01
"""Mean and standard deviation of every prior, and the standard deviation given the facts."""
BEFORE, MOVES = 0.5, (0.1, -0.4)
"""Probability of every event under the first policy, a tenth more under each later one; and how far it moves."""
ERROR = 0.01


def estimate(value: float, error: float = ERROR) -> Estimate:
    """An estimate with its interval, whose ends are NaN where the error is."""
    return Estimate(value, error, value - 2 * error, value + 3 * error)


def conditioned(subject: Subject, factors: Sequence[str], events: Sequence[str], error: float = ERROR) -> Answer:
    """A made-up answer on factors and events given the facts, of which there is one.

    Args:
      error: of every number.
    """
    learnt = []
    for k, name in enumerate(factors):
        shift, varies = SHIFTS[k % len(SHIFTS)], k < len(factors) - 1
        given = estimate(MIDDLE + SD * shift * varies, error * SD)
        sds = {"sd_before": SD * varies, "sd_given": SD_GIVEN * varies}
        row = {"factor": name, "mean_before": MIDDLE, "mean_given": given, **sds}
        learnt.append({**row, "shift": shift if varies else None, "unit": "1/yr"})
    risk = []
    for k, event in enumerate(events):
        for p, policy in enumerate(subject.policies):
            before = BEFORE + 0.1 * (p % 4)
            row = {"variable": event, "measure": "probability", "policy": policy}
            given = estimate(before + MOVES[k % 2], error)
            risk.append({**row, "given": given, "before": estimate(before, error)})
    tables = [table("risk", "Before and given", risk, "row"), table("factors", "Factors", learnt, "factor")]
    known = table("known", "Known", [{"figure": "Steel output 2018", "observed": 3.0}], "figure", brief=())
    return _answer(subject, "Given 1 figure, ruin is rarer.", (*(one for one in tables if len(one)), known))


def bare(subject: Subject) -> Answer:
    """A made-up answer without factors and events."""
    return _answer(subject, "No figure narrows a factor.", ())


def _answer(subject: Subject, finding: str, tables: Sequence[Table]) -> Answer:
    return Answer(
        subject,
        (finding,),
        tuple(tables),
        f"{subject.name}: made up",
        "",
        question="condition",
        heading="Results given the observed figures",
    )
