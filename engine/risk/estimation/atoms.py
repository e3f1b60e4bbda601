"""Interval of the difference of two quantiles of tied values, from the number of paths that pass each value.

A quantile of tied values jumps from one value to the next, so its error is not normal; the number of paths that pass a
given value is nearly normal. A value x is the quantile of a loss with exceedance probability a where P(X > x) <= a <=
P(X >= x). A pair (x, y) is kept where the least distance of the two counts from distributions that satisfy this, in the
metric of their covariance over units, is within the reach of one normal error; the interval runs from the least kept x
- y to the largest. Without ties this is the normal interval of the difference. It inverts a test with a nuisance
parameter by its profile statistic: Owen (2001), Empirical Likelihood, sections 3.6 and 5.4, doi:10.1201/9781420036152;
least distance from an inequality: Silvapulle and Sen (2005), Constrained Statistical Inference, section 3.3,
doi:10.1002/9781118165614.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.sparse import csr_array

from engine.risk.estimation.intervals import Paths, Units

MOST = 64
"""Number of score steps; neighbouring values whose scores fall in the same step are merged into one place."""
COARSE = 0.25
"""Ties are ignored where all paths with one value move the difference by less than this many standard errors."""
OPEN = 2.0
"""Score that stands for no bound; the scores of edges lie between -1 and 1."""

Edges = Float[np.ndarray, "edge"]
Values = Float[np.ndarray, "place"]


@dataclass(frozen=True)
class Places:
    """Places where a quantile may lie by its own interval: single values, or neighbouring values merged, ascending.

    Args:
      low, high: least and largest value of each place [place].
      score: for each place except the first, the number of paths that reach it less the number that the level implies,
        scaled by the quantile's own interval to lie between 1 and -1 [edge].
    """

    low: Values
    high: Values
    score: Edges

    @staticmethod
    def of(
        low: Values, high: Values, reaching: Num[np.ndarray, "edge"], expected: float, ends: tuple[float, float]
    ) -> tuple[Places, Int[np.ndarray, "edge"]]:
        """Places of ascending values, and the indices of the edges that remain after merging.

        Args:
          low, high: least and largest value of each place before merging.
          reaching: number of paths that reach each place except the first.
          expected: number of paths that pass the quantile, by its level.
          ends: fewest and most such paths that the quantile's own interval allows.
        """
        more = reaching - expected
        fewest, most = ends
        scale = np.where(more > 0, most - expected, expected - fewest)
        score = np.clip(more / np.maximum(scale, 0.5), -1.0, 1.0)
        step = np.floor(score * (MOST / 2))
        kept = np.flatnonzero(np.diff(step, prepend=np.inf)) if len(score) >= MOST else np.arange(len(score))
        first = np.concatenate([[0], kept + 1])
        last = np.concatenate([kept, [len(low) - 1]])
        return Places(low[first], high[last], score[kept]), kept


def interval(
    first: tuple[Places, csr_array], second: tuple[Places, csr_array], sizes: Float[np.ndarray, "unit"]
) -> tuple[float, float]:
    """Least and largest difference between a place of the first quantile and one of the second, over all kept pairs.

    Args:
      first, second: places of the two quantiles, and number of paths of each unit for which an edge is the last that
        they reach [unit, edge].
      sizes: number of paths in each unit.
    """
    (one, x_reached), (two, y_reached) = first, second
    ends = [
        # P(X > x) <= a bounds the score of a place's upper edge from above, P(X >= x) >= a that of its lower edge from
        # below
        ((1.0, np.append(of.score, -OPEN), 1), (-1.0, np.append(-OPEN, -of.score), 0))
        for of in (one, two)
    ]
    padded = np.pad(correlation(x_reached, y_reached, sizes), 1)
    distance = np.zeros((len(one.low), len(two.low)))
    for sign, x, i in ends[0]:
        for other, y, j in ends[1]:
            r = sign * other * padded[i : i + len(x), j : j + len(y)]
            np.maximum(distance, _distance(x[:, None], y[None], r), out=distance)
    kept = distance <= 1 + 1e-9
    least, largest = one.low[:, None] - two.high, one.high[:, None] - two.low
    return float(least[kept].min()), float(largest[kept].max())


def _distance(x: np.ndarray, y: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Least (u^2 - 2 r u w + w^2) / (1 - r^2) over u >= x, w >= y."""
    most, least = np.maximum(x, y), np.minimum(x, y)
    both = (most > 0) & (least > r * most)
    with np.errstate(divide="ignore", invalid="ignore"):
        corner = (most**2 - 2 * r * most * least + least**2) / np.maximum(1 - r * r, 0.0)
    return np.where(both, corner, np.maximum(most, 0.0) ** 2)


def reached_by_unit(edges: Int[np.ndarray, "path"], count: int, units: Units, weights: Paths) -> csr_array:
    """Total weight of the paths of each unit for which each edge is the last that they reach [unit, edge].

    Args:
      edges: number of edges that each path reaches.
      count: number of all edges.
      units: independent units of the paths.
      weights: weight of each path.
    """
    path = np.flatnonzero(edges)
    at = units.owners(path), edges[path] - 1
    return csr_array((weights[path], at), shape=(units.count, count))


def correlation(x: csr_array, y: csr_array, sizes: Float[np.ndarray, "unit"]) -> Float[np.ndarray, "edge edge"]:
    """Correlation over units of the numbers of paths that reach each edge of x and of y; 0 if one is constant.

    Args:
      x, y: number of paths of each unit for which an edge is the last that they reach [unit, edge].
      sizes: number of paths in each unit.
    """
    even = np.ones(len(sizes)) / sizes.sum()

    def covariance(a: csr_array, b: csr_array) -> np.ndarray:
        together = _reached(_reached((a.T @ b).toarray()).T).T
        (share, sized), (other, other_sized) = ((_reached(of.T @ even), _reached(of.T @ sizes)) for of in (a, b))
        apart = np.outer(share, other_sized) + np.outer(sized, other)
        return together - apart + (sizes @ sizes) * np.outer(share, other)

    variance = np.outer(np.diag(covariance(x, x)), np.diag(covariance(y, y)))
    r = np.where(variance > 0, covariance(x, y) / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)
    # two counts that always agree differ by rounding alone
    return np.where(np.abs(r) > 1 - 1e-12, np.sign(r), r)


def _reached(ending: np.ndarray) -> np.ndarray:
    """Number of paths that reach each edge, from the number for which it is the last, along the first axis."""
    return ending[::-1].cumsum(axis=0)[::-1]
