"""The design point of a failure region: where it happens nearest to the origin of standard normal scores.

"It happens" inside the region, where the margin is positive. Points slide along the region's edge by the algorithm of
Hasofer, Lind, Rackwitz and Fiessler, with finite differences for gradients, which here also knows the surfaces on which
the margin jumps; the nearest one is improved by random search. Sources: Hasofer and Lind (1974), J. Eng. Mech. Div.
ASCE 100, 111-121; Rackwitz and Fiessler (1978), Comput. Struct. 9, 489-494, doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

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
HELD, JUMPS, BEYOND = 0.2, 4, 1.3
"""Least score checked for a jump of the margin, most scores checked per point, and how far these are stretched."""
TRIES, AROUND = 60, 128
"""Rounds of the random search around a point, and points that are tried in each."""
FINELY, ROUGHLY = 32, 16
"""Bisections by which the edge, and a jump, is located in the end, and on the way."""


class Edge:
    """The edge of the region with a positive margin."""

    def __init__(self, margin: Margin):
        self._margin = margin
        self._moving: dict[int, np.ndarray] = {}

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
            rays, longest = points[:, met], np.full(len(met), most)
            share, _ = _bisected(lambda share: self.inside(rays * share), longest, 0.0 * longest, halvings)
            ends[:, met] = _clipped(rays * share)
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
                steps = [(foot - points)[:, :, None] * FRACTIONS for foot in self._feet(points, reach)]
                points = self.nearest(points, points[:, :, None] + np.concatenate(steps, axis=2))
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

    def _feet(self, points: Points, reach: float) -> tuple[Points, Points]:
        """The feet of the perpendiculars from the origin to the edge's tangents, and to these and those of jumps."""
        slopes, is_open = (
            np.stack(some, axis=1) for some in zip(*(self._slope(one, reach) for one in points.T), strict=True)
        )
        which, normals, gaps = self._jumps(points, is_open)
        feet = points.copy(), points.copy()
        for k in np.flatnonzero(slopes.any(axis=0)):
            rows = np.vstack([slopes[:, k], normals[which == k]])
            places = rows @ points[:, k] - np.append(0.0, gaps[which == k])
            for foot, last in zip(feet, (1, len(rows)), strict=True):
                foot[:, k] = np.linalg.lstsq(rows[:last], places[:last], rcond=1e-9)[0]
        return feet

    def _slope(self, point: Point, reach: float) -> tuple[Point, Bool[np.ndarray, "score"]]:
        """The gradient of the margin without its jumps, and the scores that are to be checked for one.

        Of unequal one-sided differences the smaller is the one without the jump. A jump does not shrink with the step,
        a bend does.
        """

        here = self.margins(point[:, None])

        def sides(scores: Int[np.ndarray, "side"], reach: float) -> Float[np.ndarray, "2 side"]:
            steps = reach * np.eye(len(point))[:, scores]
            moved = self.margins(point[:, None] + np.hstack([steps, -steps])).reshape(2, -1)
            with np.errstate(invalid="ignore"):
                return np.nan_to_num((moved - here) * [[1.0], [-1.0]], posinf=0.0, neginf=0.0)

        gaps = sides(np.arange(len(point)), reach)
        small, large = np.sort(np.abs(gaps), axis=0)
        jumps = (large > 5 * small) & (large > 1e-3)
        if jumps.any():
            jumps[jumps] = np.abs(sides(np.flatnonzero(jumps), reach / 4)).max(axis=0) > 0.6 * large[jumps]
        smaller = np.where(np.abs(gaps[0]) < np.abs(gaps[1]), *gaps)
        slope = np.where(jumps, smaller, gaps.mean(axis=0)) / reach
        return slope, jumps | (np.abs(slope) < 1e-3 * np.abs(slope).max())

    def _jumps(
        self, points: Points, is_open: Bool[np.ndarray, "score point"]
    ) -> tuple[Int[np.ndarray, "jump"], Float[np.ndarray, "jump score"], Float[np.ndarray, "jump"]]:
        """Surfaces on which the margin jumps in a score: index of the point, normal, and how far the point is beyond.

        Where it jumps in one score may depend on the others, which its gradient does not show.
        """
        held = np.where(is_open & (np.abs(points) > HELD), np.abs(points), 0.0)
        least = np.sort(held, axis=0)[-JUMPS:][0]
        beyond = np.where(held > 0, BEYOND * points, points)  # so that each jump is examined by itself
        score, which = np.nonzero((held > 0) & (held >= least))
        places, is_jump = self._half_way(beyond[:, which], score)
        score, which, places = score[is_jump], which[is_jump], places[is_jump]
        normals = np.eye(len(points))[score]
        # all other scores are moved at the first jump in a score; at later ones, only those that moved the first
        others = [self._moving.get(one, np.delete(np.arange(len(points)), one)) for one in score.tolist()]
        jump = np.repeat(np.arange(len(score)), [len(some) for some in others])
        if len(jump):
            other, moved = np.concatenate(others), beyond[:, which[jump]]
            moved[other, np.arange(len(jump))] += REACHES[0]
            normals[jump, other] = (places[jump] - self._half_way(moved, score[jump])[0]) / REACHES[0]
        for one, normal in zip(score.tolist(), normals, strict=True):
            self._moving.setdefault(one, np.setdiff1d(np.flatnonzero(normal), one))
        return which, normals, points[score, which] - places

    def _half_way(self, points: Points, score: Int[np.ndarray, "point"]) -> tuple[Sizes, Bool[np.ndarray, "point"]]:
        """Where, between its own value and 0, one score of each point has the mean of the margins at both.

        Also whether the margin jumps there.
        """

        def at(value: Sizes) -> Sizes:
            moved = points.copy()
            moved[score, np.arange(len(score))] = value
            return self.margins(moved) if len(score) else value

        own = points[score, np.arange(len(score))]
        high, low = at(own), at(0.0 * own)
        inner, outer = _bisected(lambda value: at(value) > 0.5 * (high + low), own, 0.0 * own, ROUGHLY)
        with np.errstate(invalid="ignore"):
            return inner, (at(inner) - at(outer) > 0.3 * (high - low)) & (high - low > 1e-3)


def _bisected(
    holds: Callable[[Sizes], Bool[np.ndarray, "point"]], inner: Sizes, outer: Sizes, halvings: int
) -> tuple[Sizes, Sizes]:
    """The two ends of an interval in which a condition ceases to hold, after bisections; it holds at the inner end."""
    for _ in range(halvings):
        middle = 0.5 * (inner + outer)
        here = holds(middle)
        inner, outer = np.where(here, middle, inner), np.where(here, outer, middle)
    return inner, outer


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
