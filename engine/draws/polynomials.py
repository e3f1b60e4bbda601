"""Approximation of a smooth function of a normal score by a polynomial for each sign, instead of a look-up table.

On a CPU a table look-up costs as much as the whole normal score, and interpolation takes four. Selecting 36
coefficients by the sign costs a third of one look-up.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev, polynomial

from engine.draws.limits import FARTHEST
from engine.draws.random_words import horner

DEGREE = 17
"""Degree of each polynomial.

Chebyshev coefficients of F^-1(Phi(z)) fall about 2.3-fold a degree: Phi has zeros near 1.9 +- 2.8i.
"""


def fit(
    function: Callable[[np.ndarray], np.ndarray], degree: int = DEGREE, reach: float = FARTHEST
) -> Float[np.ndarray, "sign degree"]:
    """Ascending coefficients of the polynomials, those for z < 0 first, then those for z >= 0.

    Truncated Chebyshev series, which approximate nearly best. The argument of a polynomial is the position of |z|
    within its range, from -1 to 1. Sums over nodes have the same bits on every processor; least squares do not.

    Args:
      function: float64 scores of any shape -> float64 values, finite.
      reach: the function is approximated from -reach to reach.
    """
    count = 2 * degree + 6
    turn = np.pi * (np.arange(count) + 0.5) / count
    size = reach * (0.5 * (np.cos(turn) + 1.0))
    weights = (2.0 / count) * np.cos(np.arange(degree + 1)[:, None] * turn)
    weights[0] *= 0.5
    coefficients = np.zeros((2, degree + 1))
    for row, side in zip(coefficients, function(np.stack([-size, size])), strict=True):
        powers = chebyshev.cheb2poly(weights @ side)  # leaves out trailing zero coefficients
        row[: len(powers)] = powers
    return coefficients


def value(coefficients: Any, z: Any) -> Any:
    """Value at z of the polynomials of `fit` over the range to `FARTHEST`, in the dtype of z.

    Args:
      coefficients: [..., sign, degree] from `fit`, traced or not; the leading axes are those of z without its last.
      z: normal scores.
    """
    upper, powers = z >= 0, range(coefficients.shape[-1])
    chosen = [jnp.where(upper, coefficients[..., 1, k, None], coefficients[..., 0, k, None]) for k in powers]
    return horner(chosen, jnp.abs(z) * (2.0 / FARTHEST) - 1.0)


def value_on_host(coefficients: Float[np.ndarray, "sign degree"], z: np.ndarray) -> np.ndarray:
    """As `value`, in NumPy and for one function, in the common dtype of z and the coefficients."""
    t = np.abs(z) * z.dtype.type(2.0 / FARTHEST) - z.dtype.type(1.0)
    below, above = (polynomial.polyval(t, side) for side in coefficients)
    return np.where(z < 0, below, above)
