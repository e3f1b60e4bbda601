"""exp, log and their relatives (exp2, expm1, log1p, logistic, tanh) in float32."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.lanes.elementary.exact import (
    INF,
    NAN,
    ONE,
    Floats,
    Integers,
    Single,
    as_single,
    float_bits,
    from_bits,
    fused,
    nearest_whole,
    normal_parts,
    parts,
    polynomial,
    power_of_two,
    within,
)

LN2, LN2_REST = np.float32(np.log(2)), np.float32(np.log(2) - np.float64(np.float32(np.log(2))))
LOG2_E = np.float32(1 / np.log(2))
EXP = (
    1.0,
    1.0,
    0.4999999403953552,
    0.1666652113199234,
    0.04166827350854874,
    0.008368685841560364,
    0.001382013550028205,
)
"""Coefficients of a polynomial for exp(r), |r| up to log(2) / 2, from the constant term on; within 3.2e-9 of itself."""
_EXP2 = (
    1.0, 0.6931471824645996, 0.24022647738456726, 0.05550359562039375, 0.009618505835533142, 0.0013391025131568313,
    0.0001532678143121302,
)  # fmt: skip
# (exp(r) - 1 - r) / r^2 as a polynomial in r
_EXPM1 = (
    0.5,
    0.1666666567325592,
    0.04166649281978607,
    0.008333544246852398,
    0.001393234240822494,
    0.00019763388263527304,
)
# (log(1 + f) - f) / f^2 as a polynomial in f, 1 + f within sqrt(1/2) and sqrt(2), within 3.2e-8 of log(1 + f)
_LOG = (
    -0.5, 0.3333390951156616, -0.2500133514404297, 0.199631005525589, -0.16577652096748352, 0.14914508163928986,
    -0.14266932010650635, 0.08700401335954666,
)  # fmt: skip
# tanh(x) / x as a quotient of polynomials in x^2, |x| up to 9.02, within 2.1e-8
_TANH = (
    (9.99999979e-01, 1.33797194e-01, 3.49403623e-03, 2.05835074e-05, 1.33191054e-08),
    (1.0, 4.67130346e-01, 2.58710797e-02, 3.28309552e-04, 7.76203373e-07),
)
_LOWEST, _HIGHEST = np.float32(-126 * np.log(2)), np.float32(128 * np.log(2) * (1 - 2.0**-24))


def exp(x: Single) -> Single:
    """exp(x), within 1e-7 of itself; 0 for x below -87.33, where exp x would be subnormal.

    x = n log 2 + r with |r| up to log(2) / 2, so that exp x = 2^n exp r.
    """
    r, exponent = reduced(x)
    value = from_bits(float_bits(polynomial(EXP, r)) + exponent)
    value = jnp.where(x < _LOWEST, np.float32(0.0), value)
    return jnp.where(x <= _HIGHEST, value, x + INF)  # NaN stays what it is


def exp2(x: Single) -> Single:
    """2^x, within 1e-7 of itself; 0 for x below -126, where 2^x would be subnormal."""
    n, exponent = nearest_whole(x, ONE)
    value = from_bits(float_bits(polynomial(_EXP2, x - n)) + exponent)
    value = jnp.where(x < -126.0, np.float32(0.0), value)
    return jnp.where(x < 128.0, value, x + INF)


def reduced(x: Single) -> tuple[Single, Integers]:
    """(r, n 2^23 as int32) with x = n log 2 + r, n the integer for which |r| is least."""
    n, exponent = nearest_whole(x, LOG2_E)
    return fused(n, -LN2_REST, fused(n, -LN2, x)), exponent


def expm1(x: Single) -> Single:
    """exp(x) - 1, within 1.5e-7 of itself.

    With n and r as in `exp`: 2^n (exp(r) - 1) + (2^n - 1), both halved so that n may be 128.
    """
    r, exponent = reduced(x)
    near = fused(r * r, polynomial(_EXPM1, r), r)
    half = from_bits(exponent + np.int32(126 << 23))
    value = fused(near, half, half - np.float32(0.5))
    value = value + value
    value = jnp.where(x < -20.0, -ONE, value)
    value = jnp.where(x > _HIGHEST, INF, value)
    return jnp.where(jnp.abs(x) > 2.0**-60, value, x)  # NaN and what halving would round


def log(x: Single) -> Single:
    """Natural logarithm, within 1e-7 of itself: -inf at 0, NaN below.

    x = 2^e (1 + f) with 1 + f within sqrt(1/2) and sqrt(2), so that log x = e log 2 + f + f^2 P(f).
    """
    exponent, m = parts(x)
    return _at_ends(log_of_parts(as_single(exponent), m - ONE), x, np.float32(0))


def _at_ends(value: Single, x: Single, zero: np.float32) -> Single:
    """A logarithm of a number that is 0 at x = `zero`: with its values at infinity, at 0 and below."""
    value = jnp.where(x < INF, value, x)
    return jnp.where(x > zero, value, jnp.where(x == zero, -INF, NAN))


def log2(x: Floats) -> Floats:
    """Binary logarithm, within 2e-7 of itself."""
    return jnp.log(x) / jnp.log(x.dtype.type(2))


def log_of_parts(exponent: Single, f: Single) -> Single:
    """log(2^e (1 + f)), where e is the exponent and 1 + f lies between sqrt(1/2) and sqrt(2)."""
    return fused(exponent, LN2, fused(f * f, polynomial(_LOG, f), f))


def log1p(x: Single) -> Single:
    """log(1 + x), within 1.5e-7 of itself: -inf at -1, NaN below.

    As `log` of 1 + x = 2^e (1 + f), with f = 2^-e x + (2^-e - 1) rounded once.
    """
    exponent, m = normal_parts(float_bits(x + ONE))
    scale = power_of_two(-(exponent << 23))
    f = jnp.where(x > np.float32(2.0**25), m - ONE, fused(x, scale, scale - ONE))
    return _at_ends(log_of_parts(as_single(exponent), f), x, -ONE)


def logistic(x: Floats) -> Floats:
    """1 / (1 + exp(-x)), within 2e-7 of itself; 0 below -88.72."""
    one = x.dtype.type(1)
    return one / (one + jnp.exp(-x))


def tanh(x: Single) -> Single:
    """Hyperbolic tangent, within 3.1e-7 of itself and never beyond 1."""
    x = within(x, np.float32(9.02))
    square = x * x
    above, below = _TANH
    return within(x * polynomial(above, square) / polynomial(below, square), ONE)
