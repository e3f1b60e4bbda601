"""The least objective over several levers under limits: searched by COBYQA, judged on futures not searched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

import numpy as np
from scipy.optimize import NonlinearConstraint, minimize

from engine.risk.estimation.intervals import Estimate

MARGIN = 1.645
"""Standard errors by which limits are tightened in a search."""
MOST = 300
"""Most evaluations in all searches together; those that judge are apart."""
NEARING, DESCENT = 40, 60
"""Most evaluations of a search for a policy that meets the limits, and of one for the least objective."""
ROUNDS = 3
"""Most sets of futures that are searched, one after the other."""
WIDE, NEAR, FINE = 0.25, 0.05, 2e-3
"""Radius of the first steps, of those from a point that was found before, and of the last."""
Point = tuple[float, ...]
"""Levers, each scaled to [0, 1]."""
Estimates = Sequence[Estimate]
Evaluate = Callable[[int, bool, Point], Estimates]
"""The objective, and how far each limit is broken, on a numbered set of futures, all of them or few, at a point."""


@dataclass(frozen=True)
class Best:
    """A point that was found, judged on futures that no search has seen.

    Args:
      is_met: whether it meets the tightened limits on the futures of the last search.
      judged: the objective there, and how far each limit is broken.
      number: of the futures that judge.
      idle: whether each limit is met, tightened, at every point of all searches.
    """

    point: Point
    is_met: bool
    judged: Estimates
    number: int
    evaluations: int
    idle: Sequence[bool]

    @property
    def holds(self) -> bool:
        """Whether all limits are met in the search and by the estimates on the futures that judge."""
        return self.is_met and all(gap.estimate <= 0 for gap in self.judged[1:])


@dataclass
class Search:
    """Searches one set of futures, and evaluates each point once.

    Args:
      left: how many evaluations may be made.
    """

    evaluate: Callable[[Point], Estimates]
    starts: Sequence[Point]
    left: int
    seen: dict[Point, Estimates] = field(default_factory=dict)

    def __call__(self, x: Sequence[float] | np.ndarray) -> Estimates:
        """The objective, and how far each limit is broken."""
        point = tuple(np.clip(x, 0.0, 1.0).tolist())
        if point not in self.seen:
            self.seen[point] = self.evaluate(point)
        return self.seen[point]

    @cached_property
    def scales(self) -> np.ndarray:
        """Standard errors of the objective and of each limit at the first start; 1 where they are 0 or missing."""
        errors = np.array([one.standard_error for one in self(self.starts[0])])
        return np.where(errors > 0, errors, 1.0)

    def excess(self, x: Sequence[float] | np.ndarray) -> np.ndarray:
        """By how many `scales` each tightened limit is broken."""
        gaps = self(x)[1:]
        tightened = [one.estimate + MARGIN * np.nan_to_num(one.standard_error) for one in gaps]
        return np.array(tightened) / self.scales[1:]

    def rank(self, x: Point) -> tuple[float, float]:
        """Ascending order of points: by the limit that is broken most, then by the objective."""
        return float(max([0.0, *self.excess(x)])), self(x)[0].estimate

    def best(self, radius: float) -> Point:
        """The best of all points: descents from each start, once a point meets the limits."""
        first, *others = sorted(self.starts, key=self.rank)
        if (most := self.rank(first)[0]) > 0:
            # the largest excess becomes a further variable, as it has no slope where two limits are broken alike
            self._descend((*first, 1.0), radius, NEARING, lambda x: x[-1], lambda x: self.excess(x[:-1]) / most - x[-1])
            first = min(self.seen, key=self.rank)
        if self.rank(first)[0] == 0:
            for start in (first, *others):
                self._descend(start, radius, DESCENT, lambda x: self(x)[0].estimate / self.scales[0], self.excess)
        return min(self.seen, key=self.rank)

    def _descend(
        self, start: Point, radius: float, most: int, value: Callable[..., float], limits: Callable[..., np.ndarray]
    ) -> None:
        """Evaluates points on the way to the least value under limits, which are met where they are at most 0."""
        if (most := min(most, self.left - len(self.seen))) > 0:
            levers = len(self.starts[0])
            minimize(
                value, start, method="COBYQA", bounds=[(0.0, 1.0)] * levers + [(None, None)] * (len(start) - levers),
                constraints=NonlinearConstraint(limits, -np.inf, 0.0),
                options={"maxfev": most, "initial_tr_radius": radius, "final_tr_radius": FINE,
                         "f_target": 0.0 if len(start) > levers else -np.inf},
            )  # fmt: skip


def least(evaluate: Evaluate, stated: Sequence[float], has_few: bool) -> Best:
    """The point with the least objective that meets the limits; the nearest to them if none is found.

    The first search is from `stated` and two points spread within the bounds, on few futures if there are more; the
    next from what it finds, on all. Another round on the futures that judged, and judged by others, follows where a
    limit is broken there.
    """
    spread = [1 / 4 + k % 2 / 2 for k in range(len(stated))]
    starts, radius, used = [tuple(stated), tuple(spread), tuple(1 - x for x in spread)], WIDE, 0
    met = list[np.ndarray]()
    for number, whole in [(0, False)] * has_few + [(number, True) for number in range(ROUNDS)]:
        search = Search(partial(evaluate, number, whole), starts, MOST - used)
        starts, radius = [search.best(radius)], NEAR
        used, met = used + len(search.seen), met + [search.excess(x) <= 0 for x in search.seen]
        if whole:
            is_met, judged = search.rank(starts[0])[0] == 0, evaluate(number + 1, True, starts[0])
            best = Best(starts[0], is_met, judged, number + 1, used, np.all(met, axis=0).tolist())
            if best.holds or not is_met or used >= MOST:
                break
    return best
