"""Where a difference changes sign along a line: which changes are significant, and with which intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri, stdtrit

from engine.risk.estimation.intervals import TAIL, Estimate, Units

FINE = 1e-3
"""Tolerance of a root, as a share of the interval that it is searched in."""
Difference = Callable[[float], Estimate]
"""A difference with its standard error, as a function of the place on a line."""
Stretch = list[tuple[float, float]]
"""Consecutive places on a line whose difference has the same significant sign, each with its z-score."""


def z_score(one: Estimate) -> float:
    """A difference in standard errors; 0 if it is 0, unknown or without a standard error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        score = float(np.divide(one.estimate, one.standard_error))
    return 0.0 if math.isnan(score) else score


def scaled(one: Estimate, scale: float, shift: float = 0.0) -> Estimate:
    """A scale times an estimate, plus a shift; with the flags of the estimate."""
    low, high = sorted((scale * one.low, scale * one.high))
    return Estimate(scale * one.estimate + shift, abs(scale) * one.standard_error, low + shift, high + shift, one.flags)


def critical_score(units: Units, tests: int) -> float:
    """Standard errors from which a sign is significant over all tests at once: 2.5 % to each side, by Bonferroni."""
    share = 1 - TAIL / tests
    if not units.replicated:
        return float(ndtri(share))
    return float(stdtrit(units.count - 1, share)) if units.count > 1 else math.inf


def stretches(start: float, seen: Iterable[tuple[float, Estimate]], reach: float) -> list[Stretch]:
    """The stretches of a line from its start, where the difference is positive, outwards.

    Differences within `reach` standard errors of zero have no sign, and their places belong to no stretch.
    """
    places = [(start, math.inf), *((place, z_score(one)) for place, one in seen)]
    signed = [one for one in places if abs(one[1]) > reach]
    return [list(some) for _, some in groupby(signed, key=lambda one: one[1] > 0)]


def turns(
    at: Difference, anew: Difference, along: list[Stretch], reach: float, limit: float
) -> Iterator[tuple[Estimate, bool]]:
    """The changes of sign between stretches, from the start outwards, and whether each is back to the positive sign.

    A further stretch counts if its most significant place has its sign, beyond `limit`, on independent futures as well.

    Args:
      at, anew: the difference on the futures of the stretches, and on independent ones.
    """
    last, *others = along
    for one in others:
        place, score = max(one, key=lambda each: abs(each[1]))
        if math.copysign(1, score) * z_score(anew(place)) > limit:
            if (score > 0) != (last[0][1] > 0):
                yield crossing(at, last[-1][0], one[0][0], reach, -math.copysign(1, score)), score > 0
            last = one


def crossing(at: Difference, start: float, end: float, reach: float, side: float = 1.0) -> Estimate:
    """The place, with a 95 % interval, where a difference that is significant at the start changes sign before the end.

    The interval inverts a test: at its ends the difference is `reach` standard errors from zero. So it covers a change
    of sign as often as the difference's own interval at that place covers zero, however steep or curved the line is.

    Args:
      side: sign of the difference at the start.
    """

    def line(errors: float) -> Callable[[float], float]:
        def value(place: float) -> float:
            seen = at(place)
            return side * seen.estimate + errors * seen.standard_error

        return value

    middle = root(line(0.0), start, end)
    low, high = sorted((root(line(-reach), start, middle), root(line(reach), middle, end)))
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
