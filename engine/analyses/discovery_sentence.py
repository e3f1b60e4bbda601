"""The sentences of a search for boxes, none claiming more than its interval; and limits in the study's words."""

from __future__ import annotations

from collections.abc import Iterator

from engine.analyses.search_result import SearchResult
from engine.formatting import begun
from engine.risk.drivers.boxes import CALLED, Judged, category, labels_of, number, restriction
from engine.risk.drivers.where import Versus
from engine.risk.estimation.wording import likely, named, share, some
from engine.study.components import Event

ROOM, LIMITS = 14, 18
"""Most words, in a sentence, for what is looked for and for the limits of a box."""


def sentences(of: SearchResult, numbers: bool = False) -> Iterator[str]:
    """Sentences: how frequent such futures are, overall and in the leading method's first box; and why it leads."""
    bare = "" if of.rate.low == of.rate.low else ", without an interval"
    yield f"{begun(some(_looked_for(of), ROOM))} in {share(of.rate)} of futures{likely(of.rate, numbers)}{bare}."
    method, boxes = next(((one, some) for one, some in of.boxes.items() if some), ("", ()))
    if not boxes:
        yield "No limits on factors tell these futures from the others."
        return
    box, every = (
        boxes[0],
        f"; all {len(boxes)} boxes hold {share(of.together[method].coverage)}" if len(boxes) > 1 else "",
    )
    limits = [*words(of, box).values()]
    if not box.density.low > of.rate.high:
        yield f"The best box found cannot be told from all futures: {some(limits, ROOM)}."
        return
    yield f"They are {share(box.density)} of futures with {some(limits, LIMITS)}."
    yield f"That box holds {share(box.coverage)} of all such futures{every}."
    yield because(of)


def _looked_for(of: SearchResult) -> list[str]:
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


def because(of: SearchResult) -> str:
    """A sentence: which method leads, and why."""
    (first, other), limits = of.boxes, of.lead.limits
    names = CALLED[first], CALLED[other]
    if not of.boxes[other]:
        return f"{names[0]} leads, as {names[1]} has no box."
    if of.lead.better:
        return f"{names[0]} leads, as its boxes tell such futures better than those of {names[1]}."
    few = (
        f"by {limits[first]} in place of {limits[other]} limits"
        if limits[first] < limits[other]
        else "by as few limits"
    )
    return f"{names[0]} leads, as its boxes do about as well as those of {names[1]} {few}."


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
    """The name of a factor as it stands within a sentence."""
    return of.study.phrase("factors", name)
