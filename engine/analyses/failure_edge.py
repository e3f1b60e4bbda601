"""The design point of a failure region: where it happens nearest to the origin of standard normal scores.

"It happens" inside the region; "the middle" is the origin. On the edge of the region the margin is zero. Points slide
along the edge by the algorithm of Hasofer, Lind, Rackwitz and Fiessler, with finite differences for gradients, and
scores that change nothing are reduced. Sources: Hasofer and Lind (1974), J. Eng. Mech. Div. ASCE 100, 111-121; Rackwitz
and Fiessler (1978), Comput. Struct. 9, 489-494, doi:10.1016/0045-7949(78)90046-9.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float

Points = Float[np.ndarray, "score point"]
Sizes = Float[np.ndarray, "point"]
Margin = Callable[[Points], Sizes]
"""The margin of each point [score, point]: above zero inside the region where it happens; NaN counts as outside."""
FARTHEST = 6.3
"""Scores are clipped to plus or minus this, as no path has larger ones."""
_REACHES = (0.3, 0.1, 0.03)
"""Step sizes of finite differences for gradients, one after the other."""
_ALONG = np.array([1.5, 1.0, 0.7, 0.4, 0.2, 0.08, 0.03])
"""Fractions of the step to the foot of the perpendicular that are tried."""
_STRETCH = 2.0
_LEAST = 1e-4
"""Least relative gain in distance per round; a point that gains less goes on with the next smaller step size."""
_HOLDS, _JUMPS, _BEYOND = 0.2, 4, 1.3
"""Least score checked for a jump of the margin, most scores checked per point, and how far the point is stretched."""
_ON_RAY = 16
_ROUGHLY, FINELY = 12, 26
"""Bisections by which the edge is located, roughly and finely."""
AT_ONCE = 12
"""Points that slide at a time."""
STARTS, FINALISTS = 40, 5
"""Starting points that slide along the edge for a few rounds, and how many of them, the nearest, slide to the end."""
FIRST_ROUNDS, ROUNDS = 4, 40
"""Most rounds in which a point slides: for a first look at how near it comes, and to the end."""
_AROUND = 128
_TRIES = 30


class Edge:
    """The boundary of the region with a positive margin; distances are from the origin of standard normal scores."""

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
        """Where the ray from the origin through each point first meets the edge, and its distance.

        The ray goes on to `most` times the point's length; the distance is infinite if it does not meet the edge.

        Args:
          within: upper bounds on the distance, one for each group of equally many consecutive rays, of which only the
            nearest end is wanted, and only within the bound. A ray that cannot have it is not located further, and its
            distance may be too large.
        """
        steps = most * np.arange(1, _ON_RAY + 1) / _ON_RAY
        if most > 1:  # most often the edge is near the point itself
            steps = np.concatenate([np.linspace(0.125, 0.875, 7), np.linspace(0.9375, most, _ON_RAY)])
        before, lengths = np.concatenate([[0.0], steps[:-1]]), norms(points)
        farthest = FARTHEST / np.maximum(np.abs(points).max(axis=0), _LEAST)  # beyond this, scores are clipped

        def may_be(share: np.ndarray, bound: Sizes) -> np.ndarray:
            """Whether a ray that ends at `share` or beyond may end within `bound`, with an allowance for rounding."""
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

    def slid(self, points: Points, rounds: int) -> Points:
        """Points of the edge after at most `rounds` rounds of sliding along it, nearer to the origin."""
        parts = [self._slid(points[:, first : first + AT_ONCE], rounds) for first in range(0, points.shape[1], AT_ONCE)]
        return np.concatenate(parts, axis=1)

    def instead(self, point: Points, others: Points) -> Points:
        """The point, or one nearer to the origin if sliding the nearest of the others along the edge finds it."""
        if not others.shape[1]:
            return point
        ends, sizes = self.reached(others, _STRETCH, _ROUGHLY)
        best = np.argsort(sizes, kind="stable")[:FINALISTS]
        best = best[np.isfinite(sizes[best])]
        if not len(best):
            return point
        points = self.slid(ends[:, best], FIRST_ROUNDS)
        points = self.slid(points[:, [int(np.argmin(norms(points)))]], ROUNDS)
        return points if norms(points)[0] < norms(point)[0] else point

    def tried_around(self, point: Points) -> Points:
        """The nearest point found by random search around a point, each trial being drawn in to the edge."""
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
        """One step of each point towards the foot of the perpendicular from the origin to the edge's tangent plane."""
        slope, jumps = self._slopes(points, reach)
        feet = [np.stack([_foot(slope[:, [k]].T, points[:, k], np.zeros(1)) for k in range(points.shape[1])], axis=1)]
        if (beside := self._feet_of_jumps(points, slope, jumps)) is not None:
            feet.append(beside)
        others = [points[:, :, None] + (foot - points)[:, :, None] * _ALONG for foot in feet]
        return self._best(points, np.concatenate(others, axis=2))

    def _slopes(self, points: Points, reach: Sizes) -> tuple[Points, Bool[np.ndarray, "score point"]]:
        """Gradients of the margin, and which scores are beside a jump of it.

        There the one-sided difference without the jump is taken.
        """
        here = self.margins(points)

        def sides(score: np.ndarray, at: np.ndarray, by: Sizes) -> tuple[Sizes, Sizes]:
            moved = np.tile(points[:, at], 2)
            moved[np.tile(score, 2), np.arange(2 * len(at))] += np.concatenate([by[at], -by[at]])
            ahead, behind = np.split(self.margins(moved), 2)
            with np.errstate(invalid="ignore"):
                return tuple(
                    np.nan_to_num(one, posinf=0.0, neginf=0.0) for one in (ahead - here[at], here[at] - behind)
                )

        every, each = np.indices(points.shape)
        ahead, behind = (one.reshape(points.shape) for one in sides(every.ravel(), each.ravel(), reach))
        small = np.where(np.abs(ahead) < np.abs(behind), ahead, behind)
        large = np.maximum(np.abs(ahead), np.abs(behind))
        jumps = (large > 5 * np.abs(small)) & (large > 1e-3)
        score, at = np.nonzero(jumps)
        if len(at):  # a jump does not shrink with the step, a bend does
            jumps[score, at] = np.maximum(*map(np.abs, sides(score, at, reach / 4))) > 0.6 * large[score, at]
        return np.where(jumps, small, 0.5 * (ahead + behind)) / reach, jumps

    def _feet_of_jumps(self, points: Points, slope: Points, jumps: Bool[np.ndarray, "score point"]) -> Points | None:
        """Feet of the perpendicular on the tangents of the edge and of the surfaces of jumps.

        Where the margin jumps in one score may depend on the other scores, which its gradient does not show.
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
        # the point is stretched well beyond all jumps, so that each is examined by itself
        beyond = np.where(held > 0, _BEYOND * points, points)
        for (k, j), (at, rise, is_jump) in zip(pairs, self._jumps(beyond, pairs), strict=True):
            if not is_jump:
                continue
            rows[k].append(np.eye(len(points))[j] - rise)
            misses[k].append(points[j, k] - at)
        feet = [_foot(np.array(own), points[:, k], np.array(misses[k])) for k, own in enumerate(rows)]
        return np.stack(feet, axis=1)

    def _jumps(self, points: Points, pairs: list[tuple[int, int]]) -> list[tuple[float, np.ndarray, bool]]:
        """For each pair, where the margin jumps in the score, how that depends on the others, and whether it jumps.

        Args:
          pairs: index of the point, index of the score.
        """
        reach = _REACHES[0]
        own, score = points[:, [k for k, _ in pairs]], np.array([j for _, j in pairs])
        inner, outer, high, low = self._halfway(own, score)
        with np.errstate(invalid="ignore"):
            jumps = (self._at(own, score, inner) - self._at(own, score, outer) > 0.3 * (high - low)) & (
                high - low > 1e-3
            )
        # all other scores are tried at the first jump in a score; for later ones, only those that moved the first
        others = {
            k: self._moving.get(j, np.delete(np.arange(len(points)), j)) for k, (_, j) in enumerate(pairs) if jumps[k]
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
        """Margins of points, each with one score replaced by a value."""
        moved = points.copy()
        moved[score, np.arange(len(score))] = value
        return self.margins(moved)

    def _halfway(self, points: Points, score: np.ndarray) -> tuple[Sizes, Sizes, Sizes, Sizes]:
        """Two values of a score between its own and 0, by bisection; between them the margin passes its half-way level.

        Also the margins at the score's own value and at 0, which that level is half-way between.
        """
        inner, outer = points[score, np.arange(len(score))], np.zeros(len(score))
        high, low = self._at(points, score, inner), self._at(points, score, outer)
        level = 0.5 * (high + low)
        inner, outer = _halved(lambda value: self._at(points, score, value) > level, inner, outer, _ROUGHLY)
        return inner, outer, high, low

    def _let_go(self, points: Points) -> Points:
        """Points with needless scores reduced towards 0.

        How far each score can go alone with the point still inside is found first; then all of them move together.
        """
        inner = points * (1 + 1e-4)
        # scores that are small already add next to nothing to the distance
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
        """The nearest to the origin of each point and its alternatives, after drawing these in, or out, to the edge."""
        count, of = others.shape[1:]
        ends, sizes = self.reached(others.reshape(len(points), -1), _STRETCH, _ROUGHLY, norms(points))
        sizes = sizes.reshape(count, of)
        k = sizes.argmin(axis=1)
        better = sizes[np.arange(count), k] < norms(points)
        return np.where(better, ends.reshape(len(points), count, of)[:, np.arange(count), k], points)


def _halved(
    holds: Callable[[Sizes], Bool[np.ndarray, "point"]], inner: Sizes, outer: Sizes, halvings: int
) -> tuple[Sizes, Sizes]:
    """The two ends of an interval in which a condition ceases to hold, after bisections; it holds at the inner end."""
    for _ in range(halvings):
        middle = 0.5 * (inner + outer)
        here = holds(middle)
        inner, outer = np.where(here, middle, inner), np.where(here, outer, middle)
    return inner, outer


def _foot(rows: np.ndarray, point: np.ndarray, misses: np.ndarray) -> np.ndarray:
    """The point nearest to the origin on planes with normals `rows`, which miss `point` by `misses`.

    Without a gradient it is `point` itself.
    """
    if not np.any(rows[0]):
        return point
    foot: np.ndarray = np.linalg.lstsq(rows, rows @ point - misses, rcond=1e-9)[0]
    return foot


def norms(points: Points) -> Sizes:
    return np.linalg.norm(points, axis=0)


def _clipped(points: Points) -> Points:
    return np.clip(points, -FARTHEST, FARTHEST)


def nearest_point(
    margin: Margin, starts: Points, others: Callable[[Points], Points] | None = None
) -> tuple[Float[np.ndarray, "score"], int] | None:
    """The design point nearest to the origin that is found from some starts, just inside the edge.

    They are drawn in to the edge; the nearest and their mean slide along it, the best of these to the end.

    Args:
      margin: by point, positive where it happens.
      starts: points at which it happens, or nearly [score, point].
      others: for a point [score, 1], further candidates, such as the same future with its shocks in other years; the
        nearest of them slide too.

    Returns:
      The point, which is the origin where it happens there, and how many starting points slid along the edge; None
      where no point is found.
    """
    if not len(starts):
        return None  # nothing is drawn, so that no future differs from the middle one
    edge, zero = Edge(margin, np.random.default_rng(0)), np.zeros((len(starts), 1))
    if edge.inside(zero)[0]:
        return zero[:, 0], 0
    drawn, sizes = edge.reached(starts, 1.0)
    far, far_sizes = edge.reached(starts.mean(axis=1, keepdims=True), 8.0)
    order = np.argsort(sizes, kind="stable")[:STARTS]
    points = np.concatenate([far, drawn[:, order]], axis=1)
    points = points[:, np.isfinite(np.concatenate([far_sizes, sizes[order]]))]
    count = points.shape[1]
    if not count:
        return None
    points = edge.slid(points, FIRST_ROUNDS)
    best = np.argsort(norms(points), kind="stable")[:FINALISTS]
    points = edge.slid(points[:, best], ROUNDS)
    point = points[:, [int(np.argmin(norms(points)))]]
    for _ in range(ROUNDS if others else 0):
        before = norms(point)[0]
        point = edge.instead(point, others(point))  # type: ignore[misc]
        if norms(point)[0] > (1 - 1e-3) * before:
            break
    point = edge.slid(edge.tried_around(point), ROUNDS)
    return edge.reached(point, 1.0 + 1e-4)[0][:, 0], count
