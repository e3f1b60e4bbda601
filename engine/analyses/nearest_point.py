"""The point nearest to the middle of standard normal scores at which something happens: searched for, with many points looked at at once.

On its edge a margin is zero. Points slide along the edge by the algorithm of Hasofer, Lind, Rackwitz and Fiessler with differences for
gradients, and what changes nothing is let go of. Sources: Hasofer and Lind (1974), J. Eng. Mech. Div. ASCE 100, 111-121; Rackwitz and
Fiessler (1978), Comput. Struct. 9, 489-494, doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Points = Float[np.ndarray, "score point"]
Margin = Callable[[Points], Float[np.ndarray, "point"]]
"""How far it happens at each point: above zero where it does; NaN is taken for not at all."""
FARTHEST = 6.3
"""Scores beyond are not looked at: no path has them."""
STARTS = 8
"""Points that are slid along the edge."""
_STEPS = 16
_HALVINGS = 26
_STRETCH = 2.0
_REACHES = (0.3, 0.1, 0.03)
_ALONG = np.array([1.5, 1.0, 0.7, 0.4, 0.2, 0.08, 0.03])
_ROUNDS = 40
_AROUND = 256
_TRIES = 30


@dataclass(frozen=True)
class Nearest:
    """The nearest point that was seen.

    Args:
      point: its scores, on the edge: it happens there, and not a millionth nearer to the middle.
      distance: from the middle; 0 where it happens in the middle itself, infinite where it was seen nowhere.
      of_starts: distance of the edge on the way to each start.
    """

    point: Float[np.ndarray, "score"]
    distance: float
    of_starts: Float[np.ndarray, "start"]


def nearest(margin: Margin, starts: Points, seed: int = 0, slid: int = STARTS) -> Nearest:
    """The nearest point on the edge: of the starts drawn in to it the nearest and their mean direction, slid along it.

    Args:
      starts: points at which it happens, or nearly; high ones first where there are few.
      seed: of the random points that are tried around the best.
      slid: how many starts are slid along the edge, beside their mean.
    """
    edge = _Edge(margin, np.random.default_rng(seed))
    zero = np.zeros((len(starts), 1))
    if edge.inside(zero)[0]:
        return Nearest(zero[:, 0], 0.0, np.zeros(starts.shape[1]))
    drawn, sizes = edge.reached(starts, 1.0)
    far, far_sizes = edge.reached(starts.mean(axis=1, keepdims=True), 8.0)
    order = np.argsort(sizes, kind="stable")[:slid]
    points = np.concatenate([far, drawn[:, order]], axis=1)
    there = np.isfinite(np.concatenate([far_sizes, sizes[order]]))
    if not there.any():
        return Nearest(np.full(len(starts), np.nan), np.inf, sizes)
    ends = [edge.slid(points[:, k]) for k in np.flatnonzero(there)]
    best = min(ends, key=lambda point: float(np.linalg.norm(point)))
    best = edge.slid(edge.tried_around(best))
    return Nearest(best, float(np.linalg.norm(best)), sizes)


class _Edge:
    """The edge of where it happens."""

    def __init__(self, margin: Margin, rng: np.random.Generator):
        self._margin, self._rng = margin, rng

    def margins(self, points: Points) -> Float[np.ndarray, "point"]:
        found = self._margin(points)
        return np.where(np.isnan(found), -np.inf, found)

    def inside(self, points: Points) -> np.ndarray:
        happens: np.ndarray = self.margins(points) > 0
        return happens

    def reached(self, points: Points, most: float) -> tuple[Points, Float[np.ndarray, "point"]]:
        """Where the ray from the middle to each point, and on to `most` times its length, first meets the edge; its distance.

        Infinite where it does not.
        """
        count = points.shape[1]
        sizes = np.linalg.norm(points, axis=0)
        steps = most * np.arange(1, _STEPS + 1) / _STEPS
        if most > 1:  # the edge is near the point itself, most often
            steps = np.concatenate([np.linspace(0.125, 0.875, 7), np.linspace(0.9375, most, _STEPS)])
        on_ray = _clipped((points[:, :, None] * steps).reshape(len(points), -1))
        happens = self.inside(on_ray).reshape(count, len(steps))
        met = happens.any(axis=1)
        first = np.where(met, happens.argmax(axis=1), 0)
        high, low = steps[first], np.where(first > 0, steps[first - 1], 0.0)
        at = np.flatnonzero(met)
        for _ in range(_HALVINGS if len(at) else 0):
            middle = 0.5 * (low[at] + high[at])
            in_ = self.inside(_clipped(points[:, at] * middle))
            high[at] = np.where(in_, middle, high[at])
            low[at] = np.where(in_, low[at], middle)
        ends = _clipped(points * high)
        return ends, np.where(met & (sizes > 0), np.linalg.norm(ends, axis=0), np.inf)

    def slid(self, point: np.ndarray) -> np.ndarray:
        """A point of the edge, moved along it while that brings it nearer."""
        point = self._let_go(point)
        reach = 0
        for _ in range(_ROUNDS):
            before = float(np.linalg.norm(point))
            point = self._stepped(point, _REACHES[reach])
            gained = before - float(np.linalg.norm(point))
            if gained < 1e-4 * before:
                point = self._let_go(point)
                gained = before - float(np.linalg.norm(point))
            if gained < 1e-5 * before:
                reach += 1
                if reach == len(_REACHES):
                    break
        return point

    def tried_around(self, point: np.ndarray) -> np.ndarray:
        """The nearest of random points around one, again and again, drawn in to the edge."""
        size = 0.3
        for _ in range(_TRIES):
            spread = np.sqrt(point**2 + (point @ point) / len(point))
            noise = self._rng.standard_normal((len(point), _AROUND)) * spread[:, None]
            better = self._best(point, point[:, None] + size * noise / np.sqrt(np.sum(spread > 0)) ** 0.5)
            size *= 0.7 if better is point else 1.2
            point = better
        return point

    def _stepped(self, point: np.ndarray, reach: float) -> np.ndarray:
        """One step towards the foot of the perpendicular on the edge's tangent."""
        step = reach * np.eye(len(point))
        sides = self.margins(_clipped(np.concatenate([point + step, point - step]).T))
        ahead, behind = sides[: len(point)], sides[len(point) :]
        with np.errstate(invalid="ignore"):
            slope = (ahead - behind) / (2 * reach)
        slope = np.where(np.isfinite(slope), slope, 0.0)
        square = float(slope @ slope)
        if not square > 0:
            return point
        foot = slope * float(slope @ point) / square
        return self._best(point, point[:, None] + (foot - point)[:, None] * _ALONG)

    def _let_go(self, point: np.ndarray) -> np.ndarray:
        """The point without what changes nothing: each score drawn in as far as that alone leaves it inside, all of them together."""
        inner = _clipped(point * (1 + 1e-4))
        low, high = np.zeros(len(point)), np.ones(len(point))
        own = np.eye(len(point), dtype=bool)

        def leaves(share: np.ndarray) -> np.ndarray:
            return self.inside(np.where(own, inner * share, inner[None]).T)

        free = leaves(low)
        high = np.where(free, 0.0, high)
        for _ in range(14):
            middle = 0.5 * (low + high)
            in_ = leaves(middle)
            high, low = np.where(in_, middle, high), np.where(in_, low, middle)
        shares = 1 - np.linspace(0.0, 1.0, 5)[1:, None] * (1 - high)
        return self._best(point, (point * shares).T)

    def _best(self, point: np.ndarray, others: Points) -> np.ndarray:
        """The nearest to the middle of a point and others drawn in, or out, to the edge."""
        ends, sizes = self.reached(others, _STRETCH)
        k = int(np.argmin(sizes))
        return ends[:, k] if sizes[k] < np.linalg.norm(point) else point


def _clipped(points: Points) -> Points:
    return np.clip(points, -FARTHEST, FARTHEST)
