"""Scenario discovery: boxes of factors in which futures of a kind are frequent, judged on held-out futures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from engine.analyses.box_search import CART, HASTY, PATIENT, PRIM, Pace, proposed, refuse_missing
from engine.analyses.search_result import Lead, SearchResult, Step, Together
from engine.errors import UserError
from engine.risk.drivers.boxes import TOLERANCE, Box, Draws, Judged, best, correlations, distance, inside, judged
from engine.risk.drivers.where import Where
from engine.risk.estimation.intervals import Units, as_units
from engine.risk.estimation.measures import probability
from engine.study.study import Study

METHODS = (PRIM, CART)
PATHS = 1 << 17
"""Most paths that are used, of those with stored draws."""
SEARCHED = 1 << 13
"""Most paths that boxes are proposed on at a time."""
RESAMPLED = 1 << 11
"""Most paths that boxes are proposed on in a resample."""
RESAMPLES = 20
FACTORS = 24
"""Most factors that are searched: those whose distributions differ most between the two kinds of futures."""
MOST = 3
"""Most boxes of a method."""
FEWEST = 100
"""Fewest futures of either kind for a search."""
FEW = 20
"""Fewest futures of either kind, among those that a method searches, for it to propose boxes."""
LEAST_COVERAGE = 0.05
"""Least coverage of a box to be taken: the share of the futures looked for that it holds and no earlier box does."""
EVEN = 0.25
"""Least share of the rarer kind among the searched futures; if it has too few futures, all of these are searched."""


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

    def at(self, paths: Int[np.ndarray, "path"]) -> _Part:
        """The futures of some indices, which may repeat, each as an independent unit."""
        draws = {name: values[paths] for name, values in self.draws.items()}
        return _Part(draws, self.cases[paths], as_units(len(paths), 1))

    def beyond(self, box: Box) -> _Part:
        """The futures that lie outside a box."""
        return self.where(~inside(box, self.draws, len(self)))


def discovery(study: Study, where: Where, outcomes: Mapping[str, np.ndarray], draws: Draws) -> SearchResult:
    """Boxes of factors in which the futures that are looked for are frequent, by PRIM and by CART.

    A quarter of the futures proposes boxes, a quarter chooses among them, and the other half judges the chosen ones.

    Args:
      study: of the run.
      where: what holds in the futures that are looked for.
      outcomes: those stored path by path, [policy, path].
      draws: of the factors that vary, for the first paths [path].

    Raises:
      UserError: ema_workbench is not installed, which CART needs; no draws are stored; one kind of futures is too rare.
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
    whole = _Part({name: values[:paths] for name, values in draws.items()}, cases, as_units(paths, study.unit))
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
    if len(part.draws) <= FACTORS:
        return tuple(part.draws)
    gaps = {name: distance(values, part.cases) for name, values in part.draws.items()}
    farthest = sorted(gaps, key=lambda name: -gaps[name])[:FACTORS]
    return tuple(name for name in part.draws if name in farthest)


def _categories(study: Study, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """All values of each categorical factor."""
    return {one.name: tuple(one.labels.values()) for one in study.inputs if one.labels and one.name in names}


def _some(part: _Part, count: int, random: np.random.Generator) -> _Part:
    """A random subset of at most `count` futures, in which the rarer kind may be over-represented.

    Both kinds have their shares, but the rarer one at least a quarter if there are as many.
    """
    if len(part) <= count:
        return part
    kinds = np.flatnonzero(part.cases), np.flatnonzero(~part.cases)
    share = float(np.clip(part.cases.mean(), EVEN, 1 - EVEN))
    wanted = min(round(share * count), len(kinds[0]))
    wanted = max(wanted, count - len(kinds[1]))
    taken = [
        random.choice(kind, size, replace=False) for kind, size in zip(kinds, (wanted, count - wanted), strict=True)
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
    """The boxes that a method proposes on a subset of the futures; none where either kind is too rare in it."""
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
    """Boxes one after the other, each found on the futures outside the earlier ones.

    They end before the first box that covers too little, or is no denser than all futures.
    """
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
    """The leading method: that of the higher correlation; on a tie, that with fewer limits.

    On a tie both methods have boxes, and their correlations do not differ significantly, or differ by at most
    `TOLERANCE` of the higher one.
    """
    limits = {m: sum(len(limits.ends) for box in some for limits in box.values()) for m, some in boxes.items()}
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
    """The share of bootstrap resamples of units in which PRIM's first box limits each factor.

    Search and choice are repeated in each.
    """
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
    """A bootstrap resample: as many units as there are, drawn with replacement."""
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
        float(hits / max(choose.cases.sum(), 1)), float(hits / max(within.sum(), 1)), float(within.mean()), len(box)
    )
