"""Powers and roots, in float32."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.lanes.elementary.exact import (
    INF,
    NAN,
    ONE,
    Floats,
    Numbers,
    Single,
    as_single,
    float_bits,
    fused,
    parts,
    polynomial,
    power_of_two,
    signed,
)
from engine.lanes.elementary.exponentials import EXP, reduced

# log 2 as a sum of two numbers; the product of the first with an exponent is exact
_LN2_HIGH, _LN2_LOW = np.float32(0.693359375), np.float32(-2.12194440e-4)
# (2 atanh(q) - 2 q) / q^3 as a polynomial in q^2, |q| up to 3 - 2 sqrt(2)
_ATANH = (0.6666666269302368, 0.40000972151756287, 0.2849878966808319, 0.24279043078422546)
# m^(-1/3) as a polynomial in m from 1 / sqrt(2) to 4 sqrt(2), within 1.7e-2
_INVERSE_ROOT = (1.3885040283203125, -0.47178107500076294, 0.10302714258432388, -0.00809191819280386)


def pow(x: Single, y: Numbers) -> Single:
    """x^y with the special cases of the C standard, within 2e-7 of itself where the result is a normal number.

    exp(y log |x|), and a sign; log |x| and its product with y are each held as a sum of two float32.
    """
    y = as_single(y)
    size = jnp.abs(x)
    high, low = _log_in_two(size)
    product = y * high
    rest = fused(y, low, fused(y, high, -product))
    value = _exp_in_two(product, rest)
    value = jnp.where((size == ONE) | (y == 0), ONE, value)
    whole, half = jnp.floor(y) == y, y * 0.5
    odd = whole & (jnp.floor(half) != half)
    value = jnp.where((float_bits(x) < 0) & odd, -value, value)
    return jnp.where((x < 0) & ~whole & (size < INF), NAN, value)


def _log_in_two(x: Single) -> tuple[Single, Single]:
    """log x for x not below 0, as a sum of two float32, within 2e-9 of itself; NaN and infinities stand in the first.

    x = 2^e m with log m = 2 atanh(q), q = (m - 1) / (m + 1).
    """
    exponent, m = parts(x)
    e = as_single(exponent)
    f = m - ONE
    inverse = ONE / (m + ONE)
    q = f * inverse
    twice = q + q
    q_rest = inverse * fused(-q, f, f - twice)
    squared = q * q
    twice_rest = q_rest + q_rest
    curve = fused(q, squared * polynomial(_ATANH, squared), fused(squared, twice_rest, twice_rest))
    high = fused(e, _LN2_HIGH, twice)
    low = fused(e, _LN2_HIGH, -high) + twice
    low = low + fused(e, _LN2_LOW, curve)
    total = high + low
    low = low - (total - high)
    total = jnp.where(x < INF, total, x)
    return jnp.where(x == 0, -INF, total), low


def _exp_in_two(x: Single, rest: Single) -> Single:
    """exp(x + rest) for |rest| below 1e-5; results below the normal numbers become subnormal, not 0."""
    r, exponent = reduced(x)
    r = r + rest
    half = (exponent >> 1) & np.int32(-(1 << 23))
    value = polynomial(EXP, r) * power_of_two(half) * power_of_two(exponent - half)
    value = jnp.where(x > 89.0, INF, value)
    return jnp.where(x < -104.0, np.float32(0.0), value)


def square(x: Numbers) -> Numbers:
    """x^2."""
    return x * x


def rsqrt(x: Floats) -> Floats:
    """1 / sqrt(x), within 1e-7 of itself."""
    return x.dtype.type(1) / jnp.sqrt(x)


def cbrt(x: Single) -> Single:
    """Cube root with the sign of x, within 7e-8 of itself.

    |x| = 8^k m with m from 1 / sqrt(2) to 4 sqrt(2). A polynomial for m^(-1/3) is refined once; then one Newton step
    for m^(1/3), whose residual is computed by fused multiply-adds.
    """
    size = jnp.abs(x)
    exponent, m = parts(size)
    third = ((exponent + 150) * 171 >> 9) - 50  # floor(e / 3)
    m = m * power_of_two((exponent - 3 * third) << 23)
    y = polynomial(_INVERSE_ROOT, m)
    away = fused(-m * y, y * y, ONE)
    y = y * polynomial((1.0, 1 / 3, 2 / 9), away)
    root = m * (y * y)
    squared = root * root
    residual = fused(-fused(root, root, -squared), root, fused(-squared, root, m))
    root = fused(residual, y * y * np.float32(1 / 3), root) * power_of_two(third << 23)
    return jnp.where((size > 0) & (size < INF), signed(root, x), x)
