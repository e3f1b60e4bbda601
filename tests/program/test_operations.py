"""Rules on the list: products that become part of sums."""

import numpy as np

from engine.program.equations import Axis
from engine.program.operations import Operation, contracted
from engine.program.scalars import Scalars


def sums(*names: str) -> tuple[list[Operation], dict[Operation, Operation]]:
    """What these operations of the product a b and c are, and what stands for them."""
    scalars = Scalars()
    a, b, c = (scalars.input((name,), np.float32, Axis.PATH) for name in "abc")
    product = scalars.each("mul", a, b)
    made = [scalars.each(name, c, product) for name in names]
    return made, contracted(scalars.operations, made)


def test_a_product_that_sums_alone_read_is_part_of_each():
    made, fused = sums("add", "sub")
    assert [fused[one].name for one in made] == ["fma", "fma -a"]


def test_a_product_that_others_read_stays():
    _, fused = sums("add", "mul")
    assert not fused
