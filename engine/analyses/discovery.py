"""In which part of the factors' space futures of a kind lie: boxes that are proposed on some futures, chosen on others and judged on the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from engine.analyses.box_search import CART, HASTY, PATIENT, PRIM, Pace, proposed, refuse_missing
from engine.analyses.search_result import Lead, SearchResult, Step, Together
from engine.errors import UserError
from engine.risk.drivers.boxes import (
    TOLERANCE,
    Box,
    Draws,
    Judged,
    best,
    correlations,
    distance,
    inside,
    judged,
)
from engine.risk.drivers.where import Where
from engine.risk.estimation.intervals import Units, as_units
from engine.risk.estimation.measures import probability
from engine.study.study import Study

METHODS = (PRIM, CART)
PATHS = 1 << 17
"""Paths that are looked at, unless there are fewer with stored draws."""
SEARCHED = 1 << 13
"""Paths that boxes are proposed on, of those that are looked at."""
RESAMPLED = 1 << 11
"""Paths that boxes are proposed on in a resample."""
RESAMPLES = 20
FACTORS = 24
"""Factors that are searched, those whose laws differ most between the two kinds of futures."""
MOST = 3
"""Boxes of a method."""
FEWEST = 100
"""Futures of either kind from which boxes are looked for."""
FEW = 20
"""Futures of either kind, among those searched, from which a further box is."""
LEAST_COVERAGE = 0.05
"""Share of the futures that are looked for which a further box covers at least."""
EVEN = 0.25
"""Share of either kind among the futures that are searched, where there are as many: the rare ones are all taken."""


@dataclass(frozen=True)
class _Part:
    """Some of the futures: draws, which are looked for, their units."""

    draws: Draws
    cases: Bool[np.ndarray, "path"]
    units: Units

    def __len__(self) -> int:
        return len(self.cases)

    def where(self, mask: Bool[np.ndarray, "path"]) -> _Part:
        """Those of them where the mask holds."""
        draws = {name: values[mask] for name, values in self.draws.items()}
        return _Part(draws, self.cases[mask], self.units.take(mask))

    def at(self, paths: Int[np.ndarray, "path"]) -> _Part:
        """Some of them by number, perhaps several times, as if each were a unit."""
        draws = {name: values[paths] for name, values in self.draws.items()}
        return _Part(draws, self.cases[paths], as_units(len(paths), 1))

    def beyond(self, box: Box) -> _Part:
        """Those of them that lie outside a box."""
        return self.where(~inside(box, self.draws, len(self)))


def discovery(study: Study, where: Where, outcomes: Mapping[str, np.ndarray], draws: Draws) -> SearchResult:
    """Boxes of factors in which the futures that are looked for are frequent, by PRIM and by CART.

    Half of the futures propose and choose boxes; the others judge them.

    Args:
      study: of the run.
      outcomes: kept whole, [policy, path].
      draws: of factors that vary, for the first paths [path].

    Raises:
      UserError: ema_workbench, which CART needs, is not installed, no draws are stored, or too few futures are, or are not, looked for.
    """
    refuse_missing()
    paths = min((len(values) for values in draws.values()), default=0)
    paths = min(paths, PATHS, study.paths)
    if not paths:
        remedy = "Keep draws of more paths: keep.draws in the study, and run it."
        raise UserError(study.source, [f"no factor varies on the paths whose draws are stored. {remedy}"])
    study = replace(study, paths=paths)
    read = {name: outcomes[name][:, :paths] for name in where.outcomes(study)}
    cases, known = where.holds(study, read)
    known &= np.logical_and.reduce([np.isfinite(values[:paths]) for values in draws.values()])
    whole = _Part(
        {name: values[:paths] for name, values in draws.items()}, cases, as_units(paths, study.unit)
    )
    whole = whole if known.all() else whole.where(known)
    _refuse_few(study, where, whole.cases)
    search, choose, judge = _parts(whole)
    random = np.random.default_rng(study.seed)
    names = _searched(search)
    search = replace(search, draws={name: search.draws[name] for name in names})
    values = _categories(study, names)
    first = {method: _proposed(method, search, SEARCHED, values, random) for method in METHODS}
    boxes = {m: list(_boxes(m, first[m], search, choose, values, random)) for m in METHODS}
    lead = _lead(boxes, judge)
    boxes = {method: boxes[method] for method in sorted(METHODS, key=lambda one: one != lead.first)}
    own = {method: list(_judged(some, judge)) for method, some in boxes.items()}
    return SearchResult(
        study, where, probability(judge.cases, judge.units), own, lead,
        {method: _together(some, judge) for method, some in boxes.items()},
        _stability(search, choose, values, random), [_step(box, choose) for box in first[PRIM]],
        min(SEARCHED, len(search)), len(choose), len(judge), int(paths - known.sum()), names, RESAMPLES,
    )  # fmt: skip


def _refuse_few(study: Study, where: Where, cases: np.ndarray) -> None:
    most = int(cases.sum())
    rarer = min(most, len(cases) - most)
    if rarer < FEWEST:
        kind = "in which it holds" if most == rarer else "in which it does not hold"
        remedy = "Run more paths, with keep.draws as many, or ask for what is less rare."
        problem = f"'{where.text}': expected {FEWEST} futures or more {kind}, got {rarer:,} of {len(cases):,} with stored draws. {remedy}"
        raise UserError("--where", [problem])


def _parts(whole: _Part) -> tuple[_Part, _Part, _Part]:
    """A quarter of the futures to propose boxes, a quarter to choose them, half to judge them: whole units where there are four or more."""
    n, units = len(whole), whole.units
    owner = units.owners(np.arange(n))
    place = owner / units.count if units.count >= 4 else np.arange(n) / n
    return tuple(
        whole.where((place >= low) & (place < high)) for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 1))
    )  # type: ignore[return-value]


def _searched(part: _Part) -> tuple[str, ...]:
    """The factors whose laws differ most between the two kinds of futures, in the order of the study."""
    if len(part.draws) <= FACTORS:
        return tuple(part.draws)
    gaps = {name: distance(values, part.cases) for name, values in part.draws.items()}
    farthest = sorted(gaps, key=lambda name: -gaps[name])[:FACTORS]
    return tuple(name for name in part.draws if name in farthest)


def _categories(study: Study, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """Values of the factors that are no numbers."""
    return {one.name: tuple(one.labels.values()) for one in study.inputs if one.labels and one.name in names}


def _some(part: _Part, count: int, random: np.random.Generator) -> _Part:
    """At most so many of the futures, both kinds in their shares, but of the rarer kind a quarter at least where there are as many."""
    if len(part) <= count:
        return part
    kinds = np.flatnonzero(part.cases), np.flatnonzero(~part.cases)
    share = float(np.clip(part.cases.mean(), EVEN, 1 - EVEN))
    wanted = min(round(share * count), len(kinds[0]))
    wanted = max(wanted, count - len(kinds[1]))
    taken = [
        random.choice(kind, size, replace=False)
        for kind, size in zip(kinds, (wanted, count - wanted), strict=True)
    ]
    return part.at(np.sort(np.concatenate(taken)))


def _proposed(
    method: str,
    part: _Part,
    count: int,
    values: Mapping[str, Sequence[float]],
    random: np.random.Generator,
    pace: Pace = PATIENT,
) -> list[Box]:
    """What a method proposes on some of the futures; nothing where either kind is too rare among them."""
    some = _some(part, count, random)
    if min(some.cases.sum(), (~some.cases).sum()) < FEW:
        return []
    return proposed(method, some.draws, some.cases, values, pace)


def _boxes(
    method: str,
    proposals: Sequence[Box],
    search: _Part,
    choose: _Part,
    values: Mapping[str, Sequence[float]],
    random: np.random.Generator,
) -> Iterator[Box]:
    """Boxes one by one, each for the futures that the earlier ones have left, as long as one is worth its while."""
    rate, every = choose.cases.mean(), choose.cases.sum()
    for _ in range(MOST):
        box = best(proposals, choose.draws, choose.cases)
        if not box:
            return
        within = inside(box, choose.draws, len(choose))
        hits = choose.cases[within].sum()
        if hits < LEAST_COVERAGE * every or hits <= rate * within.sum():
            return
        yield box
        search, choose = search.beyond(box), choose.beyond(box)
        proposals = _proposed(method, search, SEARCHED, values, random)


def _judged(boxes: Sequence[Box], judge: _Part) -> Iterator[Judged]:
    left = np.ones(len(judge), bool)
    for box in boxes:
        yield judged(box, judge.draws, judge.cases, judge.units, left)
        left &= ~inside(box, judge.draws, len(judge))


def _any(boxes: Sequence[Box], part: _Part) -> Bool[np.ndarray, "path"]:
    """Which futures lie within any of the boxes."""
    within = np.zeros(len(part), bool)
    for box in boxes:
        within |= inside(box, part.draws, len(part))
    return within


def _lead(boxes: Mapping[str, Sequence[Box]], judge: _Part) -> Lead:
    """The method of the higher correlation; the one with fewer limits where it gives up no more than `TOLERANCE` of that, or not surely anything."""
    limits = {
        m: sum(len(limits.ends) for box in some for limits in box.values()) for m, some in boxes.items()
    }
    masks = [_any(some, judge) for some in boxes.values()]
    (one, two), gap = correlations(masks, judge.cases, judge.units)
    known = dict(zip(boxes, (one, two), strict=True))
    highest = max(known, key=lambda method: known[method].estimate)
    alike = gap.low <= 0 <= gap.high or abs(gap.estimate) <= TOLERANCE * known[highest].estimate
    tie = alike and all(boxes.values())
    first = min(known, key=lambda method: limits[method]) if tie else highest
    if first != next(iter(boxes)):
        gap = -gap
    return Lead(first, not tie, known, gap, limits)


def _together(boxes: Sequence[Box], judge: _Part) -> Together:
    within = _any(boxes, judge)
    cases, units = judge.cases, judge.units
    return Together(
        probability(within[cases], units.take(cases)),
        probability(cases[within], units.take(within)),
        probability(within, units),
    )


def _stability(
    search: _Part, choose: _Part, values: Mapping[str, Sequence[float]], random: np.random.Generator
) -> dict[str, float]:
    """By factor: in which share of the resamples of units PRIM's first box restricts it, all steps taken anew."""
    if min(search.units.count, choose.units.count) < 2:
        return {}
    counts = dict.fromkeys(search.draws, 0)
    for _ in range(RESAMPLES):
        one, other = _resampled(search, random), _resampled(choose, random)
        box = best(_proposed(PRIM, one, RESAMPLED, values, random, HASTY), other.draws, other.cases)
        for name in box or ():
            counts[name] += 1
    return {name: count / RESAMPLES for name, count in counts.items()}


def _resampled(part: _Part, random: np.random.Generator) -> _Part:
    """As many units as there are, drawn with replacement."""
    units = part.units
    drawn = random.integers(units.count, size=units.count)
    if units.owner is None and units.size == 1:
        return part.at(drawn)
    owner = units.owners(np.arange(len(part)))
    starts, ends = (np.searchsorted(owner, drawn, side=side) for side in ("left", "right"))
    sizes = ends - starts
    firsts = np.repeat(starts - np.cumsum(sizes) + sizes, sizes)
    return part.at(firsts + np.arange(len(firsts)))


def _step(box: Box, choose: _Part) -> Step:
    within = inside(box, choose.draws, len(choose))
    hits = (within & choose.cases).sum()
    return Step(
        float(hits / max(choose.cases.sum(), 1)),
        float(hits / max(within.sum(), 1)),
        float(within.mean()),
        len(box),
    )
