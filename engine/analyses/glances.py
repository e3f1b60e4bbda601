"""Quick checks on a few futures, which spare simulating all of them where these few decide beyond doubt."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from engine.analyses.beliefs import Line
from engine.analyses.turning import critical_score, sureness
from engine.risk.estimation.evidence import FEWEST_FOR_ES
from engine.risk.estimation.intervals import Units
from engine.risk.estimation.weighted_measures import mean as weighted_mean

SHARE = 8
"""A quick check takes one in so many futures."""
SELDOM = 10**7
"""Number of tests in Bonferroni's correction that defines "beyond doubt": 2.5 % over so many."""
Paths = Float[np.ndarray, "path"]


@dataclass(frozen=True)
class Glance:
    """A quick check of places along a line: how the difference changes from the stated one on each of a few futures.

    Args:
      stated: mean of the difference as stated, over all futures that a full look at a place takes.
      few: the difference as stated on each of the few futures.
      units: independent units of the few futures.
      sign: of the difference as stated.
      reach: standard errors within which a difference has no significant sign.
    """

    stated: float
    few: Paths
    units: Units
    sign: float
    reach: float

    def least(self, line: Line) -> float | None:
        """The place on a line whose difference is nearest to turning; None if the sign may turn at any place.

        Where the few futures leave several places as candidates, all futures decide between them.
        """
        sizes: dict[float, float] = {}
        apart: dict[float, Paths] = {}
        for at in (one for side in line.sides for one in side):
            glanced = line.glance(at)
            if glanced is None:
                seen = line.at(at)
                sizes[at] = self.sign * seen.estimate
                if not (math.isfinite(sizes[at]) and sureness(seen, self.sign) >= -self.reach):
                    return None
                continue
            sizes[at], apart[at] = self.sign * self.stated, self.sign * (glanced - self.few)
            if not self._is_above(sizes[at], apart[at]):
                return None

        def is_above(at: float, other: float) -> bool:
            size = sizes[at] - sizes[other]
            if at not in apart and other not in apart:
                return size > 0
            return self._is_above(size, np.subtract(apart.get(at, 0.0), apart.get(other, 0.0)))

        means = {at: size + float(np.mean(apart.get(at, 0.0))) for at, size in sizes.items()}
        least = min(means, key=means.__getitem__, default=line.start)
        rivals = [at for at in means if at == least or not is_above(at, least)]
        return min(rivals, key=lambda at: self.sign * line.at(at).estimate) if len(rivals) > 1 else least

    def _is_above(self, size: float, apart: Paths) -> bool:
        """Whether `size` plus the mean of `apart` is positive beyond doubt; stricter if few futures carry that mean."""
        squares = apart * apart
        with np.errstate(invalid="ignore"):
            many = squares.sum() ** 2 / (squares * squares).sum()
        seen = weighted_mean(apart, np.ones(len(apart)), self.units)
        sure = sureness(replace(seen, estimate=size + seen.estimate), 1.0)
        return bool(sure > critical_score(self.units, SELDOM) * (1 + FEWEST_FOR_ES / many))
