"""Approximation of a smooth function of a normal score by a polynomial for each sign, instead of a look-up table.

On a CPU a table look-up costs as much as the whole normal score, and interpolation takes four. Selecting 36
coefficients by the sign costs a third of one look-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float
from numpy.polynomial import chebyshev, polynomial

from engine.draws.limits import FARTHEST

DEGREE = 17
"""Degree of each polynomial.

Chebyshev coefficients of F^-1(Phi(z)) fall about 2.3-fold a degree: Phi has zeros near 1.9 +- 2.8i.
"""


def nodes(degree: int = DEGREE, reach: float = FARTHEST, parts: int = 1) -> Float[np.ndarray, "piece node"]:
    """Scores at which a function is evaluated for fitting, for either sign and each part of its range."""
    turn = np.cos(_turns(degree)) + 1.0
    size = reach / parts * (0.5 * turn + np.arange(parts)[:, None])
    return np.concatenate([-size, size])


def fit(
    function: Callable[[np.ndarray], np.ndarray], degree: int = DEGREE, reach: float = FARTHEST
) -> Float[np.ndarray, "sign degree"]:
    """Ascending coefficients of the polynomials, those for z < 0 first, then those for z >= 0.

    The argument of a polynomial is the position of |z| within its range, from -1 to 1.

    Args:
      function: float64 scores of any shape -> float64 values, finite.
      reach: the function is approximated from -reach to reach.
    """
    return fit_values(function(nodes(degree, reach)), degree)


def fit_values(values: Float[np.ndarray, "piece node"], degree: int = DEGREE) -> Float[np.ndarray, "piece degree"]:
    """As `fit`, from values of the function at `nodes` of any number of parts: truncated Chebyshev series, which
    approximate nearly best.
    """
    turn = _turns(degree)
    weights = (2.0 / len(turn)) * np.cos(np.arange(degree + 1)[:, None] * turn)
    weights[0] *= 0.5
    coefficients = np.zeros((len(values), degree + 1))
    for row, piece in zip(coefficients, values, strict=True):
        powers = chebyshev.cheb2poly(weights @ piece)  # leaves out trailing zero coefficients
        row[: len(powers)] = powers
    return coefficients


def _turns(degree: int) -> np.ndarray:
    count = 2 * degree + 6
    return np.pi * (np.arange(count) + 0.5) / count


def value(coefficients: Any, z: Any) -> Any:
    """Value at z of the polynomials of `fit` over the range to `FARTHEST`, in the dtype of z.

    Args:
      coefficients: [..., piece, degree] from `fit`, traced or not; the leading axes are those of z without its last.
      z: normal scores.
    """
    parts, count = coefficients.shape[-2] // 2, coefficients.shape[-1]
    size, upper = jnp.abs(z), z >= 0
    beyond = [size >= FARTHEST * k / parts for k in range(1, parts)]

    def of_part(values: Sequence[Any]) -> Any:
        chosen = values[0]
        for farther, other in zip(beyond, values[1:], strict=True):
            chosen = jnp.where(farther, other, chosen)
        return chosen

    def coefficient(power: int) -> Any:
        rows = [coefficients[..., piece, power, None] for piece in range(2 * parts)]
        return of_part([jnp.where(upper, rows[parts + part], rows[part]) for part in range(parts)])

    middles = of_part([jnp.ones_like(size), *(2.0 * part + 1.0 for part in range(1, parts))])
    t = size * (2.0 * parts / FARTHEST) - middles
    result = coefficient(count - 1)
    for power in range(count - 2, -1, -1):
        result = result * t + coefficient(power)
    return result


def value_on_host(coefficients: Float[np.ndarray, "piece degree"], z: np.ndarray) -> np.ndarray:
    """As `value`, in NumPy and for one function, in the common dtype of z and the coefficients."""
    parts, size = len(coefficients) // 2, np.abs(z)
    part = np.minimum(size * (parts / FARTHEST), parts - 1).astype(np.int64)
    t = size * z.dtype.type(2.0 * parts / FARTHEST) - (2 * part + 1).astype(z.dtype)
    result = np.zeros_like(z)
    for piece, polynomial_ in enumerate(coefficients):
        inside = (part == piece % parts) & ((z >= 0) == (piece >= parts))
        result[inside] = polynomial.polyval(t[inside], polynomial_)
    return result
