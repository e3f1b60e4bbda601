"""Building blocks of the elementary functions: operations that IEEE 754 rounds correctly."""

from __future__ import annotations

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Real

from engine.lanes.hints import fused as fused

Floats = Float[Array, "..."]
Integers = Int[Array, "..."]
Numbers = Real[Array, "..."]
Single = Floats
"""Numbers in float32."""
Double = Floats
"""Numbers in float64."""


def polynomial(coefficients: Sequence[float], x: Floats) -> Floats:
    """Polynomial in x by Horner's rule, in the precision of x; coefficients from the constant term on."""
    number = x.dtype.type
    value = number(coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value = fused(value, x, number(coefficient))
    return value


def float_bits(x: Floats) -> Integers:
    """The bits of a floating-point number as a signed integer of the same width."""
    return jax.lax.bitcast_convert_type(x, np.dtype(f"int{8 * x.dtype.itemsize}"))


def from_bits(bits: Integers) -> Floats:
    """The floating-point number of the same width that has these bits: the inverse of `float_bits`."""
    return jax.lax.bitcast_convert_type(bits, np.dtype(f"float{8 * bits.dtype.itemsize}"))


def signed(size: Floats, like: Floats) -> Floats:
    """`size`, which is not negative, with the sign bit of `like`; the sign of -0 counts."""
    bits = float_bits(size)
    return from_bits(bits | (float_bits(like) & np.iinfo(bits.dtype).min))


def within(x: Single, limit: np.floating) -> Single:
    """x clipped to the interval from -limit to limit; NaN stays NaN."""
    x = jnp.where(x > limit, limit, x)
    return jnp.where(x < -limit, -limit, x)


_WHOLE = np.float32(1.5 * 2**23)
ONE, INF, NAN = np.float32(1.0), np.float32(np.inf), np.float32(np.nan)
_ONE_BITS = np.int32(127 << 23)
_ROOT_HALF = np.int32(0x3F3504F3)
_SMALLEST_NORMAL = np.float32(2.0**-126)


def nearest_whole(x: Single, factor: np.float32) -> tuple[Single, Integers]:
    """(n as float32, n 2^23 as int32), n the integer nearest to factor x, |n| below 2^22.

    The second, added to the bits of a float32, adds n to its exponent.
    """
    # the last bits of the sum with 1.5 2^23 are the integer
    shifted = fused(x, factor, _WHOLE)
    return shifted - _WHOLE, float_bits(shifted) << 23


def power_of_two(exponent: Integers) -> Single:
    """2^n, given n 2^23 as int32; n from -126 to 127."""
    return from_bits(exponent + _ONE_BITS)


def parts(x: Single) -> tuple[Integers, Single]:
    """(e, m) of a positive finite number x = 2^e m, subnormal ones included; m between sqrt(1/2) and sqrt(2)."""
    # subnormal numbers are scaled by 2^23 first
    bits = jnp.where(x < _SMALLEST_NORMAL, float_bits(x * 2.0**23) - np.int32(23 << 23), float_bits(x))
    return normal_parts(bits)


def normal_parts(bits: Integers) -> tuple[Integers, Single]:
    """(e, m) of a positive normal number 2^e m, given its bits; m between sqrt(1/2) and sqrt(2)."""
    exponent = (bits - _ROOT_HALF) >> 23
    return exponent, from_bits(bits - (exponent << 23))


def as_single(x: Numbers) -> Single:
    """The number in float32."""
    return x.astype(np.float32)


def as_double(x: Numbers) -> Double:
    """The number in float64."""
    return x.astype(np.float64)
