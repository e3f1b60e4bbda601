"""Which input the answer hangs on, in a sentence that claims no more than its intervals."""

from __future__ import annotations

from collections.abc import Sequence

from engine.analyses.futures import MEAN, PROBABILITY, Quantity
from engine.analyses.indices import Shares
from engine.analyses.sensitivity import Sensitivity
from engine.formatting import rounded
from engine.risk.intervals import Estimate


def sentence(given: Sensitivity, named: Sequence[str] | None = None) -> str:
    """One sentence: which input carries most of the spread of what is looked at first, and what no study could find out."""
    of = _subject(given, named)
    if of is None:
        return "Nothing is drawn: no input has a share."
    what = _what(of.quantity)
    if not of.sd:
        return f"{what} is the same on every path: no input has a share."
    order = sorted(range(len(given.inputs)), key=lambda k: -of.shapley[k].estimate)
    first = of.shapley[order[0]]
    if not first.low > 0:
        return f"What {what} hangs on is not told: too few paths, or too heavy a tail, for an interval of the largest share."
    level = [k for k in order[1:] if not of.shapley[k].high < first.low]
    names = [given.inputs[k].name for k in (order[0], *level)]
    if level:
        lead = f"{_listed(names[:4])} carry the largest parts, and which of them carries most is not told"
    else:
        how = "most" if first.low > 0.5 else "the largest part"
        lead = f"{names[0]} carries {how} of it, {_percent(first)} of the variance"
    sides = (("all factors", of.known), ("all shocks", of.accidents))
    rest = " and ".join(f"{_percent(one)} if {name} were known" for name, one in sides if one.low == one.low)
    return f"{what}: {lead}{f'; of the variance goes {rest}' if rest else ''}."


def _subject(given: Sensitivity, named: Sequence[str] | None) -> Shares | None:
    """What the finding is of: the difference of the last policy from the baseline in what was named first, else in the first headline."""
    if not given.inputs:
        return None
    name = named[0] if named else given.shares[0].quantity.variable
    own = [
        s for s in given.shares if s.quantity.variable == name and s.quantity.measure in (MEAN, PROBABILITY)
    ]
    return next((s for s in own if s.quantity.against), own[0])


def _what(one: Quantity) -> str:
    side = f"{one.policy} less {one.against}" if one.against else f"under {one.policy}"
    return f"{one.variable}, {side}"


def _percent(one: Estimate) -> str:
    low, high = (rounded(100 * end, 0) for end in (one.low, one.high))
    return f"{rounded(100 * one.estimate, 0)} % [{low}, {high}]"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
