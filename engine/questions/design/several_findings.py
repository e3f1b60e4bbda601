"""The least objective over several levers, found and judged on fresh futures: sentences and tables."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import listed, size
from engine.answers.table import Row, table
from engine.formatting import begun
from engine.questions.design.evaluator import Evaluator, Setting
from engine.questions.design.limits import VERDICTS, Limit, gaps, measured
from engine.questions.design.line import Line, changes, measures_at, setting_of, stated
from engine.questions.design.several import MOST, ROUNDS, Best, Estimates, Point, least
from engine.questions.futures import Futures
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study
from engine.study.tables.levers import lever_text

READING = (
    "All numbers are estimated on futures that no search has used. The columns as_stated, at_low and at_high have the"
    " change of the objective if one lever alone has its stated, least or largest value. A lever does not matter if no"
    " such change exceeds the half-width of the objective's 95 % interval and all limits stay met. Brackets are 95 %"
    " intervals."
)

MOVES = ("as_stated", "at_low", "at_high")
MATTERS = {
    "no effect": "These levers have no effect on the objective and the limits",
    "no": "These levers may take any value within their bounds, as the objective changes by less than its error",
    "may stay": "These levers may stay as stated, as the objective changes by less than its error",
}
NOT_MET = (
    "No policy was found that meets all limits. The nearest one has",
    "No policy was found that meets all limits on fresh futures. The last one has",
)


@dataclass(frozen=True)
class Several:
    """Levers of a policy, a measure that is minimised, and limits.

    Args:
      study: with all policies.
      asked: the objective, then the limits.
      few: paths of the first search.
      observe: shows progress, as that of `Asked`.
      done: counts evaluations, of which at most `MOST` search and `ROUNDS` judge.
    """

    study: Study
    lines: Sequence[Line]
    asked: Sequence[Limit]
    few: int
    observe: Callable[[str, int, int], None]
    done: Iterator[int] = field(default_factory=itertools.count)

    def levers(self, point: Point) -> list[float]:
        """The values of the levers at a point."""
        return [line.at_share(x) for line, x in zip(self.lines, point, strict=True)]

    def __call__(self, point: Point, number: int, whole: bool) -> list[Estimate]:
        """As `several.Evaluate`."""
        self.observe("policies", next(self.done), MOST + ROUNDS)
        paths = self.lines[0].evaluator.study.paths if whole else self.few
        return gaps(self.asked, measures_at(self.lines, self.levers(point), self.asked, paths, number))

    def answer(self) -> tuple[Answer, Setting | None]:
        """The answer, and the levers that are found where they meet the limits on futures that no search has seen."""
        best, evaluator, of = least(self, [line.share for line in self.lines]), self.lines[0].evaluator, self.asked[0]
        study, levers, fresh = evaluator.study, self.levers(best.point), evaluator.futures.anew(best.number)
        setting = setting_of(self.lines, levers)
        own, other = (dict(one) for one in evaluator.each([setting, {}], fresh))
        found = {
            "found": measured(self.asked, evaluator, own),
            evaluator.policy: measured(self.asked, evaluator, other),
        }
        for name in (self.study.baseline, *self.study.policy_names):
            if name not in found:
                device = evaluator.futures.device
                beside = Evaluator(self.study, name, evaluator.variables, paths=study.paths, device=device)
                (values,) = beside.each([{}], beside.futures.anew(best.number))
                found[name] = measured(self.asked, beside, values)
        less, moves = evaluator.difference(own, other, of.variable, of.measure), [*self._moves(levers, best, fresh)]
        tables = (
            table("levers", "Levers of the policy found", moves, "lever"),
            table("judged", "Policies on fresh futures", self._judged(found), "subject", "policy",
                  across="policy"),
            *changes(evaluator, own, other),
        )  # fmt: skip
        basis = f"{study.name}: {study.futures}; {best.evaluations} evaluations; judged on as many other futures"
        sentences = self._sentences(best, found["found"], less, moves)
        answer = Answer.about(study, sentences, tables, basis, READING)
        return answer, setting if best.holds else None

    def _moves(self, levers: Sequence[float], best: Best, fresh: Futures) -> Iterator[Row]:
        """What changes where one lever alone has its stated, its least or its largest value."""
        evaluator, judged = self.lines[0].evaluator, np.array([one.estimate for one in best.judged])
        for k, line in enumerate(self.lines):
            settings = [
                setting_of(self.lines, [*levers[:k], to, *levers[k + 1 :]]) for to in (None, line.low, line.high)
            ]
            each = (measured(self.asked, evaluator, values) for values in evaluator.each(settings, fresh))
            # [move, objective and limits]
            moved = np.array([[one.estimate for one in gaps(self.asked, measures)] for measures in each])
            shifts = moved[:, 0] - judged[0]
            is_small = 2 * abs(shifts) <= best.judged[0].high - best.judged[0].low
            is_alike = is_small & (moved[:, 1:] <= 0).all(axis=1)
            matters = "no" if is_alike.all() else "may stay" if is_alike[0] else "yes"
            yield {"lever": line.lever, "unit": line.unit,
                   "stated": lever_text(evaluator.study, evaluator.stated, line.lever), "found": levers[k],
                   **dict(zip(MOVES, shifts.tolist(), strict=True)),
                   "matters": "no effect" if (moved == judged).all() else matters}  # fmt: skip

    def _judged(self, measures: Mapping[str, Estimates]) -> Iterator[Row]:
        for k, limit in enumerate(self.asked):
            for policy, every in measures.items():
                yield {"subject": limit.text if k else f"{limit.measure} of {limit.variable}",
                       "policy": policy, "unit": self.study.unit_of(limit.variable), "judged": every[k],
                       "verdict": limit.verdict(every[k]) if k else ""}  # fmt: skip

    def _sentences(self, best: Best, found: Estimates, less: Estimate, moves: Sequence[Row]) -> Iterator[str]:
        study, of = self.study, self.asked[0]
        at = stated(self.lines, [row["found"] for row in moves])
        far = f"{size(of.measure, study.unit_of(of.variable), less)} {'less' if less.estimate < 0 else 'more'}"
        begins = "The best policy found that meets the limits has" if best.holds else NOT_MET[best.is_met]
        yield (f"{begins} {at}: {of.words(study)[0]} is {of.amount(study, found[0])} on fresh futures, {far} than under"
               f" {self.lines[0].evaluator.policy} as stated.")  # fmt: skip
        for limit, one, is_idle in zip(self.asked[1:], found[1:], best.idle, strict=True):
            (what, bound), verdict = limit.words(study), VERDICTS[limit.verdict(one)]
            idle = f" All {best.evaluations} evaluated policies meet this limit." * is_idle
            yield f"{begun(what)} is {limit.amount(study, one)}; its limit, {bound}, is {verdict}.{idle}"
        for kind, words in MATTERS.items():
            if names := [study.phrase("levers", row["lever"]) for row in moves if row["matters"] == kind]:
                yield f"{words}: {listed(names)}."
