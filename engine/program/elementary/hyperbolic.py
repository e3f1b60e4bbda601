"""Hyperbolic functions except `tanh`, and their inverses: float32 in and out, computed in float64."""

from __future__ import annotations

from math import factorial

import jax.numpy as jnp
import numpy as np

from engine.program.elementary.double import ONE, exp, log1p
from engine.program.elementary.exact import INF, NAN, Double, Single, as_double, as_single, polynomial, signed

_LARGE = np.float64(200.0)
_SINH = tuple(1 / factorial(2 * k + 1) for k in range(7))  # the series of sinh(x) / x by x^2


def sinh(x: Single) -> Single:
    """Hyperbolic sine, within 6.1e-8 of itself."""
    size, power = _exp_of_size(x)
    near = size * polynomial(_SINH, size * size)
    return signed(as_single(jnp.where(size < ONE, near, 0.5 * (power - ONE / power))), x)


def cosh(x: Single) -> Single:
    """Hyperbolic cosine, within 6.1e-8 of itself."""
    _, power = _exp_of_size(x)
    return as_single(0.5 * (power + ONE / power))


def _exp_of_size(x: Single) -> tuple[Double, Double]:
    """(|x|, exp |x|), with |x| clipped to 200, where exp is far beyond the range of float32."""
    size = jnp.abs(as_double(x))
    size = jnp.where(size > _LARGE, _LARGE, size)
    return size, exp(size)


def asinh(x: Single) -> Single:
    """Inverse of the hyperbolic sine, within 6.1e-8 of itself."""
    size = jnp.abs(as_double(x))
    square = size * size
    value = log1p(size + square / (ONE + jnp.sqrt(square + ONE)))
    return jnp.where(jnp.abs(x) < INF, signed(as_single(value), x), x)


def acosh(x: Single) -> Single:
    """Inverse of the hyperbolic cosine for x from 1 on, within 6.1e-8 of itself; NaN below 1."""
    above = as_double(x) - ONE
    value = as_single(log1p(above + jnp.sqrt(above * (above + 2.0))))
    return jnp.where(x >= 1.0, jnp.where(x < INF, value, x), NAN)


def atanh(x: Single) -> Single:
    """Inverse of the hyperbolic tangent, within 6.1e-8 of itself; infinite at -1 and 1, NaN beyond."""
    size = jnp.abs(as_double(x))
    value = signed(as_single(0.5 * log1p((size + size) / (ONE - size))), x)
    return jnp.where(size < ONE, value, jnp.where(size == ONE, x * INF, NAN))
