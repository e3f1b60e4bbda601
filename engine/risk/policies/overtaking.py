"""When a policy overtakes another on the same path: the first year in which it is better, censored at the horizon.

Per path: the share of paths on which it has been ahead by each year, the median year of overtaking (if within the
horizon), the mean number of years until then, counted up to the horizon, and the share of paths on which it is ahead at
the end. By means: the first year in which the mean difference favours it, and the first in which the interval of the
difference excludes zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from engine.risk.estimation.intervals import Estimate, Unit, moments
from engine.risk.estimation.measures import estimated, few_replicates, finite_units, probability


@dataclass(frozen=True)
class Overtaking:
    """When a policy is first better than another on the same path.

    Args:
      ahead: share of paths on which it has been ahead at least once up to each year [year].
      years: mean number of years before it is first ahead; a path on which it never is counts the whole horizon.
      median: first year by which it has been ahead on half of the paths; None where that is never so.
      low, high: 95 % interval of `median`; None for an end that lies beyond the horizon or is unknown.
      never: share of paths on which it is never ahead.
      lasting: share of paths on which it is ahead in the last year, and so from some year on without interruption.
    """

    ahead: list[Estimate]
    years: Estimate
    median: int | None
    low: int | None
    high: int | None
    never: Estimate
    lasting: Estimate


def overtaking(gap: Float[np.ndarray, "year path"], first_year: int, unit: Unit) -> Overtaking:
    """When the policy's losses are first below those of the other.

    Args:
      gap: losses of the policy less those of the other [year, path]; units with a value that is not finite are left
        out.
      first_year: calendar year of the first row.
      unit: paths in an independent unit, or the units themselves.
    """
    kept, units, lost = finite_units(tuple(gap), unit)
    better = np.stack(kept) < 0
    seen = np.logical_or.accumulate(better, axis=0)
    ahead = [probability(row, units).flagged(lost) for row in seen]
    waited = (~seen).sum(axis=0).astype(np.float64)
    of = moments(waited, units)
    years = estimated(of).flagged(lost, few_replicates(units))
    median, first, last = (
        _first(np.array([getattr(one, end) for one in ahead]) >= 0.5, first_year) for end in ("estimate", "high", "low")
    )
    never, lasting = (probability(part, units).flagged(lost) for part in (~seen[-1], better[-1]))
    return Overtaking(ahead, years, median, first, last, never, lasting)


def in_the_mean(
    difference: Float[np.ndarray, "year stat"], first_year: int, loss: bool
) -> tuple[int | None, int | None]:
    """First year in which the mean difference favours the policy, and in which its interval does; None for never.

    Args:
      difference: difference of the means in each year: estimate, standard error, low, high.
      first_year: calendar year of the first row.
      loss: whether high is worse.
    """
    losses = difference if loss else -difference
    return _first(losses[:, 0] < 0, first_year), _first(losses[:, 2:].max(axis=1) < 0, first_year)


def _first(happens: Bool[np.ndarray, "year"], first_year: int) -> int | None:
    return first_year + int(happens.argmax()) if happens.any() else None
