"""What the C library has no function for, in double precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

_ONE = np.float64(1.0)


def integer_pow(x: Float[Array, "..."], y: int) -> Float[Array, "..."]:
    """x^y by squaring."""
    rest, result = abs(y), None
    while rest:
        if rest & 1:
            result = x if result is None else result * x
        x, rest = x * x, rest >> 1
    power = jnp.full_like(x, _ONE) if result is None else result
    return power if y >= 0 else _ONE / power


def logistic(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 / (1 + exp(-x))."""
    return _ONE / (_ONE + jnp.exp(-x))


def rsqrt(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """1 / sqrt(x)."""
    return _ONE / jnp.sqrt(x)


IN_DOUBLE: Mapping[str, Callable[..., Array]] = {
    "integer_pow": integer_pow, "logistic": logistic, "rsqrt": rsqrt,
}  # fmt: skip
"""Functions by the name of the operation in a jaxpr."""
