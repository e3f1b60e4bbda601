"""exp, log, sin and cos in float64, used inside functions whose argument and result are float32."""

from __future__ import annotations

import numpy as np

from engine.lanes.elementary.exact import Double, Integers, float_bits, from_bits, fused, polynomial

LN2, LOG2_E = np.float64(np.log(2.0)), np.float64(1 / np.log(2.0))
HALF_PI, HALF_PI_REST = np.float64(np.pi / 2), np.float64(6.123233995736766e-17)
"""pi / 2 as the sum of its nearest float64 and the rounding error of that."""
ONE = np.float64(1.0)
_WHOLE = np.float64(1.5 * 2**52)
_WHOLE_AND_BIAS = np.float64(1.5 * 2**52 + 1023)
"""Added to an integer n, it gives a number whose last bits are the biased exponent of 2^n."""
_ROOT_HALF, _ONE_BITS = np.int64(0x3FE6A09E667F3BCD), np.int64(1023 << 52)
# fdlibm's e_log.c: log 2 as a sum of two numbers, and (2 atanh(s) - 2 s) / s as a polynomial in s^2
_LN2_HIGH, _LN2_LOW = np.float64(6.93147180369123816490e-01), np.float64(1.90821492927058770002e-10)
_LOG = (
    6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01, 2.222219843214978396e-01,
    1.818357216161805012e-01, 1.531383769920937332e-01, 1.479819860511658591e-01,
)  # fmt: skip
# exp(r) as a polynomial in r, |r| up to log(2) / 2, within 1e-12
_EXP = (
    0.9999999999997599,
    0.999999999980469,
    0.5000000000623314,
    0.16666666886753223,
    0.0416666642048814,
    0.008333266768026575,
    0.0013889179864131154,
    0.00019915569654228833,
    2.4727042781573384e-05,
)
# sin(r) / r and cos(r) as polynomials in r^2, |r| up to pi / 4, within 1e-14 and 1e-13
_SIN = (
    0.9999999999999954, -0.16666666666614344, 0.00833333332356211, -0.000198412631501942, 2.7555243604827037e-06,
    -2.4754671460801124e-08,
)  # fmt: skip
_COS = (
    0.9999999999999336, -0.49999999999263883, 0.04166666653260913, -0.001388887987966542, 2.4798833104264773e-05,
    -2.7167192672220083e-07,
)  # fmt: skip


def nearest_whole(x: Double, factor: np.float64) -> tuple[Double, Integers]:
    """The integer n nearest to factor x, |n| below 2^51: (n as float64, an int64 with the same last bits as n)."""
    shifted = fused(x, factor, _WHOLE)
    return shifted - _WHOLE, float_bits(shifted)


def exp(x: Double) -> Double:
    """exp(x) for |x| up to 700, within 1e-12 of itself."""
    shifted = fused(x, LOG2_E, _WHOLE_AND_BIAS)
    power = from_bits(float_bits(shifted) << 52)
    # multiplied, not added to the exponent: the bits of a NaN differ between machines
    return polynomial(_EXP, fused(shifted - _WHOLE_AND_BIAS, -LN2, x)) * power


def log(x: Double) -> Double:
    """log(x) of a positive normal number, within about 3e-16 of itself."""
    exponent = _exponent(x)
    return _log_of_parts(exponent, from_bits(float_bits(x) - (exponent << 52)) - ONE)


def log1p(x: Double) -> Double:
    """log(1 + x) for x from 0 to below 2^1000, within about 3e-16 of itself."""
    exponent = _exponent(x + ONE)
    scale = from_bits(_ONE_BITS - (exponent << 52))
    return _log_of_parts(exponent, fused(x, scale, scale - ONE))


def _exponent(x: Double) -> Integers:
    """The integer e for which x / 2^e lies between sqrt(1/2) and sqrt(2)."""
    return (float_bits(x) - _ROOT_HALF) >> 52


def _log_of_parts(exponent: Integers, f: Double) -> Double:
    e = exponent.astype(np.int32).astype(np.float64)
    s = f / (f + 2.0)
    square = s * s
    half = 0.5 * f * f
    rest = fused(s, fused(square, polynomial(_LOG, square), half), e * _LN2_LOW)
    return fused(e, _LN2_HIGH, f - (half - rest))


def sin_and_cos(x: Double) -> tuple[Double, Double]:
    """(sin x, cos x) for |x| up to pi / 4."""
    square = x * x
    return x * polynomial(_SIN, square), polynomial(_COS, square)
