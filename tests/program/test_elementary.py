"""The engine's own functions against NumPy in float64, over all of their range and at its ends."""

import jax
import numpy as np
import pytest
from scipy import special

from engine.program.elementary import exp, log, logistic

RNG = np.random.default_rng(7)
NEAR_ONE = RNG.uniform(0.4, 2.5, 200_000)
ANYWHERE = np.exp(RNG.uniform(-87.3, 88.7, 200_000))
EXPONENTS = np.concatenate([RNG.uniform(-87.3, 88.7, 200_000), RNG.uniform(-1, 1, 200_000)])


@pytest.mark.parametrize(
    ("function", "exact", "x", "bound"),
    [
        (log, np.log, np.concatenate([NEAR_ONE, ANYWHERE]), 1.1e-7),
        (exp, np.exp, EXPONENTS, 1.5e-7),
        (logistic, special.expit, EXPONENTS, 2.5e-7),
    ],
)
def test_values_are_within_the_stated_bound(function, exact, x, bound):
    x = x.astype(np.float32)
    found, expected = np.asarray(jax.jit(function)(x), np.float64), exact(x.astype(np.float64))
    apart = np.abs(found - expected) / np.where(expected == 0, 1, np.abs(expected))
    assert apart.max() < bound


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (
            log,
            [1, 0, -0.0, -1, np.inf, -np.inf, np.nan],
            [0, -np.inf, -np.inf, np.nan, np.inf, np.nan, np.nan],
        ),
        (exp, [0, -0.0, 89, np.inf, -100, -np.inf, np.nan], [1, 1, np.inf, np.inf, 0, 0, np.nan]),
        (logistic, [0, 200, -200, np.inf, -np.inf, np.nan], [0.5, 1, 0, 1, 0, np.nan]),
    ],
)
def test_ends_and_what_is_no_number(function, x, expected):
    np.testing.assert_array_equal(jax.jit(function)(np.array(x, np.float32)), np.array(expected, np.float32))
