"""Every operation on scalars, on all combinations of extreme numbers: constant folding and machine code of each width
give the same bits.
"""

import functools
import itertools
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from engine.lanes.hints import RARELY
from engine.lanes.operation_table import OPERATIONS
from engine.lanes.scalars import Scalars
from tests.helpers import assert_same
from tests.lanes.compiled import WIDTHS, of_operations

LARGEST, LEAST = np.finfo(np.float32).max, np.float32(1e-45)
# fmt: off
VALUES = {
    "float32": np.array([
        0, -0.0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 0.49999997, 1e-38, -1e-38, LEAST, -LEAST, 3.3, 1e20, 8388609,
        2147483648, -2147483904, 4294967296, LARGEST, -LARGEST, np.inf, -np.inf, np.nan,
    ], np.float32),
    "int32": np.array([0, 1, -1, 2, -2, 7, 31, 32, 33, -31, 2**24 + 1, 2**31 - 1, -(2**31), -(2**31) + 1], np.int32),
    "uint32": np.array([0, 1, 2, 7, 31, 32, 33, 2**24 + 1, 2**31 - 1, 2**31, 2**31 + 129, 2**32 - 1], np.uint32),
    "bool": np.array([False, True]),
}
VALUES["float64"] = np.concatenate([VALUES["float32"].astype(np.float64), [1e-310, 1e300, 1 + 2.0**-24, 2.0**53 + 2]])
VALUES["int64"] = np.array([*VALUES["int32"], 63, 64, 2**53 + 1, 2**62 + 2**37 + 1, 2**63 - 1, -(2**63)], np.int64)
VALUES["uint64"] = VALUES["int64"].view(np.uint64)
UFUNCS = {
    "abs": np.abs, "add": np.add, "and": np.bitwise_and, "ceil": np.ceil, "div": np.divide, "eq": np.equal,
    "floor": np.floor, "ge": np.greater_equal, "gt": np.greater, "le": np.less_equal, "lt": np.less, "max": np.maximum,
    "min": np.minimum, "mul": np.multiply, "ne": np.not_equal, "neg": np.negative, "not": np.invert,
    "or": np.bitwise_or, "round to even": np.rint, "sqrt": np.sqrt, "sub": np.subtract, "xor": np.bitwise_xor,
    "select": np.where, RARELY: np.where,
}
# fmt: on
ROWS = [
    (name, reads, gives)
    for name, meaning in OPERATIONS.items()
    if meaning.numbers is not None
    for reads in itertools.product(
        *([kind for kind in VALUES if np.dtype(kind).kind in kinds] for kinds in meaning.reads.split())
    )
    for gives in ([kind for kind in VALUES if np.dtype(kind).kind in meaning.gives] if meaning.gives else reads[-1:])
    if len({*reads[len(reads) == 3 and reads[0] == "bool" :]}) == 1
    if len(meaning.gives) < 2 or gives != reads[0]
    if name != "bitcast_convert_type" or np.dtype(gives).itemsize == np.dtype(reads[0]).itemsize
]
"""Operation, types of its operands, type of its result: each row of the table in all types that it takes."""


def all_of(reads):
    """All combinations of the values of some types, one array for each; of three types every second value, and -0."""
    values = [VALUES[kind] for kind in reads]
    if len(reads) == 3:
        values = [np.concatenate([array[::2], array[1:2]]) for array in values]
    return [part.ravel() for part in np.meshgrid(*values, indexing="ij")]


def folded(row, arrays):
    """Results by constant folding."""
    name, _, gives = row
    scalars, values = Scalars(0), []
    for operands in zip(*arrays, strict=True):
        one = scalars.each(name, *(scalars.constant(value) for value in operands), dtype=gives)
        assert one.is_constant and one.dtype == gives
        values.append(one.detail)
    return np.array(values, gives)


@functools.cache
def by_machine(width):
    """Row -> its results, all rows in one program."""
    kinds = {reads: all_of(reads) for _, reads, _ in ROWS}
    lanes = max(len(arrays[0]) for arrays in kinds.values())
    first = dict(zip(kinds, itertools.accumulate(map(len, kinds), initial=0), strict=False))

    def build(scalars, inputs):
        return [
            scalars.operation(name, inputs[first[reads] :][: len(reads)], np.dtype(gives))
            for name, reads, gives in ROWS
        ]

    padded = [np.resize(array, lanes) for arrays in kinds.values() for array in arrays]
    results = of_operations(width, build, padded)
    return {row: values[: len(kinds[row[1]][0])] for row, values in zip(ROWS, results, strict=True)}


