"""Whether a tail has finite mean and variance, by generalised Pareto laws fitted above several thresholds.

Derivation and error rates: `docs/method.md`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import ndtri

from engine.risk.estimation.flags import WARNINGS, Flag, Reason
from engine.risk.estimation.intervals import Paths
from engine.risk.estimation.properties import cached_property
from engine.risk.estimation.row_statistics import BLOCK, Ascending

Values = Float[np.ndarray, "value"]

TAIL_VALUES = 2048
FEWEST_TAIL_VALUES = 50
"""Least number of values over a threshold that a shape is fitted to."""
FEWEST_HALVED = 100
"""Least number of values over the highest threshold that is tried."""
FEWEST_EXCESSES = 10
"""Least number of paths above the threshold for intervals to have their nominal coverage."""
HEAVY = 0.5
"""Shape of the generalised Pareto law from which on the variance is infinite (tail index 2)."""
MARGIN = 0.06
"""Distance at which shapes are distinguishable from a limit: 1.645 standard errors for 1,500 to 2,048 values."""
MEANLESS = 1.0
"""Shape from which on the mean is infinite."""
MISFIT = 1.2
"""Anderson-Darling statistic above which a tail is taken not to follow one generalised Pareto law.

Of tails that do follow one, 1 % are above it.
"""
END = 3
"""Number of paths tied at the largest value from which on that value is taken as the variable's upper bound."""
HEAVY_TAILS = frozenset({Reason.HEAVY_TAIL, Reason.NO_VARIANCE, Reason.NO_MEAN, Reason.NO_FOURTH_MOMENT})
TOO_HEAVY = HEAVY_TAILS - WARNINGS
"""Flags of tails that are too heavy for an interval."""
LARGEST_SHAPE = 0.7
"""Tail shape (k-hat) of weights or weighted values above which estimates are unreliable (Vehtari et al. 2024)."""
ROUNDING = 2.0**32
"""Distance, in spacings of double precision, up to which two values count as equal: 8 spacings of single precision."""


@dataclass(frozen=True)
class Extremes:
    """The smallest and the largest values of a sample, from which its tails are judged.

    Args:
      least, largest: the smallest and the largest values, each ascending: one more than `tail_size`.
      count: number of values in the sample.
      plain: extremes of the values without their weights, if they have any.
    """

    least: Float[np.ndarray, "rank"]
    largest: Float[np.ndarray, "rank"]
    count: int
    plain: Extremes | None = None

    @cached_property
    def upper(self) -> Flag | None:
        """Flag of the upper tail; of weighted values below `LARGEST_SHAPE` a warning, if the plain ones have none.

        Source of the limit: Vehtari, Simpson, Gelman, Yao and Gabry (2024), J. Mach. Learn. Res. 25(72), 1-58, for the
        tail of w h(x).
        """
        flag = largest_flag(self.largest)
        if self.plain and flag and flag.reason in TOO_HEAVY and flag.got < LARGEST_SHAPE:
            own = self.plain.upper
            return own if own and own.reason in TOO_HEAVY else Flag(Reason.HEAVY_TAIL, flag.got, HEAVY)
        return flag

    @cached_property
    def negative(self) -> Extremes:
        """Extremes of the negated values."""
        return Extremes(-self.largest[::-1], -self.least[::-1], self.count, self.plain and self.plain.negative)

    @property
    def positive(self) -> Extremes:
        """Extremes of max(value, 0)."""
        return Extremes(np.maximum(self.least, 0), np.maximum(self.largest, 0), self.count)

    @staticmethod
    def of(values: Paths) -> Extremes:
        """Extremes of values in any order."""
        return Extremes.of_parts((values[first : first + BLOCK] for first in range(0, len(values), BLOCK)), len(values))

    @staticmethod
    def of_parts(parts: Iterable[Paths], count: int) -> Extremes:
        """Extremes of values in any order, of which one part is in memory at a time; only the extremes are sorted."""
        size = tail_size(count) + 1
        least = largest = np.zeros(0, np.float32)
        for part in parts:
            if len(least) == size:  # most values lie between the extremes found so far
                part = part[np.flatnonzero((part < least[-1]) | (part > largest[0]))]
            found = np.sort(part)
            least = np.sort(np.concatenate([least, found[:size]]))[:size]
            largest = np.sort(np.concatenate([largest, found[-size:]]))[-size:]
        return Extremes(least, largest, count)

    @staticmethod
    def of_sorted(ascending: Ascending) -> Extremes:
        """Extremes of values that ascend at both ends, with all others between them."""
        count = len(ascending)
        size = tail_size(count) + 1
        return Extremes(ascending[:size], ascending[count - size :], count)


