"""Scenario discovery: boxes of factors in which futures of a kind are frequent, judged on held-out futures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool

from engine.analyses.peeling import proposed
from engine.errors import UserError
from engine.risk.drivers.boxes import Box, Draws, Judged, best, correlation_over_units, distance, inside, judged, shares
from engine.risk.drivers.where import Where
from engine.risk.estimation.intervals import Estimate, Units, as_units
from engine.risk.estimation.measures import probability
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


@dataclass(frozen=True)
class Together:
    """The union of all boxes.

    Args:
      coverage: share of the futures looked for that lie within.
      density: share of the futures within that are looked for.
      mass: share of all futures that lie within.
      correlation: between lying within and being looked for.
    """

    coverage: Estimate
    density: Estimate
    mass: Estimate
    correlation: Estimate


@dataclass(frozen=True)
class SearchResult:
    """The result of a search for boxes in which futures of a kind are frequent.

    Args:
      study: with the paths that were used.
      where: which futures are looked for.
      rate: share of all futures that are looked for, on the judging futures.
      boxes: each is judged on the futures outside the boxes before it.
      together: the union of the boxes.
      steps: of the boxes proposed for the first box, in order, on the futures that choose among them: coverage,
        density, mass and number of limited factors.
      searched, chosen_on, judged_on: how many paths boxes are proposed on at a time, chosen on, and judged on.
      lost: paths left out because a value on them is not finite.
    """

    study: Study
    where: Where
    rate: Estimate
    boxes: Sequence[Judged]
    together: Together
    steps: Sequence[tuple[float, float, float, int]]
    searched: int
    chosen_on: int
    judged_on: int
    lost: int


@dataclass(frozen=True)
class _Part:
    """Some of the futures: their draws by factor, which of them are looked for, and their independent units."""

    draws: Draws
    cases: Bool[np.ndarray, "path"]
    units: Units

    def __len__(self) -> int:
        return len(self.cases)

    def where(self, mask: Bool[np.ndarray, "path"]) -> _Part:
        """The futures where a mask holds."""
        draws = {name: values[mask] for name, values in self.draws.items()}
        return _Part(draws, self.cases[mask], self.units.take(mask))

    def within(self, box: Box) -> Bool[np.ndarray, "path"]:
        """Which futures lie within a box."""
        return inside(box, self.draws, len(self))


def discovery(study: Study, where: Where, outcomes: Mapping[str, np.ndarray], draws: Draws) -> SearchResult:
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
    paths = min((len(values) for values in draws.values()), default=0)
    paths = min(paths, PATHS, study.paths)
    if not paths:
        remedy = "Keep draws of more paths: keep.draws in the study, and run it."
        raise UserError(study.source, [f"no factor varies on the paths whose draws are stored. {remedy}"])
    study = replace(study, paths=paths)
    read = {name: outcomes[name][:, :paths] for name in where.outcomes(study)}
    cases, known = where.holds(study, read)
    known &= np.logical_and.reduce([np.isfinite(values[:paths]) for values in draws.values()])
    whole = _Part({name: values[:paths] for name, values in draws.items()}, cases, as_units(paths, study.unit))
    whole = whole if known.all() else whole.where(known)
    _refuse_few(study, where, whole.cases)
    search, choose, judge = _parts(whole)
    search = replace(search, draws={name: search.draws[name] for name in _searched(search)})
    categories = {one.name: tuple(one.labels.values()) for one in study.inputs if one.labels}
    random = np.random.default_rng(study.seed)

    def propose(part: _Part) -> list[Box]:
        """The boxes that PRIM proposes on a subset of the futures; none where either kind is too rare in it."""
        some = _some(part, random)
        few = min(some.cases.sum(), (~some.cases).sum()) < FEW
        return [] if few else proposed(some.draws, some.cases, categories)

    first = propose(search)
    boxes = list(_boxes(first, search, choose, propose))
    return SearchResult(
        study, where, probability(judge.cases, judge.units), list(_judged(boxes, judge)), _together(boxes, judge),
        [_step(box, choose) for box in first],
        min(SEARCHED, len(search)), len(choose), len(judge), int(paths - known.sum()),
    )  # fmt: skip


def _refuse_few(study: Study, where: Where, cases: np.ndarray) -> None:
    most = int(cases.sum())
    rarer = min(most, len(cases) - most)
    if rarer < FEWEST:
        kind = "in which it holds" if most == rarer else "in which it does not hold"
        remedy = "Run more paths, with keep.draws as many, or ask for what is less rare."
        problem = (
            f"'{where.text}': expected {FEWEST} futures or more {kind}, got {rarer:,} of {len(cases):,} with stored"
            f" draws. {remedy}"
        )
        raise UserError("--where", [problem])


def _parts(whole: _Part) -> tuple[_Part, _Part, _Part]:
    """The futures in three parts, a quarter, a quarter and a half; of whole units if there are four or more."""
    n, units = len(whole), whole.units
    owner = units.owners(np.arange(n))
    place = owner / units.count if units.count >= 4 else np.arange(n) / n
    return tuple(whole.where((place >= low) & (place < high)) for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 1)))  # type: ignore[return-value]


def _searched(part: _Part) -> tuple[str, ...]:
    """The factors whose distributions differ most between the two kinds of futures, in the order of the study."""
    gaps = {name: distance(values, part.cases) for name, values in part.draws.items()}
    farthest = sorted(gaps, key=lambda name: -gaps[name])[:FACTORS]
    return tuple(name for name in part.draws if name in farthest)


def _some(part: _Part, random: np.random.Generator) -> _Part:
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


def _boxes(
    proposals: Sequence[Box], search: _Part, choose: _Part, propose: Callable[[_Part], Sequence[Box]]
) -> Iterator[Box]:
    """Boxes one after the other, each found on the futures outside the earlier ones.

    They end before the first box that covers too little, or is no denser than all futures.
    """
    rate, every = choose.cases.mean(), choose.cases.sum()
    for _ in range(MOST):
        box = best(proposals, choose.draws, choose.cases)
        if not box:
            return
        within = choose.within(box)
        hits = choose.cases[within].sum()
        if hits < LEAST_COVERAGE * every or hits <= rate * within.sum():
            return
        yield box
        search, choose = search.where(~search.within(box)), choose.where(~within)
        proposals = propose(search)


def _judged(boxes: Sequence[Box], judge: _Part) -> Iterator[Judged]:
    left = np.ones(len(judge), bool)
    for box in boxes:
        yield judged(box, judge.draws, judge.cases, judge.units, left)
        left &= ~judge.within(box)


def _together(boxes: Sequence[Box], judge: _Part) -> Together:
    within = np.logical_or.reduce([np.zeros(len(judge), bool), *map(judge.within, boxes)])
    cases, units = judge.cases, judge.units
    return Together(*shares(within, cases, units), correlation_over_units(within, cases, units))


def _step(box: Box, choose: _Part) -> tuple[float, float, float, int]:
    within = choose.within(box)
    hits = (within & choose.cases).sum()
    coverage, density = hits / max(choose.cases.sum(), 1), hits / max(within.sum(), 1)
    return float(coverage), float(density), float(within.mean()), len(box)
