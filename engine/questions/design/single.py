"""Where a limit begins to hold along one lever: searched, with an interval, and judged on fresh futures."""

from __future__ import annotations

import functools
import itertools
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import numpy as np

from engine.answers.answer import Answer
from engine.answers.as_text import amount
from engine.answers.table import Row, table
from engine.errors import UserError
from engine.formatting import begun
from engine.questions.design.limits import VERDICTS, Limit
from engine.questions.design.line import Line, changes, measures_at, stated
from engine.questions.futures import Observer
from engine.questions.turning import FINE, Difference, root
from engine.questions.variables import PROBABILITY
from engine.risk.estimation.intervals import Estimate, Z

MOST = 57
"""Evaluations in a search; with the judged policies, that as stated among them, at most 60."""
LOOKS = 17
"""Values of a lever that are looked at, its bounds among them."""
CLOSE = 0.01
"""Standard errors of the measure by which a place that is found may miss the limit."""
LONGER = 1.3
"""By how much a step is longer than the distance that the slope on fewer futures suggests."""
MOST_STEPS = 8
"""Most steps by which a value is moved until it holds."""
PARTS = {"estimate": "at", "low": "may", "high": "holds"}
"""The fields of `Found` by the part of an estimate of how far a limit is broken that is 0 there, in order of search."""
READING = (
    "The row “met” has the value of the lever at which the estimate meets the limit, with a 95 % interval that inverts"
    " the one of the measure. At this value the true measure breaks the limit in about half of all cases; at the value"
    " in the row “holds” it does in about 2.5 %. The column “searched” has the measure on the futures of the search,"
    " the column “judged” on as many fresh futures, which also give the differences from the policy as stated. Brackets"
    " are 95 % intervals."
)


@dataclass(frozen=True)
class Crossing:
    """A change of a limit between broken and met, between two neighbouring looks.

    Args:
      broken, met: the looks.
      worst, best: the ends of the looks on either side over which the limit stays broken, or met.
    """

    broken: float
    met: float
    worst: float
    best: float

    @property
    def side(self) -> float:
        """Sign of the step from the broken to the met side."""
        return math.copysign(1.0, self.best - self.worst)

    def placed(self, x: float, whole: bool) -> float:
        """The value between the ends that is nearest to another, or to the whole number nearest to it."""
        low, high = sorted((self.worst, self.best))
        return min(max(float(round(x)) if whole else x, low), high)


@dataclass(frozen=True)
class Found:
    """Values of a lever between which the measure passes a limit; NaN where a value is not within the bounds.

    Args:
      may: the value nearest to the side where the limit is broken at which it is not significantly broken.
      at: the value at which the estimate meets the limit.
      holds: the value from which the 95 % interval of the measure is within the limit, rounded to that side.
    """

    may: float
    at: float
    holds: float

    @property
    def estimate(self) -> Estimate:
        """The value with its 95 % interval, which inverts that of the measure; NaN for both ends if one is open."""
        low, high = sorted((self.may, self.holds))
        return Estimate(self.at, abs(high - low) / (2 * Z), low, high)

    @property
    def is_open(self) -> bool:
        """Whether an end of the interval is not within the bounds, or the measure has no interval."""
        return math.isnan(self.may) or math.isnan(self.holds)


def looks(low: float, high: float, whole: bool) -> list[float]:
    """`LOOKS` values from `low` to `high`, evenly spaced; whole numbers, or all of these if there are fewer."""
    values = np.linspace(low, high, LOOKS)
    return np.unique(np.rint(values) if whole else values).tolist()


def crossings(places: Sequence[float], gaps: Sequence[Estimate]) -> list[Crossing]:
    """All crossings, in ascending order of the lever.

    Args:
      places: the looks, ascending.
      gaps: how far the limit is broken at each; met if not above 0.
    """
    pairs = zip(places, gaps, strict=True)
    runs = [(broken, [x for x, _ in run]) for broken, run in groupby(pairs, key=lambda pair: pair[1].estimate > 0)]
    # the looks of both sides, those next to the crossing first
    sides = ((is_broken, one[::-1], other) for (is_broken, one), (_, other) in pairwise(runs))
    ordered = ((one, other) if is_broken else (other, one) for is_broken, one, other in sides)
    return [Crossing(broken[0], met[0], broken[-1], met[-1]) for broken, met in ordered]


def beside(
    places: Sequence[float], verdicts: Sequence[str], found: Sequence[Crossing], chosen: Crossing | None
) -> Iterator[tuple[float, float, str]]:
    """Ranges within which the limit may begin or cease to be met, without that of the chosen crossing alone.

    Each has its ends, and the verdict above it; "unclear" if that is the verdict below it too. All looks outside are
    clear by the intervals of the measure, and alike from one range to the next.

    Args:
      verdicts: of the looks, as of `Limit.verdict`.
    """
    clear = [k for k, one in enumerate(verdicts) if one != "unclear"]
    for one, other in pairwise(dict.fromkeys([0, *clear, len(places) - 1])):
        low, high, turns = places[one], places[other], verdicts[one] != verdicts[other]
        own = [of for of in found if low <= min(of.broken, of.met) < high]
        if own != [chosen] and (turns or other - one > 1):
            yield low, high, verdicts[other] if turns else "unclear"


