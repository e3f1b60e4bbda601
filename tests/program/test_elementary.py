"""Elementary functions in exactly rounded operations, against SciPy and NumPy in float64 or wider, over all of their
range and at its ends.
"""

import numpy as np
import pytest
from scipy import special

from engine.program.elementary import FUNCTIONS
from tests.program.rounded import computed, equations, traced

SMALLEST, LARGEST = np.float32(2.0**-126), np.finfo(np.float32).max
COUNT = 1 << 17


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


def wide(function):
    """A function of SciPy's, which knows no precision beyond float64."""
    return lambda *x: function(*(np.asarray(each, np.float64) for each in x))


def apart(name, exact, *x, **parameters):
    """The largest error, relative, where the exact value is a normal number."""
    found = computed(traced(FUNCTIONS[name].form, *(each.dtype for each in x), **parameters), *x)
    with np.errstate(all="ignore"):
        expected = exact(*(each.astype(np.longdouble) for each in x))
        normal = (np.abs(expected) >= SMALLEST) & (np.abs(expected) <= LARGEST)
        assert not np.isnan(found[normal]).any()
        return np.max(np.abs(found[normal] / expected[normal] - 1))


@pytest.mark.parametrize(
    ("name", "exact", "x", "bound"),
    [
        ("exp", np.exp, spread(-87.336, 88.722), 1e-7),
        ("exp2", np.exp2, spread(-126, 127.999), 1e-7),
        ("expm1", np.expm1, spread(-100, 88.722), 1.5e-7),
        ("log", np.log, np.concatenate([spread(0, LARGEST), spread(0.4, 2.5), around(0.5**0.5, 1, 2**0.5)]), 1e-7),
        ("log1p", np.log1p, np.concatenate([spread(-1, 3), spread(0, LARGEST), around(2**0.5 - 1)]), 1.5e-7),
        ("logistic", wide(special.expit), spread(-87, 200), 2e-7),
        ("tanh", np.tanh, np.concatenate([spread(-12, 12), spread(-1, 1)]), 3.1e-7),
        ("erf", wide(special.erf), np.concatenate([spread(-5, 5), around(0.85, 3.95, -0.85)]), 1e-7),
        ("erfc", wide(special.erfc), np.concatenate([spread(-5, 9.1946), spread(7, 9.1946)]), 4.5e-7),
        ("erf_inv", wide(special.erfinv), spread(-0.75, 0.75), 3e-7),
        ("rsqrt", lambda x: 1 / np.sqrt(x), spread(0, LARGEST), 1e-7),
        ("cbrt", np.cbrt, np.concatenate([spread(-LARGEST, LARGEST), spread(0.5, 9)]), 7e-8),
        ("square", np.square, spread(-1e18, 1e18), 6e-8),
    ],
)  # fmt: skip
def test_values_are_within_the_stated_bound(name, exact, x, bound):
    assert apart(name, exact, x) < bound


def test_inverse_of_the_error_function_is_as_close_beside_one():
    tail = np.concatenate([spread(0, 0.25), around(1e-3, 2.0**-20)])
    x = np.float32(1) - tail  # exact below one half by multiples of 2^-24
    x = x[x < 1]
    assert apart("erf_inv", lambda x: special.erfcinv(np.float64(1 - x)), x) < 3e-7
    assert apart("erf_inv", lambda x: -special.erfcinv(np.float64(1 + x)), -x) < 3e-7


@pytest.mark.parametrize("bases", [spread(0, LARGEST), spread(0.3, 3), spread(0.9, 1.1), around(1, 2**0.5)])
def test_power_is_within_the_stated_bound_up_to_the_largest_exponents(bases):
    bases = bases[(bases > 0) & (bases != 1)]
    furthest = 88.72 / np.abs(np.log(bases.astype(np.float64)))
    exponents = np.random.default_rng(3).uniform(-1, 1, bases.size) * np.minimum(furthest, LARGEST)
    assert apart("pow", np.power, bases, exponents.astype(np.float32)) < 2e-7


