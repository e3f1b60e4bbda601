"""exp, log, sin and cos in float64, for functions that are computed in it and given back in float32."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from engine.program.elementary.exact import Double, float_bits, from_bits, fused, polynomial

LN2, LOG2_E = np.float64(np.log(2.0)), np.float64(1 / np.log(2.0))
HALF_PI, HALF_PI_REST = np.float64(np.pi / 2), np.float64(6.123233995736766e-17)
"""Half of pi as a sum of two numbers."""
ONE = np.float64(1.0)
_WHOLE = np.float64(1.5 * 2**52)
_WHOLE_AND_BIAS = np.float64(1.5 * 2**52 + 1023)
"""A whole number n is added to it: the last bits are those that the exponent of 2^n has."""
_ROOT_HALF, _ONE_BITS = np.int64(0x3FE6A09E667F3BCD), np.int64(1023 << 52)
# fdlibm's e_log.c: log 2 in two numbers, and (2 atanh(s) - 2 s) / s by s^2
_LN2_HIGH, _LN2_LOW = np.float64(6.93147180369123816490e-01), np.float64(1.90821492927058770002e-10)
_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
# exp(r) for |r| up to log(2) / 2, within 1e-12
_EXP = (
    0.9999999999997599, 0.999999999980469, 0.5000000000623314, 0.16666666886753223, 0.0416666642048814, 0.008333266768026575,
    0.0013889179864131154, 0.00019915569654228833, 2.4727042781573384e-05,
)  # fmt: skip
# sin(r) / r and cos(r) by r^2 for |r| up to pi / 4, within 1e-14 and 1e-13
_SIN = (
    0.9999999999999954, -0.16666666666614344, 0.00833333332356211, -0.000198412631501942, 2.7555243604827037e-06,
    -2.4754671460801124e-08,
)  # fmt: skip
_COS = (
    0.9999999999999336, -0.49999999999263883, 0.04166666653260913, -0.001388887987966542, 2.4798833104264773e-05,
    -2.7167192672220083e-07,
)  # fmt: skip


def nearest_whole(x: Double, factor: np.float64) -> tuple[Double, Int[Array, "..."]]:
    """The whole number nearest to factor x, where it is below 2^51, and an integer with its last bits."""
    shifted = fused(x, factor, _WHOLE)
    return shifted - _WHOLE, float_bits(shifted)


def exp(x: Double) -> Double:
    """exp(x), |x| up to 700, within 1e-12 of itself."""
    shifted = fused(x, LOG2_E, _WHOLE_AND_BIAS)
    power = from_bits(float_bits(shifted) << np.int64(52))
    # a product, as which bits NaN has is for each machine to decide
    return polynomial(_EXP, fused(shifted - _WHOLE_AND_BIAS, -LN2, x)) * power


def log(x: Double) -> Double:
    """log(x) of a positive normal number, within 3e-16 of itself or so."""
    exponent = _exponent(x)
    return _log_of_parts(exponent, from_bits(float_bits(x) - (exponent << np.int64(52))) - ONE)


def log1p(x: Double) -> Double:
    """log(1 + x), x not below 0 and below 2^1000, within 3e-16 of itself or so."""
    exponent = _exponent(x + ONE)
    scale = from_bits(_ONE_BITS - (exponent << np.int64(52)))
    return _log_of_parts(exponent, fused(x, scale, scale - ONE))


def _exponent(x: Double) -> Int[Array, "..."]:
    """e with x / 2^e within sqrt(1/2) and sqrt(2)."""
    return (float_bits(x) - _ROOT_HALF) >> np.int64(52)


def _log_of_parts(exponent: Int[Array, "..."], f: Double) -> Double:
    e = exponent.astype(np.int32).astype(np.float64)
    s = f / (f + np.float64(2.0))
    square = s * s
    half = np.float64(0.5) * f * f
    rest = fused(s, fused(square, polynomial(_LOG, square), half), e * _LN2_LOW)
    return fused(e, _LN2_HIGH, f - (half - rest))


def sin_and_cos(x: Double) -> tuple[Double, Double]:
    """(sin x, cos x), |x| up to pi / 4."""
    square = x * x
    return x * polynomial(_SIN, square), polynomial(_COS, square)


def sin_and_cos_of_turns(x: Double) -> tuple[Double, Double]:
    """(sin pi r, cos pi r), r the distance of x from the nearest whole number, with its sign; cos never below 0."""
    r = x - nearest_whole(x, ONE)[0]
    size = jnp.abs(r)
    steep = size > np.float64(0.25)
    sine, cosine = sin_and_cos(np.float64(np.pi) * jnp.where(steep, np.float64(0.5) - size, size))
    sine, cosine = jnp.where(steep, cosine, sine), jnp.where(steep, sine, cosine)
    return jnp.where(r < 0, -sine, sine), cosine
