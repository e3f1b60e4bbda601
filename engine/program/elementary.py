"""Functions that models take often, in a form that a CPU computes in vectors at half the price of XLA's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from engine.draws.random_words import binary_parts, horner

_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# Minimax polynomial of (log(1 + f) - f + f^2 / 2) / f^3 for 1 + f from sqrt(1/2) to sqrt(2), relative to log(1 + f)
_LOG = (
    0.3333390951156616, -0.2500133812427521, 0.19963063299655914, -0.1657758504152298, 0.14914768934249878,
    -0.14267486333847046, 0.08700434863567352,
)  # fmt: skip
_SMALLEST = np.float32(2.0**-126)
# Minimax polynomial of (exp(r) - 1 - r) / r^2 for |r| up to log(2) / 2, relative to exp(r)
_EXP = (
    0.4999999403953552,
    0.1666652113199234,
    0.04166838899254799,
    0.008368716575205326,
    0.001381459878757596,
)
_WHOLE = np.float32(1.5 * 2**23)  # the last bits of its sum with a whole number are that number
_LOWEST, _HIGHEST = np.float32(-126 * np.log(2)), np.float32(128 * np.log(2) * (1 - 2.0**-24))


def log(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Natural logarithm in float32, within 1.1e-7 of itself.

    x = 2^e (1 + f) with 1 + f within sqrt(1/2) and sqrt(2), so that log x = e log 2 + f - f^2 / 2 + f^3 P(f). NaN below
    zero, -inf from zero to the smallest normal number (XLA on CPU takes what is smaller for zero).
    """
    power, f = binary_parts(x)
    square = f * f
    value = (square * (f * horner(_LOG, f)) + power * _LN2_LOW) - 0.5 * square
    value = power * _LN2_HIGH + (f + value)
    value = jnp.where(x == np.float32(np.inf), x, value)
    below = jnp.where(x >= 0, np.float32(-np.inf), np.float32(np.nan))
    return jnp.where(x >= _SMALLEST, value, below)


def exp(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """Exponential function in float32, within 1.5e-7 of itself; 0 below -87.3, where it is no normal number any more.

    x = n log 2 + r with |r| up to log(2) / 2, so that exp x = 2^n (1 + r + r^2 P(r)).
    """
    n = jnp.round(x * np.float32(1 / np.log(2)))
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    value = (horner(_EXP, r) * r) * r + r + 1.0
    power = jax.lax.bitcast_convert_type(n + _WHOLE, jnp.int32) << 23
    value = jax.lax.bitcast_convert_type(jax.lax.bitcast_convert_type(value, jnp.int32) + power, jnp.float32)
    value = jnp.where(x < _LOWEST, np.float32(0.0), value)
    return jnp.where(x <= _HIGHEST, value, x + np.float32(np.inf))  # NaN stays what it is


def logistic(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 / (1 + exp(-x)) in float32."""
    return 1.0 / (1.0 + exp(-x))


ON_PLATFORM: Mapping[str, Mapping[str, Callable[..., Array]]] = {
    "cpu": {"exp": exp, "log": log, "logistic": logistic}
}
"""What stands in for an operation of XLA in float32, by platform. A GPU has units of its own for most of them."""
