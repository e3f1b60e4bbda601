"""log |gamma(x)| and its derivative, the digamma function: float32 in and out, computed in float64."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from engine.program.elementary.double import ONE, log, sin_and_cos_of_turns
from engine.program.elementary.exact import INF, NAN, Single, as_double, as_single, fused, polynomial

_PI = np.float64(np.pi)
_HALF_LOG_TWO_PI = np.float64(0.5 * np.log(2 * np.pi))
_STEPS = 8
# Coefficients of 1 / z^2: Bernoulli numbers B_2k over 2k (2k - 1), and over 2k (Abramowitz and Stegun 6.1.41, 6.3.18)
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
_DERIVATIVE = (1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12)
_ALL_WHOLE = np.float64(2.0**23)


def lgamma(x: Single) -> Single:
    """log |gamma(x)|, within 1e-7 of itself or an absolute error of 1e-14.

    Infinite at 0, at negative integers and at infinity. By Stirling's series from 8 on, below by log gamma(x + 8) -
    log(x (x + 1) ... (x + 7)); for negative x by reflection, gamma(x) gamma(-x) = -pi / (x sin pi x).
    """
    wide = as_double(x)
    size = jnp.abs(wide)
    near = size < _STEPS
    product = size
    for k in range(1, _STEPS):
        product = product * (size + k)
    z = jnp.where(near, size + _STEPS, size)
    inverse = ONE / z
    value = fused(z - 0.5, log(z), fused(inverse, polynomial(_STIRLING, inverse * inverse), _HALF_LOG_TWO_PI - z))
    value = jnp.where(near, value - log(product), value)
    sine, _ = sin_and_cos_of_turns(size)
    value = jnp.where(x < 0, log(_PI / (size * jnp.abs(sine))) - value, value)
    value = jnp.where((x < 0) & ((sine == 0) | (size >= _ALL_WHOLE)) | (x == 0), np.float64(np.inf), value)
    return jnp.where(jnp.abs(x) < INF, as_single(value), jnp.abs(x))


def digamma(x: Single) -> Single:
    """Derivative of log gamma(x), within 1e-7 of itself or an absolute error of 1e-14.

    NaN at negative integers, infinite at 0. By the derivative of Stirling's series from 8 on, below by digamma(x + 8) -
    1 / x - ... - 1 / (x + 7); for negative x by reflection, digamma(x) = digamma(1 - x) - pi / tan(pi x).
    """
    wide = as_double(x)
    below = wide < 0
    size = jnp.where(below, ONE - wide, wide)
    above, product = ONE, size
    for k in range(1, _STEPS):
        step = size + k
        above, product = fused(above, step, product), product * step
    near = size < _STEPS
    z = jnp.where(near, size + _STEPS, size)
    inverse = ONE / z
    square = inverse * inverse
    value = log(z) - fused(square, polynomial(_DERIVATIVE, square), 0.5 * inverse)
    value = jnp.where(near, value - above / product, value)
    sine, cosine = sin_and_cos_of_turns(wide)
    whole = (sine == 0) | (jnp.abs(wide) >= _ALL_WHOLE)
    reflected = jnp.where(whole, np.float64(np.nan), _PI * cosine / sine)
    value = jnp.where(below, value - reflected, value)
    return jnp.where(jnp.abs(x) < INF, as_single(value), jnp.where(x > 0, x, NAN))
