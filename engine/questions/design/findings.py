"""What a search along a lever has found, judged on fresh futures: sentences and tables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.answers.answer import Answer, Subject
from engine.answers.as_text import amounts, quantity, shown_in, unit_in_words
from engine.answers.rows import Row, table
from engine.answers.table import Table
from engine.formatting import begun
from engine.questions.design.limits import WORDS, Limit
from engine.questions.design.line import Line, changes
from engine.questions.design.search import Crossing, Found
from engine.questions.turning import Difference, scaled
from engine.questions.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate
from engine.study.study import Study

READING = (
    "met: the value of the lever at which the estimate meets the limit, with a 95 % interval that inverts that of the"
    " measure. At that value the limit is truly broken in about half of all cases; at the value that holds, in about"
    " 2.5 %. searched: the measure on the futures of the search; judged: on as many futures that the search has not"
    " seen. Differences are from the policy as stated, on these. Brackets: 95 % intervals."
)


@dataclass(frozen=True)
class Findings:
    """What a search has found, as sentences and tables.

    Args:
      line, limit: the lever, and the limit on a measure along it.
      places, seen: the looks, and the measure there.
      found: all crossings; `chosen` is the one that was searched, and `solved` what was found there.
      searched: the measure by value of the lever, on the futures of the search.
    """

    line: Line
    limit: Limit
    places: Sequence[float]
    seen: Sequence[Estimate]
    found: Sequence[Crossing]
    chosen: Crossing | None
    solved: Found | None
    searched: Difference

    @property
    def study(self) -> Study:
        """The study that was searched."""
        return self.line.evaluator.study

    def answer(self) -> Answer:
        """The answer; what it names as a value of the lever is judged on futures that the search has not seen."""
        limit, study, unit = self.limit, self.study, self.study.model.levers[self.line.lever].unit
        of = study.unit_of(limit.variable)
        form = "%" * (limit.measure == PROBABILITY)
        values, costs = self._judged()
        tables = (
            table("values", f"{self.line.lever}: where {limit.text}", values, "meaning",
                  units={"value": unit, "searched": of, "judged": of}, shown={"searched": form, "judged": form}),
            *costs,
            table("looks", f"{begun(limit.measure)} of {limit.variable} along {self.line.lever}", self._looks(), "look",
                  brief=(), units={"value": unit, "searched": of}, shown={"searched": form}),
        )  # fmt: skip
        basis = f"{study.name}: {study.futures}; judged on as many others"
        return Answer(Subject.of(study), (*self._sentences(values),), tuple(filter(len, tables)), basis, READING)

    def _judged(self) -> tuple[list[Row], list[Table]]:
        """Rows of the values of the lever that are named, and tables of what the one that holds changes."""
        evaluator, limit = self.line.evaluator, self.limit
        if self.solved:
            named = {"met": self.solved.estimate, "holds": Estimate(self.solved.holds)}
        else:
            nearest = min if limit.gap(self.seen[0]).estimate > 0 else max
            named = {"nearest": Estimate(nearest(self.places, key=lambda x: limit.gap(self.searched(x)).estimate))}
        named = {meaning: value for meaning, value in named.items() if not math.isnan(value.estimate)}
        fresh = evaluator.futures.anew()
        settings = [{}, *(self.line.setting(value.estimate) for value in named.values())]
        own, *others = [dict(one) for one in evaluator.each(settings, fresh)]
        rows, costs = list[Row](), list[Table]()
        for (meaning, value), values in zip(named.items(), others, strict=True):
            judged = evaluator.estimate(values, limit.variable, limit.measure)
            rows.append({"meaning": meaning, "value": value, "searched": self.searched(value.estimate),
                         "judged": judged, "verdict": limit.verdict(judged)})  # fmt: skip
            if meaning == "holds":
                costs = changes(evaluator, values, own)
        return rows, costs

    def _looks(self) -> Iterator[Row]:
        limit = self.limit
        every = dict(zip(self.places, self.seen, strict=True))
        for k, (value, one) in enumerate(sorted(every.items()), 1):
            yield {"look": str(k), "value": value, "searched": one, "limit": limit.bound, "verdict": limit.verdict(one)}

    def _sentences(self, values: Sequence[Row]) -> Iterator[str]:
        study, limit, solved = self.study, self.limit, self.solved
        lever, unit = study.phrase("levers", self.line.lever), study.model.levers[self.line.lever].unit
        scale, of = shown_in(limit.measure, study.unit_of(limit.variable))
        bound = f"{WORDS[limit.sign]} {scale * limit.bound:,.6g} {unit_in_words(of)}".rstrip()
        ends = f"from {self.places[0]:g} to {self.places[-1]:g}"
        yield f"The limit asks that {quantity(study, limit.variable, limit.measure)} is {bound}."
        if not solved or not self.chosen:
            is_met = limit.gap(self.seen[0]).estimate <= 0
            among = f"{'all' if is_met else 'none of the'} {len(self.places)} values of {lever} {ends}"
            yield f"It is met at {among}."
            (row,) = values
            measure = amounts(of, scaled(row["judged"], scale))[0]
            if all(one.estimate == self.seen[0].estimate for one in self.seen):
                yield f"{begun(lever)} has no effect on the measure: it is {measure} on fresh futures."
            else:
                there = {"unclear": "neither clearly met nor clearly broken"}.get(row["verdict"], row["verdict"])
                nearest = self._stated(row["value"].estimate)
                yield (f"The measure is nearest to the limit at {nearest}: {measure} on fresh futures,"
                       f" where the limit is {there}.")  # fmt: skip
            return
        side = "at least" if self.chosen.best > self.chosen.worst else "at most"
        at, has_interval = amounts(unit, solved.estimate)[0], not math.isnan(self.searched(solved.at).high)
        yield f"The limit is met where {lever} is {side} {at}."
        low, high = sorted((self.chosen.worst, self.chosen.best))
        none = f"At no value that was looked at from {low:g} to {high:g} is the"
        if not math.isnan(solved.holds):
            judged = values[-1]["judged"]
            measure = amounts(of, scaled(judged, scale))[0]
            is_kept = "as the limit asks" if limit.gap(judged).estimate <= 0 else "which breaks the limit"
            yield (f"Allowing for the Monte Carlo error, it holds at {self._stated(solved.holds)}; fresh futures give"
                   f" {measure}, {is_kept}.")  # fmt: skip
        elif has_interval:
            yield f"{none} 95 % interval of the measure within the limit, so no value is known to hold."
        else:
            yield f"The measure has no interval there ({self.searched(solved.at).flag}), so no value is known to hold."
        if math.isnan(solved.may) and has_interval:
            yield f"{none} limit clearly broken, so the interval of the lever has no end on that side."
        for other in self.found:
            if other is not self.chosen:
                how = "met" if other.met > other.broken else "broken"
                low, high = sorted((other.broken, other.met))
                yield f"It is {how} again above a value between {low:g} and {high:g}."

    def _stated(self, value: float) -> str:
        """A value of the lever as a study states it."""
        return f"{self.line.lever} = {value:.12g}"
