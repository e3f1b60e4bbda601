"""The edge of where something happens, in standard normal scores: rays that meet it, and points that slide along it towards the middle."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

Points = Float[np.ndarray, "score point"]
Sizes = Float[np.ndarray, "point"]
Margin = Callable[[Points], Sizes]
"""How far it happens at each point: above zero where it does; NaN is taken for not at all."""
FARTHEST = 6.3
"""Scores beyond are not looked at: no path has them."""
RIDGE = 1.1
"""How much farther out the edge between two points is, so that they are two."""
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
_ROUGHLY, FINELY = 12, 26
"""Halvings by which the edge is come to."""
AT_ONCE = 12
"""Points that are slid at once."""
FIRST_ROUNDS, ROUNDS = 4, 40
"""Rounds in which a point is slid: to see how near it comes, and to the end."""
_AROUND = 128
_TRIES = 30


class Edge:
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

    def reached(
        self, points: Points, most: float, halvings: int = FINELY, within: Sizes | None = None
    ) -> tuple[Points, Sizes]:
        """Where the ray from the middle to each point, and on to `most` times its length, first meets the edge; its distance.

        Infinite where it does not.

        Args:
          within: distances, each of as many rays in a row, of which only the nearest is asked for, and only if it is nearer than that: what
            cannot be it is not computed, and its distance is no more than larger.
        """
        steps = most * np.arange(1, _ON_RAY + 1) / _ON_RAY
        if most > 1:  # the edge is near the point itself, most often
            steps = np.concatenate([np.linspace(0.125, 0.875, 7), np.linspace(0.9375, most, _ON_RAY)])
        before, lengths = np.concatenate([[0.0], steps[:-1]]), norms(points)
        farthest = FARTHEST / np.maximum(np.abs(points).max(axis=0), _LEAST)  # no share is so large

        def may_be(share: np.ndarray, bound: Sizes) -> np.ndarray:
            """Whether what lies at least as far out on its ray may be as near as that; a sum of squares has its rounding."""
            may: np.ndarray = lengths * np.minimum(share, farthest) <= (1 + 1e-9) * bound
            return may

        rivals = 1 if within is None else len(lengths) // len(within)
        bound = np.full(len(lengths), np.inf) if within is None else np.repeat(within, rivals)
        happens = may_be(before[:, None], bound)
        step, ray = np.nonzero(happens)
        happens[step, ray] = self.inside(points[:, ray] * steps[step])
        met, first = happens.any(axis=0), happens.argmax(axis=0)
        high, low = steps[first], before[first]
        for _ in range(halvings):
            if within is not None:
                nearest = np.where(met, lengths * high, np.inf).reshape(-1, rivals).min(axis=1)
                bound = np.repeat(nearest, rivals)
            at = np.flatnonzero(met & may_be(low, bound))
            if not len(at):
                break
            middle = 0.5 * (high[at] + low[at])
            here = self.inside(points[:, at] * middle)
            high[at], low[at] = np.where(here, middle, high[at]), np.where(here, low[at], middle)
        ends = _clipped(points * high)
        return ends, np.where(met, norms(ends), np.inf)

    def are_apart(self, first: Float[np.ndarray, "score"], second: Float[np.ndarray, "score"]) -> bool:
        """Whether the edge between the rays of two points lies a `RIDGE` farther out than both, somewhere; opposite ones are apart."""
        sizes = np.linalg.norm(first), np.linalg.norm(second)
        angle = np.arccos(np.clip(first @ second / (sizes[0] * sizes[1]), -1.0, 1.0))
        if not 1e-6 < angle < np.pi - 1e-2:
            return bool(angle > 1)
        along = np.linspace(0.0, angle, _ON_RAY + 1)[1:-1]
        rays = np.outer(first / sizes[0], np.sin(angle - along)) + np.outer(second / sizes[1], np.sin(along))
        far = RIDGE * max(sizes)
        return bool(np.isinf(self.reached(far * rays / np.sin(angle), 1.0, 0)[1]).any())

    def slid(self, points: Points, rounds: int) -> Points:
        """Points of the edge, each moved along it while that brings it nearer, some at a time."""
        parts = [
            self._slid(points[:, first : first + AT_ONCE], rounds)
            for first in range(0, points.shape[1], AT_ONCE)
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
        points = self.slid(ends[:, best], FIRST_ROUNDS)
        points = self.slid(points[:, [int(np.argmin(norms(points)))]], ROUNDS)
        return points if norms(points)[0] < norms(point)[0] else point

    def tried_around(self, point: Points) -> Points:
        """The nearest of random points around one, again and again, drawn in to the edge."""
        size = 0.3
        for _ in range(_TRIES):
            spread = np.sqrt(point**2 + np.sum(point**2) / len(point))
            noise = self._rng.standard_normal((len(point), 1, _AROUND)) * spread[:, :, None]
            better = self._best(point, point[:, :, None] + size * noise / len(point) ** 0.25)
            size *= 1.2 if norms(better)[0] < norms(point)[0] else 0.7
            point = better
        return point

    def _slid(self, points: Points, rounds: int) -> Points:
        points = self._let_go(points)
        reach = np.zeros(points.shape[1], np.int64)
        for _ in range(rounds):
            at = np.flatnonzero(reach < len(_REACHES))
            if not len(at):
                break
            before = norms(points[:, at])
            points[:, at] = self._stepped(points[:, at], np.array(_REACHES)[reach[at]])
            slow = at[norms(points[:, at]) > (1 - _LEAST) * before]
            if len(slow):
                points[:, slow] = self._let_go(points[:, slow])
            reach[at] += norms(points[:, at]) > (1 - _LEAST) * before
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
        here = self.margins(points)

        def sides(score: np.ndarray, at: np.ndarray, by: Sizes) -> tuple[Sizes, Sizes]:
            moved = np.tile(points[:, at], 2)
            moved[np.tile(score, 2), np.arange(2 * len(at))] += np.concatenate([by[at], -by[at]])
            ahead, behind = np.split(self.margins(moved), 2)
            with np.errstate(invalid="ignore"):
                return tuple(
                    np.nan_to_num(one, posinf=0.0, neginf=0.0)
                    for one in (ahead - here[at], here[at] - behind)
                )

        every, each = np.indices(points.shape)
        ahead, behind = (one.reshape(points.shape) for one in sides(every.ravel(), each.ravel(), reach))
        small = np.where(np.abs(ahead) < np.abs(behind), ahead, behind)
        large = np.maximum(np.abs(ahead), np.abs(behind))
        jumps = (large > 5 * np.abs(small)) & (large > 1e-3)
        score, at = np.nonzero(jumps)
        if len(at):  # what does not grow less with the step is a jump, and no bend
            jumps[score, at] = np.maximum(*map(np.abs, sides(score, at, reach / 4))) > 0.6 * large[score, at]
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
        reach = _REACHES[0]
        own, score = points[:, [k for k, _ in pairs]], np.array([j for _, j in pairs])
        inner, outer, high, low = self._halfway(own, score)
        with np.errstate(invalid="ignore"):
            jumps = (self._at(own, score, inner) - self._at(own, score, outer) > 0.3 * (high - low)) & (
                high - low > 1e-3
            )
        # of which others it hangs on is seen once: those that it does not hang on move it by nothing at all
        others = {
            k: self._moving.get(j, np.delete(np.arange(len(points)), j))
            for k, (_, j) in enumerate(pairs)
            if jumps[k]
        }
        which = np.repeat([*others], [len(of) for of in others.values()]).astype(np.int64)
        moved = own[:, which]
        moved[np.concatenate([np.zeros(0, np.int64), *others.values()]), np.arange(len(which))] += reach
        beside = self._halfway(moved, score[which])[0] if len(which) else np.zeros(0)
        found = []
        for k, (_, j) in enumerate(pairs):
            rise = np.zeros(len(points))
            if jumps[k]:
                rise[others[k]] = (beside[which == k] - inner[k]) / reach
                self._moving.setdefault(j, np.flatnonzero(rise))
            found.append((float(inner[k]), rise, bool(jumps[k])))
        return found

    def _at(self, points: Points, score: np.ndarray, value: Sizes) -> Sizes:
        """Margins of points, each with one score that is another one."""
        moved = points.copy()
        moved[score, np.arange(len(score))] = value
        return self.margins(moved)

    def _halfway(self, points: Points, score: np.ndarray) -> tuple[Sizes, Sizes, Sizes, Sizes]:
        """Where a score of each point lies, and without it: ends between which the margin passes half the way, and the margins between which."""
        inner, outer = points[score, np.arange(len(score))], np.zeros(len(score))
        high, low = self._at(points, score, inner), self._at(points, score, outer)
        level = 0.5 * (high + low)
        inner, outer = _halved(lambda value: self._at(points, score, value) > level, inner, outer, _ROUGHLY)
        return inner, outer, high, low

    def _let_go(self, points: Points) -> Points:
        """Points without what changes nothing: each score drawn in as far as that alone leaves it inside, all of them together."""
        inner = points * (1 + 1e-4)
        # what is small already adds nothing to the distance
        which, score = np.nonzero((points**2 > 1e-6 * np.sum(points**2, axis=0)).T)

        def leaves(share: np.ndarray, at: np.ndarray) -> np.ndarray:
            return self._at(inner[:, which[at]], score[at], inner[score[at], which[at]] * share) > 0

        every = np.arange(len(score))
        high = np.where(leaves(np.zeros(len(score)), every), 0.0, 1.0)
        at = np.flatnonzero(high)
        if len(at):
            high[at], _ = _halved(lambda share: leaves(share, at), high[at], np.zeros(len(at)), 8)
        share = np.ones_like(points)
        share[score, which] = high
        parts = 1 - np.linspace(0.25, 1.0, 4) * (1 - share)[:, :, None]
        return self._best(points, points[:, :, None] * parts)

    def _best(self, points: Points, others: Float[np.ndarray, "score point other"]) -> Points:
        """The nearest to the middle of each point and of others, these drawn in, or out, to the edge."""
        count, of = others.shape[1:]
        ends, sizes = self.reached(others.reshape(len(points), -1), _STRETCH, _ROUGHLY, norms(points))
        sizes = sizes.reshape(count, of)
        k = sizes.argmin(axis=1)
        better = sizes[np.arange(count), k] < norms(points)
        return np.where(better, ends.reshape(len(points), count, of)[:, np.arange(count), k], points)


def _halved(
    holds: Callable[[Sizes], Bool[np.ndarray, "point"]], inner: Sizes, outer: Sizes, halvings: int
) -> tuple[Sizes, Sizes]:
    """Two ends between which something ceases to hold, drawn together: it holds at the inner one."""
    for _ in range(halvings):
        middle = 0.5 * (inner + outer)
        here = holds(middle)
        inner, outer = np.where(here, middle, inner), np.where(here, outer, middle)
    return inner, outer


def _foot(rows: np.ndarray, point: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """The point nearest to the middle on planes through a point, but for what it misses them by."""
    if not np.any(rows[0]):
        return point
    foot: np.ndarray = np.linalg.lstsq(rows, rows @ point - misses, rcond=1e-9)[0]
    return foot


def norms(points: Points) -> Sizes:
    return np.linalg.norm(points, axis=0)


def _clipped(points: Points) -> Points:
    return np.clip(points, -FARTHEST, FARTHEST)
