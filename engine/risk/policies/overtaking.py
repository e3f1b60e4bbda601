"""When a policy gets ahead of another on the same path: the first year in which it is the better one, censored where there is none.

By path: the share of paths that it has got ahead on by each year, the year by which half of them are (if ever within the horizon), the mean number
of years until then, counted to the horizon, and the share of paths that it is ahead on for good from some year on. By means: the first
year in which the mean difference is in its favour, and in which that is clear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.estimation.intervals import Estimate, Units, moments
from engine.risk.estimation.measures import few_replicates, finite_units, probability, single
from engine.risk.estimation.tails import shifted


@dataclass(frozen=True)
class Overtaking:
    """When a policy is first better than another.

    Args:
      ahead: share of paths on which it has been ahead in some year up to each [year].
      years: mean number of years before it first is, those of the whole horizon where it never is.
      median: the first year by which half of the paths are; None where they never are. low, high: its 95 % interval, None likewise.
      never: share of paths on which it never is.
      lasting: share of paths on which it is ahead in the last year, and so from some year on for good.
    """

    ahead: list[Estimate]
    years: Estimate
    median: int | None
    low: int | None
    high: int | None
    never: Estimate
    lasting: Estimate


def overtaking(gap: Float[np.ndarray, "year path"], first_year: int, unit: int | Units) -> Overtaking:
    """When the gap is first below zero, the policy's losses less those of the other."""
    kept, units, lost = finite_units(tuple(gap), unit)
    better = np.stack(kept) < 0
    seen = np.logical_or.accumulate(better, axis=0)
    ahead = [probability(row, units).flagged(lost) for row in seen]
    waited = (~seen).sum(axis=0).astype(np.float64)
    of = moments(waited, units)
    years = single(shifted(of, 1.0)).flagged(lost, few_replicates(units))
    median, first, last = (
        _first(np.array([getattr(one, end) for one in ahead]) >= 0.5, first_year)
        for end in ("estimate", "high", "low")
    )
    never, lasting = (probability(part, units).flagged(lost) for part in (~seen[-1], better[-1]))
    return Overtaking(ahead, years, median, first, last, never, lasting)


def in_the_mean(
    difference: Float[np.ndarray, "year stat"], first_year: int, loss: bool
) -> tuple[int | None, int | None]:
    """The first year in which the mean difference is in favour of the policy, and the first in which its interval says so; None for never.

    Args:
      difference: of means by year: estimate, standard error, low, high.
    """
    sign = 1.0 if loss else -1.0
    estimate, worst = sign * difference[:, 0], np.maximum(sign * difference[:, 2], sign * difference[:, 3])
    return _first(estimate < 0, first_year), _first(worst < 0, first_year)


def _first(happens: Bool[np.ndarray, "year"], first_year: int) -> int | None:
    return first_year + int(happens.argmax()) if happens.any() else None
