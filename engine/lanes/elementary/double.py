"""exp, sin and cos in float64, used inside functions whose argument and result are float32."""

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


def sin_and_cos(x: Double) -> tuple[Double, Double]:
    """(sin x, cos x) for |x| up to pi / 4."""
    square = x * x
    return x * polynomial(_SIN, square), polynomial(_COS, square)
