"""Measures among the paths that meet a condition, and among the others: `--given "reemployed_share >= 0.667"`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from engine.errors import Problems
from engine.risk.estimation.events import ByName, Happens, Term, event_indicators, hold
from engine.risk.estimation.influences import single
from engine.risk.estimation.intervals import FEW_UNITS, Estimate, PolicyPaths, Units, finite_units, moments_of_totals
from engine.risk.estimation.measures import correlation, estimated, probability, summary
from engine.risk.estimation.tables import Record, record
from engine.risk.estimation.tails import combined_difference
from engine.study.components import Clauses
from engine.study.study import Study

NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?"
TERM = re.compile(rf"\s*(?P<name>[^\s<>=]+)\s*(?P<sign><=|>=|<|>)\s*(?P<number>{NUMBER})\s*", re.IGNORECASE)


@dataclass(frozen=True)
class Condition:
    """Comparisons of which at least one in every clause must hold, and the text that they were parsed from."""

    text: str
    clauses: Clauses[Term]

    @property
    def terms(self) -> tuple[Term, ...]:
        """All its comparisons."""
        return tuple(chain(*self.clauses))

    def holds(self, values: ByName) -> np.ndarray:
        """Whether each path meets the condition: bool, in the shape of the outcomes, which are given by name."""
        return hold(self.clauses, lambda term: term.holds(values))


def parse_condition(text: str, known: Iterable[str], unkept: Iterable[str] = ()) -> Condition:
    """The condition that a text states: `NAME (<|<=|>|>=) NUMBER`, several joined by `and`.

    Args:
      known: names of the outcomes kept path by path.
      unkept: names of outcomes that the study has but does not keep path by path.

    Raises:
      UserError: for text that is no such comparison, and names that are not in `known`; all problems at once.
    """
    names, clauses, problems = tuple(known), [], Problems()
    for part in re.split(r"\s+and\s+", text.strip()):
        match = TERM.fullmatch(part)
        if not match:
            problems.add("", f"expected NAME (<|<=|>|>=) NUMBER, several joined by 'and', got '{part}'.")
        elif match["name"] in unkept:
            problems.add("", not_kept(match["name"], names))
        elif problems.knows("", "outcome", match["name"], names):
            clauses.append((Term(match["name"], match["sign"], float(match["number"])),))
    problems.refuse("condition")
    return Condition(" ".join(text.split()), tuple(clauses))


def not_kept(name: str, kept: Iterable[str]) -> str:
    """Error message for a question about single paths to an outcome or event that is not kept path by path."""
    listed = ", ".join(kept) or "none is"
    return (
        f"expected an outcome stored path by path ({listed}), got '{name}'. Add it to keep.outcomes in the"
        " study, and run it again."
    )


def condition_table(study: Study, outcomes: Mapping[str, PolicyPaths], condition: Condition) -> list[Record]:
    """Per policy, the share of paths that meet a condition, and measures of all outcomes and events on either side.

    Records with measure "share" (variable: the condition's text), "given_M" and "otherwise_M" for each measure M, and
    "contrast_mean" and "contrast_probability": given less otherwise. As the number of paths on each side is random, the
    estimators are ratios; their standard errors come from linearised residuals totalled over units.

    Args:
      outcomes: all of `study.keep.outcomes`, by name [policy, path].
    """
    records = []
    for p, policy in enumerate(study.policy_names):
        arrays, units, lost = finite_units(tuple(outcomes[name][p] for name in study.keep.outcomes), study.unit)
        values = dict(zip(study.keep.outcomes, arrays, strict=True))
        given = condition.holds(values)
        sides = [(held, units.take(held)) for held in (given, ~given)]
        rows = [("share", condition.text, probability(given, units))]
        for name, array in (values | event_indicators(study, values)).items():
            is_event = array.dtype == bool
            found = [
                {"probability": probability(array[held], of)}
                if is_event
                else summary(array[held], of, study.is_loss(name), study.levels)
                for held, of in sides
            ]
            for side, estimates in zip(("given", "otherwise"), found, strict=True):
                rows += [(f"{side}_{measure}", name, estimate) for measure, estimate in estimates.items()]
            measure = "probability" if is_event else "mean"
            gap = _contrast(array, units, sides, [own[measure] for own in found])
            rows.append((f"contrast_{measure}", name, gap))
        records += [record(measure, policy, name, estimate.flagged(lost)) for measure, name, estimate in rows]
    return records


def _contrast(
    values: np.ndarray, units: Units, sides: Sequence[tuple[Happens, Units]], means: Sequence[Estimate]
) -> Estimate:
    """Mean of values, or share of the paths where they are true, on the first side less that on the other.

    Args:
      sides: which paths are on either side, and their units.
      means: the means or shares of both.
    """
    given, otherwise = means
    gap, flags = given.estimate - otherwise.estimate, (*given.flags, *otherwise.flags)
    is_share = values.dtype == bool
    if np.isnan(gap) or (is_share and flags):
        return Estimate(gap).flagged(*flags)
    # contribution of each path to the errors of the two ratios, whose means over all paths are the errors
    first, second = (
        np.where(held, values.astype(np.float64) - mean.estimate, 0.0) * (units.paths / of.paths)
        for (held, of), mean in zip(sides, means, strict=True)
    )
    of = moments_of_totals(units.totals(first - second), units)
    if is_share or min(side.count for _, side in sides) < FEW_UNITS:
        related = correlation(*map(units.totals, (first, second)))
        return single(combined_difference(given.column, otherwise.column, of.error, related)).flagged(*flags)
    return replace(estimated(of, gap), estimate=gap).flagged(*flags)