def tails_flag(ends: Extremes, centre: float, squares: float) -> Flag | None:
    """Flag of a mean from both tails of its values; one that withholds the interval comes before one that does not.

    Args:
      ends: extremes of the values.
      centre, squares: as in `material`.
    """
    sides = (ends, centre), (ends.negative, -centre)
    return gravest(material(side.upper, side.largest, middle, squares) for side, middle in sides)


def squares_flag(ends: Extremes, mean: float, centre: float, squares: float) -> Flag | None:
    """Flag of a standard deviation: whether the squared distances from the mean have a finite variance.

    Args:
      ends: extremes of the values.
      mean: their mean.
      centre, squares: as in `material`, of the squared distances.
    """
    both = np.concatenate([ends.least, ends.largest]).astype(np.float64)
    most = np.sort((both - mean) ** 2)[-len(ends.largest) :]
    return of_squares(material(largest_flag(most), most, centre, squares))


def of_squares(flag: Flag | None) -> Flag | None:
    """A tail flag of squared values restated for the values themselves: half the shape, half the limit."""
    if flag is None or flag.reason not in HEAVY_TAILS:
        return flag
    reason = Reason.NO_FOURTH_MOMENT if flag.withholds else Reason.HEAVY_TAIL
    return Flag(reason, flag.got / 2, HEAVY / 2)


def gravest(flags: Iterable[Flag | None]) -> Flag | None:
    """The first flag that withholds an interval, or else the first flag; None if there is none."""
    return min(filter(None, flags), key=lambda flag: not flag.withholds, default=None)


def material(flag: Flag | None, ascending: Ascending, centre: float, squares: float) -> Flag | None:
    """The flag of a tail; None where it is only for few tail paths and these contribute less than half of the error.

    Args:
      flag: the flag.
      ascending: the largest values, at least as many as the flag counts.
      centre: the mean or VaR from which deviations are measured.
      squares: sum over all paths of the squared deviations behind the standard error.
    """
    if flag is None or flag.reason is not Reason.FEW_TAIL_PATHS:
        return flag
    few = ascending[len(ascending) - int(flag.got) :].astype(np.float64) - centre
    return flag if 2 * float(few @ few) >= squares else None