@pytest.mark.parametrize(
    ("name", "exact", "x"),
    [
        ("sin", np.sin, np.concatenate([spread(-1e5, 1e5), spread(-(2.0**50), 2.0**50)])),
        ("cos", np.cos, np.concatenate([spread(-1e5, 1e5), spread(-(2.0**50), 2.0**50)])),
        ("tan", np.tan, np.concatenate([spread(-1e5, 1e5), spread(-(2.0**50), 2.0**50)])),
        ("asin", np.arcsin, np.concatenate([spread(-1, 1), around(0.5, -0.5)])),
        ("acos", np.arccos, np.concatenate([spread(-1, 1), around(0.5, -0.5)])),
        ("atan", np.arctan, np.concatenate([spread(-LARGEST, LARGEST), spread(-4, 4), around(1, -1)])),
        ("sinh", np.sinh, np.concatenate([spread(-89.4, 89.4), around(1, -1)])),
        ("cosh", np.cosh, spread(-89.4, 89.4)),
        ("asinh", np.arcsinh, np.concatenate([spread(-LARGEST, LARGEST), spread(-4, 4)])),
        ("acosh", np.arccosh, np.concatenate([spread(1, LARGEST), spread(1, 4)])),
        ("atanh", np.arctanh, spread(-0.9999999, 0.9999999)),
    ],
)  # fmt: skip
def test_values_by_way_of_float64_are_rounded_once_or_nearly_so(name, exact, x):
    assert apart(name, exact, x) < 6.1e-8


@pytest.mark.parametrize("x", [spread(-LARGEST, LARGEST), spread(-1, 1)])
def test_angle_of_a_point_is_rounded_once_or_nearly_so(x):
    assert apart("atan2", np.arctan2, x, np.random.default_rng(2).permutation(x)) < 6.1e-8


@pytest.mark.parametrize(("name", "exact"), [("lgamma", special.gammaln), ("digamma", special.digamma)])
@pytest.mark.parametrize("x", [spread(0, 1e36), spread(0, 20), spread(-30, 0), around(1, 1.4616321, 2, 8, -1.5)])
def test_gamma_functions_are_within_the_stated_bound_beside_their_zeros_too(name, exact, x):
    x = x[(x > 0) | (x != np.floor(x))]
    found = computed(traced(FUNCTIONS[name].form), x)
    expected = exact(x.astype(np.float64))
    finite = np.abs(expected) <= LARGEST
    away = np.abs(found - expected)[finite]
    # SciPy is not closer than this to the zeros between negative whole numbers
    assert (away < 1e-7 * np.abs(expected[finite]) + np.where(x < 0, 1e-13, 1e-14)[finite]).all()


@pytest.mark.parametrize("steps", [spread(-LARGEST, LARGEST), spread(-1, 1), spread(-1e-38, 1e-38)])
@pytest.mark.parametrize(("name", "exact"), [("rem", np.fmod), ("nextafter", np.nextafter)])
def test_remainders_and_neighbours_are_exact(name, exact, steps):
    x, y = spread(-LARGEST, LARGEST), np.random.default_rng(2).permutation(steps)
    found = computed(traced(FUNCTIONS[name].form, np.float32, np.float32), x, y)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found[y != 0].view(np.int32), exact(x, y)[y != 0].view(np.int32))


@pytest.mark.parametrize("y", [2, 3, 7, -1, -2, -5])
def test_whole_power_is_within_half_an_ulp_for_each_product_and_the_quotient(y):
    x = np.concatenate([spread(1e-5, 1e5), -spread(1e-5, 1e5)])  # x^|y| is a normal number
    assert apart("integer_pow", lambda x: x**y, x, y=y) < 6e-8 * (abs(y) + (y < 0))


def test_whole_power_of_whole_numbers_and_of_nothing():
    x = np.arange(-4, 5, dtype=np.int32)
    np.testing.assert_array_equal(computed(traced(FUNCTIONS["integer_pow"].form, np.int32, y=3), x), x**3)
    np.testing.assert_array_equal(computed(traced(FUNCTIONS["integer_pow"].form, np.int32, y=0), x), 1)


ENDS = np.array(
    [
        0,
        -0.0,
        1e-45,
        -1e-45,
        2.0**-126,
        1e-20,
        0.5,
        -0.5,
        1,
        -1,
        2.5,
        -2.5,
        89,
        -104,
        LARGEST,
        -LARGEST,
        np.inf,
        -np.inf,
        np.nan,
    ],
    np.float32,
)
WHOLE = np.array([2, -2, 3, -3, 2**24, 2**24 - 1, 1 - 2**24], np.float32)


