"""Elementary functions by machine code against SciPy and NumPy in float64; their bits at each width."""

import functools

import jax
import numpy as np
import pytest
from jax import lax
from scipy import special

from engine.lanes import cpu
from engine.lanes.elementary import FUNCTIONS, IN_DOUBLE
from engine.lanes.scalars import Scalars
from tests.helpers import assert_same
from tests.lanes.compiled import WIDTHS, of_operations

SMALLEST, LARGEST = np.float32(2.0**-126), np.finfo(np.float32).max
COUNT = 1 << 17
OPERANDS = dict.fromkeys(("atan2", "le_to", "lt_to", "nextafter", "pow", "rem"), 2) | {"clamp": 3}


def spread(low, high):
    """Numbers between two, half of them uniform, half of them by random bits: as many near 0 as elsewhere."""
    rng = np.random.default_rng(5)
    low, high = np.float32(low), np.float32(high)
    sides = [side for side in (high, -low) if side > 0]
    least = np.float32(max(low, -high, 1e-45))
    by_bits = [
        rng.integers(least.view(np.int32), side.view(np.int32) + 1, COUNT // 2, np.int32).view(np.float32)
        for side in sides
    ]
    by_bits = np.concatenate([by_bits[0] if high > 0 else -by_bits[0], *(-bits for bits in by_bits[1:])])
    ends = np.array([low, high, np.nextafter(low, high), np.nextafter(high, low)])
    return np.concatenate([rng.uniform(low, high, COUNT).astype(np.float32), by_bits, ends])


def around(*points):
    """The two hundred numbers on either side of some points."""
    bits = np.array(points, np.float32).view(np.int32)[:, None] + np.arange(-200, 201, dtype=np.int32)
    return bits.astype(np.int32).ravel().view(np.float32)


def shuffled(x):
    return np.random.default_rng(2).permutation(x)


@functools.cache
def compiled(name, dtype, count, **parameters):
    function = getattr(lax, name)
    with jax.enable_x64(dtype == np.float64):
        own = tuple(jax.ShapeDtypeStruct((), dtype) for _ in range(count))
        return cpu.compile(lambda shared, lane, of_lane: {"y": function(*of_lane, **parameters)}, (), own)


def computed(name, *x, **parameters):
    """A function by machine code, of the widest vectors that this processor has."""
    return compiled(name, x[0].dtype, len(x), **parameters)((), 0, len(x[0]), own=x)["y"]


def apart(name, exact, *x, **parameters):
    """The largest relative error where the exact value is a normal number."""
    found = computed(name, *x, **parameters)
    with np.errstate(all="ignore"):
        expected = exact(*(each.astype(np.float64) for each in x))
        normal = (np.abs(expected) >= SMALLEST) & (np.abs(expected) <= LARGEST)
        assert not np.isnan(found[normal]).any()
        return np.max(np.abs(found[normal] / expected[normal] - 1))


def of_a_small_angle(function):
    return lambda x: np.where(np.abs(x) > 2.0**50, np.nan, function(x))


EXACT = {
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "logistic": special.expit,
    "erf": special.erf,
    "erfc": special.erfc,
    "erf_inv": special.erfinv,
    "lgamma": lambda x: np.where(x == -np.inf, np.inf, special.gammaln(x)),  # of the C standard
    "is_finite": np.isfinite,
    **{name: getattr(np, name) for name in ("cbrt", "cosh", "exp", "exp2", "expm1", "log", "log1p", "sign", "sinh")},
    **{name: getattr(np, name) for name in ("square", "tanh")},
    **{name: of_a_small_angle(getattr(np, name)) for name in ("sin", "cos", "tan")},
    **{name: getattr(np, name.replace("a", "arc", 1)) for name in ("acos", "acosh", "asin", "asinh", "atan", "atanh")},
}
"""Functions of one number -> the same in float64 or wider."""
EVERYWHERE, ANGLES = spread(-LARGEST, LARGEST), [spread(-1e5, 1e5), spread(-(2.0**50), 2.0**50)]


@pytest.mark.parametrize(
    ("name", "bound", "parts"),
    [
        ("exp", 1e-7, [spread(-87.336, 88.722)]),
        ("exp2", 1e-7, [spread(-126, 127.999)]),
        ("expm1", 1.5e-7, [spread(-100, 88.722)]),
        ("log", 1e-7, [spread(0, LARGEST), spread(0.4, 2.5), around(0.5**0.5, 1, 2**0.5)]),
        ("log1p", 1.5e-7, [spread(-1, 3), spread(0, LARGEST), around(2**0.5 - 1)]),
        ("logistic", 2e-7, [spread(-87, 200)]),
        ("tanh", 3.1e-7, [spread(-12, 12), spread(-1, 1)]),
        ("erf", 1e-7, [spread(-5, 5), around(0.85, 3.95, -0.85)]),
        ("erfc", 4.5e-7, [spread(-5, 9.1946), spread(7, 9.1946)]),
        ("erf_inv", 3e-7, [spread(-0.75, 0.75)]),
        ("rsqrt", 1e-7, [spread(0, LARGEST)]),
        ("cbrt", 7e-8, [EVERYWHERE, spread(0.5, 9)]),
        ("square", 6e-8, [spread(-1e18, 1e18)]),
        # by way of float64, and so rounded once or nearly so
        *((name, 6.1e-8, ANGLES) for name in ("sin", "cos", "tan")),
        *((name, 6.1e-8, [spread(-1, 1), around(0.5, -0.5)]) for name in ("asin", "acos")),
        ("atan", 6.1e-8, [EVERYWHERE, spread(-4, 4), around(1, -1)]),
        ("sinh", 6.1e-8, [spread(-89.4, 89.4), around(1, -1)]),
        ("cosh", 6.1e-8, [spread(-89.4, 89.4)]),
        ("asinh", 6.1e-8, [EVERYWHERE, spread(-4, 4)]),
        ("acosh", 6.1e-8, [spread(1, LARGEST), spread(1, 4)]),
        ("atanh", 6.1e-8, [spread(-0.9999999, 0.9999999)]),
    ],
)  # fmt: skip
def test_values_are_within_the_stated_bound(name, bound, parts):
    assert apart(name, EXACT[name], np.concatenate(parts)) < bound


def test_inverse_of_the_error_function_is_as_close_near_one():
    tail = np.concatenate([spread(0, 0.25), around(1e-3, 2.0**-20)])
    x = np.float32(1) - tail  # exact below one half by multiples of 2^-24
    x = x[x < 1]
    assert apart("erf_inv", lambda x: special.erfcinv(1 - x), x) < 3e-7
    assert apart("erf_inv", lambda x: -special.erfcinv(1 + x), -x) < 3e-7


@pytest.mark.parametrize("bases", [spread(0, LARGEST), spread(0.3, 3), spread(0.9, 1.1), around(1, 2**0.5)])
def test_power_is_within_the_stated_bound_up_to_the_largest_exponents(bases):
    bases = bases[(bases > 0) & (bases != 1)]
    furthest = 88.72 / np.abs(np.log(bases.astype(np.float64)))
    exponents = np.random.default_rng(3).uniform(-1, 1, bases.size) * np.minimum(furthest, LARGEST)
    assert apart("pow", np.power, bases, exponents.astype(np.float32)) < 2e-7


@pytest.mark.parametrize("x", [spread(-LARGEST, LARGEST), spread(-1, 1)])
def test_angle_of_a_point_is_rounded_once_or_nearly_so(x):
    assert apart("atan2", np.arctan2, x, shuffled(x)) < 6.1e-8


@pytest.mark.parametrize("x", [spread(0, 1e36), spread(0, 20), spread(-30, 0), around(1, 2, 8, -1.5)])
def test_logarithm_of_gamma_is_rounded_once_near_its_zeros_too(x):
    x = x[(x > 0) | (x != np.floor(x))]
    expected = special.gammaln(x.astype(np.float64))
    finite = np.abs(expected) <= LARGEST
    away = np.abs(computed("lgamma", x) - expected)[finite]
    # SciPy is not closer than this to the zeros between negative integers
    assert (away < 1e-7 * np.abs(expected[finite]) + np.where(x < 0, 1e-13, 1e-14)[finite]).all()


@pytest.mark.parametrize("steps", [spread(-LARGEST, LARGEST), spread(-1, 1), spread(-1e-38, 1e-38)])
@pytest.mark.parametrize(("name", "exact"), [("rem", np.fmod), ("nextafter", np.nextafter)])
def test_remainders_and_neighbours_are_exact(name, exact, steps):
    x, y = spread(-LARGEST, LARGEST)[: len(steps)], shuffled(steps)
    with np.errstate(all="ignore"):
        assert_same(computed(name, x, y)[y != 0], exact(x, y)[y != 0])


@pytest.mark.parametrize("y", [2, 3, 7, -1, -2, -5])
def test_integer_power_is_within_half_an_ulp_for_each_product_and_the_quotient(y):
    x = np.concatenate([spread(1e-5, 1e5), -spread(1e-5, 1e5)])  # x^|y| is a normal number
    assert apart("integer_pow", lambda x: x**y, x, y=y) < 6e-8 * (abs(y) + (y < 0))


def test_integer_power_and_sign_of_integers():
    x = np.arange(-4, 5, dtype=np.int32)
    assert_same(computed("integer_pow", x, y=3), x**3)
    assert_same(computed("integer_pow", x, y=0), x**0)
    assert_same(computed("sign", x), np.sign(x))


# fmt: off
ENDS = np.array([
    0, -0.0, 1e-45, -1e-45, 2.0**-126, 1e-20, 0.5, -0.5, 1, -1, 2.5, -2.5, 89, -104, LARGEST, -LARGEST, np.inf, -np.inf,
    np.nan,
], np.float32)
# fmt: on
INTEGERS = np.array([2, -2, 3, -3, 2**24, 2**24 - 1, 1 - 2**24], np.float32)


@pytest.mark.parametrize("name", EXACT)
def test_infinities_zeros_nan_and_subnormal_numbers(name):
    with np.errstate(all="ignore"):
        expected = EXACT[name](ENDS.astype(np.float64)).astype(np.float32)
    found = computed(name, ENDS)
    np.testing.assert_allclose(found, expected, rtol=5e-7)
    zero = (expected == 0) & (name not in ("log1p", "erf_inv", "sign"))  # SciPy and NumPy lose the sign in the last two
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize(
    ("name", "exact"), {"pow": np.power, "atan2": np.arctan2, "rem": np.fmod, "nextafter": np.nextafter}.items()
)
def test_functions_of_two_numbers_at_their_ends_are_those_of_the_c_standard(name, exact):
    x, y = (each.ravel() for each in np.meshgrid(*2 * [np.concatenate([ENDS, INTEGERS])]))
    found = computed(name, x, y)
    with np.errstate(all="ignore"):
        wider = np.float32 if name == "nextafter" else np.float64
        expected = exact(x.astype(wider), y.astype(wider)).astype(np.float32)
    normal = ~((np.abs(expected) < SMALLEST) & (name == "pow"))
    np.testing.assert_allclose(found[normal], expected[normal], rtol=5e-7)
    np.testing.assert_allclose(found[~normal], expected[~normal], atol=2e-45)
    np.testing.assert_array_equal(np.signbit(found[expected == 0]), np.signbit(expected[expected == 0]))


# ------------------------------------------------------------------------------- bits

NAMES = sorted(FUNCTIONS)
RESULTS = dict.fromkeys(("is_finite", "le_to", "lt_to"), bool)


def arguments(dtype):
    """Extreme and usual numbers, and any bits."""
    rng = np.random.default_rng(0)
    any_bits = rng.integers(0, 2**32, 500, np.uint32).view(np.float32)
    x = np.concatenate([ENDS, rng.uniform(-10, 10, 500).astype(np.float32), any_bits]).astype(dtype)
    return x, rng.permutation(x)


def all_functions(dtype):
    names = [name for name in NAMES if dtype == np.float32 or name in IN_DOUBLE]

    def build(scalars, inputs):
        operands = [*inputs, inputs[0]]
        return [
            scalars.each(name, *operands[: OPERANDS.get(name, 1)], dtype=RESULTS.get(name, dtype)) for name in names
        ]

    return names, build


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_bits_are_equal_at_each_width_and_by_constant_folding(dtype):
    names, build = all_functions(dtype)
    x, y = arguments(dtype)
    first, *others = (of_operations(width, build, (x, y)) for width in WIDTHS)
    for results in others:
        for one, other in zip(results, first, strict=True):
            assert_same(one, other)
    if dtype == np.float32:
        for k in range(len(ENDS)):
            scalars = Scalars(0)
            folded = build(scalars, [scalars.constant(x[k]), scalars.constant(y[k])])
            for name, one, values in zip(names, folded, first, strict=True):
                called = isinstance(FUNCTIONS[name], str)
                assert one.is_constant != called, name
                assert called or one.value == values[k] or np.isnan([one.value, values[k]]).all(), name
