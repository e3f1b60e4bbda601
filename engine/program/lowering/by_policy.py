"""Replicates the operations that vary by policy, where one thread of a graphics card computes several policies."""

from __future__ import annotations

from dataclasses import replace

from engine.program.lowering.stages import Aim, Listing
from engine.program.tracing.equations import Axis


def side_by_side(listing: Listing, aim: Aim) -> Listing:
    """The list for `aim.policies` policies; its results are those of the first policy, then of the next.

    Copies of an operation for the policies stand next to each other.
    """
    inputs = [one for one in listing.operations if one.name == "input" and Axis.POLICY in one.axes]
    each = [
        listing.rewritten(
            {one: replace(one, detail=one.source.on(policy * aim.levers)) for one in inputs} if policy else {}
        )
        for policy in range(aim.policies)
    ]
    operations = dict.fromkeys(one for of in zip(*(one.operations for one in each), strict=True) for one in of)
    states = dict.fromkeys(one for of in zip(*(one.states for one in each), strict=True) for one in of)
    results = {kind: tuple(one for of in each for one in of.results[kind]) for kind in listing.results}
    return replace(listing, operations=tuple(operations), states=tuple(states), results=results)
