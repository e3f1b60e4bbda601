"""`design`: the value of a lever at which a limit holds, with its interval, and what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

import numpy as np

from engine.answers.answer import Answer
from engine.answers.question import STUDY, Asked, Option
from engine.errors import Problems, UserError
from engine.execution.resources import refuse_if_memory_too_small
from engine.questions.design.evaluator import Evaluator
from engine.questions.design.findings import Findings, Line
from engine.questions.design.limits import limit_of
from engine.questions.design.search import crossings, invert, looks
from engine.questions.variables import outcomes_of
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

FEW = 1 << 16
"""Paths that are searched first; what is found is searched again, in its surroundings, on all."""

MOST = 57
"""Evaluations in a search; with the judged policies, that as stated among them, at most 60."""


@dataclass
class Searched:
    """The measure by value of the lever, computed once for each, on the first paths.

    Args:
      most: how many values may be asked for.
    """

    line: Line
    paths: int
    most: int
    found: dict[float, Estimate] = field(default_factory=dict)

    def __call__(self, value: float) -> Estimate:
        """The measure at a value.

        Raises:
          UserError: more than `most` values are asked for.
        """
        if value not in self.found:
            if len(self.found) >= self.most:
                expected = (
                    f"expected an end of the search within {MOST} evaluations, got none; the last was at {value:g}."
                )
                raise UserError("--bounds", [f"{expected} Give --bounds LOW,HIGH that are closer together around it."])
            self.found[value] = self.line.at(value, self.paths)
        return self.found[value]


@dataclass(frozen=True)
class Design:
    """Find the value of a lever at which a limit holds.

    The value of a lever of a policy of STUDY at which a measure meets a limit, with its interval; the value from which
    it holds, allowing for the Monte Carlo error; and what that changes in the headline outcomes. The lever is set in
    all years and places, or from a year on, or at one label. Both values are judged on futures that the search has not
    seen.

    \b
    Example:
      rustbelt design rustbelt --policy reform --lever recapitalisation --subject "ES99 of capital_shortfall_peak <= 14"
    """

    needs: ClassVar[str] = STUDY
    heading: ClassVar[str] = "Which policy holds a limit"
    as_run: ClassVar[bool] = False

    policy: Annotated[str, Option("The policy whose lever is set.", "P", "followed")]
    lever: Annotated[str, Option("The lever.", "NAME")]
    subject: Annotated[
        str, Option("The limit: MEASURE of VARIABLE <= NUMBER, or >=; P of an event.", "LIMIT", flag="subject")
    ]
    bounds: Annotated[
        tuple[float, ...], Option("Least and largest value; the lever's own if not given.", "LOW,HIGH")
    ] = ()
    since: Annotated[int | None, Option("First year in which the lever is set; all if not given.", "YEAR")] = None
    where: Annotated[
        Mapping[str, str] | None, Option("One label of the lever, all if not given: region=Liaoning.", "DIM=LABEL")
    ] = None
    whole: Annotated[bool, Option("Whether the lever takes whole numbers.")] = False

    def answer(self, of: Asked) -> Answer:
        """Where the limit begins to hold along the lever, judged on fresh futures.

        Raises:
          UserError: no such policy, lever, label, year or variable; a limit that is not understood; no bounds; or as
            `Evaluator`.
        """
        study = of.study if of.paths is None else replace(of.study, paths=of.paths)
        limit, place = limit_of(self.subject, study), self._place(study)
        names = [*dict.fromkeys((limit.variable, *study.headline, *study.events_by_name))]
        # all paths of these outcomes are in memory, whatever a run keeps
        kept = replace(study.keep, outcomes=outcomes_of(study, names))
        refuse_if_memory_too_small(replace(study, keep=kept), of.memory)
        evaluator = Evaluator(study, self.policy, names, paths=study.paths, device=of.device)
        line = Line(evaluator, limit, self.lever, place, self.since)
        low, high = self._bounds(evaluator)
        places = looks(low, high, self.whole)
        few = min(FEW, evaluator.study.paths) // study.unit * study.unit
        searched = Searched(line, few, MOST)
        seen = list[Estimate]()
        for x in places:
            of.observe("looks", len(seen), len(places))
            seen.append(searched(x))
        found = crossings(places, [limit.gap(one) for one in seen])
        # the limit is met over the widest range of looks on this crossing's side
        chosen = max(found, key=lambda one: abs(one.best - one.met), default=None)
        solved = None
        if chosen:
            solved = invert(lambda x: limit.gap(searched(x)), chosen, self.whole)
            if few < evaluator.study.paths:
                every = Searched(line, evaluator.study.paths, MOST - len(searched.found))
                shrink = math.sqrt(few / evaluator.study.paths)
                solved = invert(lambda x: limit.gap(every(x)), chosen, self.whole, solved, shrink)
                searched = every
        of.observe("judging", 0, evaluator.study.paths)
        return Findings(line, places, seen, found, chosen, solved, searched).answer()

    def _place(self, study: Study) -> tuple[slice | int, ...]:
        """The index of a lever's array [*dims] that is set; refuses names and a year that are not known."""
        problems, dims, where = Problems(), tuple[str, ...](), self.where or {}
        problems.knows("--policy", "policy", self.policy, study.document["policies"])
        if problems.knows("--lever", "lever", self.lever, study.model.levers):
            dims = study.model.levers[self.lever].dims
            if where and not dims:
                expected = f"expected nothing, as '{self.lever}' is the same at all labels, got '{next(iter(where))}'."
                problems.add("--where", f"{expected} Leave --where out.")
            else:
                problems.knows_each("--where", f"dimension of '{self.lever}'", [*where], dims)
            for dim in filter(where.__contains__, dims):
                problems.knows("--where", f"label of '{dim}'", where[dim], study.model.dims[dim])
        if self.since is not None and self.since not in study.years:
            horizon = f"{study.years[0]} to {study.years[-1]}" if study.years else "none, as the model has no years"
            problems.add("--since", f"expected a year of the study, {horizon}, got {self.since}.")
        problems.refuse(study.source)
        return tuple(study.model.dims[dim].index(where[dim]) if dim in where else slice(None) for dim in dims)

    def _bounds(self, evaluator: Evaluator) -> tuple[float, float]:
        """The least and the largest value: those asked for, else those of the lever, else 0 and 3 times as stated."""
        study, problems = evaluator.study, Problems()
        lever, stated = study.model.levers[self.lever], evaluator.stated.levers[self.lever]
        largest = 3 * float(stated.flat[np.abs(stated).argmax()])
        own = (
            min(0.0, largest) if math.isinf(lever.low) else lever.low,
            max(0.0, largest) if math.isinf(lever.high) else lever.high,
        )
        low, high = self.bounds if len(self.bounds) == 2 else own
        got = f"got {low:g} and {high:g}."
        remedy = "Give --bounds LOW,HIGH."
        if self.bounds and len(self.bounds) != 2:
            problems.add("--bounds", f"expected two numbers, LOW,HIGH, got {len(self.bounds)}.")
        elif not lever.low <= low < high <= lever.high or not np.isfinite(np.array([low, high], study.dtype)).all():
            own_value = "drawn" if self.lever in evaluator.stated.drawn else "0"
            why = "" if self.bounds else f"'{self.lever}' is {own_value} as stated and has no bounds. "
            within = f", {lever.bounds}," if lever.bounds else ","
            problems.add("--bounds", f"expected two ascending finite numbers{within} {got} {why}{remedy}")
        elif self.whole and not (float(low).is_integer() and float(high).is_integer()):
            problems.add("--bounds", f"expected whole numbers, {got} {remedy}")
        problems.refuse(study.source)
        return low, high
