"""The point nearest to the middle of standard normal scores at which something happens: searched for, with many points looked at at once.

On its edge a margin is zero. Points slide along the edge by the algorithm of Hasofer, Lind, Rackwitz and Fiessler with differences for
gradients, and what changes nothing is let go of. Sources: Hasofer and Lind (1974), J. Eng. Mech. Div. ASCE 100, 111-121; Rackwitz and
Fiessler (1978), Comput. Struct. 9, 489-494, doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.special import ndtr

from engine.analyses.failure_edge import AT_ONCE, FINELY, FIRST_ROUNDS, ROUNDS, Edge, Margin, Points, norms

STARTS = 40
"""Points that are slid along the edge for a few rounds."""
FINALISTS = 5
"""Those of them that are slid to the end."""
SEARCHES, IN_VAIN = 32, 2
"""Searches for other points, at most, and how many of them in a row may end at points that are known."""
LEAST_PROBABLE = 0.1
"""Points beyond whose plane there is less than this share of what is beyond the nearest one's add little: they are not listed."""


@dataclass(frozen=True)
class Nearest:
    """The nearest point that was seen.

    Args:
      point: its scores, on the edge: it happens there, and not a millionth nearer to the middle.
      distance: from the middle; 0 where it happens in the middle itself, infinite where it was seen nowhere.
      of_starts: distance of the edge on the way to each start.
      slid: starts that were slid along the edge, in all searches.
    """

    point: Float[np.ndarray, "score"]
    distance: float
    of_starts: Float[np.ndarray, "start"]
    slid: int


def nearest_points(
    margin: Margin, starts: Points, others: Callable[[Points], Points] | None = None
) -> tuple[Nearest, ...]:
    """The nearest point, and all others that were seen to be about as near, each nearer than the edge around it; the nearest first.

    A start that lies beyond the plane through a point, square to its ray, is accounted for by it: of an edge that is a plane all are. From
    those that no point accounts for, those first that are farthest from any, another is searched, and is another one where the edge between lies farther out by `RIDGE`.
    Listed are those whose Phi(-distance), the probability beyond such a plane, is at least `LEAST_PROBABLE` of the nearest one's.
    After Der Kiureghian and Dakessian (1998), Struct. Saf. 20, 37-49, doi:10.1016/S0167-4730(97)00026-X, with the starts in place of bulges.

    Args:
      starts: points at which it happens, or nearly.
      others: points that may be as near as one is [score, 1], such as the same some years later: of these the nearest are slid too.
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
        seen = [
            found if k in same[:1] and found.distance < one.distance else one for k, one in enumerate(seen)
        ]
        left = np.delete(left, least, axis=1)
    seen.sort(key=lambda one: one.distance)
    listed = [
        one
        for one in seen
        if one is seen[0] or ndtr(-one.distance) >= LEAST_PROBABLE * ndtr(-seen[0].distance)
    ]
    return tuple(replace(one, of_starts=first.of_starts, slid=count) for one in listed)


def _searched(
    edge: Edge, starts: Points, others: Callable[[Points], Points] | None, slid: int, finalists: int
) -> Nearest:
    """The nearest point on the edge: the starts drawn in to it, the nearest of them and their mean slid along it, the best to the end.

    Args:
      slid: how many starts are slid along the edge, beside their mean.
      finalists: how many of these to the end.
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
