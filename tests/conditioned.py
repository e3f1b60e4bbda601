"""Made-up answers to `condition`: posteriors of factors and events."""

from __future__ import annotations

from collections.abc import Sequence

from engine.answers.answer import Answer, Subject
from engine.answers.table import Table
from engine.risk.estimation.intervals import Estimate
from tests.columns import estimates, numbers, texts

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
    shifts = [SHIFTS[k % len(SHIFTS)] for k in range(len(factors))]
    varies = [k < len(factors) - 1 for k in range(len(factors))]
    chances = [
        (event, policy, BEFORE + 0.1 * (p % 4), MOVES[k % 2])
        for k, event in enumerate(events)
        for p, policy in enumerate(subject.policies)
    ]
    learnt = (
        texts("factor", factors, "factor"),
        numbers("mean_before", [MIDDLE] * len(factors), "mean"),
        numbers("sd_before", [SD * one for one in varies], "sd"),
        estimates(
            "mean_given",
            [estimate(MIDDLE + SD * shift * one, error * SD) for shift, one in zip(shifts, varies, strict=True)],
            "given",
        ),
        numbers("sd_given", [SD_GIVEN * one for one in varies], "sd given"),
        numbers("shift", [shift if one else None for shift, one in zip(shifts, varies, strict=True)], "shift"),
        texts("unit", ["1/yr"] * len(factors), "unit"),
    )
    risk = (
        texts("row", [str(k) for k in range(len(chances))], "row"),
        texts("variable", [event for event, *_ in chances], "event"),
        texts("measure", ["probability"] * len(chances), "measure"),
        texts("policy", [policy for _, policy, *_ in chances], "policy"),
        estimates("given", [estimate(before + move, error) for *_, before, move in chances], "given"),
        estimates("before", [estimate(before, error) for *_, before, _ in chances], "before"),
    )
    figure = (texts("figure", ["Steel output 2018"], "figure"), numbers("observed", [3.0], "value"))
    tables = [Table("risk", "Before and given", risk, ("row",)), Table("factors", "Factors", learnt, ("factor",))]
    known = Table("known", "Known", figure, ("figure",), [False])
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
        heading="Given what is known",
    )
