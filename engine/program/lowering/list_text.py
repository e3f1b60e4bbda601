"""A study's list of operations as text, one operation a line, and counts of how often each is computed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

import jax
import numpy as np

from engine.program.lowering.dead_code import written
from engine.program.lowering.host_table import lever_places
from engine.program.lowering.operations import Operation, Source
from engine.program.lowering.stages import POLICY, Aim, Listing, Place, Rows, by_path, section, words_of
from engine.program.tracing import arguments
from engine.program.tracing.equations import Axis
from engine.study.study import Study

_STAGES = "once for all paths", "once a path, for all policies", "under each policy"
_SECTIONS = "before the years", "each year", "after the last"


@dataclass(frozen=True)
class Counted:
    """Counts of the operations that the outcomes of a path take.

    Args:
      of_future: operations of one path under all policies and in all years, without its random numbers.
      by_stage: stage -> part of it (before the years, each year, after the last) -> operations in the list.
      by_name: (name of an operation, how often it is in the list), the most frequent first.
    """

    of_future: int
    by_stage: dict[str, dict[str, int]]
    by_name: list[tuple[str, int]]


def counted(study: Study, listing: Listing) -> Counted:
    """Counts of the operations that the outcomes depend on."""
    operations = computed(listing)
    places = Counter((by_path(one), section(one.axes)) for one in operations)
    names = Counter(sorted(one.name for one in operations))
    return Counted(
        replace(listing, operations=tuple(operations)).of_future(len(study.policies), len(study.years)),
        {stage: {part: places[k, turn] for turn, part in enumerate(_SECTIONS)} for k, stage in enumerate(_STAGES)},
        names.most_common(),
    )


def computed(listing: Listing) -> list[Operation]:
    """The operations that the outcomes depend on, without inputs, in an order in which they can be computed."""
    return [one for one in _of_outcomes(listing).operations if one.name != "input"]


def _of_outcomes(listing: Listing) -> Listing:
    return written(listing, Aim({}, {"outcomes": Rows(POLICY, Place("results", 0), 0)}))


def lines(study: Study, listing: Listing) -> Iterator[str]:
    """Lines of text: each input and operation with number, type, operands and axes; then states; then outcomes."""
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
    """Source of an input -> its name in the words of the study."""
    inputs = arguments.of(study, study.dtype)
    names = {Source("year"): "year", Source("is first"): "is first"}
    levers, _ = jax.tree_util.tree_flatten_with_path(inputs["levers"])
    for at, (path, _) in zip(lever_places(inputs)[0], levers, strict=True):
        name = " ".join(re.findall(r"\w+", jax.tree_util.keystr(path)))
        names |= {Source(kind, at): f"{kind} {name}" for kind in ("lever", "lever of year")}
    unit = words_of(study.dtype)
    scores = {Source("score", k * unit): f"normal score of {item.name}" for k, item in enumerate(study.inputs)}
    return names | scores


def _differs(axes: Axis) -> str:
    named = [axis.name.lower() for axis in (Axis.POLICY, Axis.PATH, Axis.YEAR) if axis in axes and axis.name]
    return f"  ; by {', '.join(named)}" if named else ""
