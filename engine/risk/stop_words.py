"""What a rule that ends a run has to say: how far it is, what ended it, and what more it would take."""

from __future__ import annotations

import math

from engine.formatting import decimals, rounded
from engine.risk.flags import text
from engine.risk.stopping import Ended, Ending, Look, State


def few_digits(number: float) -> str:
    """A number of paths to two digits, as a prediction bears: `1.2 million`, `310,000`."""
    if not math.isfinite(number) or number <= 0:
        return "unknown many"
    whole = round(number, 1 - math.floor(math.log10(number)))
    for name, size in (("billion", 1e9), ("million", 1e6)):
        if whole >= size:
            return f"{float(f'{whole / size:.2g}'):,g} {name}"
    return f"{whole:,.0f}"


def _futures(paths: int) -> str:
    return f"{paths:,} future{'s' * (paths != 1)}"


def half_width(look: Look) -> str:
    """`±1.8 %` of the number where that was asked for, else in its unit; of an event that never happens `not once: at most 0.002`."""
    if look.hits == 0:
        return f"not once: at most {look.estimate.high:.2g}"
    if look.target.is_relative and look.estimate.estimate:
        return f"±{100 * look.half_width / abs(look.estimate.estimate):.2g} %"
    unit = f" {look.target.unit}" if look.target.unit else ""
    return f"±{look.half_width:.2g}{unit}"


def _why_nothing(look: Look) -> str:
    """Why a mean without error is zero although its values are not: the futures of a pair, or of a replicate, cancel."""
    return " by its pairs, which cancel" if look.target.measure == "mean" else ""


def standing(look: Look) -> str:
    """How a target stands: `ES99 of cost under old: ±1.8 %, wanted 1 %: about 1.2 million futures to go`."""
    number, wanted = look.target.number, look.target.wanted
    at = _futures(look.paths)
    high = f"{look.estimate.high:.2g}"
    value = rounded(look.estimate.estimate, decimals(look.estimate.standard_error or math.nan))
    why = text(*(flag for flag in look.estimate.flags if flag.withholds))
    said = {
        State.MET: f"{half_width(look)}, within {wanted}" if look.half_width else f"{value} without error",
        State.SAME: f"{look.estimate.estimate + 0.0:g} on all {at}; another value on at most {look.others:.2g} of them (95 %)",
        State.UNSEEN: f"not once on {at}: at most {high} (95 %)",
        State.ZERO: f"0 on {at}{_why_nothing(look)}, and {wanted} of nothing is nothing",
        State.NO_INTERVAL: f"no interval at {at} ({why or 'too few of them'})",
        State.HEAVY: f"no half-width can be trusted ({why})",
    }
    if look.state is not State.WIDE:
        return f"{number}: {said[look.state]}"
    if look.target.is_relative and look.estimate.low <= 0 <= look.estimate.high:
        return (
            f"{number}: cannot be distinguished from 0 on {at}, wanted {wanted} of it: ask for it in the unit"
        )
    return f"{number}: {half_width(look)}, wanted {wanted}: about {few_digits(look.needed - look.paths)} futures to go"


def ending(ended: Ended, held: int = 0) -> list[str]:
    """What ended a run, then how each target stands, a line each.

    Args:
      held: paths that its folder holds, which may be more than those at which its rule ends.
    """
    looks, of = ended.looks[-1], "its first " * (held > ended.paths)
    head = {
        Ending.MET: f"Precise enough at {of}{_futures(ended.paths)}, and ended by its rule.",
        Ending.BOUND: f"Not as precise as asked for at {of}{_futures(ended.paths)}, the most that were allowed.",
        Ending.GIVEN_UP: f"Given up at {of}{_futures(ended.paths)}: more of them would not do.",
    }[ended.ending]
    wide = [look.needed for look in looks if not look.holds]
    more = max(wide, default=math.nan)
    if ended.ending is Ending.BOUND and all(math.isfinite(needed) for needed in wide):
        head += f" About {few_digits(more)} would do: --paths {float(f'{1.1 * more:.2g}'):.0f}."
    return [head, *(f"{standing(look)}." for look in looks)]
