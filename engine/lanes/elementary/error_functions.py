"""The error function, its complement and its inverse, in float32."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.lanes.elementary.exact import (
    INF,
    NAN,
    ONE,
    Single,
    as_single,
    float_bits,
    fused,
    nearest_whole,
    normal_parts,
    polynomial,
    power_of_two,
    signed,
)
from engine.lanes.elementary.exponentials import EXP, LN2, LN2_REST, LOG2_E, log_of_parts

_BRANCH, _END = np.float32(0.85), np.float32(3.95)
# erf(x) / x - 1 as a polynomial in x^2 up to `_BRANCH`, within 7e-9
_ERF_NEAR = (
    0.12837916612625122, -0.37612590193748474, 0.11282864958047867, -0.026807287707924843, 0.0050577037036418915,
    -0.0006348518654704094,
)  # fmt: skip
# -log(erfc(x)) / x - 1 as a polynomial in x above `_BRANCH`, within 4e-9 of erf
_ERF_FAR = (
    0.12852954864501953, 0.6356663703918457, 0.10533099621534348, -0.022934723645448685, 0.0032290336675941944,
    -0.00021570586250163615,
)  # fmt: skip
# exp(x^2) erfc(x) as a quotient of polynomials in x from 0 to 9.3, within 5e-9
_ERFCX = (
    (1.0, 1.2313262, 0.72420551, 0.22569978, 0.03206046),
    (1.0, 2.35970586, 2.38684033, 1.31155965, 0.4000725, 0.05682486),
)
# erf_inv(x) / x by w = -log(1 - x^2): in w - 2.5 below w = 5, in sqrt(w) - 3.125 above; within 1e-7
_INVERSE_CENTRE = (
    1.5014094114303589, 0.24664071202278137, -0.004177693743258715, -0.0012536939466372132, 0.0002185966877732426,
    -4.40051644545747e-06, -3.528052275214577e-06, 3.440379714447772e-07, 2.8496348412081927e-08,
)  # fmt: skip
_INVERSE_TAIL = (
    2.958320140838623, 1.0037174224853516, 0.007051171734929085, -0.005276203155517578, 0.0037638917565345764,
    -0.0026436035986989737, 0.0013519716449081898, -0.00010389566159574315, -0.00020253729599062353,
)  # fmt: skip
_LAST = np.float32(9.1946)  # the largest argument for which erfc is a normal number


def erf(x: Single) -> Single:
    """2 / sqrt(pi) times the integral of exp(-t^2) from 0 to x, within 1e-7 of itself.

    An odd polynomial up to 0.85, 1 - exp(-P(x)) above.
    """
    size = jnp.abs(x)
    near = fused(x, polynomial(_ERF_NEAR, x * x), x)
    size = jnp.where(size > _END, _END, size)
    power = fused(size, polynomial(_ERF_FAR, size), size)
    n, exponent = nearest_whole(power, -LOG2_E)
    r = fused(n, -LN2, -power)  # LN2_REST would not change the rounded 1 - exp(r)
    far = signed(ONE - polynomial(EXP, r) * power_of_two(exponent), x)
    return jnp.where(size > _BRANCH, far, near)


def erfc(x: Single) -> Single:
    """1 - erf(x), within 4.5e-7 of itself; 0 for x above 9.1946, where it would be subnormal.

    For positive x it is exp(-x^2) times a rational function, with the rounding error of x^2 corrected; for negative x
    it is 2 - erfc(-x).
    """
    size = jnp.abs(x)
    square = size * size
    n, exponent = nearest_whole(square, -LOG2_E)
    r = fused(n, -LN2_REST, fused(n, -LN2, -square)) - fused(size, size, -square)
    above, below = _ERFCX
    value = polynomial(EXP, r) * polynomial(above, size) / polynomial(below, size) * power_of_two(exponent)
    value = jnp.where(size > _LAST, np.float32(0.0), value)
    return jnp.where(x < 0, 2.0 - value, value)


def erf_inv(x: Single) -> Single:
    """The number whose error function is x, within 3e-7 of itself; infinite at -1 and 1, NaN beyond.

    The form of Giles (Approximating the erfinv function, GPU Computing Gems 2, 2012, ch. 10), refitted.
    """
    exponent, m = normal_parts(float_bits(fused(-x, x, ONE)))
    w = -log_of_parts(as_single(exponent), m - ONE)
    centre = polynomial(_INVERSE_CENTRE, w - 2.5)
    tail = polynomial(_INVERSE_TAIL, jnp.sqrt(w) - 3.125)
    value = jnp.where(w < 5.0, centre, tail)
    size = jnp.abs(x)
    return jnp.where(size < ONE, x * value, jnp.where(size == ONE, x * INF, NAN))
