"""A study's list of operations on paper: what is computed how often, and every operation in a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax
import numpy as np

from engine.program.lowering.host_table import lever_places
from engine.program.lowering.operations import Operation, Source
from engine.program.lowering.stages import POLICY, Aim, Listing, Place, Rows, by_path, section, words_of
from engine.program.lowering.unread import written
from engine.program.tracing import arguments
from engine.program.tracing.equations import Axis
from engine.study.study import Study

_STAGES = "once for all paths", "once a path, for all policies", "under each policy"
_SECTIONS = "before the years", "each year", "after the last"


@dataclass(frozen=True)
class Counted:
    """How many operations a future takes.

    Args:
      of_future: under all policies and in all years, random numbers aside.
      by_stage: where they are done and before, in or after the years -> how many of the list.
      by_name: how many of each name, the most frequent first.
    """

    of_future: int
    by_stage: dict[str, dict[str, int]]
    by_name: list[tuple[str, int]]


def counted(study: Study, listing: Listing) -> Counted:
    """The operations that outcomes take."""
    operations = computed(listing)
    places = Counter((by_path(one), section(one.axes)) for one in operations)
    names = Counter(one.name for one in operations)
    return Counted(
        replace(listing, operations=tuple(operations)).of_future(len(study.policies), len(study.years)),
        {
            stage: {part: places[k, turn] for turn, part in enumerate(_SECTIONS)}
            for k, stage in enumerate(_STAGES)
        },
        sorted(names.items(), key=lambda one: (-one[1], one[0])),
    )


def computed(listing: Listing) -> list[Operation]:
    """The operations that outcomes take, in an order in which they can be computed."""
    return [one for one in _of_outcomes(listing).operations if one.name != "input"]


def _of_outcomes(listing: Listing) -> Listing:
    return written(listing, Aim({}, {"outcomes": Rows(POLICY, Place("results", 0), 0)}))


def lines(study: Study, listing: Listing) -> Iterator[str]:
    """What goes in and every operation, numbered in order, with its type, what it reads and what it differs by; what goes from year to year; outcomes."""
    names, listing = _names(study), _of_outcomes(listing)
    number: dict[Operation, str] = {}
    for one in listing.operations:
        read = ", ".join(number.get(part) or f"{part.value:.9g}" for part in one.operands)
        number[one] = f"%{len(number)}"
        what = f"{one.name} {read}"
        if one.name == "input":
            what = names.get(one.source) or " ".join(map(str, one.source))
        yield f"{number[one]} = {np.dtype(one.dtype).name} {what}{_differs(one.axes)}"
    for state in listing.states:
        now = number.get(state.now) or number[state.last]
        before, after = (number.get(one) or one.detail for one in (state.before, state.after))
        yield f"{now} begins as {before}, and is {after} after each year"
    for name, one in zip(study.model.outcomes, listing.results["outcomes"], strict=True):
        yield f"{name} = {number.get(one) or one.detail}"


def _names(study: Study) -> dict[Source, str]:
    """What inputs are in the words of the study."""
    inputs = arguments.of(study, study.dtype)
    names = {Source("year"): "year", Source("is first"): "is first"}
    levers, _ = jax.tree_util.tree_flatten_with_path(inputs["levers"])
    for at, (path, _) in zip(lever_places(inputs)[0], levers, strict=True):
        name = " ".join(re.findall(r"\w+", jax.tree_util.keystr(path)))
        names |= {Source(kind, at): f"{kind} {name}" for kind in ("lever", "lever of year")}
    unit = words_of(np.dtype(study.dtype))
    scores = {
        Source("score", k * unit): f"normal score of {item.name}" for k, item in enumerate(study.inputs)
    }
    return names | scores


def _differs(axes: Axis) -> str:
    named = [axis.name.lower() for axis in (Axis.POLICY, Axis.PATH, Axis.YEAR) if axis in axes and axis.name]
    return f"  ; by {', '.join(named)}" if named else ""
