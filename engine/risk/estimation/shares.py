"""Shares of paths with a property and their intervals, and differences of shares: [cell, path] -> [cell]."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from scipy.special import bdtr, bdtrik, betaincinv

from engine.risk.estimation.influences import Column
from engine.risk.estimation.intervals import TAIL, Cells, Moments, Units, Z, dots

Holds = Bool[np.ndarray, "*cells path"]
Shares = tuple[Any, ...]
"""Estimate, standard error, low and high end of the interval."""
BOTH = np.uint16(0x0101)  # two neighbouring true values, read as one number
FEW_HITS = 3
"""Largest effective number of hits, or of misses, whose end of an interval is exact: for 1,000 paths the least coverage
over all probabilities is 83.8 % for 0, 92.7 % for 3, and 92.9 % for 4 to 6."""


def joint(x: Holds, y: Holds, units: Units) -> Cells:
    """Sum over units of (X - mean)(Y - mean), X and Y being a unit's numbers of paths with the properties x and y.

    For J units of equal weight it is (J sum X Y - sum X sum Y) / J, in integers, so that no digit is lost.
    """
    if not units.small:
        totals = map(units.totals, (x, y))
        r, s = (of - units.sizes * (of.sum(axis=-1, keepdims=True) / units.paths) for of in totals)
        return dots(r, s)
    together, of_x, of_y = (_count(x),) * 3 if x is y else map(_count, (x & y, x, y))
    if units.size > 1:  # and the other path of each pair
        pairs = np.ascontiguousarray(y).view(np.uint16)
        both = 2 * _count(pairs == BOTH) if x is y else _count(x & pairs.byteswap().view(bool))
        together = together + both
    return (units.count * together - of_x * of_y) / units.count


def _count(x: Holds) -> Int[np.ndarray, "*cells"]:
    """Number of paths with a property, cell by cell, as NumPy counts slowly along an axis."""
    counts = [np.count_nonzero(x[cell]) for cell in np.ndindex(x.shape[:-1])]
    return np.array(counts, np.int64).reshape(x.shape[:-1])


def share_moments(x: Holds, units: Units) -> Moments:
    """Moments of the share of paths with a property, without skewness."""
    total = _count(x) if units.weights is None else dots(x, units.weights)
    return moments_of_share(total, joint(x, x, units), units)


def moments_of_share(total: Cells, square: Cells, units: Units) -> Moments:
    """Moments from the number of paths with a property and the sum over units of the squared residuals."""
    mean = total / units.paths
    return Moments(mean, error_of(square, units), np.zeros_like(mean), units.count)


def error_of(square: Cells, units: Units) -> Cells:
    """Standard error of a mean, from the sum over units of the squared residuals."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.maximum(square, 0.0) * units.count / np.float64(units.count - 1)) / units.paths


