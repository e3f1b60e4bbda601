"""Writes a study's code for processors, the "one loop" over the years, for one batch of paths after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from engine.draws.sampling import SAMPLERS
from engine.program.emitting.driver import Layout, driver
from engine.program.emitting.functions import function, joined
from engine.program.lowering.host_table import lever_places, streams, table_places
from engine.program.lowering.listing import words_stage
from engine.program.lowering.passes import OF_STAGES, walked
from engine.program.lowering.stages import POLICY, SHARED, TABLE, Aim, Listing, Place, Rows, words_of
from engine.study.study import Study

_TABLE, _SHARED = ("arguments", "table_lasting", "table_each"), ("shared_lasting", "shared_each")
_POINTERS = {
    "table": ("arguments", "levers", "table_lasting", "table_each"),
    "shared": (*_TABLE, "scores", *_SHARED, "kept"),
    "policy": (*_TABLE, *_SHARED, "results", "cells"),
    "words": ("keys", "counters", "high", "scores"),
}
OUTCOMES, YEARS, INPUTS, DRAWS, SCORES = "outcomes", "years", "inputs", "draws", "scores"
"""What code computes: outcomes; outcomes and yearly values; draws and shocks; draws; the random numbers."""
_RESULTS = {
    OUTCOMES: ("outcomes",), YEARS: ("outcomes", "cells"), INPUTS: ("draws", "shocks"), DRAWS: ("draws",), SCORES: (),
}  # fmt: skip


@dataclass(frozen=True)
class Code:
    """LLVM IR of a study, and the layout of the numbers that it reads and writes."""

    text: str
    layout: Layout


def code(study: Study, listing: Listing, inputs: Any, width: int, gives: str, of_scores: bool = False) -> Code:
    """The code of a study for processors.

    Args:
      listing: the study's list of operations.
      inputs: as `arguments.of` gives them; only their shapes and types are used.
      width: lanes of a vector.
      gives: what the code computes: `OUTCOMES`, `YEARS`, `INPUTS`, `DRAWS` or `SCORES`.
      of_scores: whether random numbers are read from the array "scores" in place of drawn.

    Raises:
      NoMachineForm: an operation has no machine code.
    """
    dtype, sampler, aim = listing.dtype, SAMPLERS[study.sampler], aimed(study, listing, inputs, gives)
    years = 0 if gives == DRAWS else len(study.years)
    factors, normal, uniform = streams(inputs)
    normals, uniforms = factors + years * normal, years * uniform
    stages = walked(OF_STAGES, listing, aim).stages
    outcomes, cells, draws, shocks = (
        len(listing.results[kind]) if kind in aim.outputs else 0 for kind in ("outcomes", "cells", "draws", "shocks")
    )
    layout = Layout(
        dtype, width, sampler.group, 2 + sampler.directions, years, len(study.policies), lever_places(inputs)[1],
        normals, uniforms, stages[TABLE].room, stages[SHARED].room,
        outcomes, cells, draws, shocks, gives == SCORES,
    )  # fmt: skip
    written = [function(stage, 1 if stage.name == "table" else width, _POINTERS[stage.name]) for stage in stages]
    for law, count in (("normal", normals), ("uniform", uniforms)):
        if count and not of_scores:
            numbers = Rows(SHARED, Place("scores", 0, layout.unit), (normals + uniforms) * layout.unit)
            stage = words_stage(study, law, dtype, layout.key, "counters", numbers)
            written.append(function(replace(stage, name=f"words_{law}"), width, _POINTERS["words"]))
    return Code(joined(written, driver(layout, of_scores)), layout)


def aimed(study: Study, listing: Listing, inputs: Any, gives: str) -> Aim:
    """The aim of the passes `OF_STAGES` for this code; arguments as of `code`."""
    unit = words_of(listing.dtype)
    factors, normal, uniform = streams(inputs)
    places = {
        **table_places(inputs),
        "score": Place("scores", 0),
        "normal": Place("scores", factors * unit, normal * unit),
        "uniform": Place("scores", (factors + len(study.years) * normal) * unit, uniform * unit),
    }
    draws, of_year = (len(listing.results[kind]) * unit for kind in ("draws", "shocks"))
    rows = {
        "outcomes": Rows(POLICY, Place("results", 0), unit),
        "cells": Rows(POLICY, Place("cells", 0, len(listing.results["cells"]) * unit), unit),
        "draws": Rows(SHARED, Place("kept", 0), unit),
        "shocks": Rows(SHARED, Place("kept", draws, of_year), unit),
    }
    return Aim(places, {kind: rows[kind] for kind in _RESULTS[gives]})
