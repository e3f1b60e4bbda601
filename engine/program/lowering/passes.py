"""The passes between a traced list and code, each by its name: a list is walked from its top to its bottom.

A new one is a file and an entry here. What a list must be behind every pass, `tests/program/verified.py` says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engine.program.lowering.by_policy import side_by_side
from engine.program.lowering.contraction import contracted
from engine.program.lowering.cutting import cut
from engine.program.lowering.gpu_memory import in_columns, in_memory, in_vectors
from engine.program.lowering.scheduling import near_readers, of_a_thread
from engine.program.lowering.stages import Aim, Listing
from engine.program.lowering.unread import read, written

Passes = Sequence[tuple[str, Callable[[Listing, Aim], Listing]]]
OF_LIST: Passes = (
    ("what is read", read),
    ("products and sums rounded once", contracted),
)
"""Of a list, whatever it is made into."""
OF_STAGES: Passes = (
    ("what is written", written),
    ("policies side by side", side_by_side),
    ("stages", cut),
    ("operations near their readers", near_readers),
)
"""Of a list that code is made of."""
OF_THREAD: Passes = (
    ("few values waiting", of_a_thread),
    ("paths in columns", in_columns),
    ("the table in vectors", in_vectors),
    ("states in memory", in_memory),
)
"""Of the stages that a card's thread computes."""


def walked(passes: Passes, listing: Listing, aim: Aim) -> Listing:
    """What passes make of a list one after the other."""
    for _, one in passes:
        listing = one(listing, aim)
    return listing
