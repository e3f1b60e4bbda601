"""Which inputs stand farthest from their priors, and how, in one sentence that claims no more than its intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from engine.formatting import rounded
from engine.risk.intervals import CONFIDENCE, Estimate

MOST_NAMED = 3


@dataclass(frozen=True)
class Standing:
    """How an input stands to its prior among the worst futures.

    Args:
      name: what it is called.
      shift: of its mean, in standard deviations of the prior.
      density: of each tenth of the prior, the share of these futures in it over a tenth.
      distance: of its whole law from the prior, and the p value that there is none: `WorstShare.distance`.
    """

    name: str
    shift: Estimate
    density: Sequence[Estimate]
    distance: Estimate
    p_value: float


def ranked(standings: Sequence[Standing]) -> list[Standing]:
    """Those of the largest distance first."""
    return sorted(standings, key=lambda one: -one.distance.estimate)


def sentence(head: str, standings: Sequence[Standing]) -> str:
    """`head`, then which input stands farthest from its prior and how, or which may.

    An input is distinguished from its prior at 5 % over all of them (Bonferroni), by its whole law; and one from another, as the
    farther one, where the intervals of their distances do not meet.
    """
    if not standings:
        return f"{head}, there is nothing that is drawn."
    every = ranked(standings)
    if all(math.isnan(one.distance.low) for one in every):
        return f"{head}, nothing can be distinguished: {every[0].distance.flag or 'no interval'}."
    far = [one for one in every if one.p_value < (1 - CONFIDENCE) / len(every)]
    if not far:
        return f"{head}, no factor and no shock of a year can be distinguished from its prior."
    first = far[0]
    others = [one for one in far[1:] if not one.distance.high < first.distance.low]
    if not others:
        return f"{head}, {first.name} stands farthest from its prior: {_how(first)}."
    named = [f"{one.name} ({_shortly(one)})" for one in [first, *others][:MOST_NAMED]]
    more = len(others) + 1 - MOST_NAMED
    listed = f"{', '.join(named)} and {more} more" if more > 0 else f"{', '.join(named[:-1])} and {named[-1]}"
    shifted = any(shape(one) in ("up", "down") for one in [first, *others][:MOST_NAMED])
    unit = ", in standard deviations of the prior" if shifted else ""
    return f"{head}, farthest from their priors stand {listed}{unit}; which of them is the farthest cannot be distinguished."


def shape(one: Standing) -> str:
    """Where it lies more than its prior: "up", "down", "ends", "middle", or "uneven" where it is none of these, or not surely.

    A difference from the prior is cut into what its two halves have alike, as in a mirror, and what they have not. The larger part decides:
    unlike halves are a shift, where its interval leaves out zero; alike ones are ends or the middle, where both outer tenths surely
    have more, or both less, than a tenth.
    """
    gaps = [tenth.estimate - 1 for tenth in one.density]
    pairs = list(zip(gaps, reversed(gaps), strict=True))
    if sum((a - b) ** 2 for a, b in pairs) >= sum((a + b) ** 2 for a, b in pairs):
        return "up" if one.shift.low > 0 else "down" if one.shift.high < 0 else "uneven"
    outer = one.density[0], one.density[-1]
    if all(tenth.low > 1 for tenth in outer):
        return "ends"
    return "middle" if all(tenth.high < 1 for tenth in outer) else "uneven"


def _how(one: Standing) -> str:
    kind, count = shape(one), len(one.density)
    if kind in ("up", "down"):
        low, high = sorted((abs(one.shift.low), abs(one.shift.high)))
        side = "above it" if kind == "up" else "below it"
        size = f"{rounded(abs(one.shift.estimate), 2)} of its standard deviations"
        return f"{size} {side} [{rounded(low, 2)}, {rounded(high, 2)}]"
    if kind == "uneven":
        fullest = max(range(count), key=lambda k: one.density[k].estimate)
        return f"unevenly over it, most of all in tenth {fullest + 1} from the lowest, with {_part(one, fullest)} of these futures"
    where = "at both its ends" if kind == "ends" else "in its middle"
    return f"{where}, with {_part(one, 0)} of these futures in its lowest tenth and {_part(one, -1)} in its highest"


def _shortly(one: Standing) -> str:
    kind = shape(one)
    if kind in ("up", "down"):
        return f"{kind} by {rounded(abs(one.shift.estimate), 2)}"
    return {"ends": "at both ends", "middle": "in the middle", "uneven": "unevenly"}[kind]


def _part(one: Standing, tenth: int) -> str:
    return f"{100 * one.density[tenth].estimate / len(one.density):.0f} %"
