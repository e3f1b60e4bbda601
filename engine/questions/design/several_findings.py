"""The least objective over several levers, found and judged on fresh futures: sentences and tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.answers.answer import Answer, Subject
from engine.answers.as_text import amounts, listed, quantity, shown_in, size
from engine.answers.rows import Row, table
from engine.errors import moved
from engine.formatting import begun
from engine.questions.design.evaluator import Evaluator, Setting
from engine.questions.design.limits import WORDS, Limit
from engine.questions.design.line import Line, changes
from engine.questions.design.several import MOST, Best, Point, least
from engine.questions.futures import Futures
from engine.questions.turning import scaled
from engine.questions.variables import Values, gap
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study
from engine.study.tables.levers import lever_text

READING = (
    "All numbers are estimated on futures that no search has seen. as_stated, at_low, at_high: change of the objective"
    " where one lever alone has its stated, least or largest value. A lever does not matter if none of these changes"
    " exceeds the half-width of the objective's 95 % interval and all limits stay met. Brackets: 95 % intervals."
)

MOVES = ("as_stated", "at_low", "at_high")
MATTERS = {
    "no effect": "No effect on the objective and on the limits",
    "no": "Does not matter here, as the objective changes by less than its error over the bounds, while limits are met",
    "may stay": "May stay as stated, by the same measure",
}
NOT_MET = (
    "No policy was found that meets all limits. The nearest is",
    "No policy was found that meets all limits on fresh futures. The last is",
)
VERDICTS = {"met": "met", "broken": "broken", "unclear": "neither clearly met nor clearly broken"}


@dataclass(frozen=True)
class Several:
    """Levers of a policy, a measure that is minimised, and limits.

    Args:
      study: with all policies.
      few: paths of the first search.
      observe: shows progress, as that of `Asked`.
      done: counts evaluations.
    """

    study: Study
    lines: Sequence[Line]
    objective: Limit
    limits: Sequence[Limit]
    few: int
    observe: Callable[[str, int, int], None]
    done: Iterator[int] = field(default_factory=itertools.count)

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator of the policy."""
        return self.lines[0].evaluator

    def levers(self, point: Point) -> list[float]:
        """The values of the levers at a point."""
        return [line.at_share(x) for line, x in zip(self.lines, point, strict=True)]

    def setting(self, levers: Sequence[float | None]) -> Setting:
        """The setting with levers at some values; None for one that stays as stated."""
        every = zip(self.lines, levers, strict=True)
        return {line.lever: line.setting(x)[line.lever] for line, x in every if x is not None}

    def measures(self, values: Values, evaluator: Evaluator) -> list[Estimate]:
        """The objective and the measure of each limit, under the policy of an evaluator."""
        return [evaluator.estimate(values, one.variable, one.measure) for one in (self.objective, *self.limits)]

    def gaps(self, measures: Sequence[Estimate]) -> list[Estimate]:
        """The objective, and how far each limit is broken, from their measures."""
        return [limit.gap(one) for limit, one in zip((self.objective, *self.limits), measures, strict=True)]

    def __call__(self, point: Point, number: int, whole: bool) -> list[Estimate]:
        """As `several.Evaluate`."""
        self.observe("policies", next(self.done), MOST)
        levers = self.levers(point)
        paths = self.evaluator.study.paths if whole else self.few
        at = ", ".join(f"{line.lever} = {x:g}" for line, x in zip(self.lines, levers, strict=True))
        with moved("run.nonfinite", f"run.nonfinite, at {at}"):
            (values,) = self.evaluator.each([self.setting(levers)], self.evaluator.futures.anew(number), paths)
        return self.gaps(self.measures(values, self.evaluator))

    def answer(self) -> tuple[Answer, Setting | None]:
        """The answer, and the levers that are found where they meet the limits on futures that no search has seen."""
        best, evaluator, of = least(self, tuple(line.share for line in self.lines)), self.evaluator, self.objective
        study, levers, fresh = evaluator.study, self.levers(best.point), evaluator.futures.anew(best.number)
        own, stated = (dict(one) for one in evaluator.each([self.setting(levers), {}], fresh))
        measures = {"found": self.measures(own, evaluator), evaluator.policy: self.measures(stated, evaluator)}
        for name in dict.fromkeys((self.study.baseline, *self.study.policy_names)):
            if name not in measures:
                device = evaluator.futures.device
                other = Evaluator(self.study, name, evaluator.variables, paths=study.paths, device=device)
                (values,) = other.each([{}], other.futures.anew(best.number))
                measures[name] = self.measures(values, other)
        kept, units = evaluator.kept(own, stated)
        one, other = (evaluator.values(of.variable, side)[kept] for side in (own, stated))
        less = gap(study, of.variable, of.measure, one, other, units)
        moves = [*self._moves(levers, best.judged, fresh)]
        tables = (
            table("levers", "The levers that are found", moves, "lever"),
            table("judged", "The policies on fresh futures", self._judged(measures), "subject", "policy",
                  across="policy"),
            *changes(evaluator, own, stated),
        )  # fmt: skip
        basis = f"{study.name}: {study.futures}; {best.evaluations} evaluations; judged on as many other futures"
        sentences = (*self._sentences(best, measures["found"], less, moves),)
        answer = Answer(Subject.of(study), sentences, tuple(filter(len, tables)), basis, READING)
        return answer, self.setting(levers) if best.holds else None

    def _moves(self, levers: Sequence[float], judged: Sequence[Estimate], fresh: Futures) -> Iterator[Row]:
        """What changes where one lever alone has its stated, its least or its largest value."""
        evaluator = self.evaluator
        for k, line in enumerate(self.lines):
            settings = [self.setting([*levers[:k], to, *levers[k + 1 :]]) for to in (None, line.low, line.high)]
            each = [self.gaps(self.measures(values, evaluator)) for values in evaluator.each(settings, fresh)]
            shifts = [one.estimate - judged[0].estimate for one, *_ in each]
            is_alike = [
                2 * abs(by) <= judged[0].high - judged[0].low and all(one.estimate <= 0 for one in gaps)
                for by, (_, *gaps) in zip(shifts, each, strict=True)
            ]
            matters = "no" if all(is_alike) else "may stay" if is_alike[0] else "yes"
            if all(np.array_equal([one.estimate for one in gaps], [one.estimate for one in judged]) for gaps in each):
                matters = "no effect"
            yield {"lever": line.lever, "unit": evaluator.study.model.levers[line.lever].unit,
                   "stated": lever_text(evaluator.study, evaluator.stated, line.lever), "found": levers[k],
                   **dict(zip(MOVES, shifts, strict=True)), "matters": matters}  # fmt: skip

    def _judged(self, measures: Mapping[str, Sequence[Estimate]]) -> Iterator[Row]:
        for k, limit in enumerate((self.objective, *self.limits)):
            for policy, every in measures.items():
                yield {"subject": limit.text if k else f"{limit.measure} of {limit.variable}",
                       "policy": policy, "unit": self.study.unit_of(limit.variable), "judged": every[k],
                       "verdict": limit.verdict(every[k]) if k else ""}  # fmt: skip

    def _sentences(self, best: Best, found: Sequence[Estimate], less: Estimate, moves: Sequence[Row]) -> Iterator[str]:
        study, of, policy = self.study, self.objective, self.evaluator.policy
        at = ", ".join(f"{row['lever']} = {row['found']:.12g}" for row in moves)
        unit = study.unit_of(of.variable)
        far = f"{size(of.measure, unit, less)} {'less' if less.estimate < 0 else 'more'} than under {policy} as stated"
        begins = "The least that was found under the limits is" if best.holds else NOT_MET[best.is_met]
        mean = f"{quantity(study, of.variable, of.measure)} is {_amount(of, unit, found[0])} on fresh futures"
        yield f"{begins} at {at}: {mean}, {far}."
        for limit, one, is_idle in zip(self.limits, found[1:], best.idle, strict=True):
            verdict = VERDICTS[limit.verdict(one)]
            unit = study.unit_of(limit.variable)
            bound = f"{WORDS[limit.sign]} {_amount(limit, unit, Estimate(limit.bound))}"
            idle = f" It has no effect: all {best.evaluations} policies that were evaluated meet it."
            yield (f"{begun(quantity(study, limit.variable, limit.measure))} is {_amount(limit, unit, one)}: the limit,"
                   f" {bound}, is {verdict}.{idle * is_idle}")  # fmt: skip
        for kind, words in MATTERS.items():
            if names := [study.phrase("levers", row["lever"]) for row in moves if row["matters"] == kind]:
                yield f"{words}: {listed(names)}."


def _amount(limit: Limit, unit: str, one: Estimate) -> str:
    """The measure of a limit in words."""
    scale, of = shown_in(limit.measure, unit)
    return amounts(of, scaled(one, scale))[0]
