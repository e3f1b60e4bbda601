"""The answer to `discover`: boxes of factors in which futures of a kind are frequent, as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from engine.analyses.columns import by_position, fields, made
from engine.analyses.discovery import PATHS, SearchResult, discovery
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Table, counts, estimates, numbers, texts
from engine.formatting import begun
from engine.risk.drivers.boxes import Judged, category, labels_of, number, restriction
from engine.risk.drivers.where import Versus, parse_where
from engine.risk.estimation.tallies import unkept
from engine.risk.estimation.wording import likely, named, share, some
from engine.study.components import Event

ROOM, LIMITS = 14, 18
"""Most words, in a sentence, for what is looked for and for the limits of a box."""
ABOUT = {
    "density": "share of the futures within that are looked for",
    "coverage": "share of the futures that are looked for which lie within",
    "mass": "share of all futures that lie within",
}
READING = (
    "coverage: share of these futures that lie within. density: share of the futures within that are such. mass: share"
    " of all futures within. What lies in an earlier box is not counted again. without: the box with that factor left"
    " free. quasi-p: how likely as many would lie within if the limit told nothing. correlation: of lying within any"
    " box and being such. Only factors are looked at, no shocks; factors that move together stand for one another."
    " Brackets: 95 % intervals, each by itself, on futures that did not find the boxes."
)


def answer(of: Asked, where: str, numbers: bool = False) -> Answer:
    """The answer to `discover`, from the stored draws; `engine.analyses.discovery.discovery` says how it is computed.

    Raises:
      UserError: as `engine.risk.drivers.where.parse_where` and `engine.analyses.discovery.discovery`.
    """
    study = of.study
    given = discovery(study, parse_where(study, where, unkept(study)), of.first(PATHS), _draws(of.cube))
    lost = f"; {given.lost:,} left out, not finite" if given.lost else ""
    basis = (
        f"{study.name}: the first {given.study.paths:,} paths, seed {study.seed}; boxes proposed on {given.searched:,}"
        f" of them, chosen on {given.chosen_on:,}, judged on {given.judged_on:,} others{lost}"
    )
    return Answer(
        Subject.of(given.study), tuple(sentences(given, numbers)), tuple(tables(given)), basis, READING, given
    )


def _draws(cube: xr.DataTree) -> dict[str, np.ndarray]:
    """Stored draws of the factors that vary, by name, for the first paths of a cube [path]."""
    if "draws" not in cube.children:
        return {}
    group = cube.children["draws"].to_dataset(inherit=False)
    kept = int((group["path"] < group.attrs["kept"]).sum()) if group.data_vars else 0
    read = group.isel(path=slice(min(kept, PATHS))).load() if kept else xr.Dataset()
    held = {str(name): values.values for name, values in read.items()}
    return {name: values for name, values in held.items() if _varies(values[np.isfinite(values)])}


def _varies(values: np.ndarray) -> bool:
    return bool(values.size and values.min() < values.max())


def sentences(of: SearchResult, numbers: bool = False) -> Iterator[str]:
    """Sentences, none claiming more than its interval: how frequent such futures are, overall and in the first box."""
    bare = "" if of.rate.low == of.rate.low else ", without an interval"
    yield f"{begun(some(_parts_in_words(of), ROOM))} in {share(of.rate)} of futures{likely(of.rate, numbers)}{bare}."
    if not of.boxes:
        yield "No limits on factors tell these futures from the others."
        return
    box, count = of.boxes[0], len(of.boxes)
    limits = [*words(of, box).values()]
    if not box.density.low > of.rate.high:
        yield f"The best box found cannot be told from all futures: {some(limits, ROOM)}."
        return
    every = f"; all {count} boxes hold {share(of.together.coverage)}" if count > 1 else ""
    yield f"They are {share(box.density)} of futures with {some(limits, LIMITS)}."
    yield f"That box holds {share(box.coverage)} of all such futures{every}."


def _parts_in_words(of: SearchResult) -> list[str]:
    """What is looked for, part by part: `reform is worse than old policies in public cost`."""
    study, parts = of.study, []
    for part in of.where.parts:
        policy = study.phrase("policies", part.policy)
        if isinstance(part, Versus):
            other, side = study.phrase("policies", part.other), "worse" if part.worse else "better"
            parts.append(f"{policy} is {side} than {other} in {named(study, part.outcome)}")
        elif isinstance(part.what, Event):
            parts.append(f"it comes to {named(study, part.what.name)} under {policy}")
        else:
            terms = [
                f"{named(study, term.name)} {'above' if '>' in term.sign else 'below'} {number(term.number)}"
                for term in part.what.terms
            ]
            parts.append(f"it comes to {' and '.join(terms)} under {policy}")
    return parts


def words(of: SearchResult, box: Judged) -> dict[str, str]:
    """The restrictions of a box in words, by factor, in its order."""
    inputs, said = {one.name: one for one in of.study.inputs}, {}
    for name, part in box.restrictions.items():
        title, limits = of.study.phrase("factors", name), part.limits
        if limits.allowed is not None:
            said[name] = category(title, labels_of(limits.allowed, inputs[name].labels), part.above)
        else:
            said[name] = restriction(title, inputs[name].unit, limits.low, limits.high, part.below, part.above)
    return said


def tables(of: SearchResult) -> Iterator[Table]:
    """Tables: limits of the boxes, the boxes, the frequency of such futures, PRIM's steps."""
    if of.boxes:
        yield _limits(of)
        yield _boxes(of)
    yield _looked_for(of)
    if of.steps:
        yield _steps(of)


