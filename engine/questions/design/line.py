"""Levers of a policy that are set in some years and places, and what a policy that is found changes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.answers.table import Table, table
from engine.errors import moved
from engine.questions.design.evaluator import Evaluator, Setting
from engine.questions.design.limits import Limit, measured
from engine.questions.variables import PROBABILITY, Values, measured as measured_of
from engine.risk.estimation.intervals import Estimate
from engine.study.tables.levers import lever_table, put_together

DIGITS = 5
"""Decimals of the values of a lever as shares of its range."""


@dataclass(frozen=True)
class Line:
    """The values of one lever of a policy, in some years and places.

    Args:
      place: index of the places of the lever's array [*dims].
      since: first year in which it is set; all years if not given.
      low, high: least and largest value.
    """

    evaluator: Evaluator
    lever: str
    place: tuple[slice | int, ...]
    since: int | None
    low: float
    high: float

    @property
    def unit(self) -> str:
        """The unit of the lever."""
        return self.evaluator.study.model.levers[self.lever].unit

    @property
    def share(self) -> float:
        """The mean of the lever as stated over years and places, as a share of the range, within it."""
        mean = float(self.evaluator.stated.levers[self.lever].mean())
        return min(max((mean - self.low) / (self.high - self.low), 0.0), 1.0)

    def at_share(self, share: float) -> float:
        """The value at a share of the range, rounded to `DIGITS` of the range, so that a text states it."""
        span = self.high - self.low
        value = round(self.low + share * span, DIGITS - math.floor(math.log10(span)))
        return min(max(value, self.low), self.high)

    def setting(self, value: float | None) -> Setting:
        """The setting with the lever at a value where it is set, and as the policy has it elsewhere.

        It is empty for None, which leaves the lever as stated.
        """
        if value is None:
            return {}
        study = self.evaluator.study
        values = put_together(self.evaluator.stated, self.lever).astype(object)
        first = 0 if self.since is None else study.years.index(self.since)
        values[(slice(first, None), *self.place)] = value
        return {self.lever: lever_table(values, study.model.levers[self.lever].dims, study.model, study.years)}


def setting_of(lines: Sequence[Line], values: Sequence[float | None]) -> Setting:
    """The setting with each lever at a value; None for one that stays as stated."""
    return {name: to for line, x in zip(lines, values, strict=True) for name, to in line.setting(x).items()}


def stated(lines: Sequence[Line], values: Sequence[float]) -> str:
    """Values of levers as a study states them: `release = 0.25, quota = 1`."""
    return ", ".join(f"{line.lever} = {value:.12g}" for line, value in zip(lines, values, strict=True))


def measures_at(
    lines: Sequence[Line], values: Sequence[float], limits: Sequence[Limit], paths: int, number: int = 0
) -> list[Estimate]:
    """The measures of limits at values of levers, on the first paths of a numbered set of futures."""
    evaluator = lines[0].evaluator
    with moved("run.nonfinite", f"run.nonfinite, at {stated(lines, values)}"):
        (found,) = evaluator.each([setting_of(lines, values)], evaluator.futures.anew(number), paths)
    return measured(limits, evaluator, found)


def changes(evaluator: Evaluator, found: Values, own: Values) -> list[Table]:
    """What a policy changes in the headline outcomes and in events, from its values and those of the policy stated."""
    rows = [
        {"variable": name, "measure": measure, "unit": evaluator.study.unit_of(name),
         "stated": evaluator.estimate(own, name, measure).estimate,
         "found": evaluator.estimate(found, name, measure).estimate,
         "difference": evaluator.difference(found, own, name, measure)}
        for name, measure in measured_of(evaluator.study, None)
    ]  # fmt: skip
    outcomes, events = ([row for row in rows if (row["measure"] == PROBABILITY) == kind] for kind in (False, True))
    return [
        table("outcomes", "Changes of outcomes by the policy found", outcomes, "variable", "measure"),
        table("events", "Changes of events by the policy found", events, "variable", "measure",
              shown={"stated": "%", "found": "%", "difference": "points"}),
    ]  # fmt: skip
