"""Which inputs stand farthest from their priors, and how, in sentences that claim no more than their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.formatting import begun
from engine.risk.estimation.intervals import CONFIDENCE, Estimate
from engine.risk.estimation.wording import amounts, some


@dataclass(frozen=True)
class Standing:
    """How an input stands to its prior among the worst futures.

    Args:
      name: what it is called within a sentence.
      unit: of `mean`, its mean there, and of that of the prior; empty where nobody reads it.
      shift: of its mean, in standard deviations of the prior.
      density: of each tenth of the prior, the share of these futures in it over a tenth.
      distance: of its whole law from the prior, and the p value that there is none: `WorstShare.distance`.
    """

    name: str
    unit: str
    mean: Estimate
    prior: float
    shift: Estimate
    density: Sequence[Estimate]
    distance: Estimate
    p_value: float


def sentences(futures: str, standings: Sequence[Standing]) -> Iterator[str]:
    """Which input stands farthest from its prior and how; then, where there is one, whether another may stand as far.

    An input is distinguished from its prior at 5 % over all of them (Bonferroni), by its whole law; and one from another, as the
    farther one, where the intervals of their distances do not meet.

    Args:
      futures: the worst ones, in words of the plural that begin small.
    """
    every = sorted(standings, key=lambda one: -one.distance.estimate)
    far = [one for one in every if one.p_value < (1 - CONFIDENCE) / len(every)]
    if not every:
        yield f"Nothing is drawn, so that nothing sets {futures} apart."
    elif all(one.distance.low != one.distance.low for one in every):
        yield f"What sets {futures} apart is open: they are too few for an interval."
    elif not far:
        yield f"No factor and no shock of a year can be told from its prior in {futures}."
    else:
        first, *rest = far
        others = [
            f"{_side(one)} {one.name}".strip() for one in rest if not one.distance.high < first.distance.low
        ]
        yield f"{begun(futures)} have {_how(first)}."
        yield (
            f"Whether anything stands out more is open: {some(others)} may."
            if others
            else "Nothing else stands out as much."
        )


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
    kind = shape(one)
    if kind in ("up", "down"):
        there, before = amounts(one.unit, one.mean, one.prior) if one.unit else ("", "")
        return f"{_side(one)} {one.name}" + (f": {there} in place of {before}" if there else "")
    if kind == "uneven":
        fullest = max(range(len(one.density)), key=lambda k: one.density[k].estimate)
        return f"{one.name} unevenly: {_part(one, fullest)} in tenth {fullest + 1} of its prior, from the lowest, in place of 10 %"
    where = "at its ends" if kind == "ends" else "near its middle"
    return f"{one.name} {where}: {_part(one, 0)} in its lowest tenth, {_part(one, -1)} in its highest, in place of 10 % each"


def _side(one: Standing) -> str:
    return {"up": "high", "down": "low"}.get(shape(one), "")


def _part(one: Standing, tenth: int) -> str:
    return f"{100 * one.density[tenth].estimate / len(one.density):.0f} %"
