"""Sentences on the inputs that deviate most from their priors among the worst futures, as intervals allow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.formatting import begun
from engine.risk.estimation.intervals import CONFIDENCE, Estimate
from engine.risk.estimation.wording import amounts, some


@dataclass(frozen=True)
class Standing:
    """How the distribution of one input among the worst futures differs from its prior.

    Args:
      name: what the input is called within a sentence.
      unit: of `mean` and `prior`; empty where the means are not shown.
      mean: mean of the input among the worst futures.
      prior: mean of its prior.
      shift: difference of the two means, in standard deviations of the prior.
      density: for each tenth of the prior, the share of the worst futures that lie in it, divided by a tenth.
      distance: distance of the whole distribution from the prior (`WorstShare.distance`).
      p_value: p value of the hypothesis that there is no distance.
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
    """Sentences: which input deviates most from its prior and how; then whether another may deviate as much.

    An input is distinguishable from its prior at 5 % over all inputs (Bonferroni), by its whole distribution. Another
    input deviates less where the interval of its distance lies wholly below that of the first.

    Args:
      futures: the worst futures as a plural noun that begins with a small letter.
      standings: the inputs.
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
        others = [f"{_side(one)} {one.name}".strip() for one in rest if not one.distance.high < first.distance.low]
        yield f"{begun(futures)} have {_how(first)}."
        yield (
            f"Whether anything stands out more is open: {some(others)} may."
            if others
            else "Nothing else stands out as much."
        )


def shape(one: Standing) -> str:
    """Where an input lies more often than its prior: "up", "down", "ends", "middle"; "uneven" if none is sure.

    The difference from the prior over tenths is split into its mirror-symmetric and its antisymmetric part; the larger
    part decides. An antisymmetric difference is "up" or "down" if the interval of the shift excludes zero. A symmetric
    one is "ends" if both outer tenths surely have more than a tenth of the futures, "middle" if both have less.
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
        what = f"{_side(one)} {one.name}"
        return f"{what}: {' in place of '.join(amounts(one.unit, one.mean, one.prior))}" if one.unit else what
    if kind == "uneven":
        fullest = max(range(len(one.density)), key=lambda k: one.density[k].estimate)
        return (
            f"{one.name} unevenly: {_part(one, fullest)} in tenth {fullest + 1} of its prior, from the lowest, in place"
            " of 10 %"
        )
    where = "at its ends" if kind == "ends" else "near its middle"
    return (
        f"{one.name} {where}: {_part(one, 0)} in its lowest tenth, {_part(one, -1)} in its highest, in place of 10 %"
        " each"
    )


def _side(one: Standing) -> str:
    return {"up": "high", "down": "low"}.get(shape(one), "")


def _part(one: Standing, tenth: int) -> str:
    return f"{100 * one.density[tenth].estimate / len(one.density):.0f} %"