def _looked_for(of: SearchResult) -> Table:
    sizes = {
        "searched": "paths that boxes are proposed on at a time",
        "chosen_on": "paths that boxes are chosen on",
        "judged_on": "paths that judge them",
        "lost": "paths left out, not finite",
    }
    columns = (
        texts("where", [of.where.text], "what holds in the futures that are looked for"),
        estimates("share", [of.rate], "share of the futures that are looked for", shown="%"),
        *fields(counts, [of], sizes, brief=False),
    )
    return Table("futures", "Futures that are looked for", columns, ("where",))


def _boxes(of: SearchResult) -> Table:
    """One row per box, and one for all boxes together."""
    count = len(of.boxes)
    within = {name: f"{about}, and in no earlier box" for name, about in ABOUT.items()}
    ends = sum(len(limits.ends) for one in of.boxes for limits in one.box.values())
    columns = (
        texts("box", [*(f"box {k + 1}" for k in range(count)), "any box"], "its number, or all boxes as one"),
        counts("number", [*range(1, count + 1), 0], "number of the box; 0 for all boxes as one", brief=False),
        *fields(estimates, [*of.boxes, of.together], within, shown="%"),
        estimates(
            "correlation",
            [*[None] * count, of.together.correlation],
            "correlation of lying within any box and being looked for",
        ),
        numbers("limits", [*(len(one.restrictions) for one in of.boxes), ends], "limits that it has", brief=False),
        texts(
            "cheapest",
            [*(one.cheapest or "" for one in of.boxes), ""],
            "factor that costs least to leave free",
            head="cheapest to drop",
        ),
    )
    return Table("boxes", "Boxes of factors", columns, ("box",), [True] * count + [count > 1])


def _limits(of: SearchResult) -> Table:
    """One row per limited factor of a box, the one that costs most to leave free first."""
    inputs = {one.name: one for one in of.study.inputs}
    rows = [
        (
            *(words(of, box)[name], f"box {k}", k, name, inputs[name].unit, part.limits.low, part.limits.high),
            *("; ".join(f"{x:g}" for x in part.limits.allowed or ()), part.below, part.above),
            *(part.coverage, part.density, *part.quasi_p),
        )
        for k, box in enumerate(of.boxes, 1)
        for name, part in box.restrictions.items()
    ]
    columns = by_position(
        rows,
        made(texts, "limit", "the limit in words"),
        made(texts, "box", "of which box"),
        made(counts, "number", "number of the box", brief=False),
        made(texts, "factor", "factor", brief=False),
        made(texts, "unit", "its unit", brief=False),
        made(numbers, "low", "lower limit, in the factor's unit", brief=False),
        made(numbers, "high", "upper limit, in the factor's unit", brief=False),
        made(texts, "allowed", "values that it allows, of categories", brief=False),
        made(numbers, "below", "share of the prior below the lower limit", brief=False),
        made(numbers, "above", "share of the prior above the upper limit; of categories, outside", brief=False),
        made(numbers, "coverage_without", "coverage of the box without this factor", shown="%"),
        made(numbers, "density_without", "density of the box without this factor", shown="%"),
        made(numbers, "quasi_p_low", "quasi-p value of the lower limit, or of the categories", head="quasi-p"),
        made(numbers, "quasi_p_high", "quasi-p value of the upper limit", head="quasi-p, upper"),
    )
    return Table("limits", "Limits of the boxes, and what each is worth", columns, ("limit",))


def _steps(of: SearchResult) -> Table:
    columns = by_position(
        [(k, density, coverage, mass, limited) for k, (coverage, density, mass, limited) in enumerate(of.steps)],
        made(counts, "step", "number of the proposed box"),
        *(made(numbers, name, about, shown="%") for name, about in ABOUT.items()),
        made(counts, "factors", "limited factors"),
    )
    return Table("steps", "What PRIM proposed for its first box, in turn", columns, ("step",), [False] * len(of.steps))
