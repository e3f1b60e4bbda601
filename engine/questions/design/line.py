"""A lever of a policy that is set in some years and places, and what a policy that is found changes."""

from __future__ import annotations

import math
from dataclasses import dataclass

from engine.answers.rows import table
from engine.answers.table import Table
from engine.errors import moved
from engine.questions.design.evaluator import Evaluator, Setting
from engine.questions.design.limits import Limit
from engine.questions.variables import PROBABILITY, Values, gap, measured
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
    def share(self) -> float:
        """The mean of the lever as stated over years and places, as a share of the range, within it."""
        mean = float(self.evaluator.stated.levers[self.lever].mean())
        return min(max((mean - self.low) / (self.high - self.low), 0.0), 1.0)

    def at_share(self, share: float) -> float:
        """The value at a share of the range, rounded to `DIGITS` of the range, so that a text states it."""
        span = self.high - self.low
        value = round(self.low + share * span, DIGITS - math.floor(math.log10(span)))
        return min(max(value, self.low), self.high)

    def setting(self, value: float) -> Setting:
        """The setting with the lever at a value where it is set, and as the policy has it elsewhere."""
        study = self.evaluator.study
        values = put_together(self.evaluator.stated, self.lever).astype(object)
        first = 0 if self.since is None else study.years.index(self.since)
        values[(slice(first, None), *self.place)] = value
        return {self.lever: lever_table(values, study.model.levers[self.lever].dims, study.model, study.years)}

    def at(self, limit: Limit, value: float, paths: int) -> Estimate:
        """The measure of a limit at a value of the lever, on the first paths."""
        with moved("run.nonfinite", f"run.nonfinite, at {self.lever} = {value:g}"):
            (values,) = self.evaluator.each([self.setting(value)], paths=paths)
        return self.evaluator.estimate(values, limit.variable, limit.measure)


def changes(evaluator: Evaluator, found: Values, own: Values) -> list[Table]:
    """What a policy changes in the headline outcomes and in events, from its values and those of the policy stated."""
    study, (kept, units) = evaluator.study, evaluator.kept(found, own)
    rows = []
    for name, measure in measured(study, None):
        one, other = (evaluator.values(name, side)[kept] for side in (found, own))
        rows.append({
            "variable": name, "measure": measure, "unit": study.unit_of(name),
            "stated": evaluator.estimate(own, name, measure).estimate,
            "found": evaluator.estimate(found, name, measure).estimate,
            "difference": gap(study, name, measure, one, other, units),
        })  # fmt: skip
    outcomes, events = ([row for row in rows if (row["measure"] == PROBABILITY) == kind] for kind in (False, True))
    return [
        table("outcomes", "What the policy that is found changes", outcomes, "variable", "measure"),
        table("events", "What it changes in events", events, "variable", "measure",
              shown={"stated": "%", "found": "%", "difference": "points"}),
    ]  # fmt: skip
