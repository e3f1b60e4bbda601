"""The compiler's passes, by name, in the order in which they are applied to a list of operations.

A new pass is a file and an entry here. `tests/program/verified.py` checks what must hold of a list after every pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from engine.program.lowering.by_policy import side_by_side
from engine.program.lowering.contraction import contracted
from engine.program.lowering.cutting import cut
from engine.program.lowering.dead_code import read, written
from engine.program.lowering.gpu_memory import in_columns, in_memory, in_vectors
from engine.program.lowering.scheduling import near_readers, of_a_thread
from engine.program.lowering.stages import Aim, Listing

Passes = Sequence[tuple[str, Callable[[Listing, Aim], Listing]]]
OF_LIST: Passes = (("what is read", read), ("products and sums rounded once", contracted))
"""Passes on every list, whatever code is written from it."""
OF_STAGES: Passes = (
    ("what is written", written),
    ("policies side by side", side_by_side),
    ("stages", cut),
    ("operations near their readers", near_readers),
)
"""Passes from a list to the stages that code is written from."""
OF_THREAD: Passes = (
    ("few values waiting", of_a_thread),
    ("paths in columns", in_columns),
    ("the table in vectors", in_vectors),
    ("states in memory", in_memory),
)
"""Passes on the stages of a graphics card's code, after `OF_STAGES`."""


def walked(passes: Passes, listing: Listing, aim: Aim) -> Listing:
    """The list after the passes, applied one after the other."""
    for _, one in passes:
        listing = one(listing, aim)
    return listing


def each_pass(passes: Passes, listing: Listing, aim: Aim) -> Iterator[tuple[str, Listing]]:
    """(name of a pass, the list after it and those before it), pass by pass."""
    for name, one in passes:
        listing = one(listing, aim)
        yield name, listing
