"""The design point of a failure region: where it happens nearest to the origin of standard normal scores.

"It happens" inside the region, where the margin is positive. Points slide along the region's edge by the algorithm of
Hasofer, Lind, Rackwitz and Fiessler, with finite differences for gradients; the nearest one is improved by random
search. Sources: Hasofer and Lind (1974), J. Eng. Mech. Div. ASCE 100, 111-121; Rackwitz and Fiessler (1978), Comput.
Struct. 9, 489-494, doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float

Point = Float[np.ndarray, "score"]
Points = Float[np.ndarray, "score point"]
Sizes = Float[np.ndarray, "point"]
Margin = Callable[[Points], Sizes]
"""The margin of each point [score, point]: above zero inside the region where it happens; NaN counts as outside."""
FARTHEST = 6.3
"""Scores are clipped to plus or minus this, as no path has larger ones."""
STARTS, FINALISTS = 20, 5
"""Starting points that slide along the edge for a few rounds, and how many of them, the nearest, slide to the end."""
REACHES = (0.3, 0.1, 0.03)
"""Step sizes of finite differences for gradients, one after the other."""
FIRST_ROUNDS, ROUNDS = 4, 40
"""Most rounds in which points slide with one step size: for a first look at how near they come, and to the end."""
FRACTIONS = np.array([1.5, 1.0, 0.7, 0.4, 0.2, 0.08, 0.03])
"""Fractions of the step to the foot of the perpendicular that are tried."""
GAIN = 1e-4
"""Least relative gain in distance per round; points that gain less go on with the next smaller step size."""
TRIES, AROUND = 240, 128
"""Rounds of the random search around a point, and points that are tried in each."""
FINELY, ROUGHLY = 32, 16
"""Bisections by which the edge is located in the end, and on the way."""


class Edge:
    """The edge of the region with a positive margin."""

    def __init__(self, margin: Margin):
        self._margin = margin

    def margins(self, points: Points) -> Sizes:
        margins = self._margin(_clipped(points))
        return np.where(np.isnan(margins), -np.inf, margins)

    def inside(self, points: Points) -> Bool[np.ndarray, "point"]:
        return self.margins(points) > 0

    def on_rays(self, points: Points, most: float = 1.0, halvings: int = FINELY) -> tuple[Points, Sizes]:
        """Where the rays from the origin through some points, of `most` times their length, meet the edge.

        Also the distances of these places, which are infinite for a ray that does not end inside.
        """
        met = np.flatnonzero(self.inside(points * most))
        ends, sizes = points.copy(), np.full(points.shape[1], np.inf)
        if len(met):
            rays, inner = points[:, met], np.full(len(met), most)
            outer = 0.0 * inner
            for _ in range(halvings):
                middle = 0.5 * (inner + outer)
                here = self.inside(rays * middle)
                inner, outer = np.where(here, middle, inner), np.where(here, outer, middle)
            ends[:, met] = _clipped(rays * inner)
            sizes[met] = norms(ends[:, met])
        return ends, sizes

    def nearest(self, points: Points, others: Float[np.ndarray, "score point other"]) -> Points:
        """The nearest to the origin of each point and the places where the rays through the others meet the edge."""
        count, rivals = others.shape[1:]
        rays = others.reshape(len(points), -1)
        rays = rays * np.repeat(norms(points), rivals) / np.maximum(norms(rays), np.finfo(float).tiny)
        ends, sizes = (some.reshape(*some.shape[:-1], count, rivals) for some in self.on_rays(rays, 1 - 1e-9, ROUGHLY))
        best = np.arange(count), sizes.argmin(axis=1)
        return np.where(sizes[best] < norms(points), ends[:, *best], points)

    def slid(self, points: Points, reaches: Sequence[float], rounds: int) -> Points:
        """Points of the edge after sliding along it, nearer to the origin."""
        for reach in reaches:
            for _ in range(rounds):
                before = norms(points)
                feet = np.stack([self._foot(one, reach) for one in points.T], axis=1)
                points = self.nearest(points, points[:, :, None] + (feet - points)[:, :, None] * FRACTIONS)
                if np.all(norms(points) > (1 - GAIN) * before):
                    break
        return points

    def tried_around(self, point: Points) -> Points:
        """The nearest point found by random search around a point, which is given and returned as the only one."""
        random, size = np.random.default_rng(0), 0.3
        for _ in range(TRIES):
            before = np.linalg.norm(point)
            spread = np.sqrt(point**2 + before**2 / len(point)) / len(point) ** 0.25
            others = point + size * spread * random.standard_normal((len(point), AROUND))
            point = self.nearest(point, others[:, None])
            size *= 1.2 if np.linalg.norm(point) < before else 0.7
        return point

    def _foot(self, point: Point, reach: float) -> Point:
        """The foot of the perpendicular from the origin to the edge's tangent, by central differences of the margin."""
        steps = point[:, None] + reach * np.eye(len(point)) * np.array([1.0, -1.0])[:, None, None]
        with np.errstate(invalid="ignore"):
            slope = -np.diff(self.margins(np.hstack([*steps])).reshape(2, -1), axis=0)[0]
        slope = np.nan_to_num(slope, posinf=0.0, neginf=0.0)
        square = float(slope @ slope)
        return slope @ point / square * slope if square > 0 else point


def norms(points: Points) -> Sizes:
    return np.linalg.norm(points, axis=0)


def _clipped(points: Points) -> Points:
    return np.clip(points, -FARTHEST, FARTHEST)


def nearest_of(points: Points, count: int) -> Points:
    """The points that are nearest to the origin, the nearest first."""
    return points[:, np.argsort(norms(points), kind="stable")[:count]]


def design_point(margin: Margin, starts: Points) -> Point | None:
    """The design point nearest to the origin that is found from some starts, just inside the edge.

    They are drawn in to the edge; the nearest and their mean slide along it, the best of these to the end.

    Args:
      margin: by point, positive where it happens.
      starts: points at which it happens, or nearly [score, point].

    Returns:
      The point, which is the origin where it happens there; None where no point is found.
    """
    if not len(starts):
        return None  # nothing is drawn, so that no future differs from the middle one
    edge = Edge(margin)
    if edge.inside(np.zeros((len(starts), 1)))[0]:
        return np.zeros(len(starts))
    points, sizes = edge.on_rays(np.hstack([8 * starts.mean(axis=1, keepdims=True), starts]))
    points = nearest_of(points[:, np.isfinite(sizes)], STARTS + 1)
    if not points.shape[1]:
        return None
    points = nearest_of(edge.slid(points, REACHES[:1], FIRST_ROUNDS), FINALISTS)
    point = nearest_of(edge.slid(points, REACHES, ROUNDS), 1)
    point = edge.slid(edge.tried_around(point), REACHES, ROUNDS)
    return edge.on_rays(point, 1 + 1e-4)[0][:, 0]
