"""The point nearest to the middle of standard normal scores at which something happens: searched for, with many points looked at at once.

On its edge a margin is zero. Points slide along the edge by the algorithm of Hasofer, Lind, Rackwitz and Fiessler with differences for
gradients, and what changes nothing is let go of. Sources: Hasofer and Lind (1974), J. Eng. Mech. Div. ASCE 100, 111-121; Rackwitz and
Fiessler (1978), Comput. Struct. 9, 489-494, doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

Points = Float[np.ndarray, "score point"]
Sizes = Float[np.ndarray, "point"]
Margin = Callable[[Points], Sizes]
"""How far it happens at each point: above zero where it does; NaN is taken for not at all."""
FARTHEST = 6.3
"""Scores beyond are not looked at: no path has them."""
STARTS = 40
"""Points that are slid along the edge for a few rounds."""
FINALISTS = 5
"""Those of them that are slid to the end."""
_FIRST_ROUNDS = 4
_ROUNDS = 40
_REACHES = (0.3, 0.1, 0.03)
"""Differences of scores by which gradients are taken, one after the other."""
_ALONG = np.array([1.5, 1.0, 0.7, 0.4, 0.2, 0.08, 0.03])
"""Shares of the way to the foot of the perpendicular that are tried."""
_STRETCH = 2.0
_LEAST = 1e-4
"""Share of its distance that a point gains in a round, or goes on with a finer difference."""
_HOLDS, _JUMPS, _BEYOND = 0.2, 4, 1.3
"""Scores from which on it is looked whether they hold a point at a jump, and how many of them."""
_ON_RAY = 16
_ROUGHLY, _FINELY = 12, 26
"""Halvings by which the edge is come to."""
_AT_ONCE = 12
_AROUND = 128
_TRIES = 30


@dataclass(frozen=True)
class Nearest:
    """The nearest point that was seen.

    Args:
      point: its scores, on the edge: it happens there, and not a millionth nearer to the middle.
      distance: from the middle; 0 where it happens in the middle itself, infinite where it was seen nowhere.
      of_starts: distance of the edge on the way to each start.
      slid: starts that were slid along the edge.
    """

    point: Float[np.ndarray, "score"]
    distance: float
    of_starts: Float[np.ndarray, "start"]
    slid: int


def nearest(
    margin: Margin,
    starts: Points,
    others: Callable[[Points], Points] | None = None,
    seed: int = 0,
    slid: int = STARTS,
    finalists: int = FINALISTS,
) -> Nearest:
    """The nearest point on the edge: the starts drawn in to it, the nearest of them and their mean slid along it, the best to the end.

    Args:
      starts: points at which it happens, or nearly.
      others: points that may be as near as one is [score, 1], such as the same some years later: of these the nearest are slid too.
      seed: of the random points that are tried around the best.
      slid: how many starts are slid along the edge, beside their mean.
      finalists: how many of these to the end.
    """
    edge = _Edge(margin, np.random.default_rng(seed))
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
    points = edge.slid(points, _FIRST_ROUNDS)
    best = np.argsort(_sizes(points), kind="stable")[:finalists]
    points = edge.slid(points[:, best], _ROUNDS)
    point = points[:, [int(np.argmin(_sizes(points)))]]
    for _ in range(_ROUNDS if others else 0):
        before = _sizes(point)[0]
        point = edge.instead(point, others(point), finalists)  # type: ignore[misc]
        if _sizes(point)[0] > (1 - 1e-3) * before:
            break
    point = edge.slid(edge.tried_around(point), _ROUNDS)
    point, _ = edge.reached(point, 1.0 + 1e-4, _FINELY)
    return Nearest(point[:, 0], float(_sizes(point)[0]), sizes, count)


class _Edge:
    """The edge of where it happens."""

    def __init__(self, margin: Margin, rng: np.random.Generator):
        self._margin, self._rng = margin, rng
        self._moving: dict[int, np.ndarray] = {}

    def margins(self, points: Points) -> Sizes:
        found = self._margin(_clipped(points))
        return np.where(np.isnan(found), -np.inf, found)

    def inside(self, points: Points) -> Bool[np.ndarray, "point"]:
        happens: np.ndarray = self.margins(points) > 0
        return happens

    def reached(self, points: Points, most: float, halvings: int = _FINELY) -> tuple[Points, Sizes]:
        """Where the ray from the middle to each point, and on to `most` times its length, first meets the edge; its distance.

        Infinite where it does not.
        """
        steps = most * np.arange(1, _ON_RAY + 1) / _ON_RAY
        if most > 1:  # the edge is near the point itself, most often
            steps = np.concatenate([np.linspace(0.125, 0.875, 7), np.linspace(0.9375, most, _ON_RAY)])
        on_ray = (points[:, :, None] * steps).reshape(len(points), -1)
        happens = self.inside(on_ray).reshape(-1, len(steps))
        met = happens.any(axis=1)
        first = np.where(met, happens.argmax(axis=1), 0)
        high, low = steps[first], np.where(first > 0, steps[first - 1], 0.0)
        at = np.flatnonzero(met)
        for _ in range(halvings if len(at) else 0):
            middle = 0.5 * (low[at] + high[at])
            in_ = self.inside(points[:, at] * middle)
            high[at], low[at] = np.where(in_, middle, high[at]), np.where(in_, low[at], middle)
        ends = _clipped(points * high)
        return ends, np.where(met, _sizes(ends), np.inf)

    def slid(self, points: Points, rounds: int) -> Points:
        """Points of the edge, each moved along it while that brings it nearer, some at a time."""
        parts = [
            self._slid(points[:, first : first + _AT_ONCE], rounds)
            for first in range(0, points.shape[1], _AT_ONCE)
        ]
        return np.concatenate(parts, axis=1)

    def instead(self, point: Points, others: Points, finalists: int) -> Points:
        """The nearest of a point and of others, the nearest of these slid along the edge."""
        if not others.shape[1]:
            return point
        ends, sizes = self.reached(others, _STRETCH, _ROUGHLY)
        best = np.argsort(sizes, kind="stable")[:finalists]
        best = best[np.isfinite(sizes[best])]
        if not len(best):
            return point
        points = self.slid(ends[:, best], _FIRST_ROUNDS)
        points = self.slid(points[:, [int(np.argmin(_sizes(points)))]], _ROUNDS)
        return points if _sizes(points)[0] < _sizes(point)[0] else point

    def tried_around(self, point: Points) -> Points:
        """The nearest of random points around one, again and again, drawn in to the edge."""
        size = 0.3
        for _ in range(_TRIES):
            spread = np.sqrt(point**2 + np.sum(point**2) / len(point))
            noise = self._rng.standard_normal((len(point), 1, _AROUND)) * spread[:, :, None]
            better = self._best(point, point[:, :, None] + size * noise / len(point) ** 0.25)
            size *= 1.2 if _sizes(better)[0] < _sizes(point)[0] else 0.7
            point = better
        return point

    def _slid(self, points: Points, rounds: int) -> Points:
        points = self._let_go(points)
        reach = np.zeros(points.shape[1], np.int64)
        for _ in range(rounds):
            at = np.flatnonzero(reach < len(_REACHES))
            if not len(at):
                break
            before = _sizes(points[:, at])
            points[:, at] = self._stepped(points[:, at], np.array(_REACHES)[reach[at]])
            slow = at[_sizes(points[:, at]) > (1 - _LEAST) * before]
            if len(slow):
                points[:, slow] = self._let_go(points[:, slow])
            reach[at] += _sizes(points[:, at]) > (1 - _LEAST) * before
        return points

    def _stepped(self, points: Points, reach: Sizes) -> Points:
        """One step of each towards the foot of the perpendicular on the edge's tangent."""
        slope, jumps = self._slopes(points, reach)
        feet = [
            np.stack(
                [_foot(slope[:, [k]].T, points[:, k], np.zeros(1)) for k in range(points.shape[1])], axis=1
            )
        ]
        if (beside := self._feet_of_jumps(points, slope, jumps)) is not None:
            feet.append(beside)
        others = [points[:, :, None] + (foot - points)[:, :, None] * _ALONG for foot in feet]
        return self._best(points, np.concatenate(others, axis=2))

    def _slopes(self, points: Points, reach: Sizes) -> tuple[Points, Bool[np.ndarray, "score point"]]:
        """Gradients of the margin; and which scores stand beside a jump of it, of which the side without it is taken."""
        count, here = len(points), self.margins(points)

        def sides(by: Sizes) -> tuple[Points, Points]:
            step = np.eye(count)[:, None, :] * by[:, None]
            ahead, behind = (
                self.margins((points[:, :, None] + sign * step).reshape(count, -1)).reshape(-1, count).T
                for sign in (1.0, -1.0)
            )
            with np.errstate(invalid="ignore"):
                return tuple(
                    np.nan_to_num(one, posinf=0.0, neginf=0.0) for one in (ahead - here, here - behind)
                )

        ahead, behind = sides(reach)
        small = np.where(np.abs(ahead) < np.abs(behind), ahead, behind)
        large = np.maximum(np.abs(ahead), np.abs(behind))
        jumps = (large > 5 * np.abs(small)) & (large > 1e-3)
        if jumps.any():  # what does not grow less with the step is a jump, and no bend
            jumps &= np.maximum(*map(np.abs, sides(reach / 4))) > 0.6 * large
        return np.where(jumps, small, 0.5 * (ahead + behind)) / reach, jumps

    def _feet_of_jumps(
        self, points: Points, slope: Points, jumps: Bool[np.ndarray, "score point"]
    ) -> Points | None:
        """The same where scores hold points at jumps: nearest on the tangents of the edge and of where the margin jumps.

        Where it jumps in one score depends on the others; a gradient of the margin sees nothing of it.
        """
        flat = np.abs(slope) < 1e-3 * np.abs(slope).max(axis=0)
        held = np.where((flat | jumps) & (np.abs(points) > _HOLDS), np.abs(points), 0.0)
        pairs = [
            (k, int(j))
            for k in range(points.shape[1])
            for j in np.argsort(-held[:, k], kind="stable")[:_JUMPS]
            if held[j, k] > 0
        ]
        if not pairs:
            return None
        rows: list[list[np.ndarray]] = [[slope[:, k]] for k in range(points.shape[1])]
        misses: list[list[float]] = [[0.0] for _ in rows]
        # well beyond all jumps, so that each is looked at by itself
        beyond = np.where(held > 0, _BEYOND * points, points)
        for (k, j), (at, rise, is_jump) in zip(pairs, self._jumps(beyond, pairs), strict=True):
            if not is_jump:
                continue
            rows[k].append(np.eye(len(points))[j] - rise)
            misses[k].append(points[j, k] - at)
        feet = [_foot(np.array(own), points[:, k], np.array(misses[k])) for k, own in enumerate(rows)]
        return np.stack(feet, axis=1)

    def _jumps(self, points: Points, pairs: list[tuple[int, int]]) -> list[tuple[float, np.ndarray, bool]]:
        """Where the margin jumps in one score of a point, how that moves with each other score, and whether it does jump.

        Args:
          pairs: number of the point, the score.
        """
        count, reach = len(points), _REACHES[0]
        # of which others it hangs on is seen once: those that it does not hang on move it by nothing at all
        others = [self._moving.get(j, np.delete(np.arange(count), j)) for _, j in pairs]
        ends = np.cumsum([0, *(len(of) + 1 for of in others)])
        moved = np.repeat(points[:, [k for k, _ in pairs]], np.diff(ends), axis=1)
        for of, first in zip(others, ends, strict=False):
            moved[of, first + 1 + np.arange(len(of))] += reach
        score = np.repeat([j for _, j in pairs], np.diff(ends))
        lane = np.arange(len(score))
        inner = moved[score, lane]
        outer = np.zeros_like(inner)

        def margins(value: np.ndarray) -> np.ndarray:
            moved[score, lane] = value
            return self.margins(moved)

        high, low = margins(inner), margins(outer)
        level = 0.5 * (high + low)
        for _ in range(_ROUGHLY):
            middle = 0.5 * (inner + outer)
            in_ = margins(middle) > level
            inner, outer = np.where(in_, middle, inner), np.where(in_, outer, middle)
        with np.errstate(invalid="ignore"):
            jumps = (margins(inner) - margins(outer) > 0.3 * (high - low)) & (high - low > 1e-3)
        found = []
        for (_, j), of, first in zip(pairs, others, ends, strict=False):
            rise = np.zeros(count)
            rise[of] = (inner[first + 1 : first + 1 + len(of)] - inner[first]) / reach
            if jumps[first]:
                self._moving.setdefault(j, np.flatnonzero(rise))
            found.append((float(inner[first]), rise, bool(jumps[first])))
        return found

    def _let_go(self, points: Points) -> Points:
        """Points without what changes nothing: each score drawn in as far as that alone leaves it inside, all of them together."""
        inner = points * (1 + 1e-4)
        # what is small already adds nothing to the distance
        which, score = np.nonzero((points**2 > 1e-6 * np.sum(points**2, axis=0)).T)

        def leaves(share: np.ndarray) -> np.ndarray:
            moved = inner[:, which]
            moved[score, np.arange(len(score))] *= share
            return self.inside(moved)

        high = np.where(leaves(np.zeros(len(score))), 0.0, 1.0)
        low = np.zeros(len(score))
        for _ in range(8):
            middle = 0.5 * (low + high)
            in_ = leaves(middle)
            high, low = np.where(in_, middle, high), np.where(in_, low, middle)
        share = np.ones_like(points)
        share[score, which] = high
        parts = 1 - np.linspace(0.25, 1.0, 4) * (1 - share)[:, :, None]
        return self._best(points, points[:, :, None] * parts)

    def _best(self, points: Points, others: Float[np.ndarray, "score point other"]) -> Points:
        """The nearest to the middle of each point and of others, these drawn in, or out, to the edge."""
        count, of = others.shape[1:]
        ends, sizes = self.reached(others.reshape(len(points), -1), _STRETCH, _ROUGHLY)
        sizes = sizes.reshape(count, of)
        k = sizes.argmin(axis=1)
        better = sizes[np.arange(count), k] < _sizes(points)
        return np.where(better, ends.reshape(len(points), count, of)[:, np.arange(count), k], points)


def _foot(rows: np.ndarray, point: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """The point nearest to the middle on planes through a point, but for what it misses them by."""
    if not np.any(rows[0]):
        return point
    foot: np.ndarray = np.linalg.lstsq(rows, rows @ point - misses, rcond=1e-9)[0]
    return foot


def _sizes(points: Points) -> Sizes:
    return np.linalg.norm(points, axis=0)


def _clipped(points: Points) -> Points:
    return np.clip(points, -FARTHEST, FARTHEST)
