"""Contracts products and the sums that read them to fused multiply-adds."""

from __future__ import annotations

from engine.program.lowering.operations import Operation
from engine.program.lowering.stages import Aim, Listing


def contracted(listing: Listing, aim: Aim) -> Listing:
    """The list with one fused multiply-add for each floating-point sum or difference of a product that sums alone read.

    What is contracted follows from the list, not from a compiler, so it is the same wherever the list is computed.
    """
    operations = listing.operations
    sums = {one for one in operations if one.name in ("add", "sub") and one.dtype.kind == "f"}
    read_by_others = {*listing.ends}
    for operation in operations:
        if operation not in sums or operation.operands[0] is operation.operands[1]:
            read_by_others.update(operation.operands)
    fused: dict[Operation, Operation] = {}
    for operation in sums:
        for side, factor in enumerate(operation.operands):
            if factor.name == "mul" and factor not in read_by_others:
                other = operation.operands[1 - side]
                name = "fma" if operation.name == "add" else ("fma -c", "fma -a")[side]
                operands = (*factor.operands, other)
                fused[operation] = Operation(name, operands, operation.dtype, None, operation.axes)
                break
    return listing.rewritten(fused)
