"""Dead code elimination."""

from __future__ import annotations

from dataclasses import replace

from engine.program.lowering.operations import needed
from engine.program.lowering.stages import Aim, Listing


def read(listing: Listing, aim: Aim) -> Listing:
    """The list without operations that neither a result nor a state depends on."""
    return listing.among(needed(listing.ends, {}))


def written(listing: Listing, aim: Aim) -> Listing:
    """The list with the results that `aim` writes, and all operations and states that these depend on."""
    results = {kind: listing.results[kind] for kind in aim.outputs}
    of_states = {
        one: (state.before, state.after, state.now) for state in listing.states for one in (state.now, state.last)
    }
    taken = needed([one for of_kind in results.values() for one in of_kind], of_states)
    states = tuple(state for state in listing.states if state.now in taken or state.last in taken)
    return replace(listing.among(taken), states=states, results=results)
