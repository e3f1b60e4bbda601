"""Every operation on scalars, on all pairs of extreme numbers: machine code at any width has the bits of what is known
beforehand, and of NumPy.
"""

import ctypes
import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest

from engine.draws.random_words import RARELY
from engine.program.elementary import FUNCTIONS
from engine.program.emitting import functions
from engine.program.lowering.operation_table import OPERATIONS, Meaning
from engine.program.lowering.operations import Source
from engine.program.lowering.scalars import Scalars
from engine.program.lowering.stages import Place, Stage
from engine.program.running import machine_code
from engine.program.tracing.equations import Axis
from tests.helpers import assert_same
from tests.program.rounded import computed, traced
from tests.program.test_elementary import ENDS

WIDTHS = (16, 4, 1)
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
# fmt: on
VALUES["float64"] = np.concatenate([VALUES["float32"].astype(np.float64), [1e-310, 1e300, 1 + 2.0**-24, 2.0**53 + 2]])
VALUES["int64"] = np.concatenate([VALUES["int32"], [63, 64, 2**53 + 1, 2**62 + 2**37 + 1, 2**63 - 1, -(2**63)]]).astype(
    np.int64
)
VALUES["uint64"] = VALUES["int64"].view(np.uint64)
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
"""Operation, types of what it reads, type of what it gives: each row of the table in all types that it takes, and each
becomes one test.
"""


def test_a_row_takes_what_it_reads_and_is_written_once():
    for name, meaning in OPERATIONS.items():
        assert {*meaning.reads} <= {*"fiub "} and {*meaning.gives} <= {*"fiub"}, name
    assert {name for name, meaning in OPERATIONS.items() if meaning.numbers is None} == {"call", "lookup"}
    assert not OPERATIONS.keys() & FUNCTIONS.keys() - {"rem"}
    assert not OPERATIONS["rem"].takes(np.dtype(np.float32))


def all_of(reads):
    """All combinations of the values of some types, one array for each; of three types every second value, and -0."""
    values = [VALUES[kind] for kind in reads]
    if len(reads) == 3:
        values = [np.concatenate([array[::2], array[1:2]]) for array in values]
    return [part.ravel() for part in np.meshgrid(*values, indexing="ij")]


def words(values):
    held = values.astype(np.uint32) if values.dtype == bool else values
    return np.ascontiguousarray(held)


