"""Measures among the paths that meet a condition, and among the others: `--given "reemployed_share >= 0.667"`."""

from __future__ import annotations

import operator
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.errors import Problem, UserError, unknown
from engine.risk.estimation.events import event_indicators
from engine.risk.estimation.intervals import Estimate, Units, moments
from engine.risk.estimation.measures import correlation, finite_units, probability, share_difference, summary
from engine.risk.estimation.tables import Record, record
from engine.risk.estimation.tails import shifted
from engine.study.study import Study

OPERATORS = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
TERM = re.compile(r"\s*(?P<name>[^\s<>=]+)\s*(?P<sign><=|>=|<|>)\s*(?P<number>[^\s<>=]+)\s*")


@dataclass(frozen=True)
class Term:
    """One comparison of an outcome with a number.

    Args:
      name: the outcome.
      sign: one of < <= > >=.
      number: what the outcome is compared with.
    """

    name: str
    sign: str
    number: float


@dataclass(frozen=True)
class Condition:
    """Comparisons that must all hold, and the text that they were parsed from."""

    text: str
    terms: tuple[Term, ...]

    def holds(self, values: Mapping[str, np.ndarray]) -> np.ndarray:
        """Whether each path meets the condition: bool, in the shape of the outcomes, which are given by name."""
        return np.logical_and.reduce([OPERATORS[term.sign](values[term.name], term.number) for term in self.terms])


def parse_condition(text: str, known: Iterable[str], unkept: Iterable[str] = ()) -> Condition:
    """The condition that a text states: `NAME (<|<=|>|>=) NUMBER`, several joined by `and`.

    Args:
      known: names of the outcomes kept path by path.
      unkept: names of outcomes that the study has but does not keep path by path.

    Raises:
      UserError: for text that is no such comparison, and names that are not in `known`; all problems at once.
    """
    names = tuple(known)
    terms, problems = [], []
    for part in re.split(r"\s+and\s+", text.strip()):
        match = TERM.fullmatch(part)
        number = _number(match["number"]) if match else None
        if match is None or number is None:
            expected = "expected NAME (<|<=|>|>=) NUMBER, several joined by 'and'"
            problems.append(Problem("", f"{expected}, got '{part}'."))
        elif match["name"] in unkept:
            problems.append(Problem("", not_kept(match["name"], names)))
        elif match["name"] not in names:
            problems.append(Problem("", unknown("outcome", match["name"], names)))
        else:
            terms.append(Term(match["name"], match["sign"], number))
    if problems:
        raise UserError("condition", problems)
    return Condition(" ".join(text.split()), tuple(terms))


def not_kept(name: str, kept: Iterable[str]) -> str:
    """Error message for a question about single paths to an outcome or event that is not kept path by path."""
    listed = ", ".join(kept) or "none is"
    return (
        f"expected what is kept path by path ({listed}), got '{name}'. Keep it: keep.outcomes in the study, and run it."
    )


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def condition_table(
    study: Study, outcomes: Mapping[str, Float[np.ndarray, "policy path"]], condition: Condition
) -> list[Record]:
    """Per policy, the share of paths that meet a condition, and measures of all outcomes and events on either side.

    Records with measure "share" (variable: the condition's text), "given_M" and "otherwise_M" for each measure M, and
    "contrast_mean" and "contrast_probability": given less otherwise. As the number of paths on each side is random, the
    estimators are ratios; their standard errors come from linearised residuals totalled over units.

    Args:
      outcomes: all of `study.keep.outcomes`, by name [policy, path].
    """
    return [
        entry
        for p, policy in enumerate(study.policy_names)
        for entry in _policy_records(study, policy, [outcomes[name][p] for name in study.keep.outcomes], condition)
    ]


def _policy_records(
    study: Study, policy: str, outcomes: Sequence[Float[np.ndarray, "path"]], condition: Condition
) -> list[Record]:
    arrays, units, lost = finite_units(tuple(outcomes), study.unit)
    values = dict(zip(study.keep.outcomes, arrays, strict=True))
    given = condition.holds(values)
    split = _Split(given, units, units.take(given), units.take(~given))
    rows: list[tuple[str, str, Estimate]] = [("share", condition.text, probability(given, units))]
    for name, array in values.items():
        sides = {
            side: summary(array[mask], part, study.is_loss(name), study.levels) for side, mask, part in split.sides()
        }
        for side, estimates in sides.items():
            rows += [(f"{side}_{measure}", name, estimate) for measure, estimate in estimates.items()]
        gap = split.contrast(array, sides["given"]["mean"], sides["otherwise"]["mean"])
        rows.append(("contrast_mean", name, gap))
    for name, happens in event_indicators(study, values).items():
        met, unmet = (probability(happens[mask], part) for _, mask, part in split.sides())
        rows += [("given_probability", name, met), ("otherwise_probability", name, unmet)]
        rows.append(("contrast_probability", name, split.contrast(happens, met, unmet)))
    return [record(measure, policy, name, estimate.flagged(lost)) for measure, name, estimate in rows]


@dataclass(frozen=True)
class _Split:
    """Paths by whether they meet the condition, with the units of all and of each side."""

    given: Bool[np.ndarray, "path"]
    units: Units
    given_units: Units
    other_units: Units

    def sides(self) -> tuple[tuple[str, np.ndarray, Units], ...]:
        return ("given", self.given, self.given_units), ("otherwise", ~self.given, self.other_units)

    def residuals(self, values: np.ndarray, given: float, otherwise: float) -> tuple[np.ndarray, np.ndarray]:
        """Contribution of each path to the errors of the two ratios; the means over all paths are the errors."""
        first = np.where(self.given, values - given, 0.0) * (self.units.paths / self.given_units.paths)
        second = np.where(self.given, 0.0, values - otherwise) * (self.units.paths / self.other_units.paths)
        return first, second

    def contrast(self, values: np.ndarray, given: Estimate, otherwise: Estimate) -> Estimate:
        """`given` less `otherwise`: of means of the values, or of shares of the paths where they are true."""
        gap, flags = given.estimate - otherwise.estimate, (*given.flags, *otherwise.flags)
        is_share = values.dtype == bool
        if np.isnan(gap) or (is_share and flags):
            return Estimate(gap).flagged(*flags)
        first, second = self.residuals(values.astype(np.float64), given.estimate, otherwise.estimate)
        of = moments(first - second, self.units)
        if is_share:
            correlated = correlation(self.units.totals(first), self.units.totals(second))
            return share_difference(given, otherwise, float(of.error), correlated)
        _, error, low, high = map(float, shifted(of, 1.0, gap))
        return Estimate(gap, error, low, high).flagged(*flags)
