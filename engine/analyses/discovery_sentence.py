"""What a search for boxes found, in one sentence that claims no more than its intervals; and limits in the words of the study."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.analyses.search_result import SearchResult
from engine.risk.as_text import cell
from engine.risk.box_words import CALLED, category, labels_of, restriction
from engine.risk.boxes import Judged
from engine.risk.intervals import Estimate
from engine.risk.tables import record


def sentence(of: SearchResult) -> str:
    """Where the futures that are looked for are frequent: the first box of the method that leads."""
    rate = share(of.rate)
    head = f"'{of.where.text}' holds in {rate} of futures"
    box = next((boxes[0] for boxes in of.boxes.values() if boxes), None)
    if box is None:
        return f"{head}; no box of factors tells them from the others."
    limits = "; ".join(words(of, box).values())
    if not (np.isfinite(box.density.low) and box.density.low > of.rate.high):
        return f"{head}; the best box of factors ({limits}) cannot be distinguished from all of them: {share(box.density)}."
    covered = f"{share(box.coverage)} of all such futures"
    method, boxes = next((one, some) for one, some in of.boxes.items() if some)
    if len(boxes) > 1:
        covered += f", {share(of.together[method].coverage)} of all such futures with all {len(boxes)} boxes"
    return f"{head}, but in {share(box.density)} of those with {limits}: {covered}."


def because(of: SearchResult) -> str:
    """Which method's boxes stand first, and why, with the numbers that decided it; empty where there is no box."""
    lead = of.lead
    if not any(of.boxes.values()):
        return ""
    (first, other), limits = of.boxes, lead.limits
    names = CALLED[first], CALLED[other]
    if not of.boxes[other]:
        return f"{names[0]} leads because {names[1]} has no box."
    if lead.better:
        why = "its boxes together separate these futures better from the others"
    else:
        fewer = "with fewer limits" if limits[first] < limits[other] else "with as few limits"
        why = f"its boxes together separate these futures from the others as well, or nearly, {fewer}"
    numbers = (
        f"correlation {one.estimate:.2f}{_ends(one)} with {limits[method]} limit{'s' if limits[method] != 1 else ''}"
        for method, one in ((m, lead.correlations[m]) for m in (first, other))
    )
    return f"{names[0]} leads because {why}: " + f", {names[1]} ".join(numbers) + "."


def _ends(one: Estimate) -> str:
    return f" [{one.low:.2f}, {one.high:.2f}]" if np.isfinite(one.low) else ""


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
    return of.study.phrase("factors", name)


def share(of: Estimate) -> str:
    """`8.4 % [8.2, 8.6]`; without the brackets where there is no interval."""
    shown = cell(record("share", "", "", of), 100.0)
    return f"{shown.estimate} % {shown.interval}".strip()
