"""Scenario discovery: boxes of factors in which futures of a kind are frequent, judged on held-out futures.

Boxes come from PRIM (patient rule induction method), with the steps of ema_workbench. It works on columns of numbers,
which is much faster than that package's tables. Source: Friedman and Fisher (1999), Bump hunting in high-dimensional
data, Stat. Comput. 9, 123-143.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.stats import ks_2samp

from engine.errors import UserError
from engine.questions.variables import Mask, Paths, Values
from engine.risk.drivers.boxes import Box, Draws, Limits, best, inside
from engine.risk.drivers.where import Where
from engine.risk.estimation.intervals import Units, as_units
from engine.study.study import Study

PATHS = 1 << 17
"""Most paths that are used, of those with stored draws."""
SEARCHED = 1 << 13
"""Most paths that boxes are proposed on at a time."""
FACTORS = 24
"""Most factors that are searched: those whose distributions differ most between the two kinds of futures."""
MOST = 3
"""Most boxes."""
FEWEST = 100
"""Fewest futures of either kind for a search."""
FEW = 20
"""Fewest futures of either kind, among those that are searched, for boxes to be proposed."""
LEAST_COVERAGE = 0.05
"""Least coverage of a box to be taken: the share of the futures looked for that it holds and no earlier box does."""
EVEN = 0.25
"""Least share of the rarer kind among the searched futures; if it has too few futures, all of these are searched."""

PART = 0.05
"""Share of the paths in a box that a peeling step removes, and of those beyond a limit that a pasting step restores."""
LEAST_MASS = 0.05
"""Smallest share of all paths that a box may hold."""
Columns = Float[np.ndarray, "column path"]
Ends = Float[np.ndarray, "2 column"]


@dataclass(frozen=True)
class Sample:
    """Some futures: their draws by factor, which of them are looked for, and their independent units."""

    draws: Draws
    cases: Mask
    units: Units

    def __len__(self) -> int:
        return len(self.cases)

    def where(self, mask: Mask) -> Sample:
        """The futures where a mask holds."""
        draws = {name: values[mask] for name, values in self.draws.items()}
        return Sample(draws, self.cases[mask], self.units.take(mask))

    def within(self, box: Box) -> Mask:
        """Which futures lie within a box."""
        return inside(box, self.draws, len(self))


@dataclass(frozen=True)
class Discovery:
    """Boxes of factors in which the futures that are looked for are frequent.

    Args:
      study: with the paths that were used.
      where: which futures are looked for.
      boxes: in the order in which they were chosen, each on the futures outside the boxes before it.
      search, choose, judge: the futures that boxes are proposed on, chosen on and judged on.
    """

    study: Study
    where: Where
    boxes: Sequence[Box]
    search: Sample
    choose: Sample
    judge: Sample


def discovery(study: Study, where: Where, outcomes: Values, draws: Draws) -> Discovery:
    """Boxes of factors in which the futures that are looked for are frequent, by PRIM.

    A quarter of the futures proposes boxes, a quarter chooses among them, and the other half judges the chosen ones.

    Args:
      study: of the run.
      where: what holds in the futures that are looked for.
      outcomes: those stored path by path, [policy, path].
      draws: of the factors that vary, for the first paths [path].

    Raises:
      UserError: no draws are stored; one kind of futures is too rare.
    """
    paths = min(PATHS, study.paths, *(len(values) for values in draws.values())) if draws else 0
    if not paths:
        remedy = "Keep draws of more paths: keep.draws in the study, and run it."
        raise UserError(study.source, [f"no factor varies on the paths whose draws are stored. {remedy}"])
    study = replace(study, paths=paths)
    draws = {name: values[:paths] for name, values in draws.items()}
    cases, known = where.holds(study, {name: outcomes[name][:, :paths] for name in where.outcomes})
    known = np.logical_and.reduce([known, *map(np.isfinite, draws.values())])
    whole = Sample(draws, cases, as_units(paths, study.unit)).where(known)
    _refuse_few(where, whole.cases)
    search, choose, judge = _parts(whole)
    search = replace(search, draws=searched(search))
    return Discovery(study, where, _boxes(study, search, choose), search, choose, judge)


def _refuse_few(where: Where, cases: np.ndarray) -> None:
    most = int(cases.sum())
    rarer = min(most, len(cases) - most)
    if rarer < FEWEST:
        kind = "in which it holds" if most == rarer else "in which it does not hold"
        remedy = "Run more paths, with keep.draws as many, or state a more frequent condition."
        problem = (
            f"'{where.text}': expected {FEWEST} futures or more {kind}, got {rarer:,} of {len(cases):,} with stored"
            f" draws. {remedy}"
        )
        raise UserError("--where", [problem])


def _parts(whole: Sample) -> tuple[Sample, Sample, Sample]:
    """The futures in three parts, a quarter, a quarter and a half; of whole units if there are four or more."""
    units = whole.units if whole.units.count >= 4 else as_units(len(whole), 1)
    place = units.owners(np.arange(len(whole))) / units.count
    return whole.where(place < 0.25), whole.where((place >= 0.25) & (place < 0.5)), whole.where(place >= 0.5)


def searched(part: Sample) -> Draws:
    """The factors whose distributions differ most between the two kinds of futures, in the order of the study."""
    cases = part.cases
    gaps = {
        name: ks_2samp(values[cases], values[~cases], method="asymp").statistic for name, values in part.draws.items()
    }
    farthest = sorted(gaps, key=lambda name: -gaps[name])[:FACTORS]
    return {name: values for name, values in part.draws.items() if name in farthest}


def _boxes(study: Study, search: Sample, choose: Sample) -> list[Box]:
    """The boxes, each of which is proposed and chosen on the futures outside the earlier ones.

    They end before the first box that covers too little, or is no denser than all futures.
    """
    categories = {one.name: tuple(one.labels.values()) for one in study.inputs if one.labels}
    random = np.random.default_rng(study.seed)
    rate, every = choose.cases.mean(), choose.cases.sum()
    boxes: list[Box] = []
    while len(boxes) < MOST:
        some = _some(search, random)
        if min(some.cases.sum(), (~some.cases).sum()) < FEW:
            break
        box = best(proposed(some.draws, some.cases, categories), choose.draws, choose.cases)
        if not box:
            break
        within = choose.within(box)
        hits = choose.cases[within].sum()
        if hits < LEAST_COVERAGE * every or hits <= rate * within.sum():
            break
        boxes.append(box)
        search, choose = search.where(~search.within(box)), choose.where(~within)
    return boxes


def _some(part: Sample, random: np.random.Generator) -> Sample:
    """A random subset of at most `SEARCHED` futures, in which the rarer kind may be over-represented.

    Both kinds have their shares, but the rarer one at least a quarter if there are as many.
    """
    if len(part) <= SEARCHED:
        return part
    kinds = np.flatnonzero(part.cases), np.flatnonzero(~part.cases)
    share = float(np.clip(part.cases.mean(), EVEN, 1 - EVEN))
    wanted = min(round(share * SEARCHED), len(kinds[0]))
    wanted = max(wanted, SEARCHED - len(kinds[1]))
    chosen = np.zeros(len(part), bool)
    for kind, size in zip(kinds, (wanted, SEARCHED - wanted), strict=True):
        chosen[random.choice(kind, size, replace=False)] = True
    return part.where(chosen)


def proposed(draws: Draws, cases: Mask, categories: Mapping[str, Sequence[float]]) -> list[Box]:
    """The boxes of factors that peeling and pasting pass through, without those that hold everything.

    Args:
      draws: values of each factor [path].
      cases: which paths are looked for; at least one, and not all.
      categories: all values of each categorical factor; a box allows a subset of them.
    """
    columns = {
        (name, one): values if one is None else values == one
        for name, values in draws.items()
        for one in categories.get(name, [None])
    }
    whole, *boxes = passed_through(np.array([*columns.values()], np.float64), cases)
    open_ends = np.array([[-np.inf], [np.inf]])
    limits = (np.where(ends == whole, open_ends, ends).T.tolist() for ends in boxes)
    made = (_box(draws, dict(zip(columns, ends, strict=True)), categories) for ends in limits)
    return [box for box in made if box]


def _box(
    names: Iterable[str],
    ends: Mapping[tuple[str, float | None], Sequence[float]],
    categories: Mapping[str, Sequence[float]],
) -> Box:
    """The limited factors of a box.

    Args:
      ends: limits of each column, which is a factor, or whether a factor has one of its categories.
    """
    box: dict[str, Limits] = {}
    for name in names:
        if name in categories:
            own = {one: ends[name, one] for one in categories[name]}
            left = tuple(one for one in own if all(low <= (one == other) <= high for other, (low, high) in own.items()))
            limits = Limits(allowed=left if len(left) < len(own) else None)
        else:
            low, high = ends[name, None]
            limits = Limits(low, high)
        box |= {name: limits} if limits != Limits() else {}
    return box


def passed_through(columns: Columns, cases: Mask) -> list[Ends]:
    """The boxes in turn, the first holding everything: the limits of each column [low and high, column].

    Args:
      columns: values of the paths [column, path].
      cases: which paths are looked for; at least one, and not all.
    """
    boxes = [np.stack([columns.min(axis=1), columns.max(axis=1)])]
    for peels in (True, False):
        while (box := _next(columns, cases, boxes[0], boxes[-1], peels)) is not None:
            boxes.append(box)
    return boxes


def _next(columns: Columns, cases: np.ndarray, whole: Ends, box: Ends, peels: bool) -> Ends | None:
    """The box with one limit moved: the move that raises the share of cases most per path removed or restored.

    Among equal moves it is the one with the fewest limited columns. None where no move raises the share, or the box
    holds too few paths.

    Args:
      peels: whether limits are moved inwards, by the highest or lowest values in the box; else the limits that there
        are move outwards, by the values next beyond them.
    """
    outside = (columns < box[0, :, None]) | (columns > box[1, :, None])
    misses = outside.sum(axis=0)
    within = misses == 0
    count = int(within.sum())
    rate = int(cases[within].sum()) / count
    moves: list[tuple[float, int, int, Ends]] = []
    for column in range(len(columns)) if peels else np.flatnonzero((box != whole).any(axis=0)):
        values, others = columns[column], misses == outside[column]
        low, high = box[:, column]
        for side in (1, 0) if peels else (0, 1):
            some = within if peels else others & (values >= high if side else values <= low)
            is_top = side == peels  # an upper limit moves in, or a lower one out, from the largest of these values
            moved = box.copy()
            moved[side, column] = whole[side, column]
            if some.any():
                moved[side, column] = _quantile(np.sort(values[some]), 1 - PART if is_top else PART)
            inside = others & (values >= moved[0, column]) & (values <= moved[1, column])
            size, limited = int(inside.sum()), int((moved != whole).any(axis=0).sum())
            rise = int(cases[inside].sum()) / max(size, 1) - rate
            moves.append((rise / max(abs(count - size), 1), -limited, size, moved))
    score, _, size, moved = max(moves, key=lambda move: move[:2], default=(0.0, 0, 0, box))
    return moved if score > 0 and size / len(cases) >= LEAST_MASS else None


def _quantile(ascending: Paths, share: float) -> float:
    """A quantile midway between two distinct values; for a tie with the next value farther in."""
    last = len(ascending) - 1
    low, high = ascending[math.floor(last * share)], ascending[math.ceil(last * share)]
    if low == high:
        farther = np.searchsorted(ascending, low) - 1 if share > 0.5 else np.searchsorted(ascending, low, "right")
        high = ascending[np.clip(farther, 0, last)]
    return float(low + high) / 2
