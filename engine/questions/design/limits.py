"""A limit on a measure of an outcome or on the probability of an event: `ES99 of cost <= 15.5`, read and in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from engine.answers.as_text import amount, quantity, shown_in, unit_in_words
from engine.errors import Problems, UserError
from engine.formatting import shown
from engine.questions.design.evaluator import Evaluator
from engine.questions.turning import scaled
from engine.questions.variables import PROBABILITY, Values
from engine.risk.estimation.influences import levels_of, measures
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

_LIMIT = re.compile(r"(\S+) of (\S+)(?: (<=|>=) (\S+)( \S.*)?)?")
WORDS = {"<=": "at most", ">=": "at least"}
VERDICTS = {"met": "met", "broken": "broken", "unclear": "neither clearly met nor clearly broken"}
"""Verdicts in sentences."""


@dataclass(frozen=True)
class Limit:
    """A measure of a variable that is to be at most, or at least, a number.

    Args:
      measure: "mean", "median", "sd", or VaR or ES with its level; "probability" of an event.
      sign: "<=" or ">=".
      bound: in the unit of the variable; between 0 and 1 for an event.
    """

    measure: str
    variable: str
    sign: str
    bound: float

    @property
    def text(self) -> str:
        """The limit as its option states it."""
        return f"{self.measure} of {self.variable} {self.sign} {self.bound:g}"

    def gap(self, measured: Estimate) -> Estimate:
        """How far an estimate of the measure is beyond the limit: above 0 where the limit is broken."""
        side = 1.0 if self.sign == "<=" else -1.0
        return scaled(measured, side, -side * self.bound)

    def verdict(self, measured: Estimate) -> str:
        """Whether an estimate meets the limit: "met" or "broken" if its interval shows it, else "unclear"."""
        gap = self.gap(measured)
        return "met" if gap.high <= 0 else "broken" if gap.low > 0 else "unclear"

    def amount(self, study: Study, measured: Estimate) -> str:
        """An estimate of the measure with its unit: `14.3 k yuan`."""
        scale, unit = shown_in(self.measure, study.unit_of(self.variable))
        return amount(unit, scaled(measured, scale))

    def words(self, study: Study) -> tuple[str, str]:
        """The measure before a verb, and the bound behind it: `the mean of cost` and `at most 3 k yuan`."""
        scale, unit = shown_in(self.measure, study.unit_of(self.variable))
        bound = f"{WORDS[self.sign]} {scale * self.bound:,.6g} {unit_in_words(unit)}".rstrip()
        return quantity(study, self.variable, self.measure), bound


def measured(limits: Sequence[Limit], evaluator: Evaluator, values: Values) -> list[Estimate]:
    """The measures of limits from the outcomes under the policy of an evaluator."""
    return [evaluator.estimate(values, one.variable, one.measure) for one in limits]


def gaps(limits: Sequence[Limit], measures: Sequence[Estimate]) -> list[Estimate]:
    """How far each limit is broken, from its measure."""
    return [limit.gap(one) for limit, one in zip(limits, measures, strict=True)]


def limit_of(text: str, study: Study, option: str = "--subject", is_bare: bool = False) -> Limit:
    """The limit that a text states.

    Args:
      option: what messages call it.
      is_bare: whether the text states a measure alone; the limit is then 0, and the measure is how far it is broken.

    Raises:
      UserError: words that are not understood, an unknown variable or measure, another unit than the variable's.
    """
    problems, found = Problems(), _LIMIT.fullmatch(" ".join(text.split()))
    if found is None or bool(found[3]) == is_bare:
        form, rest = ("", "") if is_bare else (" <= NUMBER, or >=", " <= 10")
        example = f"mean of {next(iter(study.model.outcomes))}{rest}"
        raise UserError(option, [f"expected MEASURE of VARIABLE{form}, got {shown(text)}. Example: '{example}'."])
    measure, variable, sign, number, unit = found.groups(default="")
    measure, bound = PROBABILITY if measure == "P" else measure, 0.0 if is_bare else math.nan
    with suppress(ValueError):
        bound = float(number)
    if problems.knows("", "outcome or event", variable, study.variables):
        known = (PROBABILITY,) if variable in study.events_by_name else measures(levels_of(measure))
        problems.knows("", f"measure of '{variable}'", measure, known)
        own = study.unit_of(variable)
        if unit and unit.strip() != own:
            expected = "nothing" if own == "1" else f"'{own}', its unit,"
            problems.add("", f"expected {expected} after the number, got '{unit.strip()}'.")
        if PROBABILITY in known and not 0 <= bound <= 1:
            problems.add("", f"expected a probability between 0 and 1, got '{number}'.")
    if not math.isfinite(bound):
        problems.add("", f"expected a number after '{sign}', got '{number}'.")
    problems.refuse(option)
    return Limit(measure, variable, sign or "<=", bound)
