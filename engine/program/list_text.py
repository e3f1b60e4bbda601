"""A study's list of operations on paper: what is computed how often, and every operation in a line."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from engine.program import arguments
from engine.program.equations import Axis
from engine.program.listing import Listing
from engine.program.operations import Operation
from engine.program.stages import by_path, needed_with_states, section
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
    taken = needed_with_states(listing.outcomes, listing.states)
    return [one for one in listing.operations if one in taken and one.name != "input"]


def lines(study: Study, listing: Listing) -> Iterator[str]:
    """What goes in and every operation, numbered in order, with its type, what it reads and what it differs by; what goes from year to year; outcomes."""
    levers = [" ".join(re.findall(r"\w+", jax.tree_util.keystr(path))) for path, _ in _levers(study)]
    own = [item.name for item in study.inputs]
    taken = needed_with_states(listing.outcomes, listing.states)
    number: dict[Operation, str] = {}
    for one in (one for one in listing.operations if one in taken):
        read = ", ".join(number.get(part) or f"{part.detail:.9g}" for part in one.operands)
        number[one] = f"%{len(number)}"
        what = _input(one, levers, own) if one.name == "input" else f"{one.name} {read}".rstrip()
        yield f"{number[one]} = {np.dtype(one.dtype).name} {what}{_differs(one.axes)}"
    for state in listing.states:
        now = number.get(state.now) or number.get(state.last)
        if now:
            before, after = (number.get(one) or one.detail for one in (state.before, state.after))
            yield f"{now} begins as {before}, and is {after} after each year"
    for name, one in zip(study.model.outcomes, listing.outcomes, strict=True):
        yield f"{name} = {number.get(one) or one.detail}"


def _levers(study: Study) -> list[Any]:
    found, _ = jax.tree_util.tree_flatten_with_path(arguments.of(study, study.dtype)["levers"])
    return found


def _input(one: Operation, levers: Sequence[str], own: Sequence[str]) -> str:
    kind, *places = one.detail
    if kind.startswith("lever"):
        return f"{kind} {levers[places[0]]}"
    if kind == "score" and places[0] < len(own):
        return f"normal score of {own[places[0]]}"
    return " ".join(map(str, (kind, *places)))


def _differs(axes: Axis) -> str:
    named = [axis.name.lower() for axis in (Axis.POLICY, Axis.PATH, Axis.YEAR) if axis in axes and axis.name]
    return f"  ; by {', '.join(named)}" if named else ""
