"""What a search for boxes found, in one sentence that claims no more than its intervals; and limits in the words of the study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.analyses.search_result import SearchResult
from engine.risk.as_text import cell
from engine.risk.box_words import category, labels_of, restriction
from engine.risk.boxes import Judged
from engine.risk.intervals import Estimate
from engine.risk.tables import record


def sentence(of: SearchResult) -> str:
    """Where the futures that are looked for are frequent: the first box, PRIM's where it has one."""
    rate = share(of.rate)
    head = f"'{of.where.text}' holds in {rate} of futures"
    box = next((boxes[0] for boxes in of.boxes.values() if boxes), None)
    if box is None:
        return f"{head}; no box of factors tells them from the others."
    limits = "; ".join(words(of, box).values())
    if not (np.isfinite(box.density.low) and box.density.low > of.rate.high):
        return (
            f"{head}; the best box of factors ({limits}) is not told from all of them: {share(box.density)}."
        )
    return f"{head}, but in {share(box.density)} of those with {limits}: {share(box.coverage)} of all such futures."


def words(of: SearchResult, box: Judged) -> dict[str, str]:
    """The restrictions of a box in words, by factor, in its order."""
    return dict(_words(of, box))


def _words(of: SearchResult, box: Judged) -> Iterator[tuple[str, str]]:
    inputs = {one.name: one for one in of.study.inputs}
    for name, part in box.restrictions.items():
        title, limits = called(of, name), part.limits
        if limits.allowed is not None:
            yield name, category(title, labels_of(limits.allowed, inputs[name].labels), part.above)
        else:
            unit = inputs[name].unit
            yield name, restriction(title, unit, limits.low, limits.high, part.below, part.above)


def called(of: SearchResult, name: str) -> str:
    """What a factor is called within a sentence."""
    return of.study.labels.get("factors", {}).get(name) or of.study.words(name)


def share(of: Estimate) -> str:
    """`8.4 % [8.2, 8.6]`; without the brackets where there is no interval."""
    shown = cell(record("share", "", "", of), 100.0)
    return f"{shown.estimate} % {shown.interval}".strip()
