"""The design points of a failure region: where it happens nearest to the origin of standard normal scores.

On the edge of the region the margin is zero. Points slide along the edge by the algorithm of Hasofer, Lind, Rackwitz
and Fiessler, with finite differences for gradients, and scores that change nothing are reduced. Sources: Hasofer and
Lind (1974), J. Eng. Mech. Div. ASCE 100, 111-121; Rackwitz and Fiessler (1978), Comput. Struct. 9, 489-494,
doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from engine.analyses.failure_edge import AT_ONCE, FINELY, FIRST_ROUNDS, ROUNDS, Edge, Margin, Points, norms

STARTS = 40
"""Starting points that slide along the edge for a few rounds."""
FINALISTS = 5
"""How many of them, the nearest, slide to the end."""
SEARCHES, IN_VAIN = 32, 2
"""Most searches for further points, and how many in a row may end at known points before these stop."""
LEAST_PROBABLE = 0.1
"""Least probability beyond a point's tangent plane, relative to that of the nearest point, for it to be listed."""


@dataclass(frozen=True)
class Nearest:
    """A design point that was found.

    Args:
      point: its scores; it is just inside the edge.
      distance: from the origin; 0 if it happens at the origin itself, infinite if it was found nowhere.
      of_starts: distance of the edge on the ray to each starting point.
      slid: how many starting points slid along the edge, in all searches.
    """

    point: Float[np.ndarray, "score"]
    distance: float
    of_starts: Float[np.ndarray, "start"]
    slid: int


def nearest_points(
    margin: Margin, starts: Points, others: Callable[[Points], Points] | None = None
) -> tuple[Nearest, ...]:
    """The nearest design point and all others about as near, each nearer than the edge around it; the nearest first.

    A design point accounts for the starting points beyond its tangent plane; if the edge is a plane, for all. From
    those that no point accounts for, the least accounted for first, another point is searched, which is distinct if the
    edge between lies farther out by `RIDGE`. Listed are points whose Phi(-distance), the probability beyond the tangent
    plane, is at least `LEAST_PROBABLE` of the nearest one's.

    Args:
      margin: by point, positive where it happens.
      starts: points at which it happens, or nearly [score, point].
      others: for a point [score, 1], further candidates, such as the same future with its shocks in other years; the
        nearest of them slide too.
    """
    edge = Edge(margin, np.random.default_rng(0))
    first = _searched(edge, starts, others, STARTS, FINALISTS)
    seen, left, in_vain, count = [first], starts, 0, first.slid
    for _ in range(SEARCHES if 0 < first.distance < np.inf else 0):
        account = np.max([one.point @ left / one.distance**2 for one in seen], axis=0)
        least = np.argsort(account, kind="stable")[: AT_ONCE - 1]
        least = least[account[least] < 1]
        if not len(least) or in_vain == IN_VAIN:
            break
        found = _searched(edge, left[:, least], None, AT_ONCE - 1, 1)
        count += found.slid
        same = [k for k, one in enumerate(seen) if not edge.are_apart(found.point, one.point)]
        if not same and np.isfinite(found.distance):
            seen.append(found)
            in_vain = 0
            continue
        in_vain += 1
        seen = [found if k in same[:1] and found.distance < one.distance else one for k, one in enumerate(seen)]
        left = np.delete(left, least, axis=1)
    seen.sort(key=lambda one: one.distance)
    listed = [one for one in seen if one is seen[0] or ndtr(-one.distance) >= LEAST_PROBABLE * ndtr(-seen[0].distance)]
    return tuple(replace(one, of_starts=first.of_starts, slid=count) for one in listed)


def _searched(
    edge: Edge, starts: Points, others: Callable[[Points], Points] | None, slid: int, finalists: int
) -> Nearest:
    """The nearest point found from some starts.

    They are drawn in to the edge; the nearest and their mean slide along it, the best of these to the end.

    Args:
      slid: how many starts slide along the edge, beside their mean.
      finalists: how many of these slide to the end.
    """
    if not len(starts):  # nothing is drawn, so that no future differs from the middle one
        return Nearest(np.zeros(0), np.inf, np.full(starts.shape[1], np.inf), 0)
    zero = np.zeros((len(starts), 1))
    if edge.inside(zero)[0]:
        return Nearest(zero[:, 0], 0.0, np.zeros(starts.shape[1]), 0)
    drawn, sizes = edge.reached(starts, 1.0)
    far, far_sizes = edge.reached(starts.mean(axis=1, keepdims=True), 8.0)
    order = np.argsort(sizes, kind="stable")[:slid]
    points = np.concatenate([far, drawn[:, order]], axis=1)
    points = points[:, np.isfinite(np.concatenate([far_sizes, sizes[order]]))]
    count = points.shape[1]
    if not count:
        return Nearest(np.full(len(starts), np.nan), np.inf, sizes, 0)
    points = edge.slid(points, FIRST_ROUNDS)
    best = np.argsort(norms(points), kind="stable")[:finalists]
    points = edge.slid(points[:, best], ROUNDS)
    point = points[:, [int(np.argmin(norms(points)))]]
    for _ in range(ROUNDS if others else 0):
        before = norms(point)[0]
        point = edge.instead(point, others(point), finalists)  # type: ignore[misc]
        if norms(point)[0] > (1 - 1e-3) * before:
            break
    point = edge.slid(edge.tried_around(point), ROUNDS)
    point, _ = edge.reached(point, 1.0 + 1e-4, FINELY)
    return Nearest(point[:, 0], float(norms(point)[0]), sizes, count)
