"""Sums over rows: in machine code bit for bit as by NumPy, and right."""

import math

import numpy as np
import pytest

from engine.program import row_sums
from engine.risk.estimation import row_statistics

KINDS = "difference", "squares", "beyond", "above", "excess"


def both_ways(kind, size, x, y, units, numbers):
    """The sums by machine code and by NumPy."""
    found = np.empty((2, len(x), 3))
    row_sums.sums(kind, size, x, y, units, row_statistics.BLOCK, numbers, found[0])
    row_statistics.summed_by_numpy(kind, size, x, y, units, row_statistics.BLOCK, numbers, found[1])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [1, 2])
@pytest.mark.parametrize("units", [0, 1, 7, 9, 1001])
def test_machine_code_adds_up_as_numpy_does(dtype, kind, size, units):
    """Also of rows that lie apart, and that do not begin at a whole vector."""
    rng = np.random.default_rng([units, size])
    x, y = (rng.standard_normal((2, 3, size * units + 11)) * 100).astype(dtype)[..., 3:]
    x[0, : size * units // 2] = y[0, : size * units // 2]
    numbers = rng.standard_normal((3, 5))
    numbers[1] = 1, 0, 0, 0, 0
    one, other = both_ways(kind, size, x, y, units, numbers)
    assert np.array_equal(one, other)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, -0.0, 1e-42, 3e38])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_usual_number_is_added_up_alike(kind, value):
    x, y = np.random.default_rng(3).standard_normal((2, 2, 100)).astype(np.float32)
    x[0, 17] = y[1, 98] = value
    with np.errstate(all="ignore"):
        for scale in (2.0, 0.0):
            one, other = both_ways(kind, 2, x, y, 50, np.tile([1.0, 0.5, scale, 0.0, 0.1], (2, 1)))
            assert np.array_equal(one, other, equal_nan=True)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", KINDS[:-1])
@pytest.mark.parametrize("size", [1, 2])
def test_rows_without_others_are_added_up_alike(dtype, kind, size):
    """The term of y is left out where y is x and has no scale; an infinite x must not become NaN."""
    x = (np.random.default_rng(6).standard_normal((3, 101 * size)) * 100).astype(dtype)
    x[1:, 17] = np.inf
    numbers = np.tile([2.0, 0.5, 0.0, 0.0, 0.1], (3, 1))
    one, other = both_ways(kind, size, x, x, 101, numbers)
    assert np.array_equal(one, other) and not np.isnan(one).any()
    numbers[2, 2] = 1.0  # then infinity less infinity is NaN
    with np.errstate(all="ignore"):
        one, other = both_ways(kind, size, x, x, 101, numbers)
    assert np.array_equal(one, other, equal_nan=True) and np.isnan(one[2]).any() == (kind != "above")


@pytest.mark.parametrize("size", [1, 2])
def test_sums_are_those_of_exact_arithmetic(size, monkeypatch):
    """Over several blocks, and whatever the values are counted from."""
    monkeypatch.setattr(row_statistics, "BLOCK", 1000)
    rng = np.random.default_rng(5)
    x, y = rng.gamma(2, 1, (2, 2, 3700 * size)).astype(np.float32)
    made = row_statistics.Made.of("squares", x, np.array([1.0, 2.0]), 0.5) - row_statistics.Made.of(
        "squares", y, 3.0, np.array([1.0, 4.0])
    )
    found = row_statistics.sums(made, size, 3700, np.array([7.0, -3.0]))
    for row in range(2):
        scale, centre = (1.0, 4.0)[row], (1.0, 2.0)[row]
        values = [
            0.5 * (float(a) - centre) ** 2 - scale * (float(b) - 3.0) ** 2 for a, b in zip(x[row], y[row], strict=True)
        ]
        rest = [math.fsum(values[k : k + size]) - (7.0, -3.0)[row] for k in range(0, len(values), size)]
        for power in (1, 2, 3):
            exact, most = math.fsum(r**power for r in rest), math.fsum(abs(r) ** power for r in rest)
            assert abs(found[power - 1, row] - exact) <= 1e-14 * most


@pytest.mark.parametrize("kinds", [("f4", "f8"), ("f8", "f4"), (">f4", "f4"), ("f2", "f4"), ("f2", "f2")])
def test_values_of_other_types_are_taken_to_one(kinds, monkeypatch):
    """Single beside double precision, the other order of bytes, types that there is no machine code for."""
    rng = np.random.default_rng(8)
    x, y = (rng.standard_normal((2, 300)).astype(kind) for kind in kinds)
    made = row_statistics.Made.of("difference", x) - row_statistics.Made.of("difference", y)
    found = []
    for summing in (row_statistics.summed_by_numpy, row_sums.sums):
        monkeypatch.setattr(row_statistics, "summing", summing)
        found.append(row_statistics.sums(made, 2, 150, np.zeros(2)))
    assert np.array_equal(*found)
    assert np.allclose(found[0][0], (x.astype("f8") - y).sum(axis=1))
