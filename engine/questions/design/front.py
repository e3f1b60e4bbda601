"""The front of two measures over some levers: the least of one under limits on the other, judged on fresh futures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

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


def points(of: Several) -> list[tuple[Point, float | None]]:
    """The points, each with its limit on the second measure; first and last those where a measure alone is least.

    Each is searched on few futures, from the best of all points that were evaluated before.
    """
    seen = dict[Point, Estimates]()

    def best(k: int, *limits: float) -> Point:
        def evaluate(point: Point) -> Estimates:
            every = seen[point] = seen.get(point) or of(0, False, point)
            return [every[k], *(scaled(every[1], 1.0, -limit) for limit in limits), *every[2:]]

        known = {point: evaluate(point) for point in seen or [tuple(line.share for line in of.lines)]}
        search = Search(evaluate, [*known], len(known) + DESCENT, known)
        search.starts = [min(known, key=search.rank)]
        return search.best(WIDE)

    ends = best(1), best(0)
    low, high = (seen[point][1].estimate for point in ends)
    limits = np.linspace(low, high, POINTS)[1:-1].tolist()
    return [(ends[0], None), *((best(0, limit), limit) for limit in limits), (ends[1], None)]


def front(of: Several) -> Answer:
    """The points, judged on futures that no search has seen.

    Args:
      of: its `asked` are the objective, the other measure with a limit of 0, and further limits.
    """
    evaluator, (least, other, *limits) = of.lines[0].evaluator, of.asked
    study, rows = evaluator.study, list[Row]()
    places, bounds = zip(*points(of), strict=True)
    levers = [*map(of.levers, places)]
    settings = [setting_of(of.lines, values) for values in levers]
    judged = evaluator.each(settings, evaluator.futures.anew())
    for values, bound, found in zip(levers, bounds, judged, strict=True):
        asked = [*limits, *([] if bound is None else [replace(other, bound=bound)])]
        verdicts = {limit.verdict(evaluator.estimate(found, limit.variable, limit.measure)) for limit in asked}
        best, limited = measured((least, other), evaluator, found)
        rows.append({"limit": bound, "limited": limited, "least": best,
                     "verdict": next((one for one in VERDICTS if one in verdicts), ""),
                     "levers": stated(of.lines, values)})  # fmt: skip
    columns = {"limit": other, "limited": other, "least": least}
    title = f"The least {least.measure} of {least.variable} under limits on {other.measure} of {other.variable}"
    units = {name: study.unit_of(one.variable) for name, one in columns.items()}
    shown = {name: "%" * (one.measure == PROBABILITY) for name, one in columns.items()}
    tables = [table("front", title, rows, "point", units=units, shown=shown)]
    basis = f"{study.name}: {study.futures}; {next(of.done)} evaluations; judged on as many other futures"
    return Answer.about(study, _sentences(of, rows), tables, basis, READING)


def _sentences(of: Several, rows: Sequence[Row]) -> Iterator[str]:
    study, (least, other, *_) = of.study, of.asked
    what, against = least.words(study)[0], other.words(study)[0]
    for row, name in ((rows[0], against), (rows[-1], what)):
        one, two = least.amount(study, row["least"]), other.amount(study, row["limited"])
        yield f"{begun(name)} is least at {row['levers']}."
        yield f"On fresh futures, {what} is {one} there, and {against} is {two}."
    yield f"The table “front” has the lowest values found for {what} under {POINTS - 2} limits on {against}."
