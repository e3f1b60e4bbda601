"""The answer to `discover`: boxes of factors in which futures of a kind are frequent, as sentences and tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import xarray as xr

from engine.analyses.columns import fields
from engine.analyses.discovery import PATHS, discovery
from engine.analyses.discovery_sentence import sentences, words
from engine.analyses.search_result import SearchResult, Together
from engine.answers.answer import Answer, Subject
from engine.answers.question import Asked
from engine.answers.table import Column, Table, counts, estimates, numbers, texts
from engine.risk.drivers.boxes import CALLED, Judged
from engine.risk.drivers.where import parse_where
from engine.risk.estimation.tallies import unkept

FREQUENT = 0.25
"""Share of resamples from which the brief table shows a factor that the first box does not limit."""
ABOUT = {
    "density": "share of the futures within that are looked for",
    "coverage": "share of the futures that are looked for which lie within",
    "mass": "share of all futures that lie within",
}
READING = (
    "coverage: share of these futures that lie within. density: share of the futures within that are such. mass: share"
    " of all futures within. What lies in an earlier box is not counted again. without: the box with that factor left"
    " free. quasi-p: how likely as many would lie within if the limit told nothing. correlation: of lying within any"
    " box and being such. in resamples: how often PRIM's first box limits the factor. Only factors are looked at, no"
    " shocks; factors that move together stand for one another. Brackets: 95 % intervals, each by itself, on futures"
    " that did not find the boxes."
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


def tables(of: SearchResult) -> Iterator[Table]:
    """Tables: limits of the boxes, the boxes, the frequency of such futures, stability of factors, PRIM's steps."""
    if any(of.boxes.values()):
        yield _limits(of)
        yield _boxes(of)
    yield _looked_for(of)
    if of.stability:
        yield _factors(of)
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
    """One row per box, and one for all boxes of a method together."""
    rows: list[tuple[str, int, Judged | Together]] = []
    for method, boxes in of.boxes.items():
        rows += [(method, k, box) for k, box in enumerate(boxes, 1)]
        rows += [(method, 0, of.together[method])] if boxes else []
    names = [f"{CALLED[method]}, {f'box {k}' if k else 'any box'}" for method, k, _ in rows]
    whole = [method if not k else None for method, k, _ in rows]
    columns = (
        texts("box", names, "what proposed it, and its number"),
        texts("search", [method for method, *_ in rows], "what proposed it", brief=False),
        counts("number", [k for _, k, _ in rows], "number of the box; 0 for all boxes of a method as one", brief=False),
        *fields(
            estimates,
            [one for *_, one in rows],
            {name: f"{about}, and in no earlier box" for name, about in ABOUT.items()},
            shown="%",
        ),
        estimates(
            "correlation",
            [one and of.lead.correlations[one] for one in whole],
            "correlation of lying within any box and being looked for",
        ),
        numbers("limits", [_count(of, *row) for row in rows], "limits that it has", brief=False),
        texts(
            "cheapest",
            [getattr(one, "cheapest", "") or "" for *_, one in rows],
            "factor that costs least to leave free",
            head="cheapest to drop",
        ),
    )
    several = [bool(k) or len(of.boxes[method]) > 1 or one is None for method, k, one in rows]
    return Table("boxes", "Boxes of factors", columns, ("box",), several)


def _count(of: SearchResult, method: str, k: int, box: Judged | Together) -> int:
    return len(box.restrictions) if isinstance(box, Judged) else of.lead.limits[method]


def _limits(of: SearchResult) -> Table:
    """One row per limited factor of a box, the one that costs most to leave free first."""
    inputs = {one.name: one for one in of.study.inputs}
    rows = [
        (method, k, name, part, words(of, box)[name])
        for method, boxes in of.boxes.items()
        for k, box in enumerate(boxes, 1)
        for name, part in box.restrictions.items()
    ]
    parts = [part for *_, part, _ in rows]
    first = [method == "prim" and k == 1 for method, k, *_ in rows]
    limits = [one.limits for one in parts]
    columns = (
        texts("limit", [said for *_, said in rows], "the limit in words"),
        texts("box", [f"{CALLED[method]}, box {k}" for method, k, *_ in rows], "of which box"),
        texts("search", [method for method, *_ in rows], "what proposed the box", brief=False),
        counts("number", [k for _, k, *_ in rows], "number of the box", brief=False),
        texts("factor", [name for _, _, name, *_ in rows], "factor", brief=False),
        texts("unit", [inputs[name].unit for _, _, name, *_ in rows], "its unit", brief=False),
        *fields(
            numbers,
            limits,
            {"low": "lower limit, in the factor's unit", "high": "upper limit, in the factor's unit"},
            brief=False,
        ),
        texts(
            "allowed",
            ["; ".join(f"{x:g}" for x in one.allowed or ()) for one in limits],
            "values that it allows, of categories",
            brief=False,
        ),
        *fields(
            numbers,
            parts,
            {
                "below": "share of the prior below the lower limit",
                "above": "share of the prior above the upper limit; of categories, outside",
            },
            brief=False,
        ),
        numbers(
            "coverage_without", [one.coverage for one in parts], "coverage of the box without this factor", shown="%"
        ),
        numbers("density_without", [one.density for one in parts], "density of the box without this factor", shown="%"),
        numbers(
            "quasi_p_low",
            [one.quasi_p[0] for one in parts],
            "quasi-p value of the lower limit, or of the categories",
            head="quasi-p",
        ),
        numbers(
            "quasi_p_high", [one.quasi_p[1] for one in parts], "quasi-p value of the upper limit", head="quasi-p, upper"
        ),
        numbers(
            "stability",
            [of.stability.get(row[2]) if one else None for row, one in zip(rows, first, strict=True)],
            "share of resamples in which PRIM's first box limits it",
            shown="%",
            head="in resamples",
        ),
    )
    return Table("limits", "Limits of the boxes, and what each is worth", columns, ("limit",))


def _factors(of: SearchResult) -> Table:
    """How often resamples limit each factor; the brief table has factors that the first box does not limit."""
    held: Sequence[str] = [*of.boxes["prim"][0].restrictions] if of.boxes["prim"] else []
    shares = [of.stability.get(name, 0.0) for name in of.factors]
    shown = [name not in held and share >= FREQUENT for name, share in zip(of.factors, shares, strict=True)]
    columns: tuple[Column, ...] = (
        texts("factor", of.factors, "factor that was searched"),
        numbers(
            "stability",
            shares,
            "share of resamples in which PRIM's first box limits it",
            shown="%",
            head="in resamples",
        ),
    )
    return Table(
        "factors", f"Factors that PRIM's first box limits in {of.resamples} resamples", columns, ("factor",), shown
    )


def _steps(of: SearchResult) -> Table:
    columns = (
        counts("step", list(range(len(of.steps))), "number of the proposed box"),
        *fields(numbers, of.steps, ABOUT, shown="%"),
        *fields(counts, of.steps, {"factors": "limited factors"}),
    )
    return Table("steps", "What PRIM proposed for its first box, in turn", columns, ("step",), [False] * len(of.steps))
