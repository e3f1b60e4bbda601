"""Which inputs stand farthest from their priors, in one sentence that claims no more than its intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.special import ndtri

from engine.formatting import rounded
from engine.risk.intervals import Estimate

MOST_NAMED = 3
Shift = tuple[str, Estimate]
"""What an input is called, and how far it stands from its prior, in standard deviations of it."""


def sentence(head: str, shifts: Sequence[Shift]) -> str:
    """`head`, then which input stands farthest from its prior, or which may.

    That an input stands away from its prior at all is said at 5 % over all of them (Bonferroni); that one stands farther than another
    where their intervals do not meet.
    """
    if not shifts:
        return f"{head}, there is nothing that is drawn."
    ranked = sorted(shifts, key=lambda one: -abs(one[1].estimate))
    if all(math.isnan(shift.low) for _, shift in ranked):
        return f"{head}, nothing is told: {ranked[0][1].flag or 'no interval'}."
    told = [one for one in ranked if _is_told(one[1], len(ranked))]
    if not told:
        return f"{head}, no factor and no shock of a year is told from its prior."
    name, first = told[0]
    others = [one for one in ranked if one[0] != name and not _ends(one[1])[1] < _ends(first)[0]]
    if not others:
        low, high = (rounded(end, 2) for end in _ends(first))
        side = "above it" if first.estimate > 0 else "below it"
        size = f"{rounded(abs(first.estimate), 2)} of its standard deviations {side}"
        return f"{head}, {name} stands farthest from its prior: {size} [{low}, {high}]."
    named = [f"{one} ({_signed(shift)})" for one, shift in [told[0], *others][:MOST_NAMED]]
    more = len(others) + 1 - MOST_NAMED
    listed = f"{', '.join(named)} and {more} more" if more > 0 else f"{', '.join(named[:-1])} and {named[-1]}"
    return f"{head}, farthest from their priors stand {listed}, in standard deviations of the prior; which of them is the farthest is not told."


def _is_told(shift: Estimate, of: int) -> bool:
    if not math.isfinite(shift.low):
        return False
    return abs(shift.estimate) > float(-ndtri(0.025 / of)) * shift.standard_error


def _ends(shift: Estimate) -> tuple[float, float]:
    """The interval of how far it stands from its prior, whichever side."""
    if math.isnan(shift.low):
        return 0.0, math.inf
    return max(shift.low, -shift.high, 0.0), max(-shift.low, shift.high)


def _signed(shift: Estimate) -> str:
    text = rounded(shift.estimate, 2)
    return text if text.startswith("-") else f"+{text}"
