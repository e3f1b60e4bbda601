"""Boxes of factors on the screen: the finding, then box by box how much it covers, its limits, and what each is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from engine.cli.show.rows import columns_of, print_rows
from engine.cli.show.screen import print_line, print_words
from engine.risk.box_words import CALLED

if TYPE_CHECKING:
    from engine.analyses.search_result import SearchResult
    from engine.risk.boxes import Judged, Restriction

READING = (
    "coverage: share of these futures that lie within. density: share of the futures within that are such. mass: share of all futures "
    "within. What lies in an earlier box is not counted again. without: the box with that factor left free. quasi-p: how likely as many "
    "would lie within if the limit told nothing. correlation: of lying within any box and being such. in resamples: how often PRIM's first box limits the factor. Brackets: 95 % intervals, "
    "each by itself, on futures that did not find the boxes."
)


def print_discovery(console: Console, of: SearchResult) -> None:
    """All of it."""
    from engine.analyses.discovery_sentence import because

    print_words(console, of.sentence, "bold")  # type: ignore[attr-defined]
    if why := because(of):
        print_words(console, why)
    study = of.study
    print_words(
        console,
        f"{study.name}: the first {study.paths:,} paths, seed {study.seed}; boxes proposed on {of.searched:,} of them, chosen on "
        f"{of.chosen_on:,}, judged on {of.judged_on:,} others"
        + (f"; {of.lost:,} left out, not finite" if of.lost else ""),
    )
    console.print()
    for method, boxes in of.boxes.items():
        for k, box in enumerate(boxes, 1):
            _print_box(console, of, f"{CALLED[method]}, box {k}", box, method == "prim" and k == 1)
        if not boxes:
            print_words(console, f"{CALLED[method]}: no box tells these futures from the others.")
            console.print()
        elif len(boxes) > 1:
            whole = of.together[method]
            print_line(console, f"{CALLED[method]}, all boxes", f"  {_facts(whole)}")
            console.print()
    _print_missed(console, of)
    if any(of.boxes.values()):
        print_words(console, READING, "dim")


def _facts(of: object) -> str:
    from engine.analyses.discovery_sentence import share

    return ", ".join(f"{name} {share(getattr(of, name))}" for name in ("coverage", "density", "mass"))


def _print_box(console: Console, of: SearchResult, title: str, box: Judged, first: bool) -> None:
    from engine.analyses.discovery_sentence import words

    print_line(console, title)
    print_words(console, f"  {_facts(box)}", indent="  ")
    for text in words(of, box).values():
        print_words(console, f"  - {text}", indent="    ")
    heads = [
        "factor",
        "coverage\nwithout [%]",
        "density\nwithout [%]",
        "quasi-p",
        *(["in\nresamples [%]"] if first else []),
    ]
    rows = [
        [name, f"{100 * part.coverage:.1f}", f"{100 * part.density:.1f}", _quasi_p(part)]
        + ([_stability(of, name)] if first else [])
        for name, part in box.restrictions.items()
    ]
    console.print()
    names, *columns = columns_of(heads, rows, left=["factor"])
    print_rows(console, "", names, columns)
    if box.cheapest is not None:
        part = box.restrictions[box.cheapest]
        print_words(
            console,
            f"Cheapest to drop: {box.cheapest}, which leaves coverage {100 * part.coverage:.1f} % and density {100 * part.density:.1f} %.",
        )
        console.print()


def _quasi_p(part: Restriction) -> str:
    return ", ".join("< 1e-6" if one < 1e-6 else f"{one:.2g}" for one in part.quasi_p if np.isfinite(one))


def _stability(of: SearchResult, name: str) -> str:
    share = of.stability.get(name)
    return "" if share is None else f"{100 * share:.0f}"


def _print_missed(console: Console, of: SearchResult) -> None:
    """Factors that resamples restrict, and the first box does not."""
    held = {*of.boxes["prim"][0].restrictions} if of.boxes["prim"] else set()
    others = sorted(
        ((share, name) for name, share in of.stability.items() if name not in held and share >= 0.25),
        reverse=True,
    )
    if others:
        listed = ", ".join(f"{name} ({100 * share:.0f} %)" for share, name in others)
        print_words(
            console,
            f"Also limited by PRIM's first box in a quarter or more of {of.resamples} resamples: {listed}.",
        )
        console.print()
