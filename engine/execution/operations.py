"""The operations of a study's compiled loop: their number, and a listing with one per line."""

from __future__ import annotations

from collections.abc import Iterator

from engine.errors import UserError
from engine.program.emitting.loop import OUTCOMES, aimed
from engine.program.lowering import list_text
from engine.program.lowering.list_text import Counted
from engine.program.lowering.listing import before_passes
from engine.program.lowering.passes import OF_LIST, OF_STAGES, each_pass
from engine.program.lowering.stages import Listing
from engine.program.running import kernel
from engine.program.tracing import arguments
from engine.program.tracing.rules import traced
from engine.study.study import Study


def counted(study: Study) -> Counted:
    """How many operations a path takes, in all, by stage and by name.

    Raises:
      UserError: the model has an operation that one loop has no form of.
    """
    return list_text.counted(study, _listing(study))


def by_pass(study: Study) -> Iterator[tuple[str, int]]:
    """(name of a pass of the compiler, operations after it) in their order, for code of outcomes on processors.

    Raises:
      UserError: as `counted`.
    """
    _listing(study)
    inputs = arguments.of(study, study.dtype)
    listing = before_passes(study, traced(study, study.dtype), inputs)
    aim = aimed(study, listing, inputs, OUTCOMES)
    for name, after in each_pass((*OF_LIST, *OF_STAGES), listing, aim):
        yield name, sum(one.name != "input" for one in after.operations)


def lines(study: Study) -> Iterator[str]:
    """The listing of the loop, one operation per line.

    Raises:
      UserError: as `counted`.
    """
    return list_text.lines(study, _listing(study))


def _listing(study: Study) -> Listing:
    listing = kernel.listing_of(study, study.dtype)
    if isinstance(listing, str):
        remedy = "XLA's program computes it; a model of what docs/writing-a-model.md names has one loop."
        text = f"has no list of operations, as there is no form of: {listing}. {remedy}"
        raise UserError(study.source, [text])
    return listing
