"""Interval of one quantile less another where values are tied: which pairs of values the two may be, given on how many paths each is passed.

A quantile of tied values jumps from one value to the next, so its error has no normal law; the number of paths that pass a given value has.
A value x is the quantile of a loss, with a share a of its law above, where P(X > x) <= a <= P(X >= x). The pair (x, y) is kept where the least
distance of the two counts from such a law, in the metric of their covariance over units, is within the reach of one normal error; the interval
runs from the least x - y that is kept to the largest. For values without ties this is the normal interval of the difference. It is
inversion of a test with a nuisance, by the profile of its statistic: Owen (2001), Empirical Likelihood, sections 3.6 and 5.4,
doi:10.1201/9781420036152; the least distance from an inequality: Silvapulle and Sen (2005), Constrained Statistical Inference, section 3.3,
doi:10.1002/9781118165614.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.sparse import csr_array

from engine.risk.estimation.intervals import Units

MOST = 64
"""Places that are held apart: neighbours in one of so many steps of the score are taken together."""
COARSE = 0.25
"""Standard errors of a difference that the paths with one value may be worth before their tie matters."""
OPEN = 2.0
"""A score that bounds nothing: those that count are from -1 to 1."""

Edges = Float[np.ndarray, "edge"]
Values = Float[np.ndarray, "place"]


@dataclass(frozen=True)
class Places:
    """Where a quantile may be, by its own interval: values, or neighbouring ones taken together, ascending.

    Args:
      low, high: least and largest value of each place [place].
      score: for each place but the first, by how much more paths reach it than the level says, in units of what the quantile's own
        interval allows: from 1 down to -1 [edge].
    """

    low: Values
    high: Values
    score: Edges

    @staticmethod
    def of(
        low: Values,
        high: Values,
        reaching: Num[np.ndarray, "edge"],
        expected: float,
        ends: tuple[float, float],
    ) -> tuple[Places, Int[np.ndarray, "edge"]]:
        """Those of values ascending, and which of their edges are left where many are taken together.

        Args:
          reaching: paths that reach each place but the first.
          expected: paths that pass the quantile, were its law the sample's.
          ends: the fewest and the most that the quantile's own interval allows.
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


def interval(one: Places, two: Places, correlation: Float[np.ndarray, "edge edge"]) -> tuple[float, float]:
    """Least and largest difference of a place of the first and one of the second that are kept together.

    Args:
      correlation: of the numbers of paths that reach their edges.
    """
    ends = [
        # above a place is its upper edge, which more than the level may not pass; at or above it the lower one, which fewer may not
        ((1.0, np.append(of.score, -OPEN), 1), (-1.0, np.append(-OPEN, -of.score), 0))
        for of in (one, two)
    ]
    padded = np.pad(correlation, 1)
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


def reached_by_unit(
    edges: Int[np.ndarray, "path"], count: int, units: Units, weights: Float[np.ndarray, "path"]
) -> csr_array:
    """Weight of the paths of each unit that reach an edge and no further one [unit, edge], from how many of all edges each path reaches."""
    path = np.flatnonzero(edges)
    at = units.owners(path), edges[path] - 1
    return csr_array((weights[path], at), shape=(units.count, count))


def correlation(
    x: csr_array, y: csr_array, sizes: Float[np.ndarray, "unit"]
) -> Float[np.ndarray, "edge edge"]:
    """Correlation over units of the numbers of paths that reach each edge of the one and each of the other; 0 where one never varies.

    Args:
      x, y: paths of each unit that reach an edge and no further one [unit, edge].
      sizes: paths in each unit.
    """
    paths = sizes.sum()
    share, sized = ([_reached(part.T @ of) for part in (x, y)] for of in (np.ones(len(sizes)) / paths, sizes))

    def covariance(i: int, j: int) -> np.ndarray:
        together = _reached(_reached(((x, y)[i].T @ (x, y)[j]).toarray()).T).T
        apart = np.outer(share[i], sized[j]) + np.outer(sized[i], share[j])
        return together - apart + (sizes @ sizes) * np.outer(share[i], share[j])

    variance = np.outer(np.diag(covariance(0, 0)), np.diag(covariance(1, 1)))
    r = np.where(variance > 0, covariance(0, 1) / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)
    # two counts that always agree differ by rounding alone
    return np.where(np.abs(r) > 1 - 1e-12, np.sign(r), r)


def _reached(ending: np.ndarray) -> np.ndarray:
    """Along the first axis, how many reach each edge, from how many reach no further one."""
    return ending[::-1].cumsum(axis=0)[::-1]
