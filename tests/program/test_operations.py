"""Rules on the list: products that become part of sums, and operations that others stand for."""

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from engine.program.lowering.contraction import contracted
from engine.program.lowering.operations import Operation, Source, rewritten
from engine.program.lowering.scalars import Scalars
from engine.program.lowering.stages import Aim, Listing
from engine.program.tracing.equations import Axis


def sums(*names: str) -> tuple[Listing, Listing]:
    """A list whose outcomes are these operations of c and the product a b, and what becomes of it."""
    scalars = Scalars()
    a, b, c = (scalars.input(Source(name), np.float32, Axis.PATH) for name in "abc")
    product = scalars.each("mul", a, b)
    made = tuple(scalars.each(name, c, product) for name in names)
    listing = Listing(np.float32, tuple(scalars.operations), (), {"outcomes": made})
    return listing, contracted(listing, Aim({}, {}))


def test_a_product_that_sums_alone_read_is_part_of_each():
    before, after = sums("add", "sub")
    assert [one.name for one in after.results["outcomes"]] == ["fma", "fma -a"]
    assert [one.name for one in before.results["outcomes"]] == ["add", "sub"]


def test_a_product_that_others_read_stays():
    before, after = sums("add", "mul")
    assert after == before


def test_who_reads_an_operation_that_is_replaced_reads_what_stands_for_it():
    scalars = Scalars()
    x, y = (scalars.input(Source(name), np.float32, Axis.PATH) for name in "xy")
    root, other = scalars.each("sqrt", x), scalars.each("neg", y)
    total = scalars.each("add", root, other)
    floor = Operation("floor", (x,), x.dtype, None, x.axes)
    stands = rewritten(scalars.operations, {root: floor})
    assert stands.keys() == {root, total} and stands[root] is floor
    assert stands[total].operands == (floor, other) and total.operands == (root, other)
    with pytest.raises(FrozenInstanceError):
        total.operands = ()