def run(width, build, arrays):
    """What machine code gives for some arrays, lane after lane.

    Args:
      build: operations of (scalars, inputs).
    """
    scalars = Scalars()
    inputs = [scalars.input(Source("in", k), array.dtype, Axis.PATH) for k, array in enumerate(arrays)]
    outputs = build(scalars, inputs)
    stage = Stage("stage", before=[one for one in scalars.operations if one.name != "input"])
    sizes = [max(array.dtype.itemsize, 4) // 4 for array in arrays]
    stage.loads = {one: Place("given", sum(sizes[:k])) for k, one in enumerate(inputs)}
    stage.stores = [(one, Place("results", 2 * k)) for k, one in enumerate(outputs)]
    text, declared = functions.function(stage, width, ("arguments", "given", "results"))
    engine = machine_code.loaded("\n".join([*sorted(declared), text]))
    call = machine_code.function(engine, "stage", [ctypes.c_void_p] * 3 + [ctypes.c_int64])
    count = len(arrays[0])
    results = [np.empty(count, np.uint32 if one.dtype == bool else one.dtype) for one in outputs]
    given, given_back = aligned(width * sum(sizes)), aligned(2 * width * len(outputs))
    for first in range(0, count, width):
        lanes = np.arange(first, first + width) % count
        at = 0
        for array, size in zip(arrays, sizes, strict=True):
            given[at : at + size * width] = words(array)[lanes].view(np.uint32)
            at += size * width
        call(given.ctypes.data, given.ctypes.data, given_back.ctypes.data, 0)
        for k, result in enumerate(results):
            held = given_back[2 * k * width :][: width * result.itemsize // 4].view(result.dtype)
            result[lanes] = held
    return [result.astype(bool) if one.dtype == bool else result for one, result in zip(outputs, results, strict=True)]


def aligned(size):
    room = np.zeros(size + 64, np.uint32)
    at = -room.ctypes.data % 64 // 4
    return room[at : at + size]


def folded(row, arrays):
    """What is known beforehand, one constant after the other."""
    name, _, gives = row
    scalars = Scalars()
    values = []
    for operands in zip(*arrays, strict=True):
        one = scalars.each(name, *(scalars.constant(value) for value in operands), dtype=gives)
        assert one.is_constant and one.dtype == gives
        values.append(one.detail)
    return np.array(values, gives)


@functools.cache
def by_machine(width):
    """Results of all rows, each from inputs of its own."""
    found = {}
    for reads in {reads for _, reads, _ in ROWS}:
        rows = [row for row in ROWS if row[1] == reads]

        def build(scalars, inputs, rows=rows):
            return [scalars.operation(name, inputs, np.dtype(gives)) for name, _, gives in rows]

        found |= dict(zip(rows, run(width, build, all_of(reads)), strict=True))
    return found


def rounded(exact, dtype):
    """The number of a type that is nearest to a fraction, ties to even, by its own bits."""
    if exact == 0:
        return dtype.type(0)
    info = np.finfo(dtype)
    size, digits, least = abs(exact), info.nmant + 1, int(info.minexp) - info.nmant
    exponent = max(size.numerator.bit_length() - size.denominator.bit_length() - digits, least)
    if size / Fraction(2) ** exponent >= 2**digits:
        exponent += 1
    with np.errstate(over="ignore"):
        value = np.ldexp(dtype.type(round(size / Fraction(2) ** exponent)), exponent)
    return -value if exact < 0 else value


def by_numpy(row, arrays):
    name, reads, gives = row
    kind = np.dtype(reads[-1])
    with np.errstate(all="ignore"):
        if name == "bitcast_convert_type":
            return arrays[0].view(gives)
        if name == "convert_element_type":
            return converted(arrays[0], np.dtype(gives))
        if name == "round":
            return np.copysign(half_away(np.abs(arrays[0])), arrays[0])
        if name in ("select", RARELY):
            return np.where(*arrays)
        if name.startswith("fma"):
            return np.array([fused(*values, name[4:]) for values in zip(*arrays, strict=True)], kind)
        if name.startswith("shift"):
            return np.array([shifted(name, *values) for values in zip(*arrays, strict=True)], kind)
        if name in ("div", "rem") and kind.kind in "iu":
            return np.array([divided(name, *values) for values in zip(*arrays, strict=True)], kind)
        if name in ("max", "min") and kind.kind == "f":
            x, y = arrays
            second = y > x if name == "max" else y < x
            return np.where(second | np.isnan(y), y, x)  # of 0 and -0 the first
        if name in ("max", "min") and kind.kind == "b":
            return np.logical_or(*arrays) if name == "max" else np.logical_and(*arrays)
        function = {
            "abs": np.abs,
            "add": np.add,
            "and": np.bitwise_and,
            "ceil": np.ceil,
            "div": np.divide,
            "eq": np.equal,
            "floor": np.floor,
            "ge": np.greater_equal,
            "gt": np.greater,
            "le": np.less_equal,
            "lt": np.less,
            "max": np.maximum,
            "min": np.minimum,
            "mul": np.multiply,
            "ne": np.not_equal,
            "neg": np.negative,
            "not": np.invert,
            "or": np.bitwise_or,
            "round to even": np.rint,
            "sqrt": np.sqrt,
            "sub": np.subtract,
            "xor": np.bitwise_xor,
        }[name]
        return function(*arrays)


def half_away(size):
    whole = np.floor(size)
    return np.where(size - whole >= 0.5, whole + 1, whole).astype(size.dtype)


def converted(values, gives):
    """As XLA has it: whole numbers saturate, and 0 stands for what is no number."""
    if values.dtype.kind == "f" and gives.kind in "iu":
        limits = np.iinfo(gives)
        exact = [0 if np.isnan(v) else int(np.clip(float(v), -(2.0**70), 2.0**70)) for v in values]
        return np.array([min(max(v, limits.min), limits.max) for v in exact], gives)
    return values.astype(gives)


def fused(a, b, c, signs):
    a, c = (-a if signs == "-a" else a), (-c if signs == "-c" else c)
    if not np.isfinite(a) or not np.isfinite(b):
        return a * b + c
    if not np.isfinite(c):
        return c
    exact = Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c))
    if exact:
        return rounded(exact, a.dtype)
    both_negative = not c and np.signbit(a) != np.signbit(b) and np.signbit(c)
    return a.dtype.type(-0.0 if both_negative else 0.0)


def wrapped(value, kind):
    """The last bits of a whole number."""
    size = np.dtype(kind).itemsize
    return np.array(value % 256**size, f"u{size}").view(kind)[()]


def shifted(name, x, by):
    """Beyond the word everything is shifted out: 0 is left, or the sign."""
    size = x.dtype.itemsize
    by, bits = int(by) % 256**size, int(x) % 256**size
    if name == "shift_right_arithmetic":
        return wrapped(int(wrapped(bits, f"i{size}")) >> min(by, 8 * size - 1), x.dtype)
    if by >= 8 * size:
        return x.dtype.type(0)
    return wrapped(bits << by if name == "shift_left" else bits >> by, x.dtype)


def divided(name, x, y):
    """Towards zero; by zero -1 and the numerator, as XLA has it; what overflows wraps."""
    a, b = int(x), int(y)
    quotient = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1) if b else -1
    return wrapped(quotient if name == "div" else a - b * quotient, x.dtype)


def named(row):
    name, reads, gives = row
    return "-".join((name, *reads, gives))