def invert(gap: Difference, crossing: Crossing, whole: bool, near: Found | None = None, shrink: float = 1.0) -> Found:
    """The values at which the lower end, the estimate and the upper end of the measure's interval meet the limit.

    At `may` and `holds` the measure's own 95 % interval ends at the limit, within `CLOSE` standard errors. So they
    cover the true value as often as that interval covers the measure there, whatever the slope.

    Args:
      gap: how far the limit is broken, by value of the lever; computed once for each.
      whole: whether the lever takes whole numbers; then the first value of each kind on the way to the met side.
      near: what was found on fewer of the same futures.
      shrink: ratio of the standard error to that of `near`.
    """
    step, found = abs(crossing.met - crossing.broken), {"at": near.at if near else math.nan}

    def beyond(part: str, x: float) -> float:
        own = float(getattr(gap(x), part))
        return 0.0 if not whole and abs(own) <= CLOSE * gap(x).standard_error else own

    for part, name in PARTS.items():
        value = functools.partial(beyond, part)
        start, stride = crossing.met if part == "high" else crossing.broken, step
        if near and not near.is_open:
            start = crossing.placed(found["at"] + shrink * (getattr(near, name) - near.at), whole)
            errors = abs(value(start)) / gap(start).standard_error if gap(start).standard_error > 0 else 0.0
            # the slope is about that found before; a step somewhat too long encloses the place
            stride = max(LONGER * errors * shrink * near.estimate.standard_error, step * FINE)
        found[name] = _solved(value, start, stride, crossing, whole)
    if not (whole or math.isnan(found["holds"])):
        found["holds"] = _rounded(gap, found["holds"], abs(found["holds"] - found["at"]), crossing)
    return Found(**found)


def _rounded(gap: Difference, holds: float, width: float, crossing: Crossing) -> float:
    """A value that holds, rounded to the met side, to at most a hundredth of a width.

    The interval of the measure there is within the limit, and the text of the value is the value itself. It is at most
    the end of the crossing.
    """
    side = crossing.side
    places = 2 - math.floor(math.log10(max(width, FINE * abs(crossing.met - crossing.broken))))
    step = 10.0**-places
    value = math.ceil(side * holds / step - FINE) * step * side
    for _ in range(MOST_STEPS):
        value = round(value, places)
        if side * (value - crossing.best) >= 0 or gap(value).high <= 0:
            break
        value, step = value + side * step, 2 * step
    return crossing.placed(value, False)


def _solved(value: Callable[[float], float], start: float, step: float, within: Crossing, whole: bool) -> float:
    """The place where a function that is positive on the broken side becomes 0 or negative, searched from `start`.

    Steps are doubled until they enclose the place; NaN if none do between the ends of the crossing.
    """
    side, place, step = within.side, within.placed(start, whole), max(step, float(whole))
    is_broken = value(place) > 0
    while whole or value(place) != 0:
        following = within.placed(place + (side if is_broken else -side) * step, whole)
        if following == place:
            return math.nan
        if (value(following) > 0) != is_broken:
            break
        place, step = following, 2 * step
    else:
        return place
    broken, met = (place, following) if is_broken else (following, place)
    if not whole:
        return root(value, broken, met)
    between = range(1, round(abs(met - broken)))
    return broken + side * (1 + bisect_left(between, True, key=lambda k: value(broken + side * k) <= 0))


