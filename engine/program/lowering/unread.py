"""What nobody reads is left out of a list."""

from __future__ import annotations

from dataclasses import replace

from engine.program.lowering.operations import needed
from engine.program.lowering.stages import Aim, Listing


def read(listing: Listing, aim: Aim) -> Listing:
    """What all results and all states take."""
    return listing.among(needed(listing.ends, {}))


def written(listing: Listing, aim: Aim) -> Listing:
    """What the results take that are written, from year to year too."""
    results = {kind: listing.results[kind] for kind in aim.outputs}
    of_states = {
        one: (state.before, state.after, state.now)
        for state in listing.states
        for one in (state.now, state.last)
    }
    taken = needed([one for of_kind in results.values() for one in of_kind], of_states)
    states = tuple(state for state in listing.states if state.now in taken or state.last in taken)
    return replace(listing.among(taken), states=states, results=results)
