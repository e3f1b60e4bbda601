"""Where a limit begins to hold along a lever: looks, the crossings between them, and intervals by inversion."""

from __future__ import annotations

import functools
import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from engine.questions.turning import FINE, Difference, root
from engine.risk.estimation.intervals import Estimate, Z

LOOKS = 17
"""Values of a lever that are looked at, its bounds among them."""
CLOSE = 0.01
"""Standard errors of the measure by which a place that is found may miss the limit."""
LONGER = 1.3
"""By how much a step is longer than the distance that the slope on fewer futures suggests."""
MOST_STEPS = 8
"""Most steps by which a value is moved until it holds."""
PARTS = ("low", "estimate", "high")
"""Parts of an estimate of how far a limit is broken: where they are 0, a limit may hold, is met, and clearly holds."""


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
    turns = [k for k, (one, other) in enumerate(pairwise(gaps)) if (one.estimate > 0) != (other.estimate > 0)]
    ends, found = [-1, *turns, len(places) - 1], []
    for first, turn, last in zip(ends, turns, ends[2:], strict=False):
        one, other, start, end = (places[k] for k in (turn, turn + 1, first + 1, last))
        is_met = gaps[turn].estimate <= 0
        found.append(Crossing(other, one, end, start) if is_met else Crossing(one, other, start, end))
    return found


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
    step, at, found = abs(crossing.met - crossing.broken), math.nan, dict[str, float]()

    def beyond(part: str, x: float) -> float:
        own = float(getattr(gap(x), part))
        return 0.0 if not whole and abs(own) <= CLOSE * gap(x).standard_error else own

    for part in ("estimate", "low", "high"):
        value = functools.partial(beyond, part)
        start, stride = crossing.met if part == "high" else crossing.broken, step
        if near is not None and not near.is_open:
            start = near.at if part == "estimate" else at
            away = {"low": near.may, "estimate": near.at, "high": near.holds}[part] - near.at
            start = crossing.placed(start + shrink * away, whole)
            errors = abs(value(start)) / gap(start).standard_error if gap(start).standard_error > 0 else 0.0
            # the slope is about that found before; a step somewhat too long encloses the place
            stride = max(LONGER * errors * shrink * near.estimate.standard_error, step * FINE)
        found[part] = _solved(value, start, stride, crossing, whole)
        at = found["estimate"]
    if not (whole or math.isnan(found["high"])):
        found["high"] = _rounded(gap, found["high"], abs(found["high"] - at), crossing)
    return Found(*(found[part] for part in PARTS))


def _rounded(gap: Difference, holds: float, width: float, crossing: Crossing) -> float:
    """A value that holds, rounded to the met side, to at most a hundredth of a width.

    The interval of the measure there is within the limit, and the text of the value is the value itself. It is at most
    the end of the crossing.
    """
    side = math.copysign(1.0, crossing.best - crossing.worst)
    places = 2 - math.floor(math.log10(max(width, FINE * abs(crossing.met - crossing.broken))))
    step = 10.0**-places
    value = math.ceil(side * holds / step - FINE) * step * side
    for _ in range(MOST_STEPS):
        value = round(value, places)
        if side * (value - crossing.best) >= 0 or gap(value).high <= 0:
            break
        value, step = value + side * step, 2 * step
    return min(value, crossing.best) if side > 0 else max(value, crossing.best)


def _solved(value: Callable[[float], float], start: float, step: float, within: Crossing, whole: bool) -> float:
    """The place where a function that is positive on the broken side becomes 0 or negative, searched from `start`.

    Steps are doubled until they enclose the place; NaN if none do between the ends of the crossing.
    """
    side = math.copysign(1.0, within.best - within.worst)
    place, step = within.placed(start, whole), max(step, 1.0) if whole else step
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