@pytest.mark.parametrize("row", ROWS, ids=named)
def test_an_operation_has_the_same_bits_known_beforehand_and_at_any_width(row):
    arrays = all_of(row[1])
    expected = by_numpy(row, arrays)
    for width in WIDTHS:
        assert_same(by_machine(width)[row], expected)
    assert_same(folded(row, arrays), expected)
    name, _, gives = row
    if not name.startswith("fma"):  # of single numbers alone
        with np.errstate(all="ignore"):
            numbers = OPERATIONS[name].numbers
            more = [np.dtype(gives)] if len(OPERATIONS[name].gives) > 1 else []
            assert_same(numbers(*arrays, *more), expected)


def test_a_new_operation_is_one_row(monkeypatch):
    row = Meaning("f f", np.copysign, lambda to, operation, *values: to.intrinsic("copysign", operation.dtype, *values))
    monkeypatch.setitem(OPERATIONS, "copysign", row)
    arrays = all_of(("float32", "float32"))
    expected = np.copysign(*arrays)
    for width in WIDTHS:
        (found,) = run(width, lambda scalars, inputs: [scalars.each("copysign", *inputs)], arrays)
        assert_same(found, expected)
    assert_same(folded(("copysign", ("float32", "float32"), "float32"), arrays), expected)


@functools.cache
def with_one_known(width):
    """Results of all rows that read two numbers, the first or the second of them known: by row, side and number."""
    found = {}
    for row in ROWS:
        name, reads, gives = row
        if len(reads) != 2 or reads[0] in ("float64", "int64", "uint64"):
            continue
        for side in (0, 1):
            array = VALUES[reads[1 - side]]

            def build(scalars, inputs, name=name, gives=gives, side=side, known=VALUES[reads[side]]):
                operands = [[scalars.constant(value), *inputs] for value in known]
                return [scalars.each(name, *(pair if side == 0 else pair[::-1]), dtype=gives) for pair in operands]

            found[row, side] = np.stack(run(width, build, [array]))
    return found


@pytest.mark.parametrize("width", [16, pytest.param(1, marks=pytest.mark.slow)])
def test_it_makes_no_difference_which_operand_is_known(width):
    for (row, side), results in with_one_known(width).items():
        name, reads, _ = row
        first, second = (VALUES[kind] for kind in reads)
        grid = np.meshgrid(first, second, indexing="ij" if side == 0 else "xy")
        expected = by_numpy(row, [part.ravel() for part in grid]).reshape(grid[0].shape)
        if name in ("max", "min") and side == 0:  # of 0 and -0 it is the one that is not known
            expected = np.where(grid[0] == grid[1], grid[1], expected)
        assert_same(results, expected)


def test_a_sum_with_a_product_is_rounded_once_where_it_is_known():
    """To float64 and then to float32 it would be a tie, and 1.0000001 the number above."""
    a, b, c = np.float32([2.0**-24 * (1 + 2.0**-23), 1 - 2.0**-23, 1 + 2.0**-23])
    scalars = Scalars()
    one = scalars.each("fma", *map(scalars.constant, (a, b, c)))
    assert_same(one.detail, c)


# ------------------------------------------------------------------------------- elementary functions

TWO = ("atan2", "nextafter", "pow", "rem")
WRITTEN = sorted(FUNCTIONS.keys() - {"is_finite"})


def arguments():
    """What is extreme, what is usual, and any bits."""
    rng = np.random.default_rng(0)
    usual = rng.uniform(-10, 10, 500).astype(np.float32)
    x = np.concatenate([ENDS, usual, rng.integers(0, 2**32, 500, np.uint32).view(np.float32)])
    return x, rng.permutation(x)


def parameters(name):
    return {"y": 3} if name == "integer_pow" else {}


def all_functions(scalars, inputs):
    powers = {name: [scalars.constant(y) for y in parameters(name).values()] for name in WRITTEN}
    return [scalars.each(name, *inputs[: 1 + (name in TWO)], *powers[name], dtype=np.float32) for name in WRITTEN]


@functools.cache
def emulated(name):
    pair = arguments()[: 1 + (name in TWO)]
    return computed(traced(FUNCTIONS[name].form, *(each.dtype for each in pair), **parameters(name)), *pair)


@pytest.mark.parametrize("width", [16, 1])
def test_machine_code_of_elementary_functions_has_the_bits_of_each_operation_rounded(width):
    for name, results in zip(WRITTEN, run(width, all_functions, arguments()), strict=True):
        np.testing.assert_array_equal(results.view(np.int32), plain(emulated(name)).view(np.int32), name)


def plain(values):
    """What is no number as the one that is written."""
    return np.where(np.isnan(values), np.float32(np.nan), values)


def test_elementary_functions_of_what_is_known_have_the_same_bits():
    for k in range(len(ENDS)):
        scalars = Scalars()
        results = all_functions(scalars, [scalars.constant(each[k]) for each in arguments()])
        for name, one in zip(WRITTEN, results, strict=True):
            assert one.is_constant
            assert_same(one.detail, emulated(name)[k])
