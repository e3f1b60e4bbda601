"""Hyperbolic functions except `tanh`: float32 in and out, computed in float64."""

from __future__ import annotations

from math import factorial

import jax.numpy as jnp
import numpy as np

from engine.lanes.elementary.double import ONE, exp
from engine.lanes.elementary.exact import Double, Single, as_double, as_single, polynomial, signed

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