def tail_size(count: int) -> int:
    """Number of largest values by which the tail of a sample of `count` is judged; 0 where the sample is too small."""
    k = min(max(count // 10, min(1500, count // 4)), TAIL_VALUES)
    return k if k >= FEWEST_TAIL_VALUES else 0


def largest_flag(ascending: Values) -> Flag | None:
    """Flag of an upper tail: why a mean over it may have no interval; None if nothing is wrong.

    A generalised Pareto law is fitted to the largest values: a tenth of the sample, but at least 1500 or a quarter of
    it, and at most 2048. Where it does not fit, it is fitted to the larger half of these, and so on down to 100, as a
    fit to a mixture of two populations describes neither. The first that fits decides by its shape: from 0.44 on the
    tail is flagged as heavy (an infinite variance, shape 0.5, is not excluded), from 0.56 on the interval is withheld.
    It is withheld too where only 1 to 9 values are distinguishable from the threshold. No flag where no law fits, where
    three paths share the largest value, and for fewer than 200 values.

    Args:
      ascending: the largest values (`tail_size`) and the next smaller one, ascending.
    """
    count = len(excesses_over(ascending))
    if not count:
        return None
    if count < FEWEST_EXCESSES:
        return Flag(Reason.FEW_TAIL_PATHS, count, FEWEST_EXCESSES)
    if ascending[-1] == ascending[-END]:
        return None
    size = len(ascending) - 1
    while len(excesses := excesses_over(ascending[-size - 1 :])) >= FEWEST_TAIL_VALUES:
        spread = spread_evenly(excesses)
        shape, scale = pareto_fit(spread)
        if misfit(spread, shape, scale) <= MISFIT:
            return _judged(shape, len(excesses))
        size //= 2
        if size < FEWEST_HALVED:
            break
    return None


def pareto_fit(excesses: Values, points: int = 20) -> tuple[float, float]:
    """Shape (1 / tail index) and scale of the generalised Pareto law fitted to excesses over a threshold.

    Unlike Hill's estimator it does not depend on where the variable's zero lies. Source: Zhang and Stephens (2009),
    Technometrics 51, 316-325, doi:10.1198/tech.2009.08017.

    Args:
      excesses: positive, ascending.
      points: number of points, less the root of the number of excesses, of the grid for theta = -shape / scale.
    """
    n = len(excesses)
    points += int(np.sqrt(n))
    quartile = excesses[int(n / 4 + 0.5) - 1]
    theta = 1 / excesses[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quartile)
    theta = theta[theta != 0]
    shape = np.log(1 - theta[:, None] * excesses).sum(axis=1) / n
    likelihood = n * (np.log(-theta / shape) - shape - 1)
    weight = np.exp(likelihood - likelihood.max())
    chosen = float((theta * weight).sum() / weight.sum())
    fitted = float(np.log(1 - chosen * excesses).mean())
    return fitted, -fitted / chosen


def misfit(excesses: Values, shape: float, scale: float) -> float:
    """Anderson-Darling statistic of ascending excesses against a generalised Pareto law.

    For excesses that follow the law with fitted parameters, 95 % of the statistics are below 0.8 (shape 0.5) to 1.1
    (shape -0.5). Source: Choulakian and Stephens (2001), Technometrics 43, 478-484, doi:10.1198/00401700152672573.
    """
    n = len(excesses)
    inside = np.maximum(1 + shape * excesses / scale, np.finfo(np.float64).tiny)
    beyond = np.maximum(np.log(inside) / shape, 1e-12)
    weight = 2 * np.arange(1, n + 1) - 1
    return float(-n - weight @ (np.log(-np.expm1(-beyond)) - beyond[::-1]) / n)


def excesses_over(ascending: Values) -> Values:
    """Excesses of ascending values over the first of them, without those that are only rounding error."""
    threshold = float(ascending[0])
    excesses = ascending[1:].astype(np.float64) - threshold
    return excesses[excesses > ROUNDING * np.spacing(abs(threshold))]


def spread_evenly(excesses: Values) -> Values:
    """Excesses with ties spread evenly around their value, halfway to its neighbours, and shifted to begin at zero.

    So whole numbers, such as counts, have the tail of the continuous quantity that they round.
    """
    value, count = np.unique(excesses, return_counts=True)
    if len(value) == len(excesses):
        return excesses
    gap = np.diff(value, prepend=0.0)
    edges = np.append(value - gap / 2, value[-1] + gap[-1] / 2)
    spread = np.interp(np.arange(len(excesses)) + 0.5, np.append(0, np.cumsum(count)), edges)
    return np.where(np.repeat(count, count) == 1, excesses, spread) - edges[0]


def _judged(shape: float, count: int) -> Flag | None:
    if shape < HEAVY - MARGIN:
        return None
    if shape < HEAVY + MARGIN:
        return Flag(Reason.HEAVY_TAIL, shape, HEAVY)
    endless = shape + float(ndtri(0.999)) * ((1 + shape) / np.sqrt(count)) >= MEANLESS
    return Flag(Reason.NO_MEAN, shape, MEANLESS) if endless else Flag(Reason.NO_VARIANCE, shape, HEAVY)
