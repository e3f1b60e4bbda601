"""Trigonometric functions and their inverses: float32 in and out, computed in float64."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from engine.program.elementary.double import HALF_PI, HALF_PI_REST, ONE, nearest_whole, sin_and_cos
from engine.program.elementary.exact import (
    Double,
    Integers,
    Single,
    as_double,
    as_single,
    float_bits,
    fused,
    polynomial,
    signed,
)

_PI = np.float64(np.pi)
_FURTHEST = np.float32(2.0**50)
# atan(z) / z as a polynomial in z^2, z up to 1, within 1e-11
_ATAN = (
    0.9999999999906533, -0.333333330053212, 0.19999980837583092, -0.14285271437560962, 0.11105741731285917,
    -0.09051620405074935, 0.07503962760159051, -0.06042635506047174, 0.04396726414460441, -0.026338622056024653,
    0.011646611737930988, -0.0032782978800391127, 0.000432957717425779,
)  # fmt: skip
# asin(z) / z as a polynomial in z^2, z up to 1/2, within 2e-11
_ASIN = (
    0.9999999999849033, 0.16666667421669354, 0.07499938198850192, 0.04466203559572518, 0.030092208685075537,
    0.024711546029826205, 0.007223819130143372, 0.03495156422555667,
)  # fmt: skip


def sin(x: Single) -> Single:
    """Sine, within 6.1e-8 of itself; NaN beyond 2^50, where neighbouring numbers are millions of turns apart."""
    sine, cosine, quadrant = _quadrant(x)
    return _as_far_as_known(x, _by_quadrant(quadrant, sine, cosine))


def cos(x: Single) -> Single:
    """Cosine, within 6.1e-8 of itself; NaN beyond 2^50, where neighbouring numbers are millions of turns apart."""
    sine, cosine, quadrant = _quadrant(x)
    return _as_far_as_known(x, _by_quadrant(quadrant + 1, sine, cosine))


def tan(x: Single) -> Single:
    """Tangent, within 6.1e-8 of itself; NaN beyond 2^50, where neighbouring numbers are millions of turns apart."""
    sine, cosine, quadrant = _quadrant(x)
    odd = (quadrant & 1) != 0
    return _as_far_as_known(x, jnp.where(odd, -cosine, sine) / jnp.where(odd, sine, cosine))


def _quadrant(x: Single) -> tuple[Double, Double, Integers]:
    """(sine of r, cosine of r, an integer with the last bits of n), where x = n pi / 2 + r with the least |r|."""
    wide = as_double(x)
    n, quadrant = nearest_whole(wide, np.float64(2 / np.pi))
    r = fused(n, -HALF_PI_REST, fused(n, -HALF_PI, wide))  # the inner fused multiply-add is exact
    return *sin_and_cos(r), quadrant


def _by_quadrant(quadrant: Integers, sine: Double, cosine: Double) -> Double:
    """sin(quadrant pi / 2 + r), given the sine and the cosine of r."""
    value = jnp.where((quadrant & 1) != 0, cosine, sine)
    return jnp.where((quadrant & 2) != 0, -value, value)


def _as_far_as_known(x: Single, value: Double) -> Single:
    return jnp.where(jnp.abs(x) <= _FURTHEST, as_single(value), np.float32(np.nan))


def asin(x: Single) -> Single:
    """Inverse of the sine, from -pi / 2 to pi / 2, within 6.1e-8 of itself; NaN beyond 1."""
    near, value = _arc(x)
    return signed(as_single(jnp.where(near, value, HALF_PI - 2.0 * value)), x)


def acos(x: Single) -> Single:
    """Inverse of the cosine, from 0 to pi, within 6.1e-8 of itself; NaN beyond 1."""
    near, value = _arc(x)
    beside = jnp.where(x < 0, HALF_PI + value, HALF_PI - value)
    return as_single(jnp.where(near, beside, jnp.where(x < 0, _PI - 2.0 * value, 2.0 * value)))


def _arc(x: Single) -> tuple[Array, Double]:
    """(whether |x| <= 1/2; asin |x| where so, elsewhere asin sqrt((1 - |x|) / 2), which is half of acos |x|)."""
    size = jnp.abs(as_double(x))
    near = size <= 0.5
    square = jnp.where(near, size * size, (ONE - size) * 0.5)
    return near, jnp.where(near, size, jnp.sqrt(square)) * polynomial(_ASIN, square)


def atan(x: Single) -> Single:
    """Inverse of the tangent, from -pi / 2 to pi / 2, within 6.1e-8 of itself."""
    size = jnp.abs(as_double(x))
    steep = size > ONE
    value = _flat_angle(jnp.where(steep, ONE / size, size))
    return signed(as_single(jnp.where(steep, HALF_PI - value, value)), x)


def atan2(y: Single, x: Single) -> Single:
    """Angle of the point (x, y), from -pi to pi, within 6.1e-8 of itself; zeros and infinities as in the C standard."""
    up, along = jnp.abs(as_double(y)), jnp.abs(as_double(x))
    steep = up > along
    less, more = jnp.where(steep, along, up), jnp.where(steep, up, along)
    slope = jnp.where(less == more, jnp.where(more == 0, more, ONE), less / more)
    value = _flat_angle(slope)
    value = jnp.where(steep, HALF_PI - value, value)
    return signed(as_single(jnp.where(float_bits(x) < 0, _PI - value, value)), y)


def _flat_angle(slope: Double) -> Double:
    """atan of a number from 0 to 1."""
    return slope * polynomial(_ATAN, slope * slope)
