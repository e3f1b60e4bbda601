"""Where a limit begins to hold along one lever, searched and judged on fresh futures: sentences and tables."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.answers.answer import Answer
from engine.answers.as_text import amount
from engine.answers.question import Asked
from engine.answers.table import Row, table
from engine.errors import UserError
from engine.formatting import begun
from engine.questions.design.limits import VERDICTS, Limit
from engine.questions.design.line import Line, changes, measures_at, stated
from engine.questions.design.search import Crossing, Found, crossings, invert, looks
from engine.questions.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate

MOST = 57
"""Evaluations in a search; with the judged policies, that as stated among them, at most 60."""
READING = (
    "met: the value of the lever at which the estimate meets the limit, with a 95 % interval that inverts that of the"
    " measure. At that value the limit is truly broken in about half of all cases; at the value that holds, in about"
    " 2.5 %. searched: the measure on the futures of the search; judged: on as many futures that the search has not"
    " seen. Differences are from the policy as stated, on these. Brackets: 95 % intervals."
)


@dataclass(frozen=True)
class Single:
    """A lever of a policy, and a limit.

    Args:
      whole: whether the lever takes whole numbers.
      few: paths of the first search.
    """

    line: Line
    limit: Limit
    whole: bool
    few: int

    def answer(self, of: Asked) -> Answer:
        """The answer; what it names as a value of the lever is judged on futures that the search has not seen.

        Raises:
          UserError: more than `MOST` values are evaluated.
        """
        line, limit, study, count = self.line, self.limit, self.line.evaluator.study, itertools.count(1)

        @functools.cache
        def measured(value: float, paths: int) -> Estimate:
            if next(count) > MOST:
                got = f"expected an end of the search within {MOST} evaluations, got none; the last was at {value:g}."
                raise UserError("--bounds", [f"{got} Give --bounds LOW,HIGH that are closer together around it."])
            return measures_at([line], [value], [limit], paths)[0]

        places, seen = looks(line.low, line.high, self.whole), list[Estimate]()
        for x in places:
            of.observe("looks", len(seen), len(places))
            seen.append(measured(x, self.few))
        found = crossings(places, [*map(limit.gap, seen)])
        # the limit is met over the widest range of looks on this crossing's side
        chosen = max(found, key=lambda one: abs(one.best - one.met), default=None)
        solved, paths = None, self.few
        if chosen:
            for paths in dict.fromkeys((self.few, study.paths)):
                gap = functools.partial(lambda paths, x: limit.gap(measured(x, paths)), paths)
                solved = invert(gap, chosen, self.whole, solved, math.sqrt(self.few / paths))
        if solved:
            named = {"met": solved.estimate, "holds": Estimate(solved.holds)}
        else:
            named = {"nearest": Estimate(min(places, key=lambda x: abs(limit.gap(measured(x, paths)).estimate)))}
        named = {how: value for how, value in named.items() if not math.isnan(value.estimate)}
        of.observe("judging", 0, study.paths)
        settings = [{}, *(line.setting(value.estimate) for value in named.values())]
        own, *others = [dict(one) for one in line.evaluator.each(settings, line.evaluator.futures.anew())]
        judged = [line.evaluator.estimate(values, limit.variable, limit.measure) for values in others]
        values = [
            {"meaning": how, "value": value, "searched": measured(value.estimate, paths), "judged": one,
             "verdict": limit.verdict(one)}
            for (how, value), one in zip(named.items(), judged, strict=True)
        ]  # fmt: skip
        sentences = (
            self._met(solved, chosen, found, values) if solved and chosen else self._never(places, seen, *values)
        )
        what, bound = limit.words(study)
        units = {"value": line.unit, **dict.fromkeys(("searched", "judged"), study.unit_of(limit.variable))}
        shown = dict.fromkeys(("searched", "judged"), "%" * (limit.measure == PROBABILITY))
        rows = (
            {"value": value, "searched": one, "limit": limit.bound, "verdict": limit.verdict(one)}
            for value, one in zip(places, seen, strict=True)
        )
        tables = (
            table("values", f"{line.lever}: where {limit.text}", values, "meaning", units=units, shown=shown),
            *(changes(line.evaluator, others[-1], own) if "holds" in named else ()),
            table("looks", f"{begun(limit.measure)} of {limit.variable} along {line.lever}", rows, "look", brief=(),
                  units=units, shown=shown),
        )  # fmt: skip
        basis = f"{study.name}: {study.futures}; judged on as many others"
        every = (f"The limit asks that {what} is {bound}.", *sentences)
        return Answer.about(study, every, tables, basis, READING)

    def _never(self, places: Sequence[float], seen: Sequence[Estimate], nearest: Row) -> Iterator[str]:
        """Sentences on a limit that is met, or broken, at all looks."""
        study, limit = self.line.evaluator.study, self.limit
        lever, judged = study.phrase("levers", self.line.lever), nearest["judged"]
        among = "all" if limit.gap(seen[0]).estimate <= 0 else "none of the"
        yield f"It is met at {among} {len(places)} values of {lever} from {places[0]:g} to {places[-1]:g}."
        measure = f"{limit.amount(study, judged)} on fresh futures"
        if all(one.estimate == seen[0].estimate for one in seen):
            yield f"{begun(lever)} has no effect on the measure: it is {measure}."
        else:
            at, how = stated([self.line], [nearest["value"].estimate]), VERDICTS[nearest["verdict"]]
            yield f"The measure is nearest to the limit at {at}: {measure}, where the limit is {how}."

    def _met(self, solved: Found, chosen: Crossing, found: Sequence[Crossing], values: Sequence[Row]) -> Iterator[str]:
        """Sentences on where the limit is met, and where it holds."""
        study, limit, line = self.line.evaluator.study, self.limit, self.line
        side = "at least" if chosen.best > chosen.worst else "at most"
        at = f"{study.phrase('levers', line.lever)} is {side} {amount(line.unit, solved.estimate)}"
        yield f"The limit is met where {at}."
        low, high = sorted((chosen.worst, chosen.best))
        none = f"At no value that was looked at from {low:g} to {high:g} is the"
        has_interval = not math.isnan(values[0]["searched"].high)
        if not math.isnan(solved.holds):
            judged = values[-1]["judged"]
            is_kept = "as the limit asks" if limit.gap(judged).estimate <= 0 else "which breaks the limit"
            yield (f"Allowing for the Monte Carlo error, it holds at {stated([line], [solved.holds])}; fresh futures"
                   f" give {limit.amount(study, judged)}, {is_kept}.")  # fmt: skip
        elif has_interval:
            yield f"{none} 95 % interval of the measure within the limit, so no value is known to hold."
        else:
            yield f"The measure has no interval there ({values[0]['searched'].flag}), so no value is known to hold."
        if math.isnan(solved.may) and has_interval:
            yield f"{none} limit clearly broken, so the interval of the lever has no end on that side."
        for other in found:
            if other is not chosen:
                how = "met" if other.met > other.broken else "broken"
                low, high = sorted((other.broken, other.met))
                yield f"It is {how} again above a value between {low:g} and {high:g}."
