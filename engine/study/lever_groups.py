"""Groups of levers that are varied together in an attribution to levers; no number of a path depends on them."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import Problems
from engine.modelling.records import Model, PathModel
from engine.study.values import Tables

START = "start"
"""The year in which a policy begins; it counts as a lever here, as the model sees it."""

LeverGroups = Mapping[str, tuple[str, ...]]
"""Name of a group -> its levers."""


def read(stated: Mapping[str, Tables], model: Model, problems: Problems) -> LeverGroups:
    """The lever groups of a study; problems with them are added.

    A lever belongs to at most one group. A group with the name of a lever contains that lever, as both names are keys
    of one table.
    """
    known = [*model.levers, *([START] if isinstance(model, PathModel) else ())]
    group_of: dict[str, str] = {}
    for group, one in stated.items():
        place, levers = f"lever_groups.{group}", one["levers"]
        for lever in levers:
            if problems.knows(place, "lever", lever, known) and group_of.setdefault(lever, group) != group:
                problems.add(
                    place,
                    f"'{lever}' is in '{group_of[lever]}' already. A lever belongs to one group: remove it from one.",
                )
        if group in known and group not in levers:
            problems.add(place, f"has the name of a lever that is not in it. Add '{group}', or choose another name.")
    return {group: tuple(dict.fromkeys(one["levers"])) for group, one in stated.items()}
