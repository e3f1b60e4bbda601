"""Where a difference changes its sign along a line: which changes are beyond doubt, and with which intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

from engine.risk.estimation.intervals import TAIL, Estimate, Units

FINE = 1e-3
"""Share of the way between two looks to which a change of sign is known."""
Difference = Callable[[float], Estimate]
"""A difference with its error, by the value that is moved."""


@dataclass(frozen=True)
class Stretch:
    """Looks one after the other that show one sign, with those between them that show none.

    Args:
      side: 1 where it is the sign of the difference as stated, -1 where it is the other.
      first, last: the outermost looks that show it.
      surest: the look that shows it most surely.
    """

    side: int
    first: float
    last: float
    surest: float


@dataclass(frozen=True)
class Turn:
    """A change of sign.

    Args:
      at: the value there; its interval holds the values between two looks of opposite sign at which the difference cannot be distinguished from zero.
      back: whether it is to the sign as stated.
    """

    at: Estimate
    back: bool


def sureness(one: Estimate, side: float) -> float:
    """By how many standard errors a difference has a sign; 0 where it has no standard error, or vanishes."""
    size = side * one.estimate
    if math.isnan(size) or math.isnan(one.standard_error) or not size:
        return 0.0
    return size / one.standard_error if one.standard_error else math.copysign(math.inf, size)


def needed(units: Units, tests: int) -> float:
    """Standard errors from which a sign is beyond doubt in the one sense or the other, of so many tests at once: 2.5 % by Bonferroni."""
    share = 1 - TAIL / tests
    if not units.replicated:
        return float(ndtri(share))
    return float(stdtrit(units.count - 1, share)) if units.count > 1 else math.inf


def stretches(
    start: float, looks: Iterable[tuple[float, Estimate]], sign: float, reach: float
) -> list[Stretch]:
    """The stretches of a line from its start outwards, the first with the sign as stated; looks within `reach` standard errors show none."""
    rows, most = [Stretch(1, start, start, start)], math.inf
    for at, seen in looks:
        size = sureness(seen, sign)
        if abs(size) <= reach:
            continue
        last, side = rows[-1], 1 if size > 0 else -1
        if side != last.side:
            rows.append(Stretch(side, at, at, at))
            most = abs(size)
        else:
            rows[-1] = replace(last, last=at, surest=at if abs(size) > most else last.surest)
            most = max(most, abs(size))
    return rows


def turns(
    at: Difference, rows: Sequence[Stretch], is_sure: Callable[[Stretch], bool], sign: float, reach: float
) -> Iterator[Turn]:
    """The changes of sign between stretches that are sure, from the start outwards; the first one is."""
    last = rows[0]
    for one in rows[1:]:
        if not is_sure(one):
            continue
        if one.side != last.side:
            yield Turn(crossing(at, last.last, one.first, sign * last.side, reach), one.side > 0)
        last = one


def crossing(at: Difference, start: float, end: float, side: float, reach: float) -> Estimate:
    """Where a difference that has a sign at the start loses it before the end.

    Its interval is a test turned round: it ends where the difference can just be distinguished from zero, `reach` standard errors from it.
    So it holds a change of sign as often as the interval of the difference at that place holds zero, however steep or crooked the line is.
    """

    def line(errors: float) -> Callable[[float], float]:
        def value(x: float) -> float:
            seen = at(x)
            return side * seen.estimate + errors * seen.standard_error

        return value

    middle = root(line(0.0), start, end)
    near, far = root(line(-reach), start, middle), root(line(reach), middle, end)
    low, high = sorted((near, far))
    return Estimate(middle, (high - low) / (2 * reach), low, high)


def root(value: Callable[[float], float], start: float, end: float) -> float:
    """Where a value that is above zero at the start is zero; an end where it is not above, or not below, it there."""
    if start == end or not value(start) > 0:
        return start
    if not value(end) < 0:
        return end
    return float(brentq(value, start, end, xtol=FINE * abs(end - start)))