@pytest.mark.parametrize(
    ("name", "exact"),
    {
        "acos": np.arccos,
        "acosh": np.arccosh,
        "asin": np.arcsin,
        "asinh": np.arcsinh,
        "atan": np.arctan,
        "atanh": np.arctanh,
        "cbrt": np.cbrt,
        "cosh": np.cosh,
        "digamma": special.digamma,
        "erf": special.erf,
        "erf_inv": special.erfinv,
        "erfc": special.erfc,
        "exp": np.exp,
        "exp2": np.exp2,
        "expm1": np.expm1,
        "is_finite": np.isfinite,
        "log": np.log,
        "log1p": np.log1p,
        "logistic": special.expit,
        "rsqrt": lambda x: 1 / np.sqrt(x),
        "sign": np.sign,
        "sinh": np.sinh,
        "square": np.square,
        "tanh": np.tanh,
    }.items(),
)
def test_ends_and_what_is_no_number(name, exact):
    found = computed(traced(FUNCTIONS[name].form), ENDS)
    with np.errstate(all="ignore"):
        expected = exact(ENDS.astype(np.float64)).astype(np.float32)
    np.testing.assert_allclose(found, expected, rtol=5e-7)
    zero = (expected == 0) & (name not in ("log1p", "erf_inv", "sign"))  # SciPy and NumPy lose the sign in the last two
    np.testing.assert_array_equal(np.signbit(found[zero]), np.signbit(expected[zero]))


@pytest.mark.parametrize(("name", "exact"), {"sin": np.sin, "cos": np.cos, "tan": np.tan}.items())
def test_angles_at_their_ends(name, exact):
    found = computed(traced(FUNCTIONS[name].form), ENDS)
    with np.errstate(all="ignore"):
        expected = np.where(np.abs(ENDS) > 2.0**50, np.nan, exact(ENDS.astype(np.float64))).astype(np.float32)
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    np.testing.assert_array_equal(np.signbit(found[:2]), np.signbit(expected[:2]))


def test_logarithm_of_gamma_at_its_ends():
    found = computed(traced(FUNCTIONS["lgamma"].form), ENDS)
    with np.errstate(all="ignore"):
        expected = special.gammaln(ENDS.astype(np.float64)).astype(np.float32)
    expected[-np.inf == ENDS] = np.inf  # of the C standard
    np.testing.assert_allclose(found, expected, rtol=1e-7)


@pytest.mark.parametrize(
    ("name", "exact"), {"pow": np.power, "atan2": np.arctan2, "rem": np.fmod, "nextafter": np.nextafter}.items()
)
def test_functions_of_two_numbers_at_their_ends_are_those_of_the_c_standard(name, exact):
    x, y = (each.ravel() for each in np.meshgrid(*2 * [np.concatenate([ENDS, WHOLE])]))
    found = computed(traced(FUNCTIONS[name].form, np.float32, np.float32), x, y)
    with np.errstate(all="ignore"):
        in_its_own = name == "nextafter"
        expected = (
            exact(x, y) if in_its_own else exact(*(each.astype(np.float64) for each in (x, y))).astype(np.float32)
        )
    normal = ~((np.abs(expected) < SMALLEST) & (name == "pow"))
    np.testing.assert_allclose(found[normal], expected[normal], rtol=5e-7)
    np.testing.assert_allclose(found[~normal], expected[~normal], atol=2e-45)
    np.testing.assert_array_equal(np.signbit(found[expected == 0]), np.signbit(expected[expected == 0]))


def test_signs_of_whole_numbers():
    x = np.arange(-2, 3, dtype=np.int32)
    np.testing.assert_array_equal(computed(traced(FUNCTIONS["sign"].form, np.int32), x), np.sign(x))


def test_what_saturates_never_goes_beyond_one():
    for name in ("tanh", "erf", "logistic"):
        assert np.abs(computed(traced(FUNCTIONS[name].form), spread(-30, 30))).max() == 1


OPERATIONS = {
    "acos": 28,
    "acosh": 37,
    "asin": 23,
    "asinh": 40,
    "atan": 24,
    "atan2": 34,
    "atanh": 40,
    "cbrt": 49,
    "cos": 29,
    "cosh": 21,
    "digamma": 106,
    "erf": 34,
    "erf_inv": 47,
    "erfc": 35,
    "exp": 17,
    "exp2": 16,
    "expm1": 23,
    "is_finite": 2,
    "lgamma": 149,
    "log": 26,
    "log1p": 30,
    "logistic": 20,
    "nextafter": 17,
    "pow": 87,
    "rem": 37,
    "rsqrt": 2,
    "sign": 4,
    "sin": 28,
    "sinh": 33,
    "square": 1,
    "tan": 27,
    "tanh": 19,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_number_of_operations(name):
    assert operations(name) == OPERATIONS[name]


def operations(name):
    """How many operations a number takes, reading its bits as an integer not counted."""
    arguments = (2 if name in ("atan2", "nextafter", "pow", "rem") else 1) * [np.float32]
    return sum(
        equation.primitive.name != "bitcast_convert_type"
        for equation in equations(traced(FUNCTIONS[name].form, *arguments).jaxpr)
    )
