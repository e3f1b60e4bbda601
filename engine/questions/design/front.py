"""The front of two measures over some levers: the least of one under limits on the other, judged on fresh futures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.answers.answer import Answer
from engine.answers.table import Row, table
from engine.formatting import begun
from engine.questions.design.limits import VERDICTS, measured
from engine.questions.design.line import setting_of, stated
from engine.questions.design.several import DESCENT, WIDE, Estimates, Point, Search
from engine.questions.design.several_findings import Several
from engine.questions.turning import scaled
from engine.questions.variables import PROBABILITY

POINTS = 7
"""Points of a front, its two ends among them."""
READING = (
    "“limit” is the limit on the measure of --front, which the search tightens by 1.645 standard errors. The two ends"
    " have no limit, as one measure alone is least there. “limited” and “least” are the measures of --front and of"
    " --minimise on futures that the search has not used, and “verdict” states whether the limits are met on these."
    " Each point is a local optimum. Brackets are 95 % intervals."
)


@dataclass(frozen=True)
class Front:
    """A search of points that have the least objective under some limit on another measure.

    Args:
      of: its `asked` are the objective, the other measure with a limit of 0, and further limits.
    """

    of: Several

    def points(self) -> Iterator[tuple[Point, float | None]]:
        """The points, each with its limit on the second measure; first and last those where a measure alone is least.

        Each is searched on few futures, from the best of all points that were evaluated before.
        """
        seen = dict[Point, Estimates]()

        def evaluate(point: Point) -> Estimates:
            seen[point] = seen.get(point) or self.of(0, False, point)
            return seen[point]

        def best(k: int, limit: float | None) -> Point:
            def asked(point: Point) -> Estimates:
                every = evaluate(point)
                return [every[k], *([] if limit is None else [scaled(every[1], 1.0, -limit)]), *every[2:]]

            known = {point: asked(point) for point in seen}
            search = Search(asked, [*known], len(known) + DESCENT, known)
            search.starts = [min(known, key=search.rank)]
            return search.best(WIDE)

        evaluate(tuple(line.share for line in self.of.lines))
        ends = best(1, None), best(0, None)
        low, high = (seen[point][1].estimate for point in ends)
        yield ends[0], None
        yield from ((best(0, limit), limit) for limit in np.linspace(low, high, POINTS)[1:-1].tolist())
        yield ends[1], None

    def answer(self) -> Answer:
        """The points, judged on futures that no search has seen."""
        evaluator, (least, other, *limits) = self.of.lines[0].evaluator, self.of.asked
        study, rows = evaluator.study, list[Row]()
        points, bounds = zip(*self.points(), strict=True)
        levers = [self.of.levers(point) for point in points]
        settings = [setting_of(self.of.lines, values) for values in levers]
        judged = evaluator.each(settings, evaluator.futures.anew())
        for values, bound, found in zip(levers, bounds, judged, strict=True):
            asked = [*limits, *([] if bound is None else [replace(other, bound=bound)])]
            verdicts = {limit.verdict(evaluator.estimate(found, limit.variable, limit.measure)) for limit in asked}
            best, limited = measured((least, other), evaluator, found)
            rows.append({"limit": bound, "limited": limited, "least": best,
                         "verdict": next((one for one in VERDICTS if one in verdicts), ""),
                         "levers": stated(self.of.lines, values)})  # fmt: skip
        columns = {"limit": other, "limited": other, "least": least}
        title = f"The least {least.measure} of {least.variable} under limits on {other.measure} of {other.variable}"
        units = {name: study.unit_of(one.variable) for name, one in columns.items()}
        shown = {name: "%" * (one.measure == PROBABILITY) for name, one in columns.items()}
        tables = [table("front", title, rows, "point", units=units, shown=shown)]
        basis = f"{study.name}: {study.futures}; {next(self.of.done)} evaluations; judged on as many other futures"
        return Answer.about(study, self._sentences(rows), tables, basis, READING)

    def _sentences(self, rows: Sequence[Row]) -> Iterator[str]:
        study, (least, other, *_) = self.of.study, self.of.asked
        what, against = least.words(study)[0], other.words(study)[0]
        for row, name in ((rows[0], against), (rows[-1], what)):
            one, two = least.amount(study, row["least"]), other.amount(study, row["limited"])
            yield f"{begun(name)} is least at {row['levers']}."
            yield f"On fresh futures, {what} is {one} there, and {against} is {two}."
        yield f"The table “front” has the lowest values found for {what} under {POINTS - 2} limits on {against}."