def single(line: Line, limit: Limit, whole: bool, few: int, observe: Observer) -> Answer:
    """Where a limit is met along a lever; the values that it names are judged on futures that no search has seen.

    Args:
      whole: whether the lever takes whole numbers.
      few: paths of the first search.
      observe: shows progress.

    Raises:
      UserError: more than `MOST` values are evaluated.
    """
    evaluator, study, count = line.evaluator, line.evaluator.study, itertools.count(1)

    @functools.cache
    def measured(value: float, paths: int) -> Estimate:
        if next(count) > MOST:
            got = f"expected the search to end within {MOST} evaluations; the last was at {value:g}."
            raise UserError("--bounds", [f"{got} Give --bounds LOW,HIGH that are closer together around it."])
        return measures_at([line], [value], [limit], paths)[0]

    def gap(paths: int, value: float) -> Estimate:
        return limit.gap(measured(value, paths))

    places, seen = looks(line.low, line.high, whole), list[Estimate]()
    for x in places:
        observe("looks", len(seen), len(places))
        seen.append(measured(x, few))
    found = crossings(places, [*map(limit.gap, seen)])
    # the limit is met over the widest range of looks on this crossing's side
    chosen = max(found, key=lambda one: abs(one.best - one.met), default=None)
    solved, paths = None, few
    if chosen:
        for paths in dict.fromkeys((few, study.paths)):
            of_paths = functools.partial(gap, paths)
            solved = invert(of_paths, chosen, whole, solved, math.sqrt(few / paths))
    if solved:
        named = {"met": solved.estimate, "holds": Estimate(solved.holds)}
    else:
        named = {"nearest": Estimate(min(places, key=lambda x: abs(gap(paths, x).estimate)))}
    named = {how: value for how, value in named.items() if not math.isnan(value.estimate)}
    observe("judging", 0, study.paths)
    settings = [{}, *(line.setting(value.estimate) for value in named.values())]
    own, *others = [dict(one) for one in evaluator.each(settings, evaluator.futures.anew())]
    judged = [evaluator.estimate(values, limit.variable, limit.measure) for values in others]
    values = [
        {"meaning": how, "value": value, "searched": measured(value.estimate, paths), "judged": one,
         "verdict": limit.verdict(one)}
        for (how, value), one in zip(named.items(), judged, strict=True)
    ]  # fmt: skip
    sentences = (
        _met(line, limit, solved, chosen, values) if solved and chosen else _never(line, limit, places, seen, *values)
    )
    verdicts = [*map(limit.verdict, seen)]
    further = (
        f"The limit is {VERDICTS[how] if how == 'unclear' else f'{how} again above a value'} between {low:g} and"
        f" {high:g}."
        for low, high, how in beside(places, verdicts, found, chosen)
    )
    what, bound = limit.words(study)
    units = {"value": line.unit, **dict.fromkeys(("searched", "judged"), study.unit_of(limit.variable))}
    shown = dict.fromkeys(("searched", "judged"), "%" * (limit.measure == PROBABILITY))
    rows = (
        {"value": value, "searched": one, "limit": limit.bound, "verdict": verdict}
        for value, one, verdict in zip(places, seen, verdicts, strict=True)
    )
    tables = (
        table("values", f"{line.lever}: where {limit.text}", values, "meaning", units=units, shown=shown),
        *(changes(evaluator, others[-1], own) if "holds" in named else ()),
        table("looks", f"{begun(limit.measure)} of {limit.variable} along {line.lever}", rows, "look", brief=(),
              units=units, shown=shown),
    )  # fmt: skip
    basis = f"{study.name}: {study.futures}; judged on as many others"
    every = (f"The limit requires that {what} is {bound}.", *sentences, *further)
    return Answer.about(study, every, tables, basis, READING)


def _never(line: Line, limit: Limit, places: Sequence[float], seen: Sequence[Estimate], nearest: Row) -> Iterator[str]:
    """Sentences on a limit that is met, or broken, at all looks."""
    study, judged = line.evaluator.study, nearest["judged"]
    lever = study.phrase("levers", line.lever)
    among = "all" if limit.gap(seen[0]).estimate <= 0 else "none of the"
    yield f"The limit is met at {among} {len(places)} values of {lever} from {places[0]:g} to {places[-1]:g}."
    measure = f"{limit.amount(study, judged)} on fresh futures"
    if all(one.estimate == seen[0].estimate for one in seen):
        yield f"The lever “{lever}” has no effect on the measure, which is {measure}."
    else:
        at, how = stated([line], [nearest["value"].estimate]), VERDICTS[nearest["verdict"]]
        yield f"The measure is nearest to the limit at {at}: {measure}, where the limit is {how}."


def _met(line: Line, limit: Limit, solved: Found, chosen: Crossing, values: Sequence[Row]) -> Iterator[str]:
    """Sentences on where the limit is met, and where it holds."""
    study, side = line.evaluator.study, "at least" if chosen.side > 0 else "at most"
    at = f"{study.phrase('levers', line.lever)} is {side} {amount(line.unit, solved.estimate)}"
    yield f"The limit is met where {at}."
    low, high = sorted((chosen.worst, chosen.best))
    none = f"at no evaluated value from {low:g} to {high:g}, so"
    has_interval = not math.isnan(values[0]["searched"].high)
    if not math.isnan(solved.holds):
        judged = values[-1]["judged"]
        is_kept = "meets" if limit.gap(judged).estimate <= 0 else "breaks"
        yield (f"Allowing for the Monte Carlo error, the limit holds at {stated([line], [solved.holds])}; fresh"
               f" futures give {limit.amount(study, judged)} there, which {is_kept} the limit.")  # fmt: skip
    elif has_interval:
        yield f"The 95 % interval of the measure is within the limit {none} no value is known to meet the limit."
    else:
        why = values[0]["searched"].flag
        yield f"The measure has no interval there ({why}), so no value is known to meet the limit."
    if math.isnan(solved.may) and has_interval:
        yield f"The limit is clearly broken {none} the interval of the lever has no end on that side."
