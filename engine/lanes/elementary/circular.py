"""Trigonometric functions: float32 in and out, computed in float64."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.lanes.elementary.double import HALF_PI, HALF_PI_REST, nearest_whole, sin_and_cos
from engine.lanes.elementary.exact import Double, Integers, Single, as_double, as_single, fused

_FURTHEST = np.float32(2.0**50)


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