OF_EACH = {
    "round": lambda x: np.copysign(np.floor(np.abs(x)) + (np.abs(x) % 1 >= 0.5), x),
    # of 0 and -0 the first; NaN where either is NaN
    "max": lambda x, y: y if y > x or y != y else x,
    "min": lambda x, y: y if y < x or y != y else x,
    "fma": lambda a, b, c: fused(a, b, c),
}
"""Operations of single numbers that NumPy has not, in the words of IEEE 754."""


def expected_of(row, arrays):
    """Results by NumPy, and by XLA where it defines what overflows: its integer quotients, shifts and conversions."""
    name, reads, gives = row
    with np.errstate(all="ignore"):
        if name in OF_EACH:
            return np.array([OF_EACH[name](*values) for values in zip(*arrays, strict=True)], gives)
        if name == "bitcast_convert_type":
            return arrays[0].view(gives)
        if name == "convert_element_type" and (reads[0][:5] != "float" or "int" not in gives):
            return arrays[0].astype(gives)
        if name in UFUNCS and not (name == "div" and "int" in gives):
            return UFUNCS[name](*arrays)
    more = [np.dtype(gives)] if name == "convert_element_type" else []
    with jax.enable_x64(True):
        return np.asarray(getattr(lax, name)(*map(jnp.asarray, arrays), *more))


def rounded(exact, dtype):
    """The number of a type that is nearest to a fraction, ties to even, by its own bits."""
    info, size = np.finfo(dtype), abs(exact)
    digits, least = info.nmant + 1, int(info.minexp) - info.nmant
    exponent = max(size.numerator.bit_length() - size.denominator.bit_length() - digits, least)
    if size / Fraction(2) ** exponent >= 2**digits:
        exponent += 1
    value = np.ldexp(dtype.type(round(size / Fraction(2) ** exponent)), exponent)
    return -value if exact < 0 else value


def fused(a, b, c):
    if not np.isfinite(a) or not np.isfinite(b):
        return a * b + c
    if not np.isfinite(c):
        return c
    if exact := Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)):
        return rounded(exact, a.dtype)
    return -0.0 if not c and np.signbit(a) != np.signbit(b) and np.signbit(c) else 0.0


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join((row[0], *row[1], row[2])))
def test_an_operation_has_the_same_bits_by_constant_folding_and_at_each_width(row):
    name, reads, gives = row
    arrays = all_of(reads)
    expected = expected_of(row, arrays)
    for width in WIDTHS:
        assert_same(by_machine(width)[row], expected)
    assert_same(folded(row, arrays), expected)
    if name != "fma":  # its meaning takes single numbers alone
        with np.errstate(all="ignore"):
            more = [np.dtype(gives)] if len(OPERATIONS[name].gives) > 1 else []
            assert_same(OPERATIONS[name].numbers(*arrays, *more), expected)


def test_the_bits_do_not_depend_on_which_operand_is_constant():
    kinds = [kind for kind in VALUES if np.dtype(kind).itemsize < 8]
    cases = [(row, side) for row in ROWS if len(row[1]) == 2 and row[1][0] in kinds for side in (0, 1)]

    def build(scalars, inputs):
        made, own = [], dict(zip(kinds, inputs, strict=True))
        for (name, reads, gives), side in cases:
            for value in VALUES[reads[side]]:
                pair = [scalars.constant(value), own[reads[1 - side]]]
                made.append(scalars.each(name, *pair[:: -1 if side else 1], dtype=gives))
        return made

    lanes = max(map(len, VALUES.values()))
    results = iter(of_operations(16, build, [np.resize(VALUES[kind], lanes) for kind in kinds]))
    for row, side in cases:
        first, second = (VALUES[kind] for kind in row[1])
        grid = np.meshgrid(first, second, indexing="xy" if side else "ij")
        expected = expected_of(row, [part.ravel() for part in grid]).reshape(grid[0].shape)
        if row[0] in ("max", "min") and side == 0:  # of 0 and -0 it is the one that is not constant
            expected = np.where(grid[0] == grid[1], grid[1], expected)
        for values in expected:
            assert_same(next(results)[: len(values)], values)