def effective_count(share: Moments, units: Units, unseen: float | None = None) -> Cells:
    """How many independent paths would give this share of paths the error it has: n over the design effect.

    share (1 - share) / error^2, held between 1 and n J; from replicates less, by (1.96 / their `reach`)^2. Where all or
    no path has the property the design effect is unknown: the number of units stands in for it, or n - J for
    replicates, which are never worse than one path less each (Owen 1997, SIAM J. Numer. Anal. 34, 1884-1910), over the
    weight of the heaviest path. Source: Korn and Graubard (1998), Survey Methodology 24, 193-201.

    Args:
      unseen: the number where all paths or none have the property, if paths have other weights than those of the units.
    """
    if unseen is None:
        if units.alone:
            return np.full_like(share.mean, float(units.paths))
        heaviest = 1.0 if units.weights is None else float(units.weights.max())
        unseen = max(units.count, units.paths - units.count) / heaviest
    if units.count < 2:
        return np.ones_like(share.mean)
    variance = share.error**2 * (units.count - 1) / units.count
    spread = share.mean * (1 - share.mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        count = np.clip(spread / variance, 1.0, float(units.paths) * units.count)
    if units.replicated:
        count = np.maximum(count * (Z / units.reach) ** 2, 1.0)
    return np.where(spread > 0, count, unseen)


def tail_ranks(count: Cells, share: float, risk: float = TAIL) -> tuple[Cells, Cells]:
    """Ranks from the top between which the quantile with `share` above it lies, each end missed with `risk`.

    Of `count` independent values, the low end is the `first`-th largest and the high end the `second`-th largest, with
    P(Bin(count, share) >= first) <= risk and P(Bin(count, share) < second) <= risk; second = 0: no value is high
    enough. Source: David and Nagaraja (2003), Order Statistics, 3rd ed., section 7.1, doi:10.1002/0471722162.
    """
    counts, place = np.unique(np.rint(count), return_inverse=True)
    first, second = (_binomial_quantile(at, counts, share)[place].reshape(np.shape(count)) for at in (1 - risk, risk))
    return first + 1, second


def _binomial_quantile(probability: float, count: np.ndarray, share: float) -> np.ndarray:
    """Smallest k with P(Bin(count, share) <= k) >= probability, searched upwards from just below its real root."""
    whole, k = count.astype(np.int64), np.maximum(np.floor(bdtrik(probability, count, share)) - 1, 0)
    while np.any(short := bdtr(k, whole, share) < probability):
        k = k + short
    return k


def exact_interval(share: Cells, count: Cells) -> tuple[Cells, Cells]:
    """Interval of a probability from the binomial law itself, each end missed with probability at most `TAIL`.

    For small counts and for extreme confidence levels. Source: Clopper and Pearson (1934), Biometrika 26, 404-413,
    doi:10.1093/biomet/26.4.404, with an effective count as in `effective_count`.
    """
    hits = share * count
    misses = count - hits
    low = np.where(share > 0, betaincinv(np.maximum(hits, 1e-300), misses + 1, TAIL), 0.0)
    high = np.where(share < 1, betaincinv(hits + 1, np.maximum(misses, 1e-300), 1 - TAIL), 1.0)
    return np.minimum(low, share), np.maximum(high, share)


def share_interval(share: Cells, count: Cells, z: float = Z) -> tuple[Cells, Cells]:
    """95 % interval of a probability with an effective count: Wilson's score, with exact ends for few hits or misses.

    With `FEW_HITS` hits or fewer, rounded, the lower end is that of `exact_interval`, and with as few misses the upper
    end. Wilson's lower end for a single hit lies above the probability in up to 16 % of samples.

    Args:
      z: how many standard errors it reaches; that of the normal law if not given.

    Source: Wilson (1927), J. Am. Statist. Assoc. 22, 209-212, doi:10.1080/01621459.1927.10502953.
    """
    extra = z**2 / count
    centre = (share + extra / 2) / (1 + extra)
    half = np.sqrt(extra * share * (1 - share) + extra**2 / 4) / (1 + extra)
    # at the ends the score interval closes exactly; rounding must not open or overshoot it
    low = np.where(share <= 0, 0.0, np.minimum(centre - half, share))
    high = np.where(share >= 1, 1.0, np.maximum(centre + half, share))
    reached = count * (Z / z) ** 2
    exact = exact_interval(share, reached)
    low, high = (
        np.where(np.rint(part * reached) <= FEW_HITS, *ends)
        for part, ends in ((share, (exact[0], low)), (1 - share, (exact[1], high)))
    )
    return np.maximum(low, 0.0), np.minimum(high, 1.0)


def combined_difference(first: Shares, second: Shares, error: Cells | float, correlation: Cells | float) -> Shares:
    """`first` - `second`, with the error of the difference, from their own intervals and the correlation of the two.

    The interval is asymmetric as its parts are, so that it stays honest for probabilities near 0 or 1; where no error
    was seen, the error is that of a normal interval as wide.
    Source: Newcombe (1998), Statist. Med. 17, 2635-2650 (method 10),
    doi:10.1002/(SICI)1097-0258(19981130)17:22<2635::AID-SIM954>3.0.CO;2-C.
    """
    (a, _, a_low, a_high), (b, _, b_low, b_high) = first, second

    def reach(one: Cells, two: Cells) -> Cells:
        return np.sqrt(np.maximum(one * one - 2 * correlation * one * two + two * two, 0.0))

    low, high = a - b - reach(a - a_low, b_high - b), a - b + reach(a_high - a, b - b_low)
    return a - b, np.where(error == 0, (high - low) / (2 * Z), error), low, high


def share(holds: Bool[np.ndarray, "*cells path"], units: Units) -> Column:
    """Shares of paths with a property, with their intervals."""
    of = share_moments(holds, units)
    column = share_of_moments(of, effective_count(of, units))
    return column if units.count > 1 or units.paths == 1 else (of.mean, *np.full((3, *of.mean.shape), np.nan))


def share_of_moments(of: Moments, count: Cells, reach: float = Z) -> Column:
    """Shares with their intervals, from their moments and the effective number of paths."""
    low, high = share_interval(of.mean, count, reach)
    certain = (of.mean <= 0) | (of.mean >= 1)
    return of.mean, np.where(certain, (high - low) / (2 * Z), of.error), low, high


def share_gap(x: Bool[np.ndarray, "*cells path"], y: Bool[np.ndarray, "*cells path"], units: Units) -> Column:
    """Shares of paths with one property less those with another, on the same paths, with their intervals."""
    one, two = share(x, units), share(y, units)
    square, other, product = (joint(*pair, units) for pair in ((x, x), (y, y), (x, y)))
    error, scale = error_of(square + other - 2 * product, units), np.sqrt(np.maximum(square * other, 0.0))
    correlated = np.divide(product, scale, out=np.zeros_like(scale), where=scale > 0)
    return combined_difference(one, two, error, correlated)
