"""Where a difference changes sign along a line: which changes are significant, and with which intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

from engine.risk.estimation.intervals import TAIL, Estimate, Units

FINE = 1e-3
"""Tolerance of a root, as a share of the interval that it is searched in."""
Difference = Callable[[float], Estimate]
"""A difference with its standard error, as a function of the place on a line."""


@dataclass(frozen=True)
class Stretch:
    """A run of consecutive places on a line whose difference has the same significant sign.

    Places between them without a significant sign belong to it.

    Args:
      side: 1 for the sign as stated, -1 for the opposite.
      first, last: the outermost places with that sign.
      surest: the place where it is most significant.
    """

    side: int
    first: float
    last: float
    surest: float


@dataclass(frozen=True)
class Turn:
    """A change of sign along a line.

    Args:
      at: the place; its interval holds those places between two of opposite sign at which the difference cannot be
        distinguished from zero.
      back: whether the change is back to the sign as stated.
    """

    at: Estimate
    back: bool


def sureness(one: Estimate, side: float) -> float:
    """How many standard errors a difference lies on the given side of zero; 0 if it is 0 or has no standard error."""
    size = side * one.estimate
    if math.isnan(size) or math.isnan(one.standard_error) or not size:
        return 0.0
    return size / one.standard_error if one.standard_error else math.copysign(math.inf, size)


def critical_score(units: Units, tests: int) -> float:
    """Standard errors from which a sign is significant over all tests at once: 2.5 % to each side, by Bonferroni."""
    share = 1 - TAIL / tests
    if not units.replicated:
        return float(ndtri(share))
    return float(stdtrit(units.count - 1, share)) if units.count > 1 else math.inf


def stretches(start: float, looks: Iterable[tuple[float, Estimate]], sign: float, reach: float) -> list[Stretch]:
    """The stretches of a line from its start outwards, the first with the sign as stated.

    Differences within `reach` standard errors of zero have no sign.
    """
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
    """The changes of sign between significant stretches, from the start outwards; the first stretch always counts."""
    last = rows[0]
    for one in rows[1:]:
        if not is_sure(one):
            continue
        if one.side != last.side:
            yield Turn(crossing(at, last.last, one.first, sign * last.side, reach), one.side > 0)
        last = one


def crossing(at: Difference, start: float, end: float, side: float, reach: float) -> Estimate:
    """The place, with a 95 % interval, where a difference that is significant at the start changes sign before the end.

    The interval inverts a test: at its ends the difference is `reach` standard errors from zero. So it covers a change
    of sign as often as the difference's own interval at that place covers zero, however steep or curved the line is.
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
    """The root of a function that is positive at the start.

    It is the start if the function is not positive there, and the end if it is not negative there.
    """
    if start == end or not value(start) > 0:
        return start
    if not value(end) < 0:
        return end
    return float(brentq(value, start, end, xtol=FINE * abs(end - start)))
