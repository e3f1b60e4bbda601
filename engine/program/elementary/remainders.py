"""Remainders, signs and neighbours: exact."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Real

from engine.program.elementary.exact import Single, as_double, as_single, float_bits, from_bits, fused, signed

_PASSES = 6


def rem(x: Single, y: Single) -> Single:
    """x minus the whole multiple of y towards 0, exact: `fmod` of the C standard, with the sign of x.

    Each pass takes the nearest multiple in float64 away, without an error; the quotient, up to 2^277, loses 51 bits.
    """
    size, step = jnp.abs(as_double(x)), jnp.abs(as_double(y))
    inverse = np.float64(1.0) / step
    left = size
    for _ in range(_PASSES):
        times = jax.lax.round(left * inverse, jax.lax.RoundingMethod.TO_NEAREST_EVEN)
        left = fused(-times, step, left)
    left = jnp.where(left < 0, left + step, left)
    left = jnp.where(size < step, size, left)  # below infinity too
    return signed(as_single(left), x)


def sign(x: Real[Array, "..."]) -> Real[Array, "..."]:
    """-1, 0 or 1; what is no number stays so."""
    one = x.dtype.type(1)
    value = x if x.dtype.kind == "u" else jnp.where(x < 0, -one, x)
    return jnp.where(x > 0, one, value)


def is_finite(x: Real[Array, "..."]) -> Bool[Array, "..."]:
    """Whether a number is neither infinite nor NaN."""
    return jnp.abs(x) < x.dtype.type(np.inf)


def nextafter(x: Single, y: Single) -> Single:
    """The number next to x on the way to y."""
    bits = float_bits(x)
    away = (x < y) == (x > 0)  # from zero
    moved = from_bits(jnp.where(away, bits + np.int32(1), bits - np.int32(1)))
    least = from_bits(float_bits(y) & np.iinfo(np.int32).min | np.int32(1))
    moved = jnp.where(x == 0, least, moved)
    moved = jnp.where(x == y, y, moved)
    return jnp.where((x != x) | (y != y), x + y, moved)
